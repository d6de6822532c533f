"""The way in, for whose call is up: what he still has to wait for, one after another, and then into the room.

``WAITS`` is asked from the top; whatever happens in a room, all who wait are asked again (``review``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rooms import confirming, door, lifecycle, naming, recalling, schedule
from rooms import events as tell
from rooms.lifecycle import State, next_state
from rooms.participant import Participant, Presence, Role, Wait

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_KNOCKS = 4
"""So many of them a moderator is told of who comes later."""


def needs_moderator(room: Room, person: Participant) -> bool:
    is_alone = not any(each.role >= Role.MODERATOR for each in room.present)
    return room.policy.wait_for_moderator and person.role < Role.MODERATOR and is_alone


def ask_patience(room: Room, person: Participant, minutes: Minutes) -> None:
    person.deadline = None
    minutes.say(tell.Announced, ("prompt:no-moderator",), person.id)


WAITS: tuple[tuple[Wait, Callable[[Room, Participant], bool], Callable[[Room, Participant, Minutes], None]], ...] = (
    (Wait.ROOM, lambda *who: who[0].hall.is_open, lambda room, *who: room.hall.ask(room, *who, "prompt:welcome")),
    (Wait.CONFIRM, confirming.must, confirming.ask),
    (Wait.PIN, lambda *who: not who[1].dialled and door.needs_pin(*who), lambda *who: door.ask_pin(*who)),
    (Wait.NAME, naming.must, naming.begin),
    (Wait.START, schedule.must_wait, schedule.ask),
    (Wait.APPROVAL, lambda *who: not who[1].dialled and door.needs_leave(*who), lambda *who: door.knock(*who)),
    (Wait.MODERATOR, needs_moderator, ask_patience),
)
"""What may have to be waited for: who must, and what is done when it begins. Whom a host calls need not knock."""


def next_wait(room: Room, person: Participant) -> Wait | None:
    """What somebody who is at the door has to wait for; None: he may come in."""
    if person.is_admitted and not room.hall.is_open:
        return None
    return next((wait for wait, must, _ in WAITS if must(room, person)), None)


def go_on(room: Room, person: Participant, minutes: Minutes) -> bool:
    """Let somebody wait for what comes next, or let him in. False: all is as it was."""
    wait, was = next_wait(room, person), person.waits_for
    if person.turned_away or person.kicked or (wait is was and person.presence is Presence.WAITING):
        return False
    is_back = person.presence is Presence.RESERVED and recalling.recall(room, person)
    person.waits_for, person.deadline = wait, None
    if was is Wait.NAME:
        naming.end(room, person, minutes)
    if wait is None:
        room.enter(person, minutes)
        _greet(room, person, minutes)
        recalling.greet(person, minutes, is_back=is_back)
        if was not in (None, Wait.PIN, Wait.CONFIRM, Wait.NAME):
            minutes.say(tell.Announced, ("prompt:let-in",), person.id)
        if room.policy.welcome:
            minutes.say(tell.Announced, room.policy.welcome, person.id)
        return True
    if person.presence is Presence.RESERVED:
        person.presence = Presence.WAITING
        room.state = next_state(room.state, lifecycle.on_wait(len(room.waiting), len(room.present)))
    person.waits_since = person.waits_since or minutes.at
    minutes.say(tell.ParticipantWaits, person.id, person.name, person.address, person.source, wait)
    recalling.greet(person, minutes, is_back=is_back)
    next(begin for each, _, begin in WAITS if each is wait)(room, person, minutes)
    return True


def review(room: Room, minutes: Minutes) -> None:
    """Whoever need not wait any more comes in, and who lets others in by that goes first."""
    if room.state is State.ENDING:
        return
    while any(go_on(room, person, minutes) for person in sorted(room.waiting, key=lambda each: -each.role)):
        pass


def _greet(room: Room, host: Participant, minutes: Minutes) -> None:
    """A moderator who comes is told who has knocked before."""
    knocking = [each for each in room.waiting if each.waits_for is Wait.APPROVAL]
    if host.role >= Role.MODERATOR:
        for sounds in dict.fromkeys(naming.knock_of(each) for each in knocking[:MOST_KNOCKS]):
            minutes.say(tell.Announced, sounds, host.id)
