"""Plays about lectures, raised hands and the floor."""

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden, NotFound, NotOpen
from rooms.participant import Actor, MuteCause, Role
from tests.rooms.play import HOST, Stage, kinds, sources

ROOM = "standup"


@pytest.fixture
def stage() -> Stage:
    return Stage(ROOM)


def by(participant: str) -> Actor:
    return Actor("somebody", Role.PARTICIPANT, participant)


def with_moderator(stage: Stage) -> tuple[str, str, str]:
    host, ana, bob = (stage.arrive(name) for name in ("Host", "Ana", "Bob"))
    stage.rooms.get(ROOM).places[host].role = Role.MODERATOR
    return host, ana, bob


# ---------------------------------------------------------------- lectures
def test_in_a_lecture_only_moderators_are_heard(stage: Stage) -> None:
    host, ana, bob = with_moderator(stage)
    events = stage.do(ask.StartLecture(ROOM), HOST)
    assert kinds(events) == [tell.LectureStarted, *[tell.ParticipantMuted] * 2, tell.HearingChanged]
    assert sources(events) == {host} and stage.shown()["in_lecture"]
    assert stage.do(ask.StartLecture(ROOM), HOST) == []
    carl = stage.arrive("Carl")
    assert stage.person(carl)["muted"] == ["lecture"]
    events = stage.do(ask.EndLecture(ROOM), HOST)
    assert sources(events) == {host, ana, bob, carl}
    assert stage.do(ask.EndLecture(ROOM), HOST) == []


def test_a_lecture_leaves_other_mutes(stage: Stage) -> None:
    _, ana, bob = with_moderator(stage)
    stage.do(ask.Mute(ROOM, ana, MuteCause.SELF))
    stage.do(ask.StartLecture(ROOM), HOST)
    assert stage.person(ana)["muted"] == ["lecture", "self"]
    stage.do(ask.EndLecture(ROOM), HOST)
    assert stage.person(ana)["muted"] == ["self"] and stage.person(bob)["muted"] == []


def test_a_lecture_by_rule_begins_with_the_meeting_and_ends_with_it() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, lecture=True))
    ana = stage.reserve("Ana")
    assert tell.LectureStarted in kinds(stage.do(ask.Arrive(ROOM, ana))) or stage.shown()["in_lecture"]
    assert stage.person(ana)["muted"] == ["lecture"]
    events = stage.leave(ana)
    assert kinds(events).index(tell.LectureEnded) < kinds(events).index(tell.RoomClosed)
    stage.arrive("Bob")
    assert stage.shown()["in_lecture"]


def test_a_lecture_takes_a_moderator_and_somebody_there(stage: Stage) -> None:
    ana = stage.reserve("Ana")
    with pytest.raises(NotOpen):
        stage.do(ask.StartLecture(ROOM), HOST)
    stage.do(ask.Arrive(ROOM, ana))
    with pytest.raises(Forbidden):
        stage.do(ask.StartLecture(ROOM), by(ana))


def test_who_goes_to_a_room_without_a_lecture_is_heard_there_and_the_other_way_round(stage: Stage) -> None:
    _, ana, _ = with_moderator(stage)
    stage.do(ask.StartLecture(ROOM), HOST)
    stage.do(ask.Move(ROOM, ana, "board"), HOST)
    assert stage.rooms.describe("board", 0)["participants"][0]["muted"] == []
    stage.do(ask.Move("board", ana, ROOM), HOST)
    assert stage.person(ana)["muted"] == ["lecture"]


# ---------------------------------------------------------------- hands
def test_hands_are_a_queue(stage: Stage) -> None:
    _, ana, bob = with_moderator(stage)
    [raised] = stage.do(ask.RaiseHand(ROOM, bob), by(bob))
    assert (raised.participant, raised.place) == (bob, 1)
    assert stage.do(ask.RaiseHand(ROOM, ana), by(ana))[0].place == 2
    assert stage.do(ask.RaiseHand(ROOM, bob), by(bob)) == [] and stage.shown()["hands"] == [bob, ana]
    assert kinds(stage.do(ask.LowerHand(ROOM, bob), by(bob))) == [tell.HandLowered]
    assert stage.do(ask.LowerHand(ROOM, bob), by(bob)) == [] and stage.shown()["hands"] == [ana]


def test_nobody_raises_the_hand_of_another(stage: Stage) -> None:
    _, ana, bob = with_moderator(stage)
    with pytest.raises(Forbidden):
        stage.do(ask.RaiseHand(ROOM, bob), by(ana))
    with pytest.raises(NotFound):
        stage.do(ask.RaiseHand(ROOM, "p99"), HOST)


def test_moderators_may_be_told_aloud() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, announce_hands=True))
    host, ana, _ = with_moderator(stage)
    events = stage.do(ask.RaiseHand(ROOM, ana), by(ana))
    assert [(e.participant, e.sounds) for e in events[1:]] == [(host, ("prompt:hand-raised",))]


