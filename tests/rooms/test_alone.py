"""A room in which one has been alone for long ends: the lonely-user timer of other servers."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms.errors import Invalid
from tests.rooms.play import HOST
from tests.rooms.test_door import Door, said
from tests.rooms.test_ending import ended, planned

WHY = "nobody else is there"


def test_who_is_left_alone_for_so_long_ends_the_room() -> None:
    door = Door(alone_minutes=10)
    ana, bob = door.come("Ana"), door.come("Bob")
    assert ended(door.pass_time(7200)) == [] and door.shown()["ends_at"] is None, "two may stay as long as they like"
    assert planned(door.leave(bob)) == [WHY]
    assert door.shown()["ends_at"] == door.now + 600 and door.shown()["ends_because"] == WHY
    events = door.pass_time(599)
    assert ended(events) == [] and said(events).count("prompt:ends-in") == 2
    assert ended(door.pass_time(1)) == [WHY] and door.present() == [ana]


def test_who_comes_first_and_waits_in_vain_too() -> None:
    door = Door(alone_minutes=1, end_warnings_s=[])
    door.come("Ana")
    assert ended(door.pass_time(59)) == [] and ended(door.pass_time(1)) == [WHY]


def test_who_comes_back_in_time_saves_it_and_the_next_time_is_whole() -> None:
    door = Door(alone_minutes=10)
    door.come("Ana")
    door.pass_time(590)
    bob = door.come("Bob")
    assert planned(door.events) == [""] and said(door.events) == ["prompt:goes-on"]
    assert ended(door.pass_time(600)) == []
    door.leave(bob)
    assert ended(door.pass_time(599)) == [] and ended(door.pass_time(1)) == [WHY]


def test_it_can_be_put_off_and_that_is_forgotten_once_somebody_has_come() -> None:
    door = Door(alone_minutes=10, end_warnings_s=[])
    door.come("Ana")
    door.do(ask.Extend(door.room, 5), HOST)
    assert ended(door.pass_time(890)) == []
    door.leave(door.come("Bob"))
    assert ended(door.pass_time(599)) == [] and ended(door.pass_time(1)) == [WHY]


def test_somebody_at_the_door_is_somebody() -> None:
    door = Door(alone_minutes=1, lobby="strangers", knock_s=300)
    door.come("Ana", is_verified=True)
    bob = door.come("Bob")
    assert door.waits() and ended(door.pass_time(120)) == []
    door.leave(bob)
    assert ended(door.pass_time(60)) == [WHY]


def test_so_is_somebody_who_is_called() -> None:
    door = Door(alone_minutes=1)
    door.come("Ana")
    door.do(ask.Dial(door.room, "sip:bob@10.0.0.2"), HOST)
    [called] = door.shown()["dialling"]
    assert ended(door.pass_time(120)) == []
    door.do(ask.NoteDialFailed(door.room, called["id"], "no answer", 0))
    assert ended(door.pass_time(60)) == [WHY]


def test_so_are_those_in_breakout_rooms() -> None:
    door = Door(alone_minutes=1)
    ana = door.come("Ana")
    door.come("Bob")
    door.come("Cyd")
    door.do(ask.Promote(door.room, ana), HOST)
    door.do(ask.OpenBreakouts(door.room, 1), HOST)
    assert door.present() == [ana], "the others are elsewhere, and come back"
    assert ended(door.pass_time(300)) == []


def test_without_the_rule_one_may_stay_alone() -> None:
    door = Door()
    door.come("Ana")
    assert door.rooms.next_deadline() is None and ended(door.pass_time(1e6)) == []


@pytest.mark.parametrize("minutes", [-1, 1441])
def test_times_that_cannot_be(minutes: int) -> None:
    with pytest.raises(Invalid, match="alone_minutes"):
        Door(alone_minutes=minutes)
