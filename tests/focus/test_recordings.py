"""Recordings between rooms, scribe and workers: each is told its part, and whatever fails is told at once."""

from __future__ import annotations

import pytest

from confserver import contract
from confserver.contract import (
    CloseRecording,
    CloseRoom,
    NameTrack,
    NoteInRecording,
    OpenRecording,
    PauseRecord,
    Record,
    RecordFailed,
    RecordingClosed,
    RecordingKept,
    RecordingOpened,
    ScribeReady,
    SetHearing,
    SpeakingChanged,
    StopRecord,
)
from rooms import events as tell
from rooms.commands import Admit, CreateRoom, PauseRecording, ResumeRecording, StartRecording, StopRecording
from rooms.errors import Conflict
from tests.focus.house import House, every, sdp, the

SOCKET = "/dev/shm/scribe/socket"


class Studio(House):
    """A house with a scribe."""

    def __init__(self, **how) -> None:
        super().__init__(**how)
        self.scribe(ScribeReady(version=contract.VERSION, pid=1, socket=SOCKET))

    def scribe(self, event: contract.FromScribe) -> list:
        return self.play(self.focus.hear_scribe(event, self.now))

    def record(self) -> tuple[OpenRecording, list]:
        """Up to the files."""
        done = self.order(StartRecording("standup"))
        command = the(OpenRecording, done)
        return command, done + self.scribe(RecordingOpened(record=command.record, name="standup-x"))

    def shown(self) -> dict | None:
        return self.focus.room("standup", self.now)["recording"]

    def told(self) -> dict:
        [recording] = self.focus.recordings()
        return recording


@pytest.fixture
def house() -> Studio:
    return Studio()


def test_files_first_then_the_worker_and_everybody_by_name(house: Studio) -> None:
    anna, bob = house.enter(), house.enter(name="Bob <sip:bob@example.com>")
    house.tell(SpeakingChanged(leg=house.leg(bob).id, speaking=True))
    done = house.order(StartRecording("standup"))
    command = the(OpenRecording, done)
    assert (command.room, command.at, command.tracks) == ("standup", house.now, True)
    assert {(word.leg, word.name) for word in every(NameTrack, done)} == {
        (house.leg(anna).id, "Anna"), (house.leg(bob).id, "Bob"),
    }  # fmt: skip
    assert [note.participant for note in every(NoteInRecording, done) if note.what == "talking"] == [
        house.leg(bob).participant
    ]
    assert not every(Record, done)
    opened = house.scribe(RecordingOpened(record=command.record, name="standup-x"))
    place = house.scene.places["standup"]
    assert the(Record, opened) == Record(record=command.record, room=place.number, socket=SOCKET, tracks=True)
    assert house.shown()["name"] == "standup-x"


def test_who_comes_goes_talks_or_is_muted_is_noted(house: Studio) -> None:
    anna = house.enter()
    house.record()
    call, _ = house.invite(name="Bob <sip:bob@example.com>")
    house.opened(call)
    arrived = house.ack(call)
    leg = house.leg(call)
    assert the(NameTrack, arrived).leg == leg.id
    assert the(NoteInRecording, arrived).what == "arrived"
    talks = house.tell(SpeakingChanged(leg=leg.id, speaking=True))
    assert the(NoteInRecording, talks).what == "talking"
    left = house.bye(call)
    assert [note.what for note in every(NoteInRecording, left)] == ["quiet", "left"]
    assert anna in house.acked


def test_pause_and_end(house: Studio) -> None:
    house.enter()
    command, _ = house.record()
    paused = house.order(PauseRecording("standup"))
    assert the(PauseRecord, paused) == PauseRecord(record=command.record, paused=True)
    assert the(NoteInRecording, paused).what == "paused"
    assert not the(PauseRecord, house.order(ResumeRecording("standup"))).paused
    done = house.order(StopRecording("standup"))
    assert the(StopRecord, done).record == the(CloseRecording, done).record == command.record
    assert house.shown() is None and house.told()["state"] == "converting"
    house.scribe(RecordingClosed(record=command.record, name="standup-x", seconds=7.0, files=["standup-x.wav"]))
    assert house.told()["files"] == ["standup-x.wav"]
    house.scribe(RecordingKept(record=command.record, name="standup-x", files=["standup-x.flac"]))
    told = house.told()
    assert (told["state"], told["files"], told["seconds"]) == ("kept", ["standup-x.flac"], 7.0)
    assert house.focus.describe()["recordings"] == 0


def test_it_ends_when_the_room_closes_before_the_worker_forgets_the_room(house: Studio) -> None:
    call = house.enter()
    house.record()
    done = house.bye(call)
    order = [type(each) for each in every(contract.ToWorker, done)]
    assert order.index(StopRecord) < order.index(CloseRoom)
    assert the(CloseRecording, done).cause == "ended by system"
    assert house.is_empty()


def test_paused_before_there_are_files_it_begins_paused(house: Studio) -> None:
    house.enter()
    command = the(OpenRecording, house.order(StartRecording("standup")))
    assert not every(PauseRecord, house.order(PauseRecording("standup")))
    opened = house.scribe(RecordingOpened(record=command.record, name="standup-x"))
    assert [type(each) for each in every(contract.ToWorker, opened)] == [Record, PauseRecord]


