"""Who is called comes in when he has pressed 1; an answering machine does not."""

from __future__ import annotations

from rooms import commands as ask
from rooms import events as tell
from rooms.confirming import ASKED_S, MOST_ASKED
from tests.rooms.play import HOST, Stage, kinds

ROOM = "standup"


def called(**how: object) -> tuple[Stage, str, list[tell.Event]]:
    stage = Stage(ROOM)
    if how:
        stage.do(ask.CreateRoom(ROOM, **how))
    stage.arrive("Ana")
    dialled = stage.do(ask.Dial(ROOM, "sip:bob@x", "Bob", confirm=True), HOST)
    bob = dialled[-1].participant
    return stage, bob, stage.do(ask.Arrive(ROOM, bob))


def fired(stage: Stage, seconds: float) -> list[tell.Event]:
    stage.now += seconds
    return stage.rooms.fire(stage.now)


def test_he_is_asked_and_comes_in_by_the_key() -> None:
    stage, bob, answered = called()
    assert kinds(answered) == [tell.ParticipantWaits, tell.Announced, tell.HearingChanged]
    assert answered[1].sounds == ("prompt:press-to-join",) and answered[1].participant == bob
    [waiting] = stage.shown()["waiting"]
    assert waiting["waits_for"] == "confirm"
    stage.do(ask.NoteDigit(ROOM, bob, "5", 100))
    assert stage.shown()["waiting"], "another key says nothing"
    arrived = stage.do(ask.NoteDigit(ROOM, bob, "1", 100))
    assert tell.ParticipantArrived in kinds(arrived) and not stage.shown()["waiting"]
    assert not [event for event in arrived if isinstance(event, tell.DigitReceived)]
    assert stage.rooms.next_deadline() is None


def test_an_answering_machine_is_hung_up_on() -> None:
    stage, bob, _ = called()
    for _ in range(MOST_ASKED - 1):
        asked = fired(stage, ASKED_S + 1)
        assert [event.sounds for event in asked if isinstance(event, tell.Announced)] == [("prompt:press-to-join",)]
    last = fired(stage, ASKED_S + 1)
    assert [event.cause for event in last if isinstance(event, tell.TurnedAway)] == ["nobody has pressed a key"]
    stage.do(ask.NoteDigit(ROOM, bob, "1", 100))
    assert stage.shown()["waiting"], "too late"
    left = stage.do(ask.Leave(ROOM, bob, "nobody has pressed a key"))
    assert kinds(left)[0] is tell.WaitEnded and fired(stage, 100) == []


def test_without_being_asked_he_comes_in_at_once() -> None:
    stage = Stage(ROOM)
    bob = stage.do(ask.Dial(ROOM, "sip:bob@x"), HOST)[-1].participant
    assert tell.ParticipantArrived in kinds(stage.do(ask.Arrive(ROOM, bob)))


def test_a_pin_is_not_asked_of_whom_a_host_calls_and_pin_digits_stay_apart() -> None:
    stage, bob, _ = called(pin="4711")
    arrived = stage.do(ask.NoteDigit(ROOM, bob, "1", 100))
    assert tell.ParticipantArrived in kinds(arrived)


def test_a_list_tries_again_whom_nobody_has_pressed_a_key_for() -> None:
    stage = Stage(ROOM)
    stage.arrive("Ana")
    started = stage.do(ask.DialList(ROOM, ("sip:bob@x",), confirm=True, tries=2, pause_s=5), HOST)
    wanted = next(event for event in started if isinstance(event, tell.DialWanted))
    assert wanted.confirm
    bob = stage.do(ask.Dial(ROOM, wanted.uri, confirm=True), HOST)[-1].participant
    stage.do(ask.NoteListed(ROOM, wanted.list, wanted.entry, bob))
    stage.do(ask.Arrive(ROOM, bob))
    left = stage.do(ask.Leave(ROOM, bob, "nobody has pressed a key"))
    [changed] = [event for event in left if isinstance(event, tell.ListChanged)]
    assert changed.state == "waits"
    assert [event.uri for event in fired(stage, 6) if isinstance(event, tell.DialWanted)] == ["sip:bob@x"]
