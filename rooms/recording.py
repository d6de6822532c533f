"""Whether a room is recorded, and who has asked for it. Its sound is written elsewhere; all know of it here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Conflict, NotFound, NotOpen
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Actor, readable

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room


class Recording:
    """That of one room, if there is one: nobody records a room twice at once."""

    def __init__(self) -> None:
        self.number = 0
        """Of its RecordingStarted; 0: the room is not recorded."""
        self.paused = False
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
        """Raises NotFound."""
        self._check(minutes)
        self._end(minutes, by)

    def close(self, minutes: Minutes) -> None:
        """A recording ends with the meeting."""
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


def start(room: Room, command: ask.StartRecording, by: Actor, minutes: Minutes) -> None:
    room.recording.start(command, by, minutes, room.state in (State.ALONE, State.LIVE))


HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.StartRecording: start,
    ask.StopRecording: lambda room, *how: room.recording.stop(*how),
    ask.PauseRecording: lambda room, *how: room.recording.pause(*how),
    ask.ResumeRecording: lambda room, *how: room.recording.resume(*how),
    ask.NoteRecordingFailed: lambda room, *how: room.recording.note_failed(*how),
}
