"""A room is recorded: who may ask for it, what is told of it, how it ends."""

from __future__ import annotations

import pytest

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, Forbidden, Invalid, NotFound, NotOpen
from rooms.participant import SYSTEM
from tests.rooms.play import HOST, WATCHER, Stage, kinds

START, STOP = ask.StartRecording("standup"), ask.StopRecording("standup")
PAUSE, RESUME = ask.PauseRecording("standup"), ask.ResumeRecording("standup")


@pytest.fixture
def stage() -> Stage:
    found = Stage()
    found.arrive("Ana")
    return found


def test_a_recording_from_its_beginning_to_its_end(stage: Stage) -> None:
    assert stage.shown()["recording"] is None
    started, said = stage.do(ask.StartRecording("standup", tracks=False), HOST)
    assert (said.sounds, said.participant) == (("prompt:recording-started",), "")
    assert isinstance(started, tell.RecordingStarted) and (started.tracks, started.by) == (False, "script")
    assert stage.shown()["recording"] == {
        "since": stage.now, "by": "script", "tracks": False, "paused": False,
        "waiting": False,
    }  # fmt: skip
    assert kinds(stage.do(PAUSE, HOST)) == [tell.RecordingPaused]
    assert stage.shown()["recording"]["paused"]
    assert stage.do(PAUSE, HOST) == [], "what is so already is no news"
    assert kinds(stage.do(RESUME, HOST)) == [tell.RecordingResumed]
    ended, said = stage.do(STOP, HOST)
    assert said.sounds == ("prompt:recording-stopped",)
    assert isinstance(ended, tell.RecordingEnded) and ended.by == "script"
    assert stage.shown()["recording"] is None


def test_a_room_is_not_recorded_twice_at_once_but_again(stage: Stage) -> None:
    stage.do(START, HOST)
    stage.do(PAUSE, HOST)
    with pytest.raises(Conflict, match="script"):
        stage.do(START, HOST)
    stage.do(STOP, HOST)
    stage.do(START, HOST)
    assert not stage.shown()["recording"]["paused"]


@pytest.mark.parametrize("command", [STOP, PAUSE, RESUME])
def test_what_is_not_recorded_cannot_be_changed(stage: Stage, command: ask.Command) -> None:
    with pytest.raises(NotFound, match="not recorded"):
        stage.do(command, HOST)


@pytest.mark.parametrize("command", [START, STOP, PAUSE, RESUME])
def test_who_only_watches_records_nothing(stage: Stage, command: ask.Command) -> None:
    stage.do(START, HOST) if command is not START else None
    with pytest.raises(Forbidden):
        stage.do(command, WATCHER)


def test_an_empty_room_and_one_that_ends_are_not_recorded(stage: Stage) -> None:
    other = Stage("empty")
    other.do(ask.CreateRoom("empty"))
    with pytest.raises(NotOpen):
        other.do(ask.StartRecording("empty"), HOST)
    stage.do(ask.End("standup"), HOST)
    with pytest.raises(NotOpen):
        stage.do(START, HOST)


def test_it_ends_with_the_meeting(stage: Stage) -> None:
    stage.do(START, HOST)
    person = stage.shown()["participants"][0]["id"]
    events = stage.leave(person)
    assert kinds(events).index(tell.RecordingEnded) < kinds(events).index(tell.RoomClosed)
    [ended] = [event for event in events if isinstance(event, tell.RecordingEnded)]
    assert ended.by == SYSTEM.name


def test_one_that_fails_is_told_once_and_another_may_begin(stage: Stage) -> None:
    started, _ = stage.do(START, HOST)
    failed = ask.NoteRecordingFailed("standup", started.number, "the disk is full")
    event, _ = stage.do(failed)
    assert isinstance(event, tell.RecordingFailed) and event.reason == "the disk is full"
    assert stage.do(failed) == []
    again, _ = stage.do(START, HOST)
    assert stage.do(failed) == [], "that was the one before"
    assert stage.shown()["recording"]["since"] == again.at


# ---------------------------------------------------------------- by itself, and how it is told
def announced(events: list[tell.Event]) -> list[tuple[tuple[str, ...], str]]:
    return [(event.sounds, event.participant) for event in events if isinstance(event, tell.Announced)]


def test_a_room_is_recorded_by_itself_once_enough_are_in() -> None:
    stage = Stage()
    stage.do(ask.CreateRoom("standup", record_from=2, record_tracks=False))
    ana = stage.arrive("Ana")
    assert stage.shown()["recording"] is None
    bob = stage.reserve("Bob")
    events = stage.do(ask.Arrive("standup", bob))
    [started] = [event for event in events if isinstance(event, tell.RecordingStarted)]
    assert (started.by, started.tracks) == (SYSTEM.name, False)
    assert isinstance(events[-1], tell.HearingChanged)
    stage.leave(bob)
    assert stage.shown()["recording"], "it goes on with fewer"
    stage.do(STOP, HOST)
    stage.arrive("Cid")
    assert stage.shown()["recording"] is None, "a host has ended it"
    for person in [ana, *(p["id"] for p in stage.shown()["participants"] if p["id"] != ana)]:
        stage.leave(person)
    stage.arrive("Ana")
    stage.arrive("Bob")
    assert stage.shown()["recording"], "another meeting"


def test_everybody_who_is_recorded_hears_so() -> None:
    stage = Stage()
    stage.arrive("Ana")
    assert announced(stage.do(START, HOST)) == [(("prompt:recording-started",), "")]
    bob = stage.reserve("Bob")
    assert announced(stage.do(ask.Arrive("standup", bob))) == [(("prompt:recording-started",), bob)]
    assert announced(stage.do(STOP, HOST)) == [(("prompt:recording-stopped",), "")]
    assert announced(stage.do(ask.Arrive("standup", stage.reserve("Cid")))) == []


