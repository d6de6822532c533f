"""Who has gone from room to room, and what has become of breakout rooms."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantMoved(Event):
    """Said in both rooms: in the one before ``ParticipantLeft``, in the other before ``ParticipantArrived``.

    The participant keeps id, call, loudness and mutes.
    """

    participant: ParticipantId
    from_room: str
    to_room: str
    by: str


@dataclass(frozen=True, slots=True)
class RoomMerged(Event):
    """All have gone to another room, and whoever still arrives goes there, until this one has closed."""

    into: str
    by: str


@dataclass(frozen=True, slots=True)
class BreakoutsOpened(Event):
    """People are divided among breakout rooms, or will be."""

    rooms: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class BreakoutsClosing(Event):
    """In so many seconds all come back."""

    seconds: float
    by: str


@dataclass(frozen=True, slots=True)
class BreakoutsClosed(Event):
    """All have come back, or have gone (by ``system``)."""

    by: str
