"""A voice in other rooms: somebody speaks to breakout rooms, or to the main one, and stays where he is.

His own room knows that he does (``speaking``), the rooms where he is heard know him as a guest, while anybody is there.
Who is a guest where follows after each command from who speaks to whom and whether his own room hears him, from nothing
else: so who mutes himself, goes on hold or whispers is heard nowhere else either. A guest is heard whoever has the
floor there, and in sidebars as well. It ends before he has left, also for another room, and with the breakout rooms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms import voices
from rooms.commands import broadcasting as ask
from rooms.commands.command import Command
from rooms.errors import Conflict, Full, NotFound, NotOpen
from rooms.lifecycle import State
from rooms.minutes import Minutes
from rooms.participant import SYSTEM, Actor, ParticipantId
from rooms.policy import room_name

if TYPE_CHECKING:
    from rooms.manager import Rooms
    from rooms.room import Room

MOST = 2
"""Who speak to other rooms of one family at once; the engine has places for them beside each room's talkers."""
BEEP, BEEP_OVER = "tones:620/-20dB:120/60,930/-20dB:180", "tones:930/-20dB:120/60,620/-20dB:180"
"""To all who hear him, and to himself, before his first word; and to himself when it is over."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is heard in a room that he is not in."""

    name: str
    room: str
    rooms: tuple[str, ...]
    is_heard: bool
    """By his own room, and so here."""


@dataclass(slots=True)
class Abroad:
    """Of one room: who of it is heard elsewhere, and who of elsewhere is heard in it."""

    speaking: dict[ParticipantId, tuple[str, ...]] = field(default_factory=dict)
    """In which rooms; none: in the main room and all breakout rooms."""
    guests: dict[ParticipantId, Guest] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.speaking or self.guests)

    def heard(self) -> tuple[tuple[ParticipantId, str], ...]:
        """The guests who are to be heard now, and where they are."""
        return tuple(sorted((who, guest.room) for who, guest in self.guests.items() if guest.is_heard))


def describe(room: Room) -> dict[str, Any]:
    """Who is heard in more than one room, of those that this room has to do with."""
    own = [(who, Guest(room.places[who].name, room.name, to, True)) for who, to in room.abroad.speaking.items()]
    return {
        "broadcasts": [
            {"participant": who, "name": each.name, "from_room": each.room, "rooms": list(each.rooms)}
            for who, each in [*own, *room.abroad.guests.items()]
        ]
    }


# ------------------------------------------------------------------ what is asked
def begin(rooms: Rooms, room: Room, command: ask.BroadcastVoice, by: Actor, now: float) -> list[tell.Event]:
    """Raises NotFound, NotOpen, Conflict, Full, Invalid."""
    person, speaking = room.person(command.participant), room.abroad.speaking
    to = _named(rooms, room, command.rooms)
    if room.state is State.ENDING or person.kicked:
        raise NotOpen(f"{room.name} is ending" if room.state is State.ENDING else f"{person.id} is being hung up on")
    if speaking.get(person.id) == to:
        return []
    kin = [each for name in rooms.family(room.name) if (each := rooms.find(name)) is not None]
    if person.id not in speaking and sum(len(each.abroad.speaking) for each in kin) >= MOST:
        raise Full(f"{MOST} speak to other rooms already")
    minutes = Minutes(room.name, room.number, now)
    _end(room, person.id, by, minutes)
    speaking[person.id] = to
    minutes.say(tell.BroadcastBegan, person.id, person.name, room.name, to, by.name)
    minutes.say(tell.Announced, (BEEP,), person.id)
    return room.conclude(minutes)


def _named(rooms: Rooms, room: Room, named: Iterable[str]) -> tuple[str, ...]:
    """Raises Conflict, NotFound, Invalid."""
    others = _others(rooms, room)
    if not others:
        raise Conflict(f"{room.name} has no breakout rooms, and is none")
    to = tuple(dict.fromkeys(map(room_name, named)))
    for name in to:
        if name not in others:
            raise NotFound(f"{name} is no other room of {room.name}; there are: {', '.join(others)}")
    return to


