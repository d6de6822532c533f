"""Who is removed from a room: out of it at once for everybody else, while he hears why.

::

    Kick ──► heard by nobody, hears nobody, nothing of his goes on ──► "removed" to him alone ──► the focus hangs up
             where the room does not tell (``tell_removed``), or he could not hear it: hung up on at once

His place stays his until the call is over, as everybody's does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import assembly, broadcasting, links, voices
from rooms import events as tell
from rooms.commands import people as ask
from rooms.commands.command import Command
from rooms.participant import Actor, Participant, Presence

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

REMOVED = ("prompt:removed",)


def kick(room: Room, command: ask.Kick, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound."""
    person = room.place(command.participant)
    if not person.dialled and person.presence is not Presence.WAITING:
        room.person(command.participant)
    if not person.kicked:
        remove(room, person, by, minutes)


def remove(
    room: Room, person: Participant, by: Actor, minutes: Minutes, words: tuple[str, ...] = REMOVED,
    cause: str = "kicked",
) -> None:  # fmt: skip
    """Whoever has asked for it; ``words``: what he hears."""
    is_told = room.policy.tell_removed and _can_hear(person)
    if is_told:
        minutes.say(tell.Announced, words, person.id, urgent=True)
    room.let_go(person, by, minutes, cause, is_told=is_told)
    _take_out(room, person, minutes)


def _can_hear(person: Participant) -> bool:
    """His call is up, and his own phone has not put it on hold."""
    is_up = person.presence in (Presence.PRESENT, Presence.WAITING)
    return is_up and not person.held and not person.turned_away


def _take_out(room: Room, person: Participant, minutes: Minutes) -> None:
    """What he has open is closed now, not with his call."""
    room.keypads.leave(person.id)
    room.hall.leave(person.id)
    room.plays.leave(person.id, minutes)
    if person.presence is Presence.PRESENT:
        voices.hush(room, person, minutes)
        part(room, person, minutes)


def part(room: Room, person: Participant, minutes: Minutes) -> None:
    """What he has with the others ends: hand and floor, whispers and sidebars, his voice in other rooms, the word."""
    assembly.leave(room, person, minutes)
    links.leave(room, person.id, minutes)
    broadcasting.leave(room, person.id, minutes)
    if room.dominant == person.id:
        voices.give_word(room, None, minutes)


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {ask.Kick: kick}
