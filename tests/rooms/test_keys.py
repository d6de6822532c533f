"""Keys that participants press, and that are pressed towards them; who has the word."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden, Invalid, NotFound
from tests.rooms.play import HOST, WATCHER, Stage, kinds


def _stage() -> tuple[Stage, str, str]:
    stage = Stage()
    return stage, stage.arrive("Ana"), stage.arrive("Bob")


# ---------------------------------------------------------------------- towards a participant
def test_keys_are_pressed_as_they_were_asked_for():
    stage, ana, _ = _stage()
    (event,) = stage.do(ask.SendDigits("standup", ana, "12,a#*", 200, 80), HOST)
    assert isinstance(event, tell.DigitsSent)
    assert (event.participant, event.digits, event.duration_ms, event.gap_ms) == (ana, "12,A#*", 200, 80)
    assert event.by == "script"


def test_who_is_meant_may_be_named():
    stage, _, bob = _stage()
    (event,) = stage.do(ask.SendDigits("standup", "bob", "1"), HOST)
    assert event.participant == bob


@pytest.mark.parametrize("digits", ["", "x", "1 2", "1;2", "1" * 65, "１", "ſ", "E"])
def test_what_are_no_keys_is_refused(digits):
    stage, ana, _ = _stage()
    with pytest.raises(Invalid, match="digits must be 1 to 64"):
        stage.do(ask.SendDigits("standup", ana, digits))


@pytest.mark.parametrize("how", [{"duration_ms": 39}, {"duration_ms": 5001}, {"gap_ms": 0}, {"gap_ms": -60}])
def test_times_that_nobody_could_hear_or_wait_for_are_refused(how):
    stage, ana, _ = _stage()
    with pytest.raises(Invalid, match=f"{next(iter(how))} must be 40 to 5000"):
        stage.do(ask.SendDigits("standup", ana, "1", **how))
    assert kinds(stage.do(ask.SendDigits("standup", ana, "1" * 64, 40, 5000))) == [tell.DigitsSent]


def test_keys_for_nobody_and_by_nobody():
    stage, ana, _ = _stage()
    on_the_way = stage.reserve("Eve")
    for participant in (on_the_way, "p99"):
        with pytest.raises(NotFound):
            stage.do(ask.SendDigits("standup", participant, "1"))
    with pytest.raises(Forbidden):
        stage.do(ask.SendDigits("standup", ana, "1"), WATCHER)


# ---------------------------------------------------------------------- from a participant
def test_a_key_is_told_of_who_is_present_only():
    stage, ana, _ = _stage()
    event, *_ = stage.do(ask.NoteDigit("standup", ana, "5", 120))
    assert isinstance(event, tell.DigitReceived)
    assert (event.participant, event.digit, event.duration_ms) == (ana, "5", 120)
    assert stage.do(ask.NoteDigit("standup", stage.reserve("Eve"), "5", 120)) == []
    stage.leave(ana)
    assert stage.do(ask.NoteDigit("standup", ana, "5", 120)) == []


# ---------------------------------------------------------------------- the word
def test_the_word_goes_round_and_each_change_is_told_once():
    stage, ana, bob = _stage()
    assert stage.shown()["dominant"] is None
    told = [stage.do(ask.NoteDominant("standup", who)) for who in (ana, ana, bob, "", "")]
    assert [[event.participant for event in events] for events in told] == [[ana], [], [bob], [None], []]
    stage.do(ask.NoteDominant("standup", bob))
    assert stage.shown()["dominant"] == bob


def test_who_leaves_has_no_word_and_gets_none():
    stage, ana, bob = _stage()
    stage.do(ask.NoteDominant("standup", ana))
    assert kinds(stage.leave(ana))[:2] == [tell.DominantSpeaker, tell.ParticipantLeft]
    assert stage.shown()["dominant"] is None
    assert stage.do(ask.NoteDominant("standup", ana)) == []
    stage.do(ask.NoteDominant("standup", bob))
    stage.do(ask.NoteDominant("standup", ana))
    assert stage.shown()["dominant"] is None
