"""What has happened at a room's door, and who is its moderator."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class CallerRefused(Event):
    """Somebody's call was refused at the door; ``cause``: denied, wrong PIN, locked, full ..."""

    address: str
    source: str
    cause: str


@dataclass(frozen=True, slots=True)
class PinRefused(Event):
    """The PIN that somebody has typed is wrong, or none has come; he may try so often more."""

    participant: ParticipantId
    cause: str
    tries_left: int


@dataclass(frozen=True, slots=True)
class PinAccepted(Event):
    """Somebody who waited has typed the right PIN."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Admitted(Event):
    """Somebody who waited is let in; ``ParticipantArrived`` follows."""

    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class TurnedAway(Event):
    """Somebody who waited is not let in: he hears so and is hung up on. ``WaitEnded`` follows."""

    participant: ParticipantId
    cause: str
    by: str


@dataclass(frozen=True, slots=True)
class RoleChanged(Event):
    """Somebody is a moderator from now on, or is no more."""

    participant: ParticipantId
    role: Role
    by: str
