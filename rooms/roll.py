"""Roll calls: how many are in a room, and their names, said to everybody or to one.

Names are spoken where the server can speak, else left out by whoever plays them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.commands.command import Command
from rooms.commands.roll import RollCall
from rooms.errors import NotOpen
from rooms.participant import Actor
from rooms.plays import said

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_CALLED = 30
"""Names in one call; of more people only how many they are."""


def call(room: Room, command: RollCall, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound, NotOpen."""
    if command.participant:
        room.person(command.participant)
    present = room.present
    if not present:
        raise NotOpen(f"nobody is in {room.name}")
    names = tuple(said(person.name) for person in present) if len(present) <= MOST_CALLED else ()
    minutes.say(tell.Announced, (*count(len(present)), *names), command.participant)


def count(present: int) -> tuple[str, ...]:
    return ("prompt:only-one",) if present == 1 else ("prompt:there-are", f"number:{present}", "prompt:in-the-room")


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {RollCall: call}
