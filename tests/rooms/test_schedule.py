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
        ({**WEEKLY, "recurs": "FREQ=DAILY\nRDATE:20260101"}, "recurs"), ({**WEEKLY, "recurs": "x" * 300}, "recurs"),
        ({**WEEKLY, "recurs": "FREQ=WEEKLY;BYDAY=XX"}, "recurs"), ({**WEEKLY, "time_zone": "Mars/Base"}, "time zone"),
        ({**WEEKLY, "time_zone": "../../etc/passwd"}, "time zone"), ({"early_minutes": -1}, "early_minutes"),
        ({"starts": "0001-01-01T00:00"}, "year"), ({"starts": "9999-12-31T23:59"}, "year"),
    ],
)  # fmt: skip
def test_times_that_cannot_be(rules: dict, word: str) -> None:
    with pytest.raises(Invalid, match=word):
        RoomPolicy(**rules)


@pytest.mark.parametrize(
    "recurs",
    [
        "FREQ=DAILY;BYMONTH=2", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=MONTHLY;BYDAY=5MO", "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9",
        "FREQ=MONTHLY;BYSETPOS=1", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=YEARLY;BYDAY=1MO", "FREQ=YEARLY;BYEASTER=1",
        "FREQ=WEEKLY;INTERVAL=0", "FREQ=WEEKLY;COUNT=x", "FREQ=WEEKLY;FREQ=DAILY", "FREQ=", "INTERVAL=2", "",
        "FREQ=HOURLY", "FREQ=WEEKLY;BYHOUR=9", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=WEEKLY;UNTIL=tomorrow",
    ],
)  # fmt: skip
def test_what_may_never_come_again_is_refused_at_once(recurs: str) -> None:
    if recurs:
        with pytest.raises(Invalid, match="recurs"):
            RoomPolicy(**{**WEEKLY, "recurs": recurs})
    else:
        RoomPolicy(**{**WEEKLY, "recurs": recurs})


@pytest.mark.parametrize(
    ("recurs", "second"),
    [
        ("FREQ=DAILY;INTERVAL=3", "2026-03-26T09:00"), ("FREQ=DAILY;BYDAY=MO,FR", "2026-03-27T09:00"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-04-24T08:00"), ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-04-30T08:00"),
        ("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-04-30T08:00"),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=1MO", "2027-12-06T09:00"),
        ("FREQ=WEEKLY;INTERVAL=2;UNTIL=20300101T000000", "2026-04-06T08:00"),
    ],
)  # fmt: skip
def test_what_meetings_need(recurs: str, second: str) -> None:
    rules = RoomPolicy(**{**WEEKLY, "recurs": recurs})
    first = window(rules, at("2026-03-23T08:00"))
    assert first is not None
    following = window(rules, first.ends)
    assert following is not None and following.starts == at(second)


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


def test_the_entrance_number_leads_into_no_room_before_its_time_and_by_its_numbers() -> None:
    stage = Stage("daily", entrance=("4000",))
    stage.now = at("2026-03-23T08:00")
    stage.do(ask.CreateRoom("daily", numbers=["7001"], **WEEKLY))
    ana = stage.arrive("Ana", "4000")
    for digit in "7001#":
        stage.do(ask.NoteDigit("4000", ana, digit, 100))
    stage.rooms.fire(stage.now + 5)
    assert not stage.shown()["participants"] and not stage.shown()["waiting"] and not stage.rooms.get("daily").places
    stage.now = at("2026-03-23T09:10")
    bob = stage.arrive("Bob", "4000")
    for digit in "7001#":
        stage.do(ask.NoteDigit("4000", bob, digit, 100))
    stage.rooms.fire(stage.now + 5)
    assert [person["id"] for person in stage.shown()["participants"]] == [bob]
