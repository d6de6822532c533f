"""What has happened in lectures, with raised hands, and to the floor."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class LectureStarted(Event):
    """Only moderators are heard, and who has the floor; by ``system`` where it is a rule of the room."""

    by: str


@dataclass(frozen=True, slots=True)
class LectureEnded(Event):
    """By ``system`` when the room closes."""

    by: str


@dataclass(frozen=True, slots=True)
class HandRaised(Event):
    """Somebody wants to speak; ``place``: in the queue, the first is 1."""

    participant: ParticipantId
    place: int


@dataclass(frozen=True, slots=True)
class HandLowered(Event):
    """Somebody does not want to speak any more, or has been given the floor."""

    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class FloorGiven(Event):
    """Somebody has been let speak."""

    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class FloorTaken(Event):
    """Somebody has the floor no more."""

    participant: ParticipantId
    by: str
