"""From one room to another: the participant stays, with id, call, loudness and mutes.

::

    target: RoomOpened if it was empty, PlaceReserved
    source: ParticipantMoved, what was open of him is closed, ParticipantLeft, RoomClosed if he was the last
    target: ParticipantMoved, ParticipantArrived

All or nobody: what may be refused comes first. Whom a moderator takes to a room has a moderator's leave: its lock, PIN,
lobby and rule ``allow`` keep nobody out. Its rule ``deny`` does: whoever takes people from room to room need not know
whom that room's host wants to see no more; who does know says so (``force``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from rooms import door
from rooms import events as tell
from rooms.commands import moving as ask
from rooms.commands.command import Command
from rooms.errors import Conflict, Full, NotOpen, Refused
from rooms.lifecycle import State
from rooms.minutes import Minutes
from rooms.participant import SYSTEM, Actor, Participant, Presence

if TYPE_CHECKING:
    from rooms.manager import Rooms
    from rooms.room import Room

MOST_NAMED = 10
"""So many are named in a refusal."""

Across = Callable[["Rooms", "Room", Any, Actor, float], list[tell.Event]]


def move(rooms: Rooms, source: Room, command: ask.Move, by: Actor, now: float) -> list[tell.Event]:
    """Raises NotFound, Conflict, Full, NotOpen, Invalid."""
    person, target = source.person(command.participant), rooms.destination(source, command.to)
    check_denied([person], target, force=command.force)
    return take(rooms, source, [person], target, by, now)


def move_all(rooms: Rooms, source: Room, command: ask.MoveAll, by: Actor, now: float) -> list[tell.Event]:
    """Raises NotFound, Conflict, Full, NotOpen, Invalid."""
    spared = {source.person(who).id for who in command.but}
    named = [source.person(who) for who in command.participants] or movable(source)
    people, target = [person for person in named if person.id not in spared], rooms.destination(source, command.to)
    check_denied(people, target, force=command.force)
    return take(rooms, source, people, target, by, now)


def merge(rooms: Rooms, source: Room, command: ask.Merge, by: Actor, now: float) -> list[tell.Event]:
    """Raises Conflict, Full, NotOpen, Invalid."""
    if source.state is State.EMPTY:
        raise NotOpen(f"nobody is in {source.name}")
    target = rooms.destination(source, command.to)
    check(source, movable(source), target)
    check_denied(movable(source), target, force=command.force)
    minutes = Minutes(source.name, source.number, now)
    target.ties.successor, source.ties.by_force = "", command.force
    if source.ties.successor != target.name:
        source.ties.successor = target.name
        minutes.say(tell.RoomMerged, target.name, by.name)
    return [*source.conclude(minutes), *take(rooms, source, movable(source), target, by, now)]


def movable(room: Room) -> list[Participant]:
    """All present but those who are being hung up on."""
    return [person for person in room.present if not person.kicked]


def check_denied(people: Iterable[Participant], target: Room, *, force: bool) -> None:
    """Raises Conflict."""
    denied = [] if force else [person for person in people if door.is_denied(target, door.caller_of(person))]
    if denied:
        names = ", ".join(f"{person.name} ({person.id})" for person in denied[:MOST_NAMED])
        more = f" and {len(denied) - MOST_NAMED} more" if len(denied) > MOST_NAMED else ""
        raise Conflict(f"{target.name} is closed to {names}{more} by its rule deny; by force it is not")


def check(source: Room, people: Iterable[Participant], target: Room, *, is_back: bool = False) -> None:
    """``is_back``: people who come back find a place, however many are there by now. Raises Conflict, NotOpen, Full."""
    people = list(people)
    if source is target:
        raise Conflict(f"{source.name} is where they are")
    if target.state is State.ENDING or source.state is State.ENDING:
        raise NotOpen(f"{(target if target.state is State.ENDING else source).name} is ending")
    for person in people:
        if person.kicked:
            raise Conflict(f"{person.id} is being hung up on")
    taken, most = len(target.places), target.policy.max_participants
    if people and not is_back and taken + len(people) > most:
        raise Full(f"{target.name} has no room for {len(people)}: {taken} of {most} places are taken")


def take(
    rooms: Rooms, source: Room, people: list[Participant], target: Room, by: Actor, now: float, *, is_back: bool = False
) -> list[tell.Event]:
    """Take people from one room to another. Raises Conflict, NotOpen, Full; nothing has changed then."""
    check(source, people, target, is_back=is_back)
    if not people:
        return []
    arrivals = Minutes(target.name, target.number, now)
    departures = Minutes(source.name, source.number, now)
    for person in people:
        target.keep_place_for(person, arrivals)
    ready = len(arrivals.events)
    for person in people:
        departures.say(tell.ParticipantMoved, person.id, source.name, target.name, by.name)
        source.give_back(person, f"moved to {target.name}", departures)
    gone = source.conclude(departures)
    for person in people:
        person.presence = Presence.RESERVED
        arrivals.say(tell.ParticipantMoved, person.id, source.name, target.name, by.name)
        target.enter(person, arrivals, is_moved=True)
    there = target.conclude(arrivals)
    for room in (source, target):
        rooms.keep(room)
    return [*there[:ready], *gone, *there[ready:]]


def follow(rooms: Rooms, events: list[tell.Event], now: float) -> list[tell.Event]:
    """Who has arrived in a room that was merged goes on; where there is no place for him any more, he stays."""
    further: list[tell.Event] = []
    for event in events:
        room = rooms.find(event.room)
        if not isinstance(event, tell.ParticipantArrived) or room is None or not room.ties.successor:
            continue
        person, target = room.places.get(event.participant), rooms.find(room.ties.successor)
        if person is None or target is None:
            continue
        try:
            check_denied([person], target, force=room.ties.by_force)
            further += take(rooms, room, [person], target, SYSTEM, now)
        except Refused:
            continue
    return further


ACROSS: dict[type[Command], Across] = {
    ask.Move: move,
    ask.MoveAll: move_all,
    ask.Merge: merge,
}