def test_a_hand_goes_down_when_its_owner_goes(stage: Stage) -> None:
    _, ana, _ = with_moderator(stage)
    stage.do(ask.RaiseHand(ROOM, ana))
    stage.do(ask.GiveFloor(ROOM, ana, keep=True), HOST)
    stage.do(ask.RaiseHand(ROOM, ana))
    found = kinds(stage.leave(ana))
    assert found.index(tell.HandLowered) < found.index(tell.FloorTaken) < found.index(tell.ParticipantLeft)
    assert (stage.shown()["hands"], stage.shown()["floor"]) == ([], [])


# ---------------------------------------------------------------- the floor
def test_the_floor_goes_to_the_first_hand_and_from_one_to_the_next(stage: Stage) -> None:
    host, ana, bob = with_moderator(stage)
    stage.do(ask.StartLecture(ROOM), HOST)
    stage.do(ask.RaiseHand(ROOM, bob)), stage.do(ask.RaiseHand(ROOM, ana))
    events = stage.do(ask.GiveFloor(ROOM), HOST)
    assert kinds(events) == [
        tell.HandLowered, tell.FloorGiven, tell.ParticipantUnmuted, tell.Announced, tell.HearingChanged
    ]  # fmt: skip
    assert sources(events) == {host, bob} and stage.shown()["floor"] == [bob]
    events = stage.do(ask.GiveFloor(ROOM), HOST)
    assert sources(events) == {host, ana}
    assert (stage.shown()["floor"], stage.person(bob)["muted"]) == ([ana], ["lecture"])
    with pytest.raises(NotFound, match="nobody in standup has raised a hand"):
        stage.do(ask.GiveFloor(ROOM), HOST)
    assert sources(stage.do(ask.TakeFloor(ROOM), HOST)) == {host}
    assert stage.do(ask.TakeFloor(ROOM), HOST) == []


def test_more_than_one_may_have_it(stage: Stage) -> None:
    host, ana, bob = with_moderator(stage)
    stage.do(ask.StartLecture(ROOM), HOST)
    stage.do(ask.GiveFloor(ROOM, ana), HOST)
    events = stage.do(ask.GiveFloor(ROOM, "Bob", keep=True), HOST)
    assert sources(events) == {host, ana, bob}
    assert stage.do(ask.GiveFloor(ROOM, ana, keep=True), HOST) == []
    assert sources(stage.do(ask.TakeFloor(ROOM, ana), HOST)) == {host, bob}


def test_the_floor_opens_what_the_host_has_muted_and_nobody_s_own_mute(stage: Stage) -> None:
    _, ana, bob = with_moderator(stage)
    stage.do(ask.MuteAll(ROOM), HOST)
    stage.do(ask.Mute(ROOM, bob, MuteCause.SELF))
    stage.do(ask.GiveFloor(ROOM, ana), HOST)
    assert stage.person(ana)["muted"] == []
    stage.do(ask.GiveFloor(ROOM, bob), HOST)
    assert (stage.person(ana)["muted"], stage.person(bob)["muted"]) == (["host"], ["self"])


def test_who_has_the_floor_is_heard_on_when_the_lecture_ends(stage: Stage) -> None:
    _, ana, bob = with_moderator(stage)
    stage.do(ask.StartLecture(ROOM), HOST)
    stage.do(ask.GiveFloor(ROOM, ana), HOST)
    events = stage.do(ask.EndLecture(ROOM), HOST)
    assert stage.shown()["floor"] == [] and stage.person(ana)["muted"] == stage.person(bob)["muted"] == []
    assert tell.FloorTaken in kinds(events)


def test_with_one_speaker_only_who_has_the_floor_is_heard() -> None:
    stage = Stage(ROOM)
    stage.do(ask.CreateRoom(ROOM, one_speaker=True))
    host, ana, bob = with_moderator(stage)
    stage.do(ask.NoteTalking(ROOM, bob, True))
    events = stage.do(ask.GiveFloor(ROOM, ana), HOST)
    assert sources(events) == {ana}
    assert [(e.participant, e.talking) for e in events if isinstance(e, tell.TalkingChanged)] == [(bob, False)]
    events = stage.do(ask.ChangeRoom(ROOM, one_speaker=False), HOST)
    assert sources(events) == {host, ana, bob}
    stage.do(ask.ChangeRoom(ROOM, one_speaker=True), HOST)
    events = stage.do(ask.TakeFloor(ROOM), HOST)
    assert sources(events) == {host, ana, bob}
    assert [(e.participant, e.talking) for e in events if isinstance(e, tell.TalkingChanged)] == [(bob, True)]


def test_who_becomes_a_moderator_in_a_lecture_is_heard_and_who_is_none_any_more_is_not(stage: Stage) -> None:
    host, ana, bob = with_moderator(stage)
    stage.do(ask.StartLecture(ROOM), HOST)
    assert sources(stage.do(ask.Promote(ROOM, ana), HOST)) == {host, ana}
    assert sources(stage.do(ask.Demote(ROOM, ana), HOST)) == {host}
    stage.do(ask.GiveFloor(ROOM, bob), HOST)
    stage.do(ask.Promote(ROOM, bob), HOST)
    stage.do(ask.Demote(ROOM, bob), HOST)
    assert stage.person(bob)["muted"] == [], "he still has the floor"
