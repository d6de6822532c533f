"""How long somebody may stay: who is no moderator hears that his time is up, and is hung up on (``stay_limit_s``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms import removing
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Participant, Role

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

ALARM = "stay"
TIME_IS_UP = "his time is up"
WORDS = ("prompt:minutes-used-up",)


def due(room: Room) -> float | None:
    """When the first of them has to go."""
    return min((_ends_at(room, person) for person in _limited(room)), default=None)


def fire(room: Room, minutes: Minutes) -> None:
    for person in _limited(room):
        if _ends_at(room, person) <= minutes.at:
            removing.remove(room, person, SYSTEM, minutes, WORDS, TIME_IS_UP)


def _limited(room: Room) -> list[Participant]:
    if not room.policy.stay_limit_s or room.state is State.ENDING:
        return []
    return [person for person in room.present if person.role < Role.MODERATOR and not person.kicked]


def _ends_at(room: Room, person: Participant) -> float:
    """Whoever was moved counts from then on."""
    return (person.arrived_at or 0.0) + room.policy.stay_limit_s
