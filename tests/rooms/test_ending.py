"""Ends that a room comes to by itself: no moderator, only robots, time is up, nobody speaks; warned of, put off."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Forbidden, Invalid
from rooms.participant import Actor, Role
from tests.rooms.play import HOST, kinds
from tests.rooms.test_door import Door, said


def ended(events: list[tell.Event]) -> list[str]:
    return [each.cause for each in events if isinstance(each, tell.RoomEnding)]


def planned(events: list[tell.Event]) -> list[str]:
    return [each.cause for each in events if isinstance(each, tell.EndPlanned)]


# ------------------------------------------------------------------ time limit
def test_the_time_limit_is_told_and_kept() -> None:
    door = Door(time_limit_s=600)
    door.come("Ana")
    opened = door.shown()["opened_at"]
    assert planned(door.events) == ["time limit"] and said(door.events) == [], "nobody is warned ten minutes before"
    assert door.shown()["ends_at"] == opened + 600 and door.shown()["ends_because"] == "time limit"
    events = door.pass_time(595)
    assert said(events) == [
        "prompt:ends-in",
        "number:5",
        "prompt:minutes",
        "prompt:ends-in",
        "number:1",
        "prompt:minute",
    ]
    assert ended(events) == [] and ended(door.pass_time(10)) == ["time limit"]


def test_without_rules_a_room_does_not_end() -> None:
    door = Door()
    door.come("Ana")
    assert door.rooms.next_deadline() is None and door.pass_time(1e6) == []
    with pytest.raises(Conflict):
        door.do(ask.Extend(door.room), HOST)


def test_a_room_that_is_empty_again_begins_anew() -> None:
    door = Door(time_limit_s=600)
    door.leave(door.come("Ana"))
    assert door.rooms.next_deadline() is None and door.shown()["ends_at"] is None
    door.pass_time(500)
    door.come("Ana")
    assert ended(door.pass_time(590)) == []


def test_extension_puts_the_end_off_and_is_warned_of_again() -> None:
    door = Door(time_limit_s=600)
    door.come("Ana")
    door.pass_time(580)
    events = door.do(ask.Extend(door.room, 10), HOST)
    assert [each.minutes for each in events if isinstance(each, tell.EndPutOff)] == [10]
    assert said(events) == ["prompt:goes-on"]
    events = door.pass_time(590)
    assert said(events).count("prompt:ends-in") == 2 and ended(events) == []
    assert ended(door.pass_time(60)) == ["time limit"]


@pytest.mark.parametrize("minutes", [0, -5, 481])
def test_extensions_that_cannot_be(minutes: int) -> None:
    door = Door(time_limit_s=600)
    door.come("Ana")
    with pytest.raises(Invalid):
        door.do(ask.Extend(door.room, minutes), HOST)


def test_only_moderators_extend() -> None:
    door = Door(time_limit_s=600)
    ana = door.come("Ana")
    with pytest.raises(Forbidden):
        door.do(ask.Extend(door.room), Actor("Ana", Role.PARTICIPANT, ana))


def test_the_rule_may_come_and_go_meanwhile() -> None:
    door = Door()
    door.come("Ana")
    assert planned(door.do(ask.ChangeRoom(door.room, time_limit_s=100), HOST)) == ["time limit"]
    assert planned(door.do(ask.ChangeRoom(door.room, time_limit_s=None), HOST)) == [""]
    assert door.rooms.next_deadline() is None


# ------------------------------------------------------------------ the moderator
def test_when_the_last_moderator_leaves_the_others_are_told_and_have_a_while() -> None:
    door = Door(end_when_moderator_leaves=True, moderator_pin="9876", end_grace_s=60)
    host = door.come("Host", pin="9876")
    door.come("Ana")
    events = door.leave(host)
    assert planned(events) == ["the moderator has left"] and said(events)[:2] == ["prompt:ends-in", "number:1"]
    assert ended(door.pass_time(58)) == [] and ended(door.pass_time(5)) == ["the moderator has left"]


def test_it_goes_on_when_he_comes_back() -> None:
    door = Door(end_when_moderator_leaves=True, moderator_pin="9876", end_grace_s=60)
    host = door.come("Host", pin="9876")
    door.come("Ana")
    door.leave(host)
    door.pass_time(30)
    door.come("Host", pin="9876")
    assert planned(door.events) == [""] and "prompt:goes-on" in said(door.events)
    assert ended(door.pass_time(600)) == []


def test_a_room_that_never_had_a_moderator_waits_for_none() -> None:
    door = Door(end_when_moderator_leaves=True)
    door.come("Ana")
    assert door.pass_time(10_000) == []


def test_a_moderator_made_in_the_grace_time_saves_it_and_one_of_two_may_leave() -> None:
    door = Door(end_when_moderator_leaves=True, moderator_pin="9876")
    hosts = [door.come("Host", pin="9876"), door.come("Second", pin="9876")]
    ana = door.come("Ana")
    assert planned(door.leave(hosts[0])) == []
    assert planned(door.leave(hosts[1])) == ["the moderator has left"]
    assert planned(door.do(ask.Promote(door.room, ana), HOST)) == [""]


# ------------------------------------------------------------------ robots
def test_robots_among_themselves_are_ended() -> None:
    door = Door(end_when_only_robots=True, robots=["*recorder*"], end_grace_s=30)
    ana = door.come("Ana")
    door.come("Recorder-7")
    assert planned(door.leave(ana)) == ["only robots remain"]
    assert ended(door.pass_time(31)) == ["only robots remain"]


def test_a_robot_that_comes_first_waits_for_people() -> None:
    door = Door(end_when_only_robots=True, robots=["*recorder*"])
    door.come("Recorder")
    assert ended(door.pass_time(600)) == []
    door.come("Ana")
    assert ended(door.pass_time(600)) == []


def test_a_robot_is_known_by_its_phone() -> None:
    door = Door(end_when_only_robots=True, robots=["bot/*"])
    ana = door.come("Ana")
    door.come("Innocent", agent="Bot/1.0")
    assert planned(door.leave(ana)) == ["only robots remain"]


# ------------------------------------------------------------------ silence
def test_silence_ends_a_room_and_any_voice_saves_it() -> None:
    door = Door(silent_minutes=10)
    ana = door.come("Ana")
    door.pass_time(500)
    door.do(ask.NoteTalking(door.room, ana, True))
    assert ended(door.pass_time(5000)) == [], "he talks all the time"
    door.do(ask.NoteTalking(door.room, ana, False))
    events = door.pass_time(590)
    assert ended(events) == [] and said(events).count("prompt:ends-in") == 2
    assert ended(door.pass_time(20)) == ["nobody speaks"]


# ------------------------------------------------------------------ together
def test_the_nearest_end_counts() -> None:
    door = Door(time_limit_s=100, silent_minutes=1, end_warnings_s=[])
    door.come("Ana")
    assert ended(door.pass_time(61)) == ["nobody speaks"]
    door = Door(time_limit_s=30, silent_minutes=1, end_warnings_s=[])
    door.come("Ana")
    assert ended(door.pass_time(61)) == ["time limit"]


def test_nobody_comes_in_while_it_ends_and_all_is_gone_after() -> None:
    door = Door(time_limit_s=30, lobby="strangers", end_warnings_s=[10])
    ana, bob = door.come("Ana", is_verified=True), door.come("Bob")
    events = door.pass_time(31)
    assert ended(events) == ["time limit"]
    door.do(ask.Admit(door.room, bob), HOST)
    assert door.present() == [ana], "the door is closed"
    door.leave(bob)
    assert tell.RoomClosed in kinds(door.leave(ana)) and door.rooms.next_deadline() is None


def test_states_of_a_room_whose_people_wait() -> None:
    door = Door(wait_for_moderator=True, moderator_pin="9876")
    ana = door.come("Ana")
    assert door.shown()["state"] == "waiting"
    host = door.come("Host", pin="9876")
    assert door.shown()["state"] == "live"
    door.leave(ana)
    assert door.shown()["state"] == "alone"
    door.do(ask.ChangeRoom(door.room, lobby="all"), HOST)
    bob = door.come("Bob")
    door.leave(host)
    assert door.shown()["state"] == "waiting"
    door.leave(bob)
    assert door.shown()["state"] == "empty"


@pytest.mark.parametrize(
    "rules",
    [
        {"end_grace_s": -1}, {"time_limit_s": -1}, {"silent_minutes": 2000}, {"end_warnings_s": [1]},
        {"end_warnings_s": [60] * 11}, {"robots": [""]}, {"end_warnings_s": ["soon"]},
    ],
)  # fmt: skip
def test_rules_that_cannot_be(rules: dict[str, object]) -> None:
    with pytest.raises(Invalid, match=next(iter(rules))):
        Door(**rules)
