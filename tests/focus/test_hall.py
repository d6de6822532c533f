"""The entrance number by SIP: a call is answered, asked for a room, and sits down in it."""

from __future__ import annotations

import pytest

from confserver.contract import DigitPressed, MoveLeg, OpenLeg, Play
from confserver.focus import outputs as out
from confserver.focus.focus import Focus
from confserver.focus.repertoire import Repertoire
from confserver.prompts.catalogue import ENGLISH, MUSIC, read_catalogue
from rooms import commands as ask
from rooms import events as tell
from tests.focus.house import PHONE, House, events, every, the

DOOR = "conference"


def house(**how: object) -> House:
    it = House(entrance=[DOOR], on_demand=False, **how)  # type: ignore[arg-type]
    it.order(ask.CreateRoom("4711"))
    return it


def press(it: House, call: int, keys: str) -> list[object]:
    done: list[object] = []
    for key in keys:
        it.now += 0.2
        done += it.tell(DigitPressed(leg=it.leg(call).id, digit=key, duration_ms=100), it.leg(call).worker)
    return done


def test_a_caller_comes_into_the_room_that_he_names() -> None:
    it = house()
    call = it.enter(room=DOOR)
    leg = it.leg(call)
    assert it.people("4711") == [] and leg.room == DOOR
    outputs = press(it, call, "4711#")
    place = it.scene.places["4711"]
    assert the(MoveLeg, outputs) == MoveLeg(leg=leg.id, room=place.number)
    assert it.people("4711") == [leg.participant] and leg.room == "4711"
    assert DOOR not in it.scene.places, "the hall is empty"
    it.bye(call)
    assert it.is_empty()


def test_it_is_asked_in_words_that_only_he_hears() -> None:
    it = house()
    it.scene.followers.clear()
    it.focus = Focus(it.scene, Repertoire(None, read_catalogue(ENGLISH), MUSIC, music_when_alone=False))
    call, _ = it.invite(room=DOOR)
    it.opened(call)
    outputs = it.ack(call)
    said = the(tell.Announced, outputs)
    assert said.participant == it.leg(call).participant and said.sounds == ("prompt:welcome", "prompt:enter-room")
    assert tell.ParticipantWaits in events(outputs)


def test_two_in_one_room_and_a_third_who_dials_it_himself() -> None:
    it = house()
    calls = [it.enter(room=DOOR, name=f"<sip:{who}@b>") for who in ("ana", "bob")]
    for call in calls:
        press(it, call, "4711#")
    it.enter(room="4711", name="<sip:carl@b>")
    assert len(it.people("4711")) == 3


def test_a_room_at_another_worker_is_reached_by_a_re_invite() -> None:
    it = house(workers=2)
    call = it.enter(room=DOOR)
    other = it.enter(room="4711", name="<sip:bob@b>")
    assert it.leg(call).worker != it.leg(other).worker
    outputs = press(it, call, "4711#")
    assert the(OpenLeg, outputs).room == it.scene.places["4711"].number
    outputs = it.opened(call, port=20200)
    assert b"20200" in the(out.Offer, outputs).body and it.leg(call).worker == it.leg(other).worker


def test_who_hangs_up_while_he_is_asked_leaves_nothing() -> None:
    it = house()
    call = it.enter(room=DOOR)
    press(it, call, "47")
    it.bye(call)
    assert it.is_empty() and it.focus.next_deadline() is None


def test_who_finds_no_room_is_hung_up_on() -> None:
    it = house()
    call = it.enter(room=DOOR)
    for _ in range(3):
        press(it, call, "99#")
        it.pass_time(2.1)
    it.pass_time(4.1)
    assert it.is_empty()


def test_a_tone_is_not_played_to_who_has_gone() -> None:
    it = house()
    call = it.enter(room=DOOR)
    press(it, call, "99#")
    it.bye(call)
    assert every(Play, it.pass_time(30)) == []


@pytest.mark.parametrize(("address", "status"), [(PHONE, 403), (("192.0.2.77", 5060), 200)])
def test_who_probes_is_refused_and_others_are_not(address: tuple[str, int], status: int) -> None:
    it = house()
    for _ in range(10):
        call = it.enter(room=DOOR)
        press(it, call, "99#")
        it.bye(call)
    call, outputs = it.invite(room=DOOR, source=address)
    if status == 403:
        assert the(out.Refuse, outputs).status == 403
    else:
        assert the(out.Accept, it.opened(call)).call == call


def test_a_name_that_is_neither_room_nor_entrance_is_not_there() -> None:
    _, outputs = house().invite(room="nowhere")
    assert the(out.Refuse, outputs).status == 404