@pytest.mark.parametrize(("notice", "sounds"), [("none", []), ("beep", [(("tones:beep",), "")])])
def test_how_it_is_told_is_a_rule(notice: str, sounds: list) -> None:
    stage = Stage()
    stage.do(ask.CreateRoom("standup", record_notice=notice))
    stage.arrive("Ana")
    assert announced(stage.do(START, HOST)) == sounds
    assert announced(stage.do(STOP, HOST)) == []


def test_a_room_that_ends_is_not_told_any_more() -> None:
    stage = Stage()
    ana = stage.arrive("Ana")
    stage.do(START, HOST)
    stage.do(ask.End("standup"), HOST)
    assert announced(stage.leave(ana)) == []


def test_one_that_has_failed_begins_again_with_the_next_who_comes() -> None:
    stage = Stage()
    stage.do(ask.CreateRoom("standup", record_from=1))
    stage.arrive("Ana")
    number = stage.rooms.get("standup").recording.number
    stage.do(ask.NoteRecordingFailed("standup", number, "the disk is full"))
    assert stage.shown()["recording"] is None
    stage.arrive("Bob")
    assert stage.shown()["recording"]


# ---------------------------------------------------------------- those who wait
ALL = ask.StartRecording("standup", waiting=True)


def waiting_stage(**rules: object) -> Stage:
    stage = Stage()
    stage.do(ask.CreateRoom("standup", lobby="all", **rules))
    return stage


def recorded(events: list[tell.Event]) -> tuple[str, ...]:
    """Who waits and is recorded, by the last word on who hears whom."""
    [*_, last] = [event for event in events if isinstance(event, tell.HearingChanged)]
    heard = {who for mix in last.hearing.mixes for who, _ in mix.sources}
    assert not heard & set(last.hearing.waiting), "nobody hears them"
    return last.hearing.waiting


def test_those_who_wait_are_never_recorded_unless_it_is_asked_for() -> None:
    stage = waiting_stage()
    stage.arrive("Ana")
    with pytest.raises(NotOpen, match="who waits is not to be recorded"):
        stage.do(START, HOST)
    assert stage.shown()["recording"] is None
    ben = stage.reserve("Ben")
    stage.do(ask.Arrive("standup", ben))
    stage.do(ask.Admit("standup", ben), HOST)
    events = stage.do(START, HOST)
    assert not [event for event in events if isinstance(event, tell.HearingChanged)]
    assert announced(events) == [(("prompt:recording-started",), "")], "who waits is not told: it is not about him"


def test_those_who_wait_are_recorded_each_by_himself_and_told_so() -> None:
    stage = waiting_stage()
    ana = stage.arrive("Ana")
    events = stage.do(ALL, HOST)
    assert recorded(events) == (ana,) and announced(events) == [(("prompt:waiting-recorded",), ana)]
    assert stage.shown()["recording"]["waiting"] is True
    ben = stage.reserve("Ben")
    events = stage.do(ask.Arrive("standup", ben))
    assert recorded(events) == (ana, ben) and (("prompt:waiting-recorded",), ben) in announced(events)
    events = stage.do(ask.Admit("standup", ana), HOST)
    assert recorded(events) == (ben,) and (("prompt:recording-started",), ana) in announced(events)
    assert recorded(stage.leave(ben)) == ()


def test_when_it_ends_nobody_who_waits_is_recorded_any_more() -> None:
    stage = waiting_stage()
    stage.arrive("Ana")
    stage.do(ALL, HOST)
    assert recorded(stage.do(STOP, HOST)) == ()
    stage.do(ALL, HOST)
    number = stage.rooms.get("standup").recording.number
    assert recorded(stage.do(ask.NoteRecordingFailed("standup", number, "the disk is full"))) == ()


def test_who_is_on_hold_or_muted_himself_is_silent_in_his_track_while_he_waits() -> None:
    stage = waiting_stage()
    ana = stage.arrive("Ana")
    stage.do(ALL, HOST)
    assert recorded(stage.do(ask.Hold("standup", ana))) == ()


def test_a_stranger_at_the_door_is_not_recorded() -> None:
    stage = Stage()
    stage.do(ask.CreateRoom("standup", pin="4711"))
    stage.arrive("Ana")
    events = stage.do(ALL, HOST)
    assert announced(events) == [] and not [event for event in events if isinstance(event, tell.HearingChanged)]


def test_without_tracks_there_is_nothing_to_record_of_them() -> None:
    stage = waiting_stage()
    stage.arrive("Ana")
    with pytest.raises(Invalid, match="takes tracks"):
        stage.do(ask.StartRecording("standup", tracks=False, waiting=True), HOST)
    with pytest.raises(Invalid, match="record_tracks"):
        stage.do(ask.ChangeRoom("standup", rules={"record_waiting": True, "record_tracks": False}), HOST)


def test_by_rule_those_who_wait_count_and_are_recorded() -> None:
    stage = waiting_stage(record_from=2, record_waiting=True)
    ana = stage.arrive("Ana")
    assert stage.shown()["recording"] is None
    ben = stage.reserve("Ben")
    events = stage.do(ask.Arrive("standup", ben))
    assert recorded(events) == (ana, ben)
    assert {who for sounds, who in announced(events) if sounds == ("prompt:waiting-recorded",)} == {ana, ben}
    quiet = waiting_stage(record_from=1)
    quiet.arrive("Ana")
    assert quiet.shown()["recording"] is None, "by default never"
