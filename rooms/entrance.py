"""The way in, for whose call is up: what he still has to wait for, and then into the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms import events as tell
from rooms.participant import Presence, Wait

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.participant import Participant
    from rooms.room import Room


def next_wait(room: Room, person: Participant) -> Wait | None:
    """What somebody who is at the door has to wait for; None: he may come in."""
    return Wait.ROOM if room.hall.is_open else None


def go_on(room: Room, person: Participant, minutes: Minutes) -> None:
    """Let somebody wait for what comes next, or let him in."""
    wait = next_wait(room, person)
    if wait is None:
        person.waits_for = None
        room.enter(person, minutes)
    elif wait is not person.waits_for:
        person.presence, person.waits_for = Presence.WAITING, wait
        person.waits_since = person.waits_since or minutes.at
        minutes.say(tell.ParticipantWaits, person.id, person.name, person.address, person.source, wait)
        if wait is Wait.ROOM:
            room.hall.ask(room, person, minutes, "prompt:welcome")
