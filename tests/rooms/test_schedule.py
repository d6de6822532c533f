"""When a room is open: once or again and again, in its own time zone, for those who come early, late, or stay."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.calendar import window
from rooms.errors import Invalid, NotOpen
from rooms.lifecycle import State
from rooms.policy import RoomPolicy
from tests.rooms.play import Stage, kinds

ROOM = "standup"
WEEKLY = {"starts": "2026-03-23T10:00", "ends": "2026-03-23T11:00", "recurs": "FREQ=WEEKLY;BYDAY=MO,WE",
          "time_zone": "Europe/Berlin"}  # fmt: skip


def at(text: str) -> float:
    """UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def scheduled(now: str, **rules: object) -> Stage:
    stage = Stage(ROOM)
    stage.now = at(now) - 1
    stage.do(ask.CreateRoom(ROOM, **rules))
    return stage


def fired(stage: Stage) -> list[tell.Event]:
    due = stage.rooms.next_deadline()
    assert due is not None
    stage.now = due
    return stage.rooms.fire(due)


# ---------------------------------------------------------------- the times
@pytest.mark.parametrize(
    ("now", "starts", "ends"),
    [
        ("2026-03-01T00:00", "2026-03-23T09:00", "2026-03-23T10:00"),
        ("2026-03-23T09:30", "2026-03-23T09:00", "2026-03-23T10:00"),
        ("2026-03-23T10:00", "2026-03-25T09:00", "2026-03-25T10:00"),
        ("2026-03-28T10:00", "2026-03-30T08:00", "2026-03-30T09:00"),
        ("2026-10-24T10:00", "2026-10-26T09:00", "2026-10-26T10:00"),
    ],
)
def test_ten_in_the_morning_is_ten_all_year(now: str, starts: str, ends: str) -> None:
    found = window(RoomPolicy(**WEEKLY), at(now))
    assert found is not None and (found.starts, found.ends) == (at(starts), at(ends))


def test_a_meeting_that_is_held_so_often_and_no_more() -> None:
    rules = RoomPolicy(**{**WEEKLY, "recurs": "FREQ=DAILY;COUNT=2"})
    assert window(rules, at("2026-03-23T12:00")).starts == at("2026-03-24T09:00")
    assert window(rules, at("2026-03-24T12:00")) is None


def test_one_without_an_end_goes_on() -> None:
    rules = RoomPolicy(starts="2026-03-23T10:00")
    assert window(rules, at("2030-01-01T00:00")).ends is None


def test_over_midnight_it_is_still_on() -> None:
    rules = RoomPolicy(starts="2026-03-23T23:00", ends="2026-03-24T01:00", recurs="FREQ=DAILY")
    assert window(rules, at("2026-05-02T00:30")).starts == at("2026-05-01T23:00")


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ({"starts": "tomorrow"}, "starts must be a local time"), ({"starts": "2026-03-23T10:00+01:00"}, "local time"),
        ({"ends": "2026-03-23T10:00"}, "starts must be given"), ({"recurs": "FREQ=DAILY"}, "starts must be given"),
        ({"starts": "2026-03-23T10:00", "ends": "2026-03-23T10:00"}, "ends must be after"),
        ({"starts": "2026-03-23T10:00", "recurs": "FREQ=DAILY"}, "ends must be given"),
        ({**WEEKLY, "recurs": "every Monday"}, "recurs cannot be"), ({**WEEKLY, "recurs": "FREQ=SECONDLY"}, "recurs"),
        ({**WEEKLY, "recurs": "FREQ=DAILY\nRDATE:20260101"}, "one RRULE"), ({**WEEKLY, "recurs": "x" * 300}, "RRULE"),
        ({**WEEKLY, "recurs": "FREQ=WEEKLY;BYDAY=XX"}, "recurs"), ({**WEEKLY, "time_zone": "Mars/Base"}, "time zone"),
        ({**WEEKLY, "time_zone": "../../etc/passwd"}, "time zone"), ({"early_minutes": -1}, "early_minutes"),
        ({"starts": "0001-01-01T00:00"}, "year"), ({"starts": "9999-12-31T23:59"}, "year"),
    ],
)  # fmt: skip
def test_times_that_cannot_be(rules: dict, word: str) -> None:
    with pytest.raises(Invalid, match=word):
        RoomPolicy(**rules)


