"""Keys through the focus: what the room grants itself, and what fence and sounds have a word in."""

from __future__ import annotations

import pytest

from confserver.contract import ConvertSound, DigitPressed, LegOpened, Play, Sound, SoundReady, StopPlay
from confserver.focus.dialout import DialTerms
from confserver.focus.focus import Focus
from confserver.focus.outputs import Audited
from confserver.focus.repertoire import Repertoire
from confserver.prompts.catalogue import ENGLISH, MUSIC, read_catalogue
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from rooms import commands as ask
from rooms import events as tell
from rooms.participant import Role
from tests.focus.house import House, events, every, the
from tests.focus.test_dialout import Carrier


def house(moderator: bool = True) -> tuple[House, int]:
    plan = DialPlan(Fence(["0049"], ["192.0.2.0/24"]), Carrier())
    it = House(dialling=DialTerms(plan=plan, most=5))
    call = it.enter()
    if moderator:
        it.rooms.get("standup").places[it.leg(call).participant].role = Role.MODERATOR
    return it, call


def press(it: House, call: int, keys: str) -> list[object]:
    done: list[object] = []
    for key in keys:
        it.now += 0.2
        done += it.tell(DigitPressed(leg=it.leg(call).id, digit=key, duration_ms=100))
    return done


def said(outputs: list[object]) -> list[tuple[str, ...]]:
    return [event.sounds for event in every(tell.Announced, outputs)]


def test_a_lock_by_keys_keeps_the_next_caller_out() -> None:
    it, call = house()
    assert tell.RoomLocked in events(press(it, call, "*2"))
    it.invite(name="<sip:carl@c>")
    assert len(it.people()) == 1


def test_a_number_is_called_through_the_fence() -> None:
    it, call = house()
    outputs = press(it, call, "**300491234#")
    dialled = the(tell.Dialled, outputs)
    assert (dialled.uri, dialled.by) == ("00491234", "Anna") and said(outputs)[-1] == ("prompt:calling",)
    leg = next(leg for leg in it.scene.legs.by_id.values() if leg.is_ours)
    it.tell(LegOpened(leg=leg.id, port=20100, ssrc=leg.id), leg.worker)
    it.answers(leg.call)
    assert len(it.people()) == 2


def test_a_number_that_the_fence_forbids_is_refused_in_words_and_as_an_event() -> None:
    it, call = house()
    outputs = press(it, call, "**30088123#")
    assert said(outputs)[-1] == ("prompt:not-allowed",)
    assert tell.DialRefused in events(outputs) and tell.Dialled not in events(outputs)
    assert [event.digit for event in every(tell.DigitReceived, outputs)] == ["*", "*", "3"], "the number is no news"


def test_a_sound_that_is_not_there_is_refused_and_costs_nothing() -> None:
    it, call = house()
    it.order(ask.ChangeRoom("standup", menu={"moderator": {"3": "play nothing.wav"}}))
    assert said(press(it, call, "3")) == [("prompt:not-possible",)]
    it.order(ask.ChangeRoom("standup", menu={"moderator": {"3": "play tones:440:100"}}))
    outputs = press(it, call, "3")
    assert the(tell.PlayStarted, outputs).by == "Anna" and said(outputs) == []


def test_the_menu_is_read_to_one_leg_after_its_time() -> None:
    it, call = house()
    it.scene.followers.clear()
    it.focus = Focus(it.scene, Repertoire(None, read_catalogue(ENGLISH), MUSIC, music_when_alone=False))
    press(it, call, "*")
    assert it.focus.next_deadline() == pytest.approx(it.now + 2)
    outputs = it.pass_time(2.1)
    assert said(outputs)[0][0] == "prompt:menu"


def test_a_key_ends_the_reading_of_the_menu() -> None:
    it, call = house()
    it.scene.followers.clear()
    it.focus = Focus(it.scene, Repertoire(None, read_catalogue(ENGLISH), MUSIC, music_when_alone=False))
    it.first_packet(call)
    press(it, call, "*")
    asked = every(ConvertSound, it.pass_time(2.1))
    sound = [Sound(rate_hz=8000, channels=1, frames=8000, path="x")]
    told = [
        each for job in asked for each in it.play(it.focus.hear_scribe(SoundReady(job=job.job, sounds=sound), it.now))
    ]
    menu = the(Play, told)
    assert menu.leg == it.leg(call).id and len(menu.sounds) > 10
    outputs = press(it, call, "6")
    assert the(StopPlay, outputs).play == menu.play and the(Play, outputs).tones, "the answer is not kept waiting"


def test_an_answer_is_played_to_who_has_pressed_and_to_nobody_else() -> None:
    it, call = house(moderator=False)
    it.enter(name="<sip:bob@b>")
    play = the(Play, press(it, call, "6"))
    assert play.leg == it.leg(call).id and play.tones


@pytest.mark.parametrize("keys", ["8", "*8"])
def test_who_leaves_by_a_key_is_hung_up_on_and_nothing_is_left(keys: str) -> None:
    it, call = house(moderator=False)
    press(it, call, keys)
    assert it.is_empty()


# ---------------------------------------------------------------- the audit log
def audited(outputs: list[object]) -> list[tuple[str, str, str, str]]:
    noted = [each.entry.record().values for each in every(Audited, outputs)]
    return [(each["action"], each["who"], each["face"], each["outcome"]) for each in noted]


def test_what_a_moderator_does_by_keys_is_noted() -> None:
    it, call = house()
    assert audited(press(it, call, "*2")) == [("lock", "Anna", "keypad", "done")]
    noted = the(Audited, press(it, call, "*2")).entry.record().values
    assert (noted["action"], noted["role"], noted["source"]) == ("unlock", "moderator", it.leg(call).source)


def test_what_is_done_with_oneself_is_not_noted() -> None:
    it, call = house(moderator=False)
    assert audited(press(it, call, "1")) == []


def test_calls_by_keys_are_noted_done_and_refused() -> None:
    it, call = house()
    assert audited(press(it, call, "**300491234#")) == [("dial", "Anna", "keypad", "done")]
    assert audited(press(it, call, "**3001#")) == [("dial", "Anna", "keypad", "forbidden")]