def test_ended_before_there_are_files_no_worker_hears_of_it(house: Studio) -> None:
    house.enter()
    command = the(OpenRecording, house.order(StartRecording("standup")))
    assert not every(StopRecord, house.order(StopRecording("standup")))
    assert not every(Record, house.scribe(RecordingOpened(record=command.record, name="standup-x")))


@pytest.mark.parametrize("who", ["scribe", "worker"])
def test_whoever_fails_it_is_an_event_at_once_and_both_are_told_to_end(house: Studio, who: str) -> None:
    house.enter()
    command, _ = house.record()
    reason = "No space left on device"
    if who == "scribe":
        done = house.scribe(contract.RecordingFailed(record=command.record, reason=reason))
    else:
        done = house.tell(RecordFailed(record=command.record, reason=reason))
    assert the(tell.RecordingFailed, done).reason == reason
    assert the(StopRecord, done).record == the(CloseRecording, done).record == command.record
    assert house.shown() is None and (house.told()["state"], house.told()["reason"]) == ("failed", reason)
    house.scribe(RecordingKept(record=command.record, name="standup-x", files=["a.flac"]))
    assert (house.told()["state"], house.told()["files"]) == ("failed", ["a.flac"])
    house.record()


def test_a_scribe_that_is_lost_costs_the_recordings_it_had(house: Studio) -> None:
    house.enter()
    house.record()
    done = house.play(house.focus.scribe_lost(house.now))
    assert "lost" in the(tell.RecordingFailed, done).reason
    assert house.shown() is None


def test_a_scribe_that_makes_no_files_in_time(house: Studio) -> None:
    house.enter()
    house.order(StartRecording("standup"))
    done = house.pass_time(10.1)
    assert the(tell.RecordingFailed, done).reason == "no word from the scribe"
    assert house.focus.next_deadline() is None


def test_the_heir_of_a_lost_worker_goes_on(house: Studio) -> None:
    call = house.enter()
    command, _ = house.record()
    house.tell(contract.LegReports(reports=[], load=0.1, at=house.now))
    house.order(PauseRecording("standup"))
    lost = house.lose(0)
    assert [note.what for note in every(NoteInRecording, lost)] == ["worker lost"]
    done = house.play(house.focus.worker_ready(0))
    again = the(Record, done)
    assert again.record == command.record and again.socket == SOCKET
    assert the(PauseRecord, done).paused
    order = [type(each) for each in every(contract.ToWorker, done)]
    assert order.index(contract.OpenRoom) < order.index(Record)
    assert call in house.acked


def test_words_about_recordings_that_nobody_knows_are_passed_over(house: Studio) -> None:
    house.enter()
    for event in (
        RecordingOpened(record=99, name="x"),
        contract.RecordingFailed(record=99, reason="x"),
        RecordingClosed(record=99, name="x", seconds=1.0, files=[]),
        RecordingKept(record=0, name="left-from-yesterday", files=[]),
    ):
        assert house.scribe(event) == []
    assert house.tell(RecordFailed(record=99, reason="x")) == []


def test_who_waits_is_recorded_by_name_where_that_is_asked_for(house: Studio) -> None:
    house.order(CreateRoom("standup", lobby="all"))
    anna = house.enter()
    done = house.order(StartRecording("standup", waiting=True))
    leg = house.leg(anna)
    assert the(NameTrack, done).leg == leg.id and the(SetHearing, done).waiting == [leg.id]
    assert [note.what for note in every(NoteInRecording, done)] == ["waits"]
    call, _ = house.invite(name="Bob <sip:bob@example.com>")
    house.opened(call)
    came = house.ack(call)
    assert the(NameTrack, came).leg == house.leg(call).id
    assert every(SetHearing, came)[-1].waiting == [leg.id, house.leg(call).id]
    gone = house.bye(call)
    assert [note.what for note in every(NoteInRecording, gone)] == ["left"]
    held = house.reinvite(anna, sdp("192.0.2.9", 4000, "sendonly", version=2))
    assert every(SetHearing, held)[-1].waiting == [], "no music of his into his track"


def test_those_who_wait_leave_no_trace_where_it_was_not_asked_for(house: Studio) -> None:
    house.order(CreateRoom("standup", lobby="all"))
    anna = house.enter()
    house.order(Admit("standup", house.leg(anna).participant))
    house.record()
    call, _ = house.invite(name="Bob <sip:bob@example.com>")
    house.opened(call)
    came = house.ack(call)
    assert not every(NameTrack, came) and not every(NoteInRecording, came)
    assert all(not hearing.waiting for hearing in every(SetHearing, came))


def test_without_tracks_by_the_settings_those_who_wait_cannot_be_recorded() -> None:
    house = Studio()
    house.focus._recordings._with_tracks = False
    house.order(CreateRoom("standup", lobby="all"))
    house.enter()
    with pytest.raises(Conflict, match=r"recordings\.tracks"):
        house.order(StartRecording("standup", waiting=True))
