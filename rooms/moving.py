"""From one room to another: the participant stays, with id, call, loudness and mutes.

::

    target: RoomOpened if it was empty, PlaceReserved
    source: ParticipantMoved, what was open of him is closed, ParticipantLeft, RoomClosed if he was the last
    target: ParticipantMoved, ParticipantArrived

All or nobody: what may be refused comes first. A lock keeps nobody out whom a moderator takes there, nor does a PIN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

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

Across = Callable[["Rooms", "Room", Any, Actor, float], list[tell.Event]]


def move(rooms: Rooms, source: Room, command: ask.Move, by: Actor, now: float) -> list[tell.Event]:
    """Raises NotFound, Conflict, Full, NotOpen, Invalid."""
    person = source.person(command.participant)
    return take(rooms, source, [person], rooms.destination(source, command.to), by, now)


def move_all(rooms: Rooms, source: Room, command: ask.MoveAll, by: Actor, now: float) -> list[tell.Event]:
    """Raises NotFound, Conflict, Full, NotOpen, Invalid."""
    spared = {source.person(who).id for who in command.but}
    named = [source.person(who) for who in command.participants] or movable(source)
    people = [person for person in named if person.id not in spared]
    return take(rooms, source, people, rooms.destination(source, command.to), by, now)


def merge(rooms: Rooms, source: Room, command: ask.Merge, by: Actor, now: float) -> list[tell.Event]:
    """Raises Conflict, Full, NotOpen, Invalid."""
    if source.state is State.EMPTY:
        raise NotOpen(f"nobody is in {source.name}")
    target = rooms.destination(source, command.to)
    check(source, movable(source), target)
    minutes = Minutes(source.name, source.number, now)
    target.ties.successor = ""
    if source.ties.successor != target.name:
        source.ties.successor = target.name
        minutes.say(tell.RoomMerged, target.name, by.name)
    return [*source.conclude(minutes), *take(rooms, source, movable(source), target, by, now)]


def movable(room: Room) -> list[Participant]:
    """All present but those who are being hung up on."""
    return [person for person in room.present if not person.kicked]


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
        source.give_back(person, f"moved to {target.name}", departures, is_moved=True)
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
    """Who has arrived in a room that was merged goes on; where there is no place any more, he stays."""
    further: list[tell.Event] = []
    for event in events:
        room = rooms.find(event.room)
        if not isinstance(event, tell.ParticipantArrived) or room is None or not room.ties.successor:
            continue
        person, target = room.places.get(event.participant), rooms.find(room.ties.successor)
        if person is None or target is None:
            continue
        try:
            further += take(rooms, room, [person], target, SYSTEM, now)
        except Refused:
            continue
    return further


ACROSS: dict[type[Command], Across] = {
    ask.Move: move,
    ask.MoveAll: move_all,
    ask.Merge: merge,
}
