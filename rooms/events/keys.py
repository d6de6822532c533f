"""What is wanted by keys and is not the room's alone to grant."""

from __future__ import annotations

from dataclasses import dataclass, field

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class KeysAsked(Event):
    """By keys somebody asks for what others than the room must allow first."""

    participant: ParticipantId
    action: str
    argument: str = field(default="", metadata={"secret": True})
    """The number that he has typed."""


@dataclass(frozen=True, slots=True)
class RoomChosen(Event):
    """Who has called an entrance has typed the number of a room, which is maybe none."""

    participant: ParticipantId
    digits: str = field(default="", metadata={"secret": True})
