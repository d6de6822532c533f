"""Quality in words from the engine's own reports, over networks that go bad and are mended."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from confserver.focus.quality import Change, Ward
from confserver.focus.troubles import Sample
from tests.engine.hall import Hall, Phone, silence, tone

pytestmark = pytest.mark.slow

EVERY_S = 5
CLEAN: Callable[[int], tuple[float, ...]] = lambda number: (0.0,)  # noqa: E731


def lossy(share: float) -> Callable[[int], tuple[float, ...]]:
    chance = random.Random(7)
    return lambda number: () if chance.random() < share else (0.0,)


def uneven(seconds: float) -> Callable[[int], tuple[float, ...]]:
    chance = random.Random(7)
    return lambda number: (chance.uniform(0.0, seconds),)


def in_bursts(number: int) -> tuple[float, ...]:
    """Each 15 s half a second is gone."""
    return () if number % 750 > 725 else (0.0,)


def nothing(number: int) -> tuple[float, ...]:
    return ()


class Heard:
    def __init__(self, path: Callable[[int], tuple[float, ...]] = CLEAN) -> None:
        self.hall, self.ward = Hall(), Ward()
        self.hall.keep = False
        self.talker = self.hall.add(tone(400, 200), path=path)
        self.hall.add(silence(200))
        self.changes: list[Change] = []
        self.ward.admit("p1", "Ana")

    def listen(self, seconds: int) -> list[tuple[str, bool]]:
        begun = len(self.changes)
        for _ in range(seconds // EVERY_S):
            self.hall.run(EVERY_S)
            self.changes += self.ward.take("p1", self.sample(self.talker))
        return [(change.finding.kind, change.is_wrong) for change in self.changes[begun:]]

    def sample(self, phone: Phone) -> Sample:
        told = self.hall.report(phone)
        return Sample(
            self.hall.now, told.received, told.lost, told.late, told.sent, told.lost_out, told.jitter_ms,
            told.jitter_out_ms, told.rtt_ms, told.playout_ms, told.skew_ppm, codec="PCMU",
        )  # fmt: skip


@pytest.mark.parametrize(("path", "kind"), [(lossy(0.08), "loss-in"), (uneven(0.3), "jitter-in"), (nothing, "silent")])
def test_a_network_that_goes_bad_and_is_mended(path: Callable[[int], tuple[float, ...]], kind: str) -> None:
    heard = Heard()
    assert heard.listen(20) == []
    heard.talker.path = path
    told = heard.listen(30)
    assert told.count((kind, True)) == 1 and (kind, False) not in told
    heard.talker.path = CLEAN
    mended = heard.listen(40)
    assert mended.count((kind, False)) == 1
    assert {each for each, is_wrong in told + mended if is_wrong} == {
        each for each, is_wrong in told + mended if not is_wrong
    }


def test_losses_of_moments() -> None:
    assert ("bursts", True) in Heard(in_bursts).listen(60)


def test_who_is_never_heard() -> None:
    heard = Heard(nothing)
    assert heard.listen(20) == [("never-heard", True)]
    heard.talker.path = CLEAN
    assert heard.listen(10)[:1] == [("never-heard", False)]


@pytest.mark.parametrize("path", [CLEAN, lossy(0.005), uneven(0.02)])
def test_a_network_as_they_are_is_not_spoken_of(path: Callable[[int], tuple[float, ...]]) -> None:
    assert Heard(path).listen(60) == []
