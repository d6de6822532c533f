"""Breakout rooms: people are divided among them, and come back together.

They are rooms like any others, with the rules of the one that they belong to; each is there while somebody is in it.
The room itself stays while it has some, be it empty: all come back to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms import events as tell
from rooms.commands import moving as ask
from rooms.commands.command import Command
from rooms.errors import Conflict, Full, Invalid, NotFound, NotOpen
from rooms.lifecycle import State
from rooms.messages import checked_text
from rooms.minutes import Minutes
from rooms.moving import Across, check, movable, take
from rooms.participant import SYSTEM, Actor, Participant, ParticipantId, Role
from rooms.plays import check_sounds
from rooms.policy import room_name
from rooms.ties import RETURN

if TYPE_CHECKING:
    from rooms.manager import Rooms
    from rooms.room import Room

MOST = 50
MOST_COUNTDOWN_S = 600.0
THERE, BACK = ("prompt:breakout-room",), ("prompt:main-room",)


def open_all(rooms: Rooms, room: Room, command: ask.OpenBreakouts, by: Actor, now: float) -> list[tell.Event]:
    """Raises Conflict, Invalid, NotFound, Full, NotOpen."""
    names = _names(rooms, room, command)
    parts = _divided(rooms, room, command, names)
    if len(rooms) + len(names) > rooms.most_rooms:
        raise Full(f"the server has no room for {len(names)} rooms more")
    minutes = Minutes(room.name, room.number, now)
    minutes.say(tell.BreakoutsOpened, tuple(names), by.name)
    room.ties.breakouts = tuple(names)
    rooms.keep(room)
    events = room.conclude(minutes)
    for name, people in parts.items():
        if people:
            events += _sent(rooms, room, people, rooms.destination(room, name), by, now, THERE)
    return events


def _names(rooms: Rooms, room: Room, command: ask.OpenBreakouts) -> list[str]:
    """What they are called. Raises Conflict, Invalid, NotOpen."""
    if room.state not in (State.ALONE, State.LIVE):
        raise NotOpen(f"nobody is in {room.name}")
    if room.ties.breakouts:
        raise Conflict(f"{room.name} has breakout rooms already: {', '.join(room.ties.breakouts)}")
    if room.ties.parent:
        raise Conflict(f"{room.name} is a breakout room itself")
    if bool(command.names) == bool(command.count):
        raise Invalid("say how many breakout rooms there are to be, or what they are called")
    if not 1 <= (command.count or len(command.names)) <= MOST:
        raise Invalid(f"1 to {MOST} breakout rooms can be opened, not {command.count or len(command.names)}")
    names = [room_name(each) for each in command.names or (f"{room.name}-{n + 1}" for n in range(command.count))]
    if len(set(names)) < len(names):
        raise Invalid("two breakout rooms cannot have one name")
    for name in names:
        if name in rooms:
            raise Conflict(f"there is a room {name} already")
    return names


def _divided(rooms: Rooms, room: Room, command: ask.OpenBreakouts, names: list[str]) -> dict[str, list[Participant]]:
    """Who goes where. Raises Invalid, NotFound, Conflict."""
    parts: dict[str, list[Participant]] = {name: [] for name in names}
    placed: set[ParticipantId] = set()
    for said in command.assign:
        who, _, where = said.rpartition("=")
        name = room_name(where)
        if name not in parts:
            raise NotFound(f"there is no breakout room {name}; there are: {', '.join(names)}")
        person = room.person(rooms.who_is(room, who))
        if person.id in placed or person.kicked:
            raise Conflict(f"{person.id} cannot go to {name}: he goes elsewhere")
        placed.add(person.id)
        parts[name].append(person)
    for person in movable(room) if command.evenly else ():
        if person.id not in placed and person.role < Role.MODERATOR:
            min(parts.values(), key=len).append(person)
    return parts


def _sent(
    rooms: Rooms, room: Room, people: list[Participant], target: Room, by: Actor, now: float, sounds: tuple[str, ...]
) -> list[tell.Event]:
    """They are told where they are. The limits of a room hold nobody back."""
    events = take(rooms, room, people, target, by, now, is_back=True)
    minutes = Minutes(target.name, target.number, now)
    for person in people:
        minutes.say(tell.Announced, sounds, person.id)
    return events + target.conclude(minutes)


def close_all(rooms: Rooms, room: Room, command: ask.CloseBreakouts, by: Actor, now: float) -> list[tell.Event]:
    """Raises Invalid, NotOpen."""
    if not 0 <= command.countdown_s <= MOST_COUNTDOWN_S:
        raise Invalid(f"countdown_s must be 0 to {MOST_COUNTDOWN_S:g}, not {command.countdown_s:g}")
    if not room.ties.breakouts:
        return []
    if command.countdown_s < 1:
        return close_now(rooms, room, by, now)
    minutes = Minutes(room.name, room.number, now)
    minutes.say(tell.BreakoutsClosing, command.countdown_s, by.name)
    room.alarms.set(RETURN, now + command.countdown_s)
    sounds = ("prompt:back-in", f"number:{round(command.countdown_s)}", "prompt:seconds")
    return room.conclude(minutes) + _announced(rooms, room, sounds, now)


def close_now(rooms: Rooms, room: Room, by: Actor, now: float) -> list[tell.Event]:
    """All come back. Raises NotOpen where the room is ending."""
    there = [each for name in room.ties.breakouts if (each := rooms.find(name)) is not None]
    for each in there:
        check(each, movable(each), room, is_back=True)
    room.alarms.clear(RETURN)
    events: list[tell.Event] = []
    for each in there:
        if movable(each):
            events += _sent(rooms, each, movable(each), room, by, now, BACK)
    return events + _closed(rooms, room, by, now)


def _closed(rooms: Rooms, room: Room, by: Actor, now: float) -> list[tell.Event]:
    """Who is left in one of them, for he is being hung up on, is in a room like any other."""
    minutes = Minutes(room.name, room.number, now)
    for each in _family(rooms, room)[1:]:
        each.ties.parent = ""
    room.ties.breakouts = ()
    room.alarms.clear(RETURN)
    minutes.say(tell.BreakoutsClosed, by.name)
    return room.conclude(minutes)


def broadcast(rooms: Rooms, room: Room, command: ask.Broadcast, by: Actor, now: float) -> list[tell.Event]:
    """Raises Invalid, NotOpen."""
    if bool(command.sounds) == bool(command.text):
        raise Invalid("say either what sounds are to be played, or what text is to be sent")
    if command.sounds:
        check_sounds(command.sounds)
    text = checked_text(command.text) if command.text else ""
    if not any(each.present for each in _family(rooms, room)):
        raise NotOpen(f"nobody is in {room.name}, nor in its breakout rooms")
    return _announced(rooms, room, command.sounds, now, by, text, is_room_told=True)


def _family(rooms: Rooms, room: Room) -> list[Room]:
    return [room, *(each for name in room.ties.breakouts if (each := rooms.find(name)) is not None)]


def _announced(
    rooms: Rooms,
    room: Room,
    sounds: tuple[str, ...],
    now: float,
    by: Actor = SYSTEM,
    text: str = "",
    *,
    is_room_told: bool = False,
) -> list[tell.Event]:
    events: list[tell.Event] = []
    for each in _family(rooms, room):
        if each.present and (is_room_told or each is not room):
            minutes = Minutes(each.name, each.number, now)
            if text:
                minutes.say(tell.Message, "", by.name, "", text, "")
            else:
                minutes.say(tell.Announced, sounds)
            events += each.conclude(minutes)
    return events


def tidy(rooms: Rooms, events: list[tell.Event], now: float) -> list[tell.Event]:
    """A room that ends takes its breakout rooms along; where nobody is left anywhere, they are closed."""
    further: list[tell.Event] = []
    for event in events:
        room = rooms.find(event.room)
        if isinstance(event, tell.RoomEnding) and room is not None:
            for each in _family(rooms, room)[1:]:
                further += rooms.end(each, now)
        elif isinstance(event, tell.RoomClosed):
            further += _left(rooms, event.room, now)
    return further


def _left(rooms: Rooms, name: str, now: float) -> list[tell.Event]:
    """A room has closed: is it the last of its family?"""
    further: list[tell.Event] = []
    for head in rooms.heads():
        is_kin = name == head.name or name in head.ties.breakouts
        if is_kin and not any(each.places for each in _family(rooms, head)):
            further += _closed(rooms, head, SYSTEM, now)
            rooms.keep(head)
    return further


def due(rooms: Rooms, room: Room, now: float) -> list[tell.Event]:
    """The countdown may be over. A room that is ending takes nobody back."""
    at = room.alarms.time_of(RETURN)
    if at is None or at > now:
        return []
    room.alarms.clear(RETURN)
    return [] if room.state is State.ENDING else close_now(rooms, room, SYSTEM, now)


ACROSS: dict[type[Command], Across] = {
    ask.OpenBreakouts: open_all,
    ask.CloseBreakouts: close_all,
    ask.Broadcast: broadcast,
}
