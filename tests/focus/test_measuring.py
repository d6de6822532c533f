"""What the media of a call come to, from the workers' reports to the records."""

from __future__ import annotations

from typing import Any

from confserver.contract import LegClosed, LegReport, LegReports
from confserver.focus.outputs import Measured
from rooms.commands import CreateRoom, Move
from tests.focus.house import House, every, the


def report(leg: int, **figures: Any) -> LegReport:
    plain = {
        "received": 0, "sent": 0, "lost": 0, "late": 0, "concealed": 0, "discarded": 0, "jitter_ms": 0.0,
        "playout_ms": 40.0, "rtt_ms": -1.0, "ssrc": 1, "sequence": 1, "timestamp": 1,
    }  # fmt: skip
    return LegReport(leg=leg, **(plain | figures))


def reported(house: House, leg: int, **figures: Any) -> None:
    house.tell(LegReports(reports=[report(leg, **figures)], load=0.1, at=house.now))


def test_a_call_s_figures_are_told_when_it_ends_and_by_the_worker_s_last_word() -> None:
    house = House()
    call = house.enter()
    leg = house.leg(call).id
    reported(house, leg, received=100, sent=90, lost=2, jitter_ms=4.0, mos_in=4.4, mos_out=4.0, lost_out=1)
    reported(house, leg, received=200, sent=190, lost=8, jitter_ms=8.0, mos_in=3.0, mos_out=4.2, rtt_ms=25.0)
    left = the(Measured, house.bye(call))
    assert not left.is_last and left.figures.received == 200
    last = the(Measured, house.tell(LegClosed(leg=leg, report=report(leg, received=210, sent=200, lost=9))))
    told = last.figures
    assert last.is_last and last.participant == left.participant
    assert (told.codec, told.received, told.sent, told.lost, told.lost_out) == ("PCMU", 210, 200, 9, 0)
    assert (told.mos_in, told.least_mos_in, told.mos_out) == (3.7, 3.0, 4.1)
    assert told.jitter_ms == 4.0, "the mean of three reports"
    assert every(Measured, house.tell(LegClosed(leg=leg, report=report(leg)))) == [], "said once"


def test_a_short_call_has_the_last_word_alone() -> None:
    house = House()
    call = house.enter()
    leg = house.leg(call).id
    assert the(Measured, house.bye(call)).figures.received == 0
    last = the(Measured, house.tell(LegClosed(leg=leg, report=report(leg, received=42))))
    assert last.figures.received == 42


def test_counts_that_begin_anew_are_added() -> None:
    """The heir of a lost worker counts from nothing."""
    house = House()
    call = house.enter()
    leg = house.leg(call).id
    reported(house, leg, received=500, sent=500, lost=5)
    reported(house, leg, received=20, sent=20, lost=1)
    assert [each.received for each in house.focus.figures().values()] == [520]
    figures = the(Measured, house.bye(call)).figures
    assert (figures.received, figures.sent, figures.lost) == (520, 520, 6)


def test_nothing_is_told_of_who_never_came_in() -> None:
    house = House()
    call, _ = house.invite()
    assert every(Measured, house.cancel(call)) == []
    assert house.focus.figures() == {}


def test_who_moves_leaves_each_room_what_came_of_it_there() -> None:
    house = House()
    call = house.enter()
    house.order(CreateRoom("board"))
    leg = house.leg(call)
    reported(house, leg.id, received=500, sent=400, lost=5)
    moved = the(Measured, house.order(Move("standup", leg.participant, "board")))
    assert (moved.room, moved.figures.received, moved.is_last) == ("standup", 500, False)
    reported(house, leg.id, received=620, sent=500, lost=9)
    house.bye(call)
    last = the(Measured, house.tell(LegClosed(leg=leg.id, report=report(leg.id, received=630, sent=510, lost=9))))
    assert (last.room, last.figures.received, last.figures.sent, last.figures.lost) == ("board", 130, 110, 4)