def _others(rooms: Rooms, room: Room) -> list[str]:
    return [name for name in rooms.family(room.name) if name != room.name]


def end(room: Room, command: ask.EndBroadcast, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound."""
    person = room.person(command.participant)
    if _end(room, person.id, by, minutes):
        minutes.say(tell.Announced, (BEEP_OVER,), person.id)


def _end(room: Room, participant: ParticipantId, by: Actor, minutes: Minutes) -> bool:
    """Whether there was something to end."""
    was_on = room.abroad.speaking.pop(participant, None) is not None
    if was_on:
        minutes.say(tell.BroadcastEnded, participant, room.name, by.name)
    return was_on


def leave(room: Room, participant: ParticipantId, minutes: Minutes) -> None:
    """Who goes is heard nowhere any more."""
    _end(room, participant, SYSTEM, minutes)


def close_room(room: Room, minutes: Minutes) -> None:
    """Nobody is left who could hear guests."""
    for who, guest in room.abroad.guests.items():
        minutes.say(tell.BroadcastEnded, who, guest.room, SYSTEM.name)
    room.abroad = Abroad()


# ------------------------------------------------------------------ what follows elsewhere
def follow(rooms: Rooms, events: Iterable[tell.Event], now: float) -> list[tell.Event]:
    """Let guests be heard where they should be now; cheap while nobody speaks to other rooms."""
    concerned = rooms.abroad()
    if not concerned:
        return []
    asked_by = {
        event.participant: event.by for event in events if isinstance(event, tell.BroadcastBegan | tell.BroadcastEnded)
    }
    further: list[tell.Event] = []
    wanted: dict[str, dict[ParticipantId, Guest]] = {}
    for room in concerned:
        further += _left_alone(rooms, room, now)
        for who, to in room.abroad.speaking.items():
            person = room.places[who]
            guest = Guest(person.name, room.name, to, voices.is_heard(room, person))
            for name in to or _others(rooms, room):
                wanted.setdefault(name, {})[who] = guest
    for name in sorted({*wanted, *(room.name for room in concerned)}):
        target = rooms.find(name)
        if target is not None:
            further += _receive(rooms, target, wanted.get(name, {}) if target.present else {}, asked_by, now)
    return further


def _left_alone(rooms: Rooms, room: Room, now: float) -> list[tell.Event]:
    """Nothing is left to speak to once the breakout rooms are closed."""
    if not room.abroad.speaking or _others(rooms, room):
        return []
    minutes = Minutes(room.name, room.number, now)
    for who in list(room.abroad.speaking):
        _end(room, who, SYSTEM, minutes)
    events = room.conclude(minutes)
    rooms.keep(room)
    return events


def _receive(
    rooms: Rooms, room: Room, wanted: dict[ParticipantId, Guest], asked_by: dict[ParticipantId, str], now: float
) -> list[tell.Event]:
    """Those who come as guests are told of aloud, before they have said a word."""
    before = room.abroad.guests
    if before == wanted:
        return []
    minutes = Minutes(room.name, room.number, now)
    room.abroad.guests = wanted
    for who, guest in before.items():
        if who not in wanted or _differs(guest, wanted[who]):
            minutes.say(tell.BroadcastEnded, who, guest.room, asked_by.get(who, SYSTEM.name))
    begun = [who for who, guest in wanted.items() if who not in before or _differs(guest, before[who])]
    for who in begun:
        guest = wanted[who]
        minutes.say(tell.BroadcastBegan, who, guest.name, guest.room, guest.rooms, asked_by.get(who, SYSTEM.name))
    if begun:
        minutes.say(tell.Announced, (BEEP,))
    events = room.conclude(minutes, hears_anew=True)
    rooms.keep(room)
    return events


def _differs(one: Guest, other: Guest) -> bool:
    return (one.room, one.rooms) != (other.room, other.rooms)


ACROSS: dict[type[Command], Callable[[Rooms, Room, Any, Actor, float], list[tell.Event]]] = {ask.BroadcastVoice: begin}
HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {ask.EndBroadcast: end}
