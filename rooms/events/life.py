"""What has happened to a room, and to its places."""

from __future__ import annotations

from dataclasses import dataclass, field

from rooms.events.event import Event
from rooms.participant import ParticipantId, Wait
from rooms.policy import RoomPolicy
from rooms.profiles import Said


@dataclass(frozen=True, slots=True)
class RoomCreated(Event):
    """A room was made: beforehand (``persistent``), or on demand for its first caller.

    A room made on demand that becomes persistent while it is open is created a second time.
    """

    persistent: bool
    policy: RoomPolicy
    profile: str = ""
    said: Said = field(default_factory=dict)
    """What its policy is made of, by ``profiles.Profiles``."""


@dataclass(frozen=True, slots=True)
class RoomChanged(Event):
    """A room made beforehand has other rules from now on.

    Its sound changes at once; those present stay, muted or not as they are.
    """

    policy: RoomPolicy
    profile: str = ""
    said: Said = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoomRemoved(Event):
    """A room made beforehand is forgotten."""


@dataclass(frozen=True, slots=True)
class RoomLocked(Event):
    """Nobody else is let in."""

    by: str


@dataclass(frozen=True, slots=True)
class RoomUnlocked(Event):
    """People are let in again; by ``system`` when the room closes, for a lock does not outlive its meeting."""

    by: str


@dataclass(frozen=True, slots=True)
class RoomOpened(Event):
    """The first place in the room was asked for: it needs a media worker from now on."""


@dataclass(frozen=True, slots=True)
class RoomEnding(Event):
    """Everybody will be hung up on, and nobody is let in, until the room is empty."""

    by: str
    cause: str = ""
    """Where it ends by itself: why."""


@dataclass(frozen=True, slots=True)
class RoomClosed(Event):
    """The last one has left: the room needs no media worker any more."""


@dataclass(frozen=True, slots=True)
class PlaceReserved(Event):
    """Somebody is calling; not for the eyes of the others before ``ParticipantArrived``."""

    participant: ParticipantId
    name: str
    address: str
    source: str


@dataclass(frozen=True, slots=True)
class PlaceReleased(Event):
    """A kept place was given back: the call came to nothing."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantArrived(Event):
    """Somebody is in the room from now on."""

    participant: ParticipantId
    name: str
    address: str
    source: str


@dataclass(frozen=True, slots=True)
class ParticipantLeft(Event):
    """Somebody is in the room no more, for a cause."""

    participant: ParticipantId
    cause: str


@dataclass(frozen=True, slots=True)
class ParticipantKicked(Event):
    """The focus hangs up on the participant; ``ParticipantLeft`` follows."""

    participant: ParticipantId
    by: str
    cause: str = "kicked"
    """Of his leaving."""
    is_told: bool = False
    """He hears so first; nobody hears him any more, and he hears nobody."""


@dataclass(frozen=True, slots=True)
class Announced(Event):
    """The room says something, to everybody present or to one (``participant``); sounds as in Play."""

    sounds: tuple[str, ...]
    participant: ParticipantId = ""
    urgent: bool = False
    """It takes the place of all that he, or the room, has not heard yet."""


@dataclass(frozen=True, slots=True)
class ParticipantWaits(Event):
    """Somebody's call is up, and he is not in yet; ``waits_for``: why, as ``participant.Wait`` words it.

    Said anew where it is for something else that he waits. ``ParticipantArrived`` or ``WaitEnded`` follows.
    """

    participant: ParticipantId
    name: str
    address: str
    source: str
    waits_for: Wait


@dataclass(frozen=True, slots=True)
class WaitEnded(Event):
    """Who waited is gone without having come in, for a cause."""

    participant: ParticipantId
    cause: str
