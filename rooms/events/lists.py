"""What becomes of lists of people who are called."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class ListStarted(Event):
    """People are called into the room by a list; ``list``: this event's own number."""

    list: int
    whom: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class DialWanted(Event):
    """Somebody of a list is to be called now; Dialled follows, or DialRefused."""

    list: int
    entry: int
    uri: str
    name: str
    ring_s: float
    confirm: bool
    caller_id: str
    by: str
    muted: bool
    deaf: bool


@dataclass(frozen=True, slots=True)
class ListChanged(Event):
    """How far somebody of a list has come: calling, joined, waits (for the next try), failed, cancelled."""

    list: int
    entry: int
    participant: ParticipantId
    state: str
    cause: str


@dataclass(frozen=True, slots=True)
class ListEnded(Event):
    """Nobody of the list is called any more; so many have joined."""

    list: int
    joined: int
    failed: int