@pytest.mark.parametrize("recurs", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"])
def test_what_never_comes_is_refused(recurs: str) -> None:
    with pytest.raises(Invalid, match="never comes"):
        RoomPolicy(**{**WEEKLY, "recurs": recurs})


def test_the_29th_of_february_comes() -> None:
    rules = RoomPolicy(**{**WEEKLY, "recurs": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"})
    assert window(rules, at("2028-03-01T00:00")).starts == at("2032-02-29T09:00")


# ---------------------------------------------------------------- who comes early
def test_before_its_time_a_room_says_when_it_opens() -> None:
    stage = scheduled("2026-03-23T08:00", **WEEKLY)
    with pytest.raises(NotOpen, match="opens at 2026-03-23 10:00 CET"):
        stage.reserve("Ana")
    assert stage.shown()["schedule"] == {
        "starts_at": at("2026-03-23T09:00"), "ends_at": at("2026-03-23T10:00"), "is_on": False
    }  # fmt: skip


def test_who_comes_a_little_early_waits_and_comes_in_by_himself() -> None:
    stage = scheduled("2026-03-23T08:55", **WEEKLY)
    ana = stage.reserve("Ana")
    events = stage.do(ask.Arrive(ROOM, ana))
    assert kinds(events)[:2] == [tell.ParticipantWaits, tell.Announced] and events[0].waits_for.value == "start"
    begun = fired(stage)
    assert stage.now == at("2026-03-23T09:00") and tell.ParticipantArrived in kinds(begun)
    assert stage.rooms.get(ROOM).state is State.ALONE


def test_when_all_meetings_are_over_the_room_is() -> None:
    stage = scheduled("2026-03-23T12:00", starts="2026-03-23T10:00", ends="2026-03-23T11:00")
    with pytest.raises(NotOpen, match="is over"):
        stage.reserve("Ana")
    assert stage.shown()["schedule"] is None


# ---------------------------------------------------------------- the end
def test_at_its_end_the_conference_ends() -> None:
    stage = scheduled("2026-03-23T09:30", **WEEKLY)
    ana = stage.arrive("Ana")
    ended: list[tell.Event] = []
    while tell.RoomEnding not in kinds(ended):
        ended = fired(stage)
    assert stage.now == at("2026-03-23T10:00")
    assert "time is over" in next(event for event in ended if isinstance(event, tell.RoomEnding)).cause
    stage.leave(ana)
    with pytest.raises(NotOpen, match="opens at 2026-03-25"):
        stage.reserve("Ana")


def test_or_lets_nobody_else_in() -> None:
    stage = scheduled("2026-03-23T09:30", **WEEKLY, at_end="lock")
    stage.arrive("Ana")
    assert tell.RoomLocked in kinds(fired(stage)) and stage.rooms.get(ROOM).state is State.ALONE
    assert stage.rooms.next_deadline() is None


def test_or_goes_on_and_lets_others_in() -> None:
    stage = scheduled("2026-03-23T09:30", **WEEKLY, at_end="run-on")
    stage.arrive("Ana")
    assert stage.rooms.next_deadline() is None
    stage.now = at("2026-03-23T10:30")
    assert stage.rooms.get(ROOM).state is State.ALONE and stage.arrive("Bob")


def test_other_times_hold_at_once() -> None:
    stage = scheduled("2026-03-23T08:55", **WEEKLY)
    ana = stage.arrive("Ana")
    assert stage.shown()["waiting"]
    stage.do(ask.ChangeRoom(ROOM, starts=None, ends=None, recurs=None))
    assert not stage.shown()["waiting"] and stage.person(ana)
    assert stage.rooms.next_deadline() is None


# ---------------------------------------------------------------- other names
def test_a_room_is_called_by_its_numbers_too() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, numbers=["7001", "+4930123", "Daily"]))
    assert {stage.rooms.named(each) for each in ("7001", "+4930123", "daily", "DAILY", ROOM)} == {ROOM}
    assert stage.rooms.named("7002") == "7002"
    with pytest.raises(Invalid, match=r"7001 is standup's already"):
        stage.do(ask.CreateRoom("board", numbers=["7001"]))
    with pytest.raises(Invalid, match="standup is a room's name"):
        stage.do(ask.CreateRoom("board", numbers=[ROOM]))
    with pytest.raises(Invalid, match="7001 is standup's"):
        stage.do(ask.CreateRoom("7001"))
    stage.do(ask.ChangeRoom(ROOM, numbers=["7003"]))
    assert (stage.rooms.named("7001"), stage.rooms.named("7003")) == ("7001", ROOM)
    stage.do(ask.RemoveRoom(ROOM))
    assert stage.rooms.named("7003") == "7003"


@pytest.mark.parametrize("numbers", [["a!b"], [""], ["7001", "7001"], [str(number) for number in range(60)]])
def test_numbers_that_cannot_be(numbers: list[str]) -> None:
    with pytest.raises(Invalid, match="numbers"):
        Stage(ROOM).do(ask.CreateRoom(ROOM, numbers=numbers))
