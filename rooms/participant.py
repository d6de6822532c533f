"""Who is in a room, and what they may do there."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

ParticipantId = str
"""Short and unique in the life of a server, e.g. ``p7``; people type it."""


class Role(enum.IntEnum):
    """What an actor may do; a higher role may do all that a lower one may."""

    OBSERVER = 0
    PARTICIPANT = 1
    MODERATOR = 2
    ADMIN = 3


class Presence(enum.Enum):
    """How far a participant has come."""

    RESERVED = "reserved"  # counts for the limits, nobody else knows
    PRESENT = "present"
    LEFT = "left"


class MuteCause(enum.Enum):
    """Why a participant is muted; each cause is set and undone separately."""

    SELF = "self"
    HOST = "host"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a script with a token, or a participant by keypad."""

    name: str
    role: Role
    participant: ParticipantId | None = None


SYSTEM = Actor("system", Role.ADMIN)
"""The server itself, e.g. when a phone hangs up."""


@dataclass(slots=True)
class Participant:
    """One person in one room.

    ``name`` is what people read (From's display name, else its user part); two people of one
    name stay distinct by ``id``. Times are epoch seconds.
    """

    id: ParticipantId
    name: str
    address: str
    """The SIP URI the participant called from."""
    source: str
    """The network address the call came from, ``host:port``."""
    reserved_at: float
    role: Role = Role.PARTICIPANT
    presence: Presence = Presence.RESERVED
    arrived_at: float | None = None
    muted: set[MuteCause] = field(default_factory=set)
    deaf: bool = False
    held: bool = False
    """The participant's own phone has put the call on hold."""
    talking: bool = False
