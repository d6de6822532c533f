"""Recordings on their way: files at the scribe, sound from the room's worker, both to the same end.

::

    RecordingStarted --> OpenRecording --RecordingOpened--> Record --> (the worker hands over) --+
                                                             ^ the heir of a lost worker: again  |
    RecordingPaused, RecordingResumed ----------------------> PauseRecord, and a note            |
    RecordingEnded --> StopRecord, CloseRecording --RecordingClosed--> --RecordingKept-->  over  |
    whatever fails --> NoteRecordingFailed, and StopRecord, CloseRecording: what there is stays readable
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from confserver.contract import (
    CloseRecording,
    FromScribe,
    LegId,
    NameTrack,
    NoteInRecording,
    OpenRecording,
    PauseRecord,
    Record,
    RecordFailed,
    RecordId,
    RecordingClosed,
    RecordingFailed,
    RecordingKept,
    RecordingOpened,
    ScribeReady,
    StopRecord,
)  # fmt: skip
from confserver.focus.legs import Place
from confserver.focus.outputs import Recorded, TellScribe
from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.commands import Command, NoteRecordingFailed, StartRecording
from rooms.errors import Conflict
from rooms.participant import SYSTEM, ParticipantId

MOST_REMEMBERED = 200
"""Of those that are over."""
OPENING_S = 10.0
"""So long the scribe may take to make files."""
_NOTED = {
    tell.ParticipantLeft: "left",
    tell.ParticipantMuted: "muted",
    tell.ParticipantUnmuted: "unmuted",
    tell.ParticipantHeld: "held",
    tell.ParticipantResumed: "back from hold",
}
"""What the timeline tells of besides coming and talking."""


@dataclass(slots=True, eq=False)
class Recording:
    """One of them. ``number``: as the rooms know it, that of its RecordingStarted."""

    id: RecordId
    number: int
    room: str
    place: Place
    tracks: bool
    started_at: float
    deadline: float
    name: str = ""
    """What its files are called; the scribe says so once they are made."""
    paused: bool = False
    waiting: bool = False
    """Those who wait are recorded, too."""
    state: str = "recording"
    """Then ``converting``, then ``kept``; or ``failed``."""
    reason: str = ""
    seconds: float | None = None
    files: list[str] = field(default_factory=list)
    named: set[LegId] = field(default_factory=set)

    def describe(self) -> dict[str, Any]:
        return {
            "room": self.room,
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "started_at": self.started_at,
            "seconds": self.seconds,
            "files": list(self.files),
        }


class Recordings:
    """All that are under way, and the last that were."""

    def __init__(self, scene: Scene, with_tracks: bool = True, days: float = 0.0) -> None:
        """``with_tracks``: whether there may be a file for each participant. ``days``: how long they are kept where a
        room's rules say nothing; 0: until somebody deletes them."""
        self._days = days
        self._scene = scene
        self._with_tracks = with_tracks
        self._socket = ""
        """Where workers find the scribe."""
        self._by_room: dict[str, Recording] = {}
        self._closing: dict[RecordId, Recording] = {}
        """Whose files are not yet in their format."""
        self._over: deque[Recording] = deque(maxlen=MOST_REMEMBERED)

    def __len__(self) -> int:
        return len(self._by_room) + len(self._closing)

    # ------------------------------------------------------------------ what the rooms say
    def check(self, command: Command) -> None:
        """Raises Conflict where those who wait cannot be recorded."""
        if isinstance(command, StartRecording) and command.waiting and not self._with_tracks:
            raise Conflict("who waits is recorded by himself, and the setting recordings.tracks allows no tracks")

    def follow(self, event: tell.Event) -> None:
        if isinstance(event, tell.RecordingStarted):
            self._start(event)
            return
        recording = self._by_room.get(event.room)
        if recording is None:
            return
        match event:
            case tell.RecordingPaused(by=by):
                self._pause(recording, True, by, event.at)
            case tell.RecordingResumed(by=by):
                self._pause(recording, False, by, event.at)
            case tell.RecordingEnded(by=by):
                self._end(recording, event.at, f"ended by {by}")
            case tell.RecordingFailed(reason=reason):
                recording.state, recording.reason = "failed", reason
                self._end(recording, event.at, reason)
            case tell.ParticipantArrived(participant=participant, name=name):
                self._name(recording, participant, name)
                self._note(recording, event.at, "arrived", participant)
            case tell.ParticipantWaits(participant=participant) if recording.waiting:
                self._wait(recording, participant, event.at)
            case tell.WaitEnded(participant=participant) if recording.waiting:
                self._note(recording, event.at, "left", participant)
            case tell.ParticipantReplaced(participant=participant, name=name):
                self._name(recording, participant, name)
                self._note(recording, event.at, "on another phone", participant)
            case tell.TalkingChanged(participant=participant, talking=talking):
                self._note(recording, event.at, "talking" if talking else "quiet", participant)
            case _ if type(event) in _NOTED:
                self._note(recording, event.at, _NOTED[type(event)], event.participant)  # type: ignore[attr-defined]

    def _start(self, event: tell.RecordingStarted) -> None:
        scene, room = self._scene, event.room
        tracks = event.tracks and self._with_tracks
        recording = self._by_room[room] = Recording(
            scene.number(),
            event.number,
            room,
            scene.places[room],
            tracks,
            event.at,
            event.at + OPENING_S,
            waiting=event.waiting,
        )
        scene.say(
            TellScribe(
                OpenRecording(record=recording.id, room=room, at=event.at, tracks=tracks, keep_days=self._days_of(room))
            )
        )
        here = scene.rooms.find(room)
        for person in here.present if here else ():
            self._name(recording, person.id, person.name)
            self._note(recording, event.at, "present", person.id)
            if person.talking:
                self._note(recording, event.at, "talking", person.id)
        for person in here.waiting if here and event.waiting else ():
            self._name(recording, person.id, person.name)
            self._note(recording, event.at, "waits", person.id)

    def _wait(self, recording: Recording, participant: ParticipantId, at: float) -> None:
        room = self._scene.rooms.find(recording.room)
        person = room.places.get(participant) if room else None
        if person is not None:
            self._name(recording, participant, person.name)
            self._note(recording, at, "waits", participant)

    def _days_of(self, room: str) -> float:
        own = self._scene.rooms.policy_of(room).record_days
        return float(self._days if own is None else own)

    def _name(self, recording: Recording, participant: ParticipantId, name: str) -> None:
        """Who speaks on which leg."""
        leg = self._scene.legs.by_participant.get(participant)
        if leg and leg.id not in recording.named:
            recording.named.add(leg.id)
            word = NameTrack(record=recording.id, leg=leg.id, participant=participant, name=name)
            self._scene.say(TellScribe(word))

    def _note(self, recording: Recording, at: float, what: str, participant: str = "", by: str = "") -> None:
        word = NoteInRecording(record=recording.id, at=at, what=what, participant=participant, by=by)
        self._scene.say(TellScribe(word))

    def _pause(self, recording: Recording, paused: bool, by: str, at: float) -> None:
        recording.paused = paused
        self._note(recording, at, "paused" if paused else "resumed", by=by)
        if recording.name:
            self._scene.tell_worker(recording.place, PauseRecord(record=recording.id, paused=paused))

    def _end(self, recording: Recording, at: float, cause: str) -> None:
        """Worker and scribe each come to their end; the scribe waits for what is on the way."""
        del self._by_room[recording.room]
        if recording.name:
            self._scene.say(Recorded(recording.room, "", at))
            self._scene.tell_worker(recording.place, StopRecord(record=recording.id))
        self._scene.say(TellScribe(CloseRecording(record=recording.id, at=at, cause=cause)))
        if recording.state == "failed":
            self._over.append(recording)
        else:
            recording.state = "converting"
            self._closing[recording.id] = recording

    # ------------------------------------------------------------------ what the scribe says
    def hear_scribe(self, event: FromScribe, now: float) -> None:
        match event:
            case ScribeReady(socket=socket):
                self._socket = socket
            case RecordingOpened(record=record, name=name):
                self._opened(record, name)
            case RecordingFailed(record=record, reason=reason):
                self._failed(record, reason, now)
            case RecordingClosed():
                self._closed(event)
            case RecordingKept():
                self._kept(event)

    def _opened(self, record: RecordId, name: str) -> None:
        """Its files are there: now the worker may begin."""
        recording = self._known(record) or self._closing.get(record)
        if recording is None:
            return
        recording.name = name
        self._scene.say(Recorded(recording.room, name, recording.started_at))
        if record not in self._closing:
            self._tell_worker(recording)

    def _tell_worker(self, recording: Recording) -> None:
        command = Record(
            record=recording.id, room=recording.place.number, socket=self._socket, tracks=recording.tracks
        )  # fmt: skip
        self._scene.tell_worker(recording.place, command)
        if recording.paused:
            self._scene.tell_worker(recording.place, PauseRecord(record=recording.id, paused=True))

    def _closed(self, event: RecordingClosed) -> None:
        recording = self._ended(event.record)
        if recording:
            recording.seconds, recording.files = event.seconds, event.files

    def _kept(self, event: RecordingKept) -> None:
        recording = self._ended(event.record)
        if recording:
            recording.files = event.files or recording.files
        if self._closing.pop(event.record, None) and recording:
            recording.state, recording.reason = "kept", event.trouble
            self._over.append(recording)

    def _ended(self, record: RecordId) -> Recording | None:
        return self._closing.get(record) or next((each for each in self._over if each.id == record), None)

    def scribe_lost(self, now: float) -> None:
        """What it had in hand stays as it is; the next scribe brings it to its end."""
        for recording in list(self._by_room.values()):
            self._failed(recording.id, "the scribe is lost", now)
        for recording in self._closing.values():
            recording.state, recording.reason = "failed", "the scribe is lost"
            self._over.append(recording)
        self._closing.clear()

    # ------------------------------------------------------------------ what workers say
    def worker_failed(self, event: RecordFailed, now: float) -> None:
        self._failed(event.record, event.reason, now)

    def worker_lost(self, worker: int, now: float) -> None:
        """Silence until the heir hands over."""
        for recording in self._at(worker):
            self._note(recording, now, "worker lost")

    def worker_ready(self, worker: int) -> None:
        """The heir goes on where its forebear has left off."""
        for recording in self._at(worker):
            if recording.name and not recording.place.is_lost:
                self._tell_worker(recording)

    def _at(self, worker: int) -> list[Recording]:
        return [recording for recording in self._by_room.values() if recording.place.worker == worker]

    # ------------------------------------------------------------------ the end
    def _failed(self, record: RecordId, reason: str, now: float) -> None:
        recording = self._known(record)
        if recording:
            self._scene.try_ask(NoteRecordingFailed(recording.room, recording.number, reason), SYSTEM, now)

    def _known(self, record: RecordId) -> Recording | None:
        return next((each for each in self._by_room.values() if each.id == record), None)

    def next_deadline(self) -> float | None:
        return min((each.deadline for each in self._by_room.values() if not each.name), default=None)

    def fire(self, now: float) -> None:
        """A scribe that does not answer makes no files."""
        for recording in [each for each in self._by_room.values() if not each.name and each.deadline <= now]:
            self._failed(recording.id, "no word from the scribe", now)

    def describe(self) -> list[dict[str, Any]]:
        """All that are known of, the latest first."""
        everybody = [*self._over, *self._closing.values(), *self._by_room.values()]
        return [each.describe() for each in sorted(everybody, key=lambda each: -each.started_at)]

    def name_of(self, room: str) -> str:
        """What the files of a room's recording are called; empty: there is none, or not yet."""
        return self._by_room[room].name if room in self._by_room else ""
