"""Roll calls: who may ask, who hears them, and what is said."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms.errors import Forbidden, Invalid, NotFound, NotOpen
from rooms.participant import Actor, Role
from rooms.roll import MOST_CALLED
from tests.rooms.play import HOST
from tests.rooms.test_door import Door


def test_the_roll_is_called_to_all_or_to_one() -> None:
    door = Door()
    ana = door.come("Ana")
    [alone] = door.do(ask.RollCall(door.room), HOST)
    assert (alone.sounds, alone.participant) == (("prompt:only-one", "say:Ana"), "")
    door.come("Bob")
    [told] = door.do(ask.RollCall(door.room, ana), HOST)
    assert told.sounds == ("prompt:there-are", "number:2", "prompt:in-the-room", "say:Ana", "say:Bob")
    assert told.participant == ana


def test_large_rooms_hear_how_many_they_are() -> None:
    door = Door()
    for _ in range(MOST_CALLED + 1):
        door.come("Ana")
    [told] = door.do(ask.RollCall(door.room), HOST)
    assert told.sounds == ("prompt:there-are", f"number:{MOST_CALLED + 1}", "prompt:in-the-room")


def test_everybody_may_ask_for_himself_alone() -> None:
    door = Door()
    ana, bob = door.come("Ana"), door.come("Bob")
    me = Actor("Ana", Role.PARTICIPANT, ana)
    assert door.do(ask.RollCall(door.room, ana), me)[0].participant == ana
    for who in ("", bob):
        with pytest.raises(Forbidden):
            door.do(ask.RollCall(door.room, who), me)


def test_a_roll_that_nobody_can_hear() -> None:
    door = Door(lobby="all")
    with pytest.raises(NotOpen):
        door.do(ask.RollCall(door.room), HOST)
    with pytest.raises(NotFound):
        door.do(ask.RollCall(door.room, door.come("Ana")), HOST)


@pytest.mark.parametrize("rules", [{"announce_count": [1]}, {"announce_count": [5] * 21}, {"quiet_above": -1}])
def test_rules_that_cannot_be(rules: dict[str, object]) -> None:
    with pytest.raises(Invalid, match=next(iter(rules))):
        Door(**rules)
