"""Whether a room is recorded, and who has asked for it. Its sound is written elsewhere; all know of it here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, NotFound, NotOpen
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Actor, readable
from rooms.policy import RecordNotice

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room


class Recording:
    """That of one room, if there is one: nobody records a room twice at once."""

    def __init__(self) -> None:
        self.number = 0
        """Of its RecordingStarted; 0: the room is not recorded."""
        self.paused = False
        self.is_wanted = True
        """Nobody has ended what the room has begun by itself, in this meeting."""
        self._tracks = False
        self._since = 0.0
        self._by = ""

    def __bool__(self) -> bool:
        return bool(self.number)

    def describe(self) -> dict[str, Any] | None:
        if not self.number:
            return None
        return {"since": self._since, "by": self._by, "tracks": self._tracks, "paused": self.paused}

    def start(self, command: ask.StartRecording, by: Actor, minutes: Minutes, is_somebody_there: bool) -> None:
        """Raises NotOpen, Conflict."""
        if not is_somebody_there:
            raise NotOpen(f"nobody is in {minutes.room}")
        if self.number:
            raise Conflict(f"{minutes.room} is recorded already, since {self._by} has asked for it")
        self.number, self.paused = minutes.number + 1, False
        self._tracks, self._since, self._by = command.tracks, minutes.at, by.name
        minutes.say(tell.RecordingStarted, command.tracks, by.name)

    def pause(self, command: ask.PauseRecording, by: Actor, minutes: Minutes) -> None:
        """Raises NotFound."""
        self._set_paused(True, by, minutes)

    def resume(self, command: ask.ResumeRecording, by: Actor, minutes: Minutes) -> None:
        """Raises NotFound."""
        self._set_paused(False, by, minutes)

    def _set_paused(self, paused: bool, by: Actor, minutes: Minutes) -> None:
        self._check(minutes)
        if self.paused != paused:
            self.paused = paused
            minutes.say(tell.RecordingPaused if paused else tell.RecordingResumed, by.name)

    def stop(self, command: ask.StopRecording, by: Actor, minutes: Minutes) -> None:
        """Raises NotFound. It does not begin again by itself."""
        self._check(minutes)
        self.is_wanted = False
        self._end(minutes, by)

    def close(self, minutes: Minutes) -> None:
        """A recording ends with the meeting."""
        self.is_wanted = True
        if self.number:
            self._end(minutes, SYSTEM)

    def _end(self, minutes: Minutes, by: Actor) -> None:
        self.number = 0
        minutes.say(tell.RecordingEnded, by.name)

    def note_failed(self, command: ask.NoteRecordingFailed, by: Actor, minutes: Minutes) -> None:
        """Ignored where another has begun meanwhile."""
        if self.number and self.number == command.recording:
            self.number = 0
            minutes.say(tell.RecordingFailed, readable(command.reason))

    def _check(self, minutes: Minutes) -> None:
        if not self.number:
            raise NotFound(f"{minutes.room} is not recorded")


def follow(room: Room, minutes: Minutes) -> None:
    """Begin by itself where the room's rules say so; say that it is recorded, also to who comes later."""
    arrived = [event.participant for event in minutes.events if isinstance(event, tell.ParticipantArrived)]
    began = ended = False
    for event in minutes.events:
        began |= isinstance(event, tell.RecordingStarted)
        ended |= isinstance(event, tell.RecordingEnded | tell.RecordingFailed)
    own, rules = room.recording, room.policy
    if arrived and not own and own.is_wanted and 0 < rules.record_from <= len(room.present):
        own.start(ask.StartRecording(room.name, rules.record_tracks), SYSTEM, minutes, bool(room.present))
        began = True
    if began:
        _notify(room, "", _STARTED, minutes)
    elif own:
        for who in arrived:
            _notify(room, who, _STARTED, minutes)
    if ended and room.present and room.state is not State.ENDING:
        _notify(room, "", _STOPPED, minutes)


_STARTED = {RecordNotice.SPOKEN: "prompt:recording-started", RecordNotice.BEEP: "tones:beep"}
_STOPPED = {RecordNotice.SPOKEN: "prompt:recording-stopped"}


def _notify(room: Room, who: str, words: dict[RecordNotice, str], minutes: Minutes) -> None:
    sound = words.get(room.policy.record_notice)
    if sound:
        minutes.say(tell.Announced, (sound,), who)


def start(room: Room, command: ask.StartRecording, by: Actor, minutes: Minutes) -> None:
    room.recording.start(command, by, minutes, room.state in (State.ALONE, State.LIVE))


HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.StartRecording: start,
    ask.StopRecording: lambda room, *how: room.recording.stop(*how),
    ask.PauseRecording: lambda room, *how: room.recording.pause(*how),
    ask.ResumeRecording: lambda room, *how: room.recording.resume(*how),
    ask.NoteRecordingFailed: lambda room, *how: room.recording.note_failed(*how),
}
