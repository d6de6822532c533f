"""What one may ask about the recording of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import Role


@dataclass(frozen=True, slots=True)
class StartRecording(Command):
    """Record the room: the mix, and a track for each participant.

    Those who wait before its start or to be let in are never recorded unless it is asked for: then each by himself,
    for nobody hears them; they are told so.
    """

    path: ClassVar[str] = "/rooms/{room}/recording"
    verb: ClassVar[str] = "record"

    tracks: bool = True
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class StopRecording(Command):
    """End the recording; its files are then whole."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/recording"
    verb: ClassVar[str] = "stop-recording"


@dataclass(frozen=True, slots=True)
class PauseRecording(Command):
    """Leave out of the recording what comes now."""

    path: ClassVar[str] = "/rooms/{room}/recording/pause"
    verb: ClassVar[str] = "pause-recording"


@dataclass(frozen=True, slots=True)
class ResumeRecording(Command):
    """Let a recording that was paused go on."""

    path: ClassVar[str] = "/rooms/{room}/recording/resume"
    verb: ClassVar[str] = "resume-recording"


@dataclass(frozen=True, slots=True)
class NoteRecordingFailed(Command):
    """A disk, the scribe or a media worker does not take a recording any more. ``recording``: its event's number."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    recording: int
    reason: str
