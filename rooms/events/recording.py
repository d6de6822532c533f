"""What has happened to the recording of a room."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event


@dataclass(frozen=True, slots=True)
class RecordingStarted(Event):
    """The room is recorded from now on; ``tracks``: each participant by himself; ``waiting``: also who waits."""

    tracks: bool
    by: str
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class RecordingPaused(Event):
    """What comes now is left out of the recording."""

    by: str


@dataclass(frozen=True, slots=True)
class RecordingResumed(Event):
    """The recording goes on."""

    by: str


@dataclass(frozen=True, slots=True)
class RecordingEnded(Event):
    """Somebody has ended it; by ``system`` when the room closes."""

    by: str


@dataclass(frozen=True, slots=True)
class RecordingFailed(Event):
    """Nothing more can be written, for a reason; what there is can be played."""

    reason: str
