"""What has happened to private ways between people of a room."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId, Relation


@dataclass(frozen=True, slots=True)
class WhisperBegan(Event):
    """From now on only ``to`` hears the participant; ``coach``: whatever mutes the participant for the room."""

    participant: ParticipantId
    to: ParticipantId
    coach: bool
    by: str


@dataclass(frozen=True, slots=True)
class WhisperEnded(Event):
    """Also where one of the two has gone."""

    participant: ParticipantId
    to: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class RelationChanged(Event):
    """Whether ``participant`` hears ``other`` has been changed (nohear, nospeak: the other way round), or cleared."""

    participant: ParticipantId
    other: ParticipantId
    relation: Relation
    by: str


@dataclass(frozen=True, slots=True)
class SidebarOpened(Event):
    """Some talk among themselves; they hear the room so much softer (``room_db``), None: not at all."""

    sidebar: int
    participants: tuple[ParticipantId, ...]
    room_db: float | None
    by: str


@dataclass(frozen=True, slots=True)
class SidebarLeft(Event):
    """Somebody is back in the room, or gone."""

    sidebar: int
    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class SidebarClosed(Event):
    """All have come back, or too few were left."""

    sidebar: int
    by: str
