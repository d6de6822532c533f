"""What is counted of media while calls run: live, never backwards, whatever becomes of workers and legs."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from confserver.app.metrics.media import BOUNDS, CLASSES, FORGOTTEN_S, RunningMedia
from confserver.contract import Described, LegClosed, LegReport, LegReports

NOW = 1_700_000_000.0


def report(leg: int, received: int = 0, *, sent: int = 0, lost: int = 0, late: int = 0, **more: Any) -> LegReport:
    return LegReport(leg, received, sent, lost, late, 0, 0, 1.0, 40.0, -1.0, 7, 8, 9, **more)


def reports(*each: LegReport) -> LegReports:
    return LegReports(reports=list(each), load=0.1)


def worth(media: RunningMedia, direction: str = "in") -> dict[str, int]:
    return {name: count for way, name, count in media.worth() if way == direction and count}


def test_packets_are_counted_as_they_come() -> None:
    media = RunningMedia()
    media.hear(0, reports(report(1, 100, sent=90, lost=3, late=1), report(2, 10)), NOW)
    assert media.packets == {"received": 110, "sent": 90, "lost": 3, "late": 1}
    media.hear(0, reports(report(1, 350, sent=340, lost=4, late=1, lost_out=7)), NOW + 5)
    assert media.packets == {"received": 360, "sent": 340, "lost": 4, "late": 1, "lost_out": 7}
    media.hear(0, LegClosed(leg=1, report=report(1, 360, sent=350, lost=4, late=1, lost_out=7)), NOW + 6)
    assert media.packets["received"] == 370 and len(media) == 1
    media.hear(0, Described(token=1, counts={}), NOW)


def test_what_was_lost_and_comes_after_all_is_not_taken_back() -> None:
    """RFC 3550 6.4.1: the cumulative number of packets lost may go down."""
    media = RunningMedia()
    for lost in (5, 2, 4, 6):
        media.hear(0, reports(report(1, 100, lost=lost, lost_out=lost)), NOW)
    assert media.packets["lost"] == media.packets["lost_out"] == 6


def test_the_heir_of_a_lost_worker_goes_on_and_nothing_is_counted_twice() -> None:
    """It is told what was received, sent and lost (``contract.Resume``); packets that come late it counts anew."""
    media = RunningMedia()
    media.hear(0, reports(report(1, 100, sent=90, lost=3, late=2, lost_out=5)), NOW)
    media.hear(1, reports(report(2, 50)), NOW)
    media.lost(0)
    assert media.packets == {"received": 150, "sent": 90, "lost": 3, "late": 2, "lost_out": 5}
    media.hear(0, reports(report(1, 110, sent=101, lost=4, late=1, lost_out=6)), NOW + 5)
    media.hear(1, reports(report(2, 60)), NOW + 5)
    assert media.packets == {"received": 170, "sent": 101, "lost": 4, "late": 3, "lost_out": 6}


def test_under_another_ssrc_the_phone_counts_its_losses_anew() -> None:
    """RFC 3711 9.1: a protected leg goes on under another one."""
    media = RunningMedia()
    first = report(1, 100, lost_out=5)
    media.hear(0, reports(first), NOW)
    media.lost(0)
    media.hear(0, reports(msgspec.structs.replace(first, ssrc=first.ssrc + 1, lost_out=2)), NOW + 5)
    assert media.packets["lost_out"] == 7


def test_what_running_calls_are_worth_by_class_and_direction() -> None:
    media = RunningMedia()
    media.hear(0, reports(report(1, 9, mos_in=4.41, mos_out=2.0), report(2, 9, mos_in=4.1), report(3, 9)), NOW)
    assert worth(media) == {"best": 1, "high": 1} and worth(media, "out") == {"bad": 1}
    media.hear(0, reports(report(2, 9, mos_in=3.2)), NOW + 5)
    assert worth(media) == {"best": 1, "low": 1}, "the one of now alone"
    media.hear(0, LegClosed(leg=1, report=report(1, 9, mos_in=4.41)), NOW + 6)
    assert worth(media) == {"low": 1} and worth(media, "out") == {}
    media.lost(0)
    assert worth(media) == {}, "nobody knows until the heir tells"


def test_the_classes_are_those_of_g_109() -> None:
    """R 50, 60, 70, 80, 90 are these scores by G.107 Annex B (its table B.1)."""
    assert [round(bound, 2) for bound in BOUNDS] == [2.58, 3.1, 3.6, 4.02, 4.34]
    assert len(CLASSES) == len(BOUNDS) + 1


def test_legs_that_ended_with_a_lost_worker_are_forgotten() -> None:
    media = RunningMedia()
    media.hear(0, reports(*(report(leg, 10, mos_in=4.0) for leg in range(500))), NOW)
    media.lost(0)
    for second in range(0, int(3 * FORGOTTEN_S), 5):
        media.hear(0, reports(report(7, 10 + second, mos_in=4.0)), NOW + second)
    assert len(media) == 1 and media.packets["received"] == 5000 + int(3 * FORGOTTEN_S) - 5


STEPS = st.lists(
    st.tuples(st.sampled_from(["report", "report", "close", "lose"]), st.integers(0, 3), st.integers(0, 50)),
    max_size=60,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_counters_never_go_back_and_miss_nothing_that_was_told(steps: list[tuple[str, int, int]]) -> None:
    media, now, wanted = RunningMedia(), NOW, 0
    counts: dict[int, int] = {}
    """Of each leg; an heir goes on from there."""
    number = {leg: leg for leg in range(4)}
    for what, leg, more in steps:
        before, now = dict(media.packets), now + 1
        if what == "lose":
            media.lost(leg % 2)
        else:
            name = number[leg]
            counts[name] = counts.get(name, 0) + more
            wanted += more
            last = report(name, counts[name])
            if what == "close":
                media.hear(leg % 2, LegClosed(leg=name, report=last), now)
                number[leg] += 4
                counts.pop(name)
            else:
                media.hear(leg % 2, reports(last), now)
        assert all(media.packets[each] >= count for each, count in before.items())
    assert media.packets["received"] == wanted
