"""Who comes in muted or deaf: as he wants himself, or as who calls him wants it; and how it is taken back."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden
from rooms.participant import Actor, MuteCause, Role
from tests.rooms.play import HOST, Stage, kinds

ROOM = "standup"


def come(stage: Stage, **how) -> tuple[str, list[tell.Event]]:
    """Ana calls so."""
    reserve = ask.Reserve(ROOM, "Ana", "sip:ana@10.0.0.1", "10.0.0.1:5060", **how)
    who = stage.do(reserve)[-1].participant
    return who, stage.do(ask.Arrive(ROOM, who))


def called(stage: Stage, **how) -> tuple[str, list[tell.Event]]:
    """A host calls Ana so, and she answers."""
    who = stage.do(ask.Dial(ROOM, "sip:ana@10.0.0.1", **how), HOST)[-1].participant
    return who, stage.do(ask.Arrive(ROOM, who))


def test_who_wants_to_come_in_deaf_hears_nothing_until_he_takes_it_back() -> None:
    stage = Stage()
    ben = stage.arrive("Ben")
    who, events = come(stage, deaf=True)
    assert kinds(events) == [tell.ParticipantArrived, tell.ParticipantDeafened, tell.HearingChanged]
    assert stage.person(who)["deaf"] and events[1].by == "Ana"
    mixes = {each.listener: each.mix for each in events[-1].hearing.listeners}
    assert mixes == {ben: 1, who: 0} and {w for w, _ in events[-1].hearing.mixes[1].sources} == {ben, who}
    himself = Actor("Ana", Role.PARTICIPANT, who)
    stage.do(ask.Undeafen(ROOM, who), himself)
    assert not stage.person(who)["deaf"]


def test_who_wants_to_come_in_muted_may_speak_when_he_likes() -> None:
    stage = Stage()
    who, events = come(stage, muted=True)
    assert [(each.cause, each.by) for each in events if isinstance(each, tell.ParticipantMuted)] == [
        (MuteCause.SELF, "Ana")
    ]
    stage.do(ask.Unmute(ROOM, who, MuteCause.SELF), Actor("Ana", Role.PARTICIPANT, who))
    assert stage.person(who)["muted"] == []


def test_whom_a_host_calls_muted_and_deaf_takes_neither_back() -> None:
    stage = Stage()
    who, events = called(stage, muted=True, deaf=True)
    assert {each.by for each in events if isinstance(each, tell.ParticipantMuted | tell.ParticipantDeafened)} == {
        "script"
    }
    assert stage.person(who)["muted"] == ["host"] and stage.person(who)["deaf"]
    himself = Actor("Ana", Role.PARTICIPANT, who)
    with pytest.raises(Forbidden):
        stage.do(ask.Undeafen(ROOM, who), himself)
    stage.do(ask.Unmute(ROOM, who, MuteCause.SELF), himself)
    assert stage.person(who)["muted"] == ["host"]
    stage.do(ask.Undeafen(ROOM, who), HOST)
    assert not stage.person(who)["deaf"]


def test_a_rule_and_a_wish_stand_side_by_side() -> None:
    stage = Stage()
    stage.do(ask.CreateRoom(ROOM, rules={"mute_on_entry": True}))
    who, _ = come(stage, muted=True)
    assert stage.person(who)["muted"] == ["entry", "self"]


def test_who_comes_in_as_all_do_is_neither() -> None:
    stage = Stage()
    who, events = called(stage)
    assert kinds(events) == [tell.ParticipantArrived, tell.HearingChanged]
    assert stage.person(who)["muted"] == [] and not stage.person(who)["deaf"]


def test_it_is_for_the_way_in_alone() -> None:
    """Who was heard again meanwhile is not muted anew in another room."""
    stage = Stage()
    stage.arrive("Ben")
    who, _ = called(stage, muted=True, deaf=True)
    stage.do(ask.Unmute(ROOM, who, MuteCause.HOST), HOST)
    stage.do(ask.Undeafen(ROOM, who), HOST)
    events = stage.do(ask.Move(ROOM, who, "other"), HOST)
    assert not [each for each in events if isinstance(each, tell.ParticipantMuted | tell.ParticipantDeafened)]
    stage.room = "other"
    assert stage.person(who)["muted"] == [] and not stage.person(who)["deaf"]


def test_it_holds_behind_a_door() -> None:
    """Also for who waits first, and for who chooses his room at the entrance."""
    stage = Stage(entrance=("hall",))
    stage.do(ask.CreateRoom(ROOM, rules={"pin": "1234", "numbers": ["77"]}))
    who = stage.do(ask.Reserve("hall", "Ana", "sip:ana@10.0.0.1", "10.0.0.1:5060", deaf=True))[-1].participant
    stage.do(ask.Arrive("hall", who))
    for digit in "77#":
        stage.do(ask.NoteDigit("hall", who, digit, 100))
    assert [each["id"] for each in stage.shown()["waiting"]] == [who]
    for digit in "1234#":
        stage.do(ask.NoteDigit(ROOM, who, digit, 100))
    assert stage.person(who)["deaf"]


def test_a_list_of_people_comes_in_so() -> None:
    stage = Stage()
    events = stage.do(ask.DialList(ROOM, ("sip:a@b",), muted=True, deaf=True), HOST)
    wanted = next(each for each in events if isinstance(each, tell.DialWanted))
    assert (wanted.muted, wanted.deaf, wanted.by) == (True, True, "script")
