"""Twenty seconds on every bad network, seeded: the delay has its bound, only what is lost is made up, nobody hears
himself. The table of levels, residues, losses and delays is printed (pytest -s).

Two who speak tones come by the same kind of network and hear each other; a third one, on a clean line, only listens.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tests.engine.hall import RATE, Hall, Phone, level_db, silence, tone
from tests.kit.whole import whole

pytestmark = pytest.mark.slow

HZ = (400.0, 650.0)
LEVEL_DB = 20 * np.log10(0.2)
SECONDS, SETTLED = 20, 4
SEGMENT_S = 0.2
MOST_DELAY_MS = 120.0
"""``media.most_delay_ms``."""
RESIDUE_DB = -60.0
AT_THE_END = 8
"""Packets whose fate is not told yet when the time is over, both talkers together."""
GROWING = 20
"""Frames made up while the depth has not yet grown to what the network is."""


@dataclass(frozen=True)
class Network:
    """``burst``: how many packets a loss takes on average; ``late``: the share that comes 40 ms behind."""

    name: str
    loss: float = 0.0
    burst: float = 1.0
    jitter_ms: float = 0.0
    late: float = 0.0
    double: float = 0.0
    least_db: float = -0.5
    """The median level of a tone may be so far below what was said."""

    def path(self, seed: int, lost: list[int]) -> Callable[[int], tuple[float, ...]]:
        """A network of two states (Gilbert): ``lost`` collects the numbers of what never comes."""
        chance, is_losing = random.Random(seed), False
        leave = 1.0 / self.burst
        enter = leave * self.loss / (1.0 - self.loss)

        def come(number: int) -> tuple[float, ...]:
            nonlocal is_losing
            is_losing = chance.random() >= leave if is_losing else chance.random() < enter
            delay = chance.uniform(0.0, self.jitter_ms / 1000) + 0.04 * (chance.random() < self.late)
            copies = 1 + (chance.random() < self.double)
            if is_losing:
                lost.append(number)
                return ()
            return (delay,) * copies

        return come


NETWORKS = (
    Network("clean"),
    Network("1 % lost", 0.01),
    Network("3 % lost", 0.03),
    Network("5 % lost", 0.05),
    Network("10 % lost", 0.10, least_db=-1),
    Network("20 % lost", 0.20, least_db=-2),
    Network("5 % in bursts of 3", 0.05, 3),
    Network("10 % in bursts of 5", 0.10, 5, least_db=-1),
    Network("20 % in bursts of 3", 0.20, 3, least_db=-2),
    Network("jitter of 20 ms", jitter_ms=20),
    Network("jitter of 40 ms", jitter_ms=40),
    Network("jitter of 60 ms", jitter_ms=60),
    Network("jitter of 100 ms", jitter_ms=100, least_db=-1),
    Network("one in 20 comes 40 ms late", late=0.05),
    Network("one in 10 comes twice", double=0.10),
    Network("all of it", 0.05, 2, 40, 0.03, 0.05, least_db=-1),
)


@dataclass(frozen=True)
class Found:
    """By one who listens on a clean line, and by one who talks."""

    level_db: float
    worst_db: float
    """Of all segments of 200 ms."""
    residue_db: float
    lost: int
    truly_lost: int
    late: int
    concealed: int
    delay_ms: tuple[float, float]
    """Median of five early seconds and of the last five."""

    def row(self, name: str, seed: int) -> str:
        return (
            f"{name:<27} {seed:>2}  {self.level_db:6.2f} {self.worst_db:6.1f} {self.residue_db:7.1f}  {self.lost:>4} "
            f"{self.truly_lost:>5} {self.late:>4} {self.concealed:>5}  {self.delay_ms[0]:5.1f} {self.delay_ms[1]:5.1f}"
        )


def heard(phone: Phone, hz: float) -> np.ndarray:
    sound = phone.sound(SETTLED, SECONDS - 1)
    size = int(SEGMENT_S * RATE)
    return np.array([level_db(part, hz) for part in sound[: len(sound) // size * size].reshape(-1, size)])


def measure(network: Network, seed: int) -> Found:
    hall, lost = Hall(), ([], [])
    talkers = [
        hall.add(tone(hz, SECONDS + 1), path=network.path(seed * 10 + place, lost[place]))
        for place, hz in enumerate(HZ)
    ]  # fmt: skip
    listener = hall.add(silence(1))
    delays = []
    for _ in range(SECONDS * 50):
        hall.tick()
        delays.append([hall.report(talker).playout_ms for talker in talkers])
    levels = np.concatenate([heard(listener, hz) for hz in HZ]) - LEVEL_DB
    reports = [hall.report(talker) for talker in talkers]
    own = [np.median(heard(talker, hz)) for talker, hz in zip(talkers, HZ, strict=True)]
    edges = np.median(delays[250:500]), np.median(delays[-250:])
    sent = [talker.number for talker in talkers]
    return Found(
        level_db=float(np.median(levels)),
        worst_db=float(levels.min()),
        residue_db=float(max(own)),
        lost=sum(report.lost for report in reports),
        truly_lost=sum(sum(number < count - 10 for number in which) for which, count in zip(lost, sent, strict=True)),
        late=sum(report.late for report in reports),
        concealed=sum(report.concealed for report in reports),
        delay_ms=(float(edges[0]), float(edges[1])),
    )


@pytest.mark.parametrize("seed", whole([1, 2], [1]))
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_twenty_seconds_on_a_bad_network(network: Network, seed: int) -> None:
    found = measure(network, seed)
    print(f"\n{found.row(network.name, seed)}")
    assert found.residue_db < RESIDUE_DB, "one's own voice"
    assert found.level_db > network.least_db
    if not network.double:  # a copy counts as received (RFC 3550 A.3)
        assert abs(found.lost - found.truly_lost) <= AT_THE_END + found.late, "what has come is not lost"
    if network.jitter_ms or network.late:
        most = found.truly_lost + found.late + AT_THE_END
        assert found.concealed <= most + GROWING, "and what stood still until the depth had grown"
    else:
        assert found.late == 0
        assert found.concealed <= found.truly_lost + AT_THE_END
        assert found.worst_db > -0.5 or network.loss
    assert max(found.delay_ms) < MOST_DELAY_MS
    assert found.delay_ms[1] < found.delay_ms[0] + 20, "by no more than a frame"
