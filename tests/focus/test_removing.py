"""Who is removed: out of the room at once for everybody else, while he hears why; then his call ends, and he leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from confserver.contract import CloseLeg, DigitPressed, SetHearing, StopPlay
from confserver.focus import outputs as out
from confserver.focus.announcer import REMOVED_S
from confserver.focus.legs import Stage
from confserver.focus.repertoire import Repertoire
from confserver.prompts.catalogue import Catalogue
from confserver.sip.extensions.replaces import Other
from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict
from rooms.policy import Announce
from rooms.rules_of_life import Lobby
from tests.focus.house import every, the
from tests.focus.test_announcer import EVERYTHING, MUSIC, SOUNDS, Hall
from tests.focus.test_playing import paths
from tests.focus.test_succession import CARL

REMOVED = "/prompts/removed.flac"
WITH = Catalogue("en", EVERYTHING.files | {"removed": Path(REMOVED)})


def hall(music: bool = False, **rules: object) -> Hall:
    it = Hall(**rules)
    it.focus.languages.use(Repertoire(SOUNDS, WITH, MUSIC, music, Announce.NONE))
    return it


def kick(it: Hall, call: int) -> list[out.Output]:
    return it.order(ask.Kick("standup", it.leg(call).participant))


def order_of(outputs: list[out.Output]) -> list[type[object]]:
    return [type(event) for each in outputs if isinstance(each, out.Publish) for event in each.events]


def test_he_is_out_of_the_mix_hears_why_and_then_the_call_ends() -> None:
    it = hall()
    ana, bob = it.enter(), it.enter()
    who = it.leg(ana)
    outputs = kick(it, ana)
    hearing = the(SetHearing, outputs)
    assert (hearing.mixes[1].legs, dict(hearing.listeners)[who.id]) == ([it.leg(bob).id], 0)
    assert who.stage is Stage.PARTING and not every(out.HangUp, outputs) and not every(CloseLeg, outputs)
    [said] = it.taken()
    assert (paths(said), said.leg) == ([REMOVED], who.id)
    outputs = it.end(said)
    assert (the(out.HangUp, outputs).call, the(out.HangUp, outputs).cause) == (ana, "kicked")
    left = the(tell.ParticipantLeft, outputs)
    assert (left.participant, left.cause) == (who.participant, "kicked")
    it.bye(bob)
    assert it.is_empty() and not len(it.focus._announcer)


def test_what_he_has_open_is_closed_before() -> None:
    it = hall()
    ana, bob = it.enter(), it.enter()
    who, other = it.leg(ana).participant, it.leg(bob).participant
    it.order(ask.NoteTalking("standup", who, True))
    it.order(ask.NoteDominant("standup", who))
    it.order(ask.RaiseHand("standup", who))
    it.order(ask.Whisper("standup", other, who))
    it.order(ask.Play("standup", ("tones:440",), who, loop=True))
    told = order_of(kick(it, ana))
    assert told[:2] == [tell.Announced, tell.ParticipantKicked] and told[-1] is tell.HearingChanged
    assert set(told[2:-1]) == {
        tell.PlayEnded, tell.TalkingChanged, tell.HandLowered, tell.WhisperEnded, tell.DominantSpeaker,
    }  # fmt: skip
    assert order_of(it.end(it.taken()[-1]))[-2:] == [tell.ParticipantLeft, tell.HearingChanged]


def test_it_takes_four_seconds_at_most() -> None:
    it = hall()
    ana = it.enter()
    it.enter()
    kick(it, ana)
    assert not every(out.HangUp, it.pass_time(REMOVED_S - 0.1))
    assert it.people() == ["p1", "p2"]
    outputs = it.pass_time(0.2)
    assert the(out.HangUp, outputs).call == ana and the(CloseLeg, outputs)
    assert it.people() == ["p2"]


@pytest.mark.parametrize("why", ["rule", "prompt", "hold", "stops"])
def test_who_is_not_told_is_hung_up_on_at_once(why: str) -> None:
    it = hall(**({"tell_removed": False} if why == "rule" else {}))
    ana = it.enter()
    it.enter()
    if why == "prompt":
        it.focus.languages.use(Repertoire(SOUNDS, EVERYTHING, MUSIC, False, Announce.NONE))
    if why == "hold":
        it.order(ask.Hold("standup", it.leg(ana).participant))
    if why == "stops":
        it.scene.is_closing = True
    assert the(out.HangUp, kick(it, ana)).call == ana
    assert it.people() == ["p2"]


def test_who_hangs_up_himself_meanwhile() -> None:
    it = hall()
    ana = it.enter()
    kick(it, ana)
    assert the(tell.ParticipantLeft, it.bye(ana)).participant == "p1"
    assert it.is_empty() and it.pass_time(10) == []


def test_twice_is_once() -> None:
    it = hall()
    ana = it.enter()
    it.enter()
    kick(it, ana)
    assert kick(it, ana) == []
    assert len(it.taken()) == 1


def test_a_worker_that_is_lost_meanwhile_keeps_nobody() -> None:
    it = hall()
    ana = it.enter()
    kick(it, ana)
    outputs = it.lose(0) + it.play(it.focus.worker_ready(0)) + it.pass_time(REMOVED_S + 0.1)
    assert the(out.HangUp, outputs).call == ana
    assert it.is_empty()


def test_the_end_of_the_room_waits_for_nobody() -> None:
    it = hall()
    ana, bob = it.enter(), it.enter()
    kick(it, ana)
    assert {each.call for each in every(out.HangUp, it.order(ask.End("standup")))} == {ana, bob}
    assert it.is_empty() and it.pass_time(10) == []


def test_he_can_do_nothing_any_more() -> None:
    it = hall()
    ana = it.enter()
    it.enter()
    who = it.leg(ana)
    it.order(ask.Promote("standup", who.participant))
    kick(it, ana)
    assert it.tell(DigitPressed(leg=who.id, digit="5", duration_ms=100)) == []
    assert every(tell.TalkingChanged, it.order(ask.NoteTalking("standup", who.participant, True))) == []
    _, told = it.invite(other=Other(ana, True), **CARL)  # type: ignore[arg-type]
    assert the(out.Refuse, told).status == 603  # RFC 3891 section 3
    with pytest.raises(Conflict):
        it.order(ask.Move("standup", who.participant, "elsewhere"))


def test_another_call_that_was_about_to_take_his_place_ends_too() -> None:
    it = hall()
    ana = it.enter()
    heir, _ = it.invite(other=Other(ana, True), **CARL)  # type: ignore[arg-type]
    it.opened(heir)
    kick(it, ana)
    assert {each.call for each in every(out.HangUp, it.ack(heir) + it.pass_time(REMOVED_S + 0.1))} == {ana, heir}
    assert it.is_empty()


def test_others_are_counted_and_told_without_him() -> None:
    it = hall()
    ana, bob, carl = it.enter(), it.enter(), it.enter()
    kick(it, ana)
    it.taken()
    count, *_ = every(tell.Announced, it.order(ask.RollCall("standup")))
    assert count.sounds == ("prompt:there-are", "number:2", "prompt:in-the-room")
    assert {play.leg for play in it.taken()} == {it.leg(bob).id, it.leg(carl).id}
    assert it.focus.room("standup", it.now)["participants"][0]["removed"]
    it.says("prompt:welcome", who=it.leg(ana).participant)
    assert it.taken() == [], "nothing more is said to him"


def test_his_music_ends() -> None:
    it = hall(music=True)
    ana = it.enter()
    [alone] = it.taken()
    it.end(alone)
    [music] = it.taken()
    kick(it, ana)
    assert [each.play for each in it.ordered if isinstance(each, StopPlay)] == [music.play]
    assert [paths(each) for each in it.taken()] == [[REMOVED]]


def test_whom_the_host_holds_hears_it_without_music() -> None:
    it = hall()
    ana = it.enter()
    it.enter()
    it.order(ask.HoldParticipant("standup", it.leg(ana).participant))
    [music] = it.taken()
    kick(it, ana)
    assert [each.play for each in it.ordered if isinstance(each, StopPlay)] == [music.play]
    assert [paths(each) for each in it.taken()] == [[REMOVED]]


def test_what_is_just_being_said_to_him_gives_way() -> None:
    it = hall()
    ana = it.enter()
    it.says("prompt:welcome", who=it.leg(ana).participant)
    it.says("prompt:lobby", who=it.leg(ana).participant)
    [first] = it.taken()
    kick(it, ana)
    assert [each.play for each in it.ordered if isinstance(each, StopPlay)] == [first.play]
    [said] = it.taken()
    assert paths(said) == [REMOVED]
    assert the(out.HangUp, it.end(said)).call == ana


def test_who_waits_at_the_door_hears_it_as_well() -> None:
    it = hall(lobby=Lobby.ALL)
    ana = it.enter()
    [lobby] = it.taken()
    assert paths(lobby) == ["/prompts/lobby.flac"]
    kick(it, ana)
    [said] = it.taken()
    assert paths(said) == [REMOVED]
    assert the(tell.WaitEnded, it.end(said)).cause == "kicked"
    assert it.is_empty()
