"""What has happened to the loudness of a participant, and holds by a host."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class GainChanged(Event):
    """How much louder (dB) the others hear the participant, and the participant the others, than they are."""

    participant: ParticipantId
    incoming_db: float
    outgoing_db: float
    by: str


@dataclass(frozen=True, slots=True)
class ParticipantPlaced(Event):
    """Where the participant is heard between left (-1) and right (1); None: where the room places him."""

    participant: ParticipantId
    pan: float | None
    by: str


@dataclass(frozen=True, slots=True)
class HeldByHost(Event):
    """The participant is neither heard nor hears the room; music is played to him."""

    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class ReleasedByHost(Event):
    """The participant is back from the host's hold."""

    participant: ParticipantId
    by: str
