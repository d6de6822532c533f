"""What plays in a room, as plays for the stage."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden, Full, Invalid, NotFound, NotOpen, Refused
from rooms.participant import Actor, Role
from rooms.plays import MOST_PLAYS, MOST_SOUNDS
from rooms.policy import Announce
from tests.rooms.play import HOST, Stage, kinds

ROOM = "standup"


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.arrive("Ana")
    stage.arrive("Bob")
    return stage


def play(stage: Stage, *sounds: str, **more: object) -> tell.PlayStarted:
    [event] = stage.do(ask.Play(ROOM, sounds or ("prompt:welcome",), **more), HOST)
    assert isinstance(event, tell.PlayStarted)
    return event


def test_a_play_is_told_with_all_that_was_asked_for(stage: Stage) -> None:
    event = play(stage, "a.wav", "b.wav", participant="bob", loop=True, volume_db=-3, duck_db=12, start_s=4,
                 interruptible=True)  # fmt: skip
    assert (event.play, event.participant, event.by) == (event.number, "p2", "script")
    assert (event.sounds, event.loop, event.volume_db) == (("a.wav", "b.wav"), True, -3)
    assert (event.duck_db, event.start_s, event.interruptible) == (12, 4, True)
    assert json.loads(json.dumps(stage.shown()["plays"])) == [{
        "play": event.play, "sounds": ["a.wav", "b.wav"], "participant": "p2", "loop": True, "volume_db": -3,
        "paused": False,
    }]  # fmt: skip


def test_pause_seek_volume_and_stop_mean_one_or_all(stage: Stage) -> None:
    one, two = play(stage).play, play(stage).play
    assert [event.play for event in stage.do(ask.PausePlay(ROOM, two), HOST)] == [two]
    assert [event.play for event in stage.do(ask.PausePlay(ROOM), HOST)] == [one], "the other is paused already"
    assert [each["paused"] for each in stage.shown()["plays"]] == [True, True]
    assert [event.paused for event in stage.do(ask.ResumePlay(ROOM), HOST)] == [False, False]
    assert [event.position_s for event in stage.do(ask.SeekPlay(ROOM, 9.5, one), HOST)] == [9.5]
    assert [event.volume_db for event in stage.do(ask.SetPlayVolume(ROOM, -6, one), HOST)] == [-6]
    assert stage.do(ask.SetPlayVolume(ROOM, -6, one), HOST) == []
    [ended] = stage.do(ask.StopPlay(ROOM, one), HOST)
    assert (ended.play, ended.cause, ended.by) == (one, "stopped", "script")
    assert [event.play for event in stage.do(ask.StopPlay(ROOM), HOST)] == [two]
    assert stage.do(ask.StopPlay(ROOM), HOST) == []
    assert stage.shown()["plays"] == []


def test_the_engine_ends_it_once(stage: Stage) -> None:
    number = play(stage).play
    [ended] = stage.do(ask.NotePlayEnded(ROOM, number, "interrupted", "#"))
    assert (ended.cause, ended.digit, ended.reason) == ("interrupted", "#", "")
    assert stage.do(ask.NotePlayEnded(ROOM, number, "finished")) == []
    assert stage.do(ask.NotePlayEnded(ROOM, 999, "finished")) == []
    [ended] = stage.do(ask.NotePlayEnded(ROOM, play(stage).play, "exploded", "", "why\n"))
    assert ended.cause == "failed"
    assert ended.reason.isprintable()


def test_who_leaves_takes_his_own_along_and_the_last_everything(stage: Stage) -> None:
    his, ours = play(stage, participant="p1").play, play(stage).play
    events = stage.leave("p1")
    assert kinds(events)[:2] == [tell.PlayEnded, tell.ParticipantLeft]
    assert (events[0].play, events[0].cause) == (his, "stopped")
    events = stage.leave("p2")
    assert kinds(events)[:3] == [tell.ParticipantLeft, tell.PlayEnded, tell.RoomClosed]
    assert events[1].play == ours


def test_a_number_is_not_used_again(stage: Stage) -> None:
    numbers = [play(stage).play for _ in range(3)]
    stage.do(ask.StopPlay(ROOM), HOST)
    assert len({*numbers, play(stage).play}) == 4


def test_nobody_is_played_to_in_an_empty_room() -> None:
    stage = Stage()
    stage.do(ask.CreateRoom(ROOM))
    with pytest.raises(NotOpen, match="nobody is in"):
        play(stage)
    stage.reserve("Ana")
    with pytest.raises(NotOpen):
        play(stage)
    with pytest.raises(NotFound):
        play(stage, participant="p1")


def test_a_room_that_ends_takes_no_more(stage: Stage) -> None:
    play(stage)
    stage.do(ask.End(ROOM))
    with pytest.raises(NotOpen):
        play(stage)
    assert len(stage.shown()["plays"]) == 1, "it is heard until the last has gone"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"sounds": ()}, "sounds must name 1 to"),
        ({"sounds": ("a",) * (MOST_SOUNDS + 1)}, "sounds must name 1 to"),
        ({"sounds": ("",)}, "no sound can be called"),
        ({"sounds": ("a\n",)}, "no sound can be called"),
        ({"sounds": ("x" * 1025,)}, "no sound can be called"),
        ({"volume_db": 21.0}, "volume_db must be -60 to 20"),
        ({"volume_db": float("nan")}, "volume_db"),
        ({"volume_db": float("-inf")}, "volume_db"),
        ({"duck_db": -1.0}, "duck_db must be 0 to 60"),
        ({"start_s": -1.0}, "start_s must be 0 to"),
        ({"start_s": 1e9}, "start_s must be 0 to"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_has_changed(stage: Stage, more: dict, why: str) -> None:
    before = stage.rooms.get(ROOM).number
    with pytest.raises(Invalid, match=why):
        stage.do(ask.Play(ROOM, **{"sounds": ("a",)} | more), HOST)
    assert stage.rooms.get(ROOM).number == before
    assert not stage.rooms.get(ROOM).plays


def test_wrong_positions_volumes_and_numbers(stage: Stage) -> None:
    number = play(stage).play
    for command in (ask.SeekPlay(ROOM, -1), ask.SeekPlay(ROOM, float("inf")), ask.SetPlayVolume(ROOM, 50)):
        with pytest.raises(Invalid):
            stage.do(command, HOST)
    for command in (ask.StopPlay(ROOM, 99), ask.PausePlay(ROOM, -1), ask.SeekPlay(ROOM, 1, number + 1)):
        with pytest.raises(NotFound, match=f"there are: {number}"):
            stage.do(command, HOST)


def test_a_room_has_its_most(stage: Stage) -> None:
    for _ in range(MOST_PLAYS):
        play(stage)
    with pytest.raises(Full, match="most plays"):
        play(stage)


def test_only_who_runs_the_room_plays(stage: Stage) -> None:
    for role in (Role.OBSERVER, Role.PARTICIPANT):
        with pytest.raises(Forbidden):
            stage.do(ask.Play(ROOM, ("a",), "p1"), Actor("Ana", role, "p1"))


def test_rules_of_company_are_kept(stage: Stage) -> None:
    stage.do(ask.CreateRoom(ROOM, music_when_alone=False, announce=Announce.BEEP))
    assert stage.shown()["announce"] == "beep"
    assert stage.shown()["music_when_alone"] is False


_CHANGES = st.one_of(
    st.builds(ask.Play, st.just(ROOM), st.just(("a",)), st.sampled_from(["", "p1", "p2", "p3"])),
    st.builds(ask.PausePlay, st.just(ROOM), st.integers(0, 30)),
    st.builds(ask.ResumePlay, st.just(ROOM), st.integers(0, 30)),
    st.builds(ask.SeekPlay, st.just(ROOM), st.floats(), st.integers(0, 30)),
    st.builds(ask.SetPlayVolume, st.just(ROOM), st.floats(), st.integers(0, 30)),
    st.builds(ask.StopPlay, st.just(ROOM), st.integers(1, 30)),
    st.builds(ask.NotePlayEnded, st.just(ROOM), st.integers(1, 30), st.sampled_from(["finished", "failed", "x"])),
    st.builds(ask.Leave, st.just(ROOM), st.sampled_from(["p1", "p2"])),
)


@given(st.lists(_CHANGES, max_size=30))
def test_whatever_is_asked_each_play_begins_and_ends_once(commands: list[ask.Command]) -> None:
    stage, alive = Stage(), set()
    stage.arrive("Ana"), stage.arrive("Bob")
    for command in [*commands, ask.Leave(ROOM, "p1"), ask.Leave(ROOM, "p2")]:
        try:
            events = stage.do(command)
        except Refused:
            continue
        for event in events:
            if isinstance(event, tell.PlayStarted):
                alive.add(event.play)
            elif isinstance(event, tell.PlayEnded):
                alive.remove(event.play)
            elif isinstance(event, tell.PlayChanged):
                assert event.play in alive
    assert not alive
