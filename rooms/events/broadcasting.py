"""Voices that are heard in other rooms as well."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class BroadcastBegan(Event):
    """Somebody is heard in other rooms as well: said where he is, ``from_room``, and in each of them.

    ``rooms``: those that were named; none: the main room and all breakout rooms.
    """

    participant: ParticipantId
    name: str
    from_room: str
    rooms: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class BroadcastEnded(Event):
    """He is heard only where he is; said in all these rooms, in his own before he leaves it."""

    participant: ParticipantId
    from_room: str
    by: str
