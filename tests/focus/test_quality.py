"""Quality in words: plays of reports, each trouble named once, and gone when it is mended."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from confserver.focus.quality import MEMORY, Change, Ward
from confserver.focus.troubles import RULES, Sample, shown

EVERY_S = 5.0
GOOD = {"packets": 250, "lost": 0, "late": 0, "lost_out": 0, "level_db": -26.0, "noise_db": -65.0, "jitter_ms": 3.0}


class Line:
    """A participant whose reports come every five seconds: what happens in each interval, and how it is then."""

    def __init__(self, ward: Ward | None = None, who: str = "p1", name: str = "Ana", codec: str = "PCMA") -> None:
        self.ward = ward if ward is not None else Ward()
        self.who, self.codec = who, codec
        self.at, self.counts = 1000.0, {"received": 0, "lost": 0, "late": 0, "sent": 0, "lost_out": 0}
        self.changes: list[Change] = []
        self.ward.admit(who, name)
        self.send(0.0, packets=0)

    def send(self, seconds: float = EVERY_S, **said: Any) -> list[Change]:
        now = GOOD | said
        packets, counts = now.pop("packets"), self.counts
        self.at += seconds
        counts["received"] += packets - now["lost"] if packets else 0
        counts["sent"] += now.pop("sent", 250 if seconds else 0)
        for name in ("lost", "late", "lost_out"):
            counts[name] += now.pop(name)
        told = counts | ({"lost_out": -1} if now.pop("tells_nothing", False) else {})
        sample = Sample(at=self.at, codec=self.codec, jitter_out_ms=now.pop("jitter_out_ms", 4.0), **told, **now)
        found = self.ward.take(self.who, sample)
        self.changes += found
        return found

    def go_on(self, count: int, **said: Any) -> None:
        for _ in range(count):
            self.send(**said)

    @property
    def told(self) -> list[tuple[str, bool]]:
        return [(change.finding.kind, change.is_wrong) for change in self.changes]


TROUBLES: dict[str, dict[str, Any]] = {
    "loss-in": {"lost": 15},
    "loss-out": {"lost_out": 15},
    "hears-nothing": {"lost_out": 250},
    "late": {"late": 12},
    "jitter-in": {"jitter_ms": 60.0},
    "jitter-out": {"jitter_out_ms": 60.0},
    "silent": {"packets": 0},
    "delay": {"rtt_ms": 900.0, "playout_ms": 60.0},
    "low": {"level_db": -48.0},
    "clipping": {"level_db": -4.0},
    "noise": {"noise_db": -38.0},
    "clock": {"skew_ppm": -700.0},
    "talks-muted": {"talks_muted": True},
}


def test_every_rule_has_its_play() -> None:
    assert {rule.kind for rule in RULES} == set(TROUBLES) | {"never-heard", "bursts"}
    assert len({rule.kind for rule in RULES}) == len(RULES)
    assert all(hidden in {rule.kind for rule in RULES} for rule in RULES for hidden in rule.hides)


@pytest.mark.parametrize("kind", TROUBLES)
def test_each_trouble_is_named_once_and_gone_when_mended(kind: str) -> None:
    line = Line()
    mended = {"rtt_ms": 40.0, "playout_ms": 40.0} if kind == "delay" else {}
    line.go_on(4, **mended)
    assert line.told == []
    line.go_on(12, **TROUBLES[kind])
    assert line.told == [(kind, True)], "once, however long it lasts"
    finding = line.changes[0].finding
    assert "Ana" in finding.text and finding.advice and "{" not in finding.text
    line.go_on(6, **mended)
    assert line.told == [(kind, True), (kind, False)]
    assert line.changes[1].finding == finding


MOMENTS = [kind for kind in TROUBLES if kind not in ("silent", "low", "noise", "clock", "delay")]


@pytest.mark.parametrize("kind", MOMENTS)
def test_a_moment_is_no_trouble(kind: str) -> None:
    """One bad window among good ones is not told of."""
    line = Line()
    for _ in range(4):
        line.send(**TROUBLES[kind])
        line.go_on(3)
    assert [change for change in line.told if change[0] == kind] == []


@pytest.mark.parametrize(("kind", "between"), [("loss-in", {"lost": 5}), ("jitter-in", {"jitter_ms": 32.0}),
                                               ("clipping", {"level_db": -10.0})])  # fmt: skip
def test_what_lies_between_the_limits_changes_nothing(kind: str, between: dict) -> None:
    line = Line()
    line.go_on(6, **between)
    assert line.told == []
    line.go_on(4, **TROUBLES[kind])
    line.go_on(20, **between)
    assert line.told == [(kind, True)]


def test_since_is_when_it_began() -> None:
    line = Line()
    line.go_on(4)
    began = line.at
    line.go_on(5, lost=20)
    assert line.changes[0].finding.since == began
    silent = Line()
    silent.go_on(2)
    began = silent.at
    silent.go_on(5, packets=0)
    assert silent.changes[0].finding.since == began


def test_the_words_name_value_side_and_the_other_way() -> None:
    line = Line()
    line.go_on(3)
    line.go_on(3, lost_out=15)
    found = line.changes[0].finding
    assert found.text == "Ana hears gaps: 6 % of what is sent there is lost; nothing on the way back"
    assert (found.side, found.way) == ("Ana's network", "out")
    assert "Wired instead of Wi-Fi" in found.advice and "Opus would bear losses better than PCMA" in found.advice
    both = Line(codec="opus")
    both.go_on(3, lost=25, lost_out=15)
    assert "and 6 % on the way there" in both.changes[0].finding.text
    assert "spare copies" in both.changes[0].finding.advice


def test_who_is_unheard_from_the_beginning_has_one_way_sound() -> None:
    line = Line()
    line.go_on(4, packets=0)
    assert line.told == [("never-heard", True)]
    assert "nobody hears Ana" in line.changes[0].finding.text and "firewall" in line.changes[0].finding.advice.lower()
    line.go_on(2)
    assert line.told[1:] == [("never-heard", False)]


@pytest.mark.parametrize("how", [{"sends": False}, {"packets": 5}])
def test_who_need_not_send_or_is_silent_by_dtx_is_not_missed(how: dict) -> None:
    line = Line()
    line.go_on(3)
    line.go_on(10, **({"packets": 0} | how))
    assert line.told == []


def test_reports_that_do_not_come_say_nothing() -> None:
    line = Line()
    line.go_on(10, tells_nothing=True, lost_out=250)
    assert line.told == []


def test_losses_in_bursts_are_told_as_such() -> None:
    line = Line()
    line.go_on(6)
    for _ in range(3):
        line.send(lost=40)
        line.go_on(4)
    assert line.told == [("bursts", True)]
    line.go_on(MEMORY + 1)
    assert line.told == [("bursts", True), ("bursts", False)]


def test_the_graver_finding_takes_the_place_of_the_lesser() -> None:
    line = Line()
    line.go_on(3)
    line.go_on(4, lost_out=20)
    line.go_on(4, lost_out=250)
    assert line.told == [("loss-out", True), ("hears-nothing", True), ("loss-out", False)]
    line.go_on(8)
    assert line.told[3:] == [("hears-nothing", False)]


def test_where_most_have_it_it_is_the_server_s() -> None:
    ward = Ward()
    lines = [Line(ward, f"p{number}", f"N{number}") for number in range(4)]
    for _ in range(4):
        for line in lines[:3]:
            line.send(lost=20)
        lines[3].send()
    sides = [line.changes[0].finding.side for line in lines[:3]]
    assert sides == ["N0's network", "N1's network", "this server's network"]


def test_counts_that_begin_anew_are_no_loss() -> None:
    line = Line()
    line.go_on(3)
    line.counts = dict.fromkeys(line.counts, 0)
    line.go_on(4)
    assert line.told == []


def test_reports_every_half_second_come_to_the_same() -> None:
    """While somebody watches a room, reports come ten times as often."""
    line = Line()
    for _ in range(60):
        line.send(0.5, packets=25, sent=25)
    for number in range(80):
        line.send(0.5, packets=25, sent=25, lost=2 if number % 2 else 1)
    for _ in range(60):
        line.send(0.5, packets=25, sent=25)
    assert line.told == [("loss-in", True), ("loss-in", False)]


def test_nothing_is_said_of_who_is_not_there() -> None:
    ward = Ward()
    line = Line(ward)
    line.go_on(2)
    ward.discharge("p1")
    line.go_on(8, lost=50)
    assert line.told == [] and len(ward) == 0
    ward.discharge("p1")


def ages() -> Iterator[dict[str, Any]]:
    """A long call over every trouble, one after another."""
    for trouble in TROUBLES.values():
        yield from itertools.repeat(trouble, 8)
        yield from itertools.repeat({"rtt_ms": 20.0, "playout_ms": 40.0}, 20)


def test_whatever_begins_ends_and_little_is_kept() -> None:
    line = Line()
    for _ in range(3):
        for said in ages():
            line.send(**said)
    open_now: set[str] = set()
    for kind, is_wrong in line.told:
        assert is_wrong == (kind not in open_now)
        open_now ^= {kind}
    assert open_now == set() and set(TROUBLES) <= {kind for kind, _ in line.told}
    window = line.ward._patients["p1"].window
    assert window is not None and len(window.losses_in) == MEMORY


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [("percent", 0.062, "6 %"), ("percent", 0.004, "0.4 %"), ("ms", 41.7, "42 ms"), ("db", -9.0, "-9 dB")],
)
def test_figures_in_words(kind: str, value: float, words: str) -> None:
    assert shown(kind, value) == words
