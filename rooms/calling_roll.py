"""Roll call: how many are in a room, and who, said to everybody or to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.commands import calling_roll as ask
from rooms.commands.command import Command
from rooms.errors import NotOpen
from rooms.participant import Actor
from rooms.plays import named

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_NAMES = 20
"""Nobody listens to more."""


def how_many(room: Room) -> tuple[str, ...]:
    present = sum(not person.kicked for person in room.present)
    return ("prompt:only-one",) if present == 1 else ("prompt:there-are", f"number:{present}", "prompt:in-the-room")


def call(room: Room, command: ask.RollCall, by: Actor, minutes: Minutes) -> None:
    """The names by themselves: where they cannot be spoken, the count is heard all the same.

    Raises NotFound, NotOpen.
    """
    if command.participant:
        room.person(command.participant)
    there = [each for each in room.present if not each.kicked]
    people = sorted(there, key=lambda each: each.arrived_at or 0.0)[:MOST_NAMES]
    if not people:
        raise NotOpen(f"nobody is in {room.name}")
    minutes.say(tell.Announced, how_many(room), command.participant)
    minutes.say(tell.Announced, tuple(named(each, ".") for each in people), command.participant)


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {ask.RollCall: call}
