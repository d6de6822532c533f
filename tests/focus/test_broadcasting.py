"""Who speaks to other rooms, as the media workers are told it: in one worker, over its loss, on another phone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from confserver.contract import DigitPressed, SetHearing
from confserver.focus import outputs as out
from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict
from rooms.participant import Role
from tests.focus.house import House, events, every, the
from tests.focus.test_succession import replacing


class Family(House):
    """A main room, and two breakout rooms with one in each, over two workers."""

    def __init__(self) -> None:
        super().__init__(workers=2)
        self.enter(room="elsewhere")
        self.host = self.enter(name="Hana <sip:hana@h>")
        self.enter(name="Ana <sip:ana@a>"), self.enter(name="Bob <sip:bob@b>")
        self.order(ask.OpenBreakouts("standup", names=("red", "blue"), assign=("Ana=red", "Bob=blue"), evenly=False))

    def number(self, room: str) -> int:
        return self.scene.places[room].number

    def told(self, outputs: Sequence[object], room: str) -> SetHearing:
        """The last word about a room."""
        return [each for each in every(SetHearing, outputs) if each.room == self.number(room)][-1]


@pytest.fixture
def family() -> Family:
    return Family()


def test_a_guest_is_told_as_a_source_that_sits_elsewhere(family: Family) -> None:
    outputs = family.order(ask.BroadcastVoice("standup", "Hana"))
    host = family.leg(family.host).id
    for room in ("red", "blue"):
        told = family.told(outputs, room)
        assert told.guests == [host] and host in told.mixes[1].legs and host not in dict(told.listeners)
        assert told.private == [] and host not in told.mixes[0].legs
    outputs = family.order(ask.EndBroadcast("standup", "Hana"))
    assert all(family.told(outputs, room).guests == [] for room in ("red", "blue"))


def test_the_heir_of_a_worker_is_told_once_more(family: Family) -> None:
    family.order(ask.BroadcastVoice("standup", "Hana"))
    worker = family.scene.places["standup"].worker
    family.lose(worker)
    outputs = family.play(family.focus.worker_ready(worker))
    assert family.told(outputs, "red").guests == family.told(outputs, "blue").guests == [family.leg(family.host).id]


def test_on_another_phone_he_goes_on(family: Family) -> None:
    family.order(ask.BroadcastVoice("standup", "Hana"))
    new = replacing(family, family.host)
    outputs = family.ack(new)
    assert tell.BroadcastEnded not in events(outputs)
    for room in ("red", "blue"):
        assert family.told(outputs, room).guests == [family.leg(new).id]


def test_who_hangs_up_is_told_of_no_more(family: Family) -> None:
    family.order(ask.BroadcastVoice("standup", "Hana"))
    outputs = family.bye(family.host)
    assert events(outputs).index(tell.BroadcastEnded) < events(outputs).index(tell.ParticipantLeft)
    assert all(family.told(outputs, room).guests == [] for room in ("red", "blue"))


# ------------------------------------------------------------------ one worker for a family
def test_a_breakout_room_that_is_called_lives_where_its_main_room_does(family: Family) -> None:
    """Also where another worker has less to do, and where somebody is brought from there."""
    worker = family.scene.places["standup"].worker
    for name in ("red", "blue"):
        family.order(ask.MoveAll(name, "standup"))
    assert set(family.scene.places) == {"standup", "elsewhere"}
    assert family.scene.places["elsewhere"].worker != worker
    family.enter(room="red", name="Direct <sip:d@d>")
    assert family.scene.places["red"].worker == worker
    family.order(ask.Move("elsewhere", "Anna", "blue"))
    assert family.scene.places["blue"].worker == worker
    family.order(ask.BroadcastVoice("standup", "Hana"))
    assert family.rooms.find("red").hearing.guests  # type: ignore[union-attr]


def test_a_main_room_that_was_empty_opens_where_its_breakout_rooms_are(family: Family) -> None:
    worker = family.scene.places["standup"].worker
    family.bye(family.host)
    assert "standup" not in family.scene.places
    family.enter(name="Late <sip:late@l>")
    assert family.scene.places["standup"].worker == worker


def test_a_busy_worker_takes_no_call_to_a_room_that_would_live_there(family: Family) -> None:
    family.order(ask.MoveAll("red", "standup"))
    family.scene.overloaded.add(family.scene.places["standup"].worker)
    _, outputs = family.invite(room="red")
    assert the(out.Refuse, outputs).status == 503


def test_rooms_that_are_apart_all_the_same_are_refused_in_words(family: Family) -> None:
    family.scene.places["red"].worker = 1 - family.scene.places["standup"].worker
    with pytest.raises(Conflict, match="the rooms of standup are in different media processes"):
        family.order(ask.BroadcastVoice("Standup", "Hana"))
    assert family.rooms.abroad() == []
    host = family.rooms.get("standup").places[family.leg(family.host).participant]
    host.role = Role.MODERATOR
    outputs = press(family, family.host, "**0")
    assert the(tell.Announced, outputs).sounds == ("prompt:not-possible",) and family.rooms.abroad() == []


# ------------------------------------------------------------------ keys
def press(it: House, call: int, keys: str) -> list[out.Output]:
    done: list[out.Output] = []
    for key in keys:
        it.now += 0.2
        done += it.tell(DigitPressed(leg=it.leg(call).id, digit=key, duration_ms=100), it.leg(call).worker)
    return done


def test_by_keys_on_and_off(family: Family) -> None:
    host = family.rooms.get("standup").places[family.leg(family.host).participant]
    host.role = Role.MODERATOR
    outputs = press(family, family.host, "**0")
    began = every(tell.BroadcastBegan, outputs)
    assert {event.room for event in began} == {"standup", "red", "blue"} and {event.by for event in began} == {"Hana"}
    assert "prompt:not-possible" not in [sound for each in every(tell.Announced, outputs) for sound in each.sounds]
    outputs = press(family, family.host, "**0")
    assert {event.room for event in every(tell.BroadcastEnded, outputs)} == {"standup", "red", "blue"}


def test_by_keys_where_there_are_no_breakout_rooms() -> None:
    it = House()
    call = it.enter()
    it.rooms.get("standup").places[it.leg(call).participant].role = Role.MODERATOR
    outputs = press(it, call, "**0")
    assert the(tell.Announced, outputs).sounds == ("prompt:not-possible",)


def test_who_is_no_moderator_has_no_such_key(family: Family) -> None:
    assert tell.BroadcastBegan not in events(press(family, family.host, "**0"))
