"""Who is called answers, and comes in when he has pressed a key: no answering machine does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms import door
from rooms import events as tell
from rooms.participant import Participant, Wait

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

KEY = "1"
ALARM = "confirming"
ASKED_S = 12.0
"""Between two askings, the prompt included."""
MOST_ASKED = 3
NOBODY = "nobody has pressed a key"
PROMPT = "prompt:press-to-join"


def must(room: Room, person: Participant) -> bool:
    return person.dialled and person.must_confirm


def ask(room: Room, person: Participant, minutes: Minutes) -> None:
    person.tries, person.deadline = person.tries + 1, minutes.at + ASKED_S
    minutes.say(tell.Announced, (PROMPT,), person.id)


def press(room: Room, person: Participant, digit: str, minutes: Minutes) -> None:
    """``entrance.review`` lets him in."""
    if digit == KEY:
        person.must_confirm, person.has_confirmed, person.tries, person.deadline = False, True, 0, None


def due(room: Room) -> float | None:
    return min((each.deadline for each in _asked(room) if each.deadline is not None), default=None)


def fire(room: Room, minutes: Minutes) -> None:
    for person in _asked(room):
        if person.deadline is None or person.deadline > minutes.at:
            continue
        if person.tries < MOST_ASKED:
            ask(room, person, minutes)
        else:
            door.turn_away(room, person, NOBODY, ("prompt:goodbye",), "system", minutes)


def _asked(room: Room) -> list[Participant]:
    return [person for person in room.waiting if person.waits_for is Wait.CONFIRM]
