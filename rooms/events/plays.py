"""What plays in a room."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class PlayStarted(Event):
    """Something is to be heard by everybody, or by one participant alone. ``play``: this event's own number."""

    play: int
    sounds: tuple[str, ...]
    participant: ParticipantId
    loop: bool
    volume_db: float
    duck_db: float
    start_s: float
    interruptible: bool
    by: str


@dataclass(frozen=True, slots=True)
class PlayChanged(Event):
    """How a play goes on from now on; ``position_s``: from where, None: from where it is."""

    play: int
    paused: bool
    volume_db: float
    position_s: float | None
    by: str


@dataclass(frozen=True, slots=True)
class PlayEnded(Event):
    """``cause``: finished, stopped, interrupted (by the key ``digit``), or failed (for a ``reason``)."""

    play: int
    participant: ParticipantId
    cause: str
    digit: str
    reason: str
    by: str
