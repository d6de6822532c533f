"""The entrance number: who calls it is asked for the number of a room, and comes into that room as if he had called it.

::

    Arrive ──► asked ──digits, #──► RoomChosen ──the room takes him──► he is at its door, PIN and all
                ▲  │                     │
                │  └─nothing in time──┐  ├──it is locked, full, ending: told so──┐
                │                     ▼  └──there is none: told so after SLOW_S──┤
                └──────── asked again, MOST_TRIES in all; else hung up ◄─────────┘

Rooms that are not there yet are not made by it. What is typed no event tells, and wrong numbers cost time: who has
tried many is not let in at all for a while, so that nobody learns which rooms there are. Callers of one trunk share its
address: where it is trusted they are told apart by what it says of them, and together may try more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rooms import commands as ask
from rooms import door, entrance, schedule
from rooms import events as tell
from rooms.callers import Caller
from rooms.errors import Conflict, Forbidden, Full, Locked, Refused
from rooms.minutes import Minutes
from rooms.participant import SYSTEM, Participant, ParticipantId, Presence, Role

if TYPE_CHECKING:
    from rooms.manager import Rooms
    from rooms.room import Room

ALARM = "hall"
FIRST_S, NEXT_S = 15.0, 5.0
"""For the first digit, with the prompt before it, and for each other; then what has been typed is taken as it is."""
SLOW_S = 2.0
"""After a wrong number."""
GOODBYE_S = 4.0
"""For the last words, before the call ends."""
MOST_TRIES = 3
MOST_DIGITS = 32
CLEAR, ENTER = "*", "#"
MOST_WRONG, MOST_WRONG_OF_HOST, WRONG_S = 10, 100, 600.0
"""Wrong numbers of one caller, and of all from one address, in so many seconds."""
MOST_CALLERS = 10_000


# ------------------------------------------------------------------ who has tried too often
class Wrongs:
    """Wrong numbers of late, by caller and by address."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], list[float]] = {}

    def __len__(self) -> int:
        return len(self._times)

    def note(self, caller: Caller, now: float) -> None:
        for key, most in _keys(caller):
            times = self._times.pop(key, [])
            self._times[key] = [*times[-most:], now]  # the latest is the last of all
        while len(self._times) > MOST_CALLERS:
            del self._times[next(iter(self._times))]

    def check(self, caller: Caller, now: float) -> None:
        """Raises Forbidden."""
        for key, most in _keys(caller):
            times = [at for at in self._times.get(key, ()) if now - at < WRONG_S]
            if len(times) >= most:
                raise Forbidden("too many numbers of rooms that are not there have been tried")
            if not times:
                self._times.pop(key, None)


def _keys(caller: Caller) -> list[tuple[tuple[str, str], int]]:
    """What is counted, and how many are the most. Who is not vouched for may call himself anything, his host stays."""
    host = caller.source.rpartition(":")[0]
    if caller.user or caller.is_verified:
        return [((host, caller.user or caller.address), MOST_WRONG), ((host, ""), MOST_WRONG_OF_HOST)]
    return [((host, "stranger"), MOST_WRONG), ((host, ""), MOST_WRONG_OF_HOST)]


# ------------------------------------------------------------------ in the hall
@dataclass(slots=True)
class Choosing:
    """How far somebody is."""

    typed: str = ""
    tries: int = 0
    due: float = 0.0
    wrong: tuple[str, ...] = ()
    """What he is told at ``due``: nothing is read of him before."""
    is_leaving: bool = False


class Hall:
    """Those in an entrance."""

    def __init__(self) -> None:
        self.is_open: bool = False
        """The room is an entrance."""
        self._choosing: dict[ParticipantId, Choosing] = {}

    def __len__(self) -> int:
        return len(self._choosing)

    def leave(self, who: ParticipantId) -> None:
        self._choosing.pop(who, None)

    def ask(self, room: Room, person: Participant, minutes: Minutes, *first: str) -> None:
        """For the number of a room."""
        choosing = self._choosing.setdefault(person.id, Choosing())
        choosing.typed, choosing.wrong, choosing.due = "", (), minutes.at + FIRST_S
        minutes.say(tell.Announced, (*first, "prompt:enter-room"), person.id, urgent=True)
        self._set_alarm(room)

    def press(self, room: Room, person: Participant, digit: str, minutes: Minutes) -> None:
        choosing = self._choosing.get(person.id)
        if choosing is None or choosing.wrong:
            return
        choosing.due = minutes.at + NEXT_S
        if digit == ENTER:
            self._choose(person, choosing, minutes)
        elif digit == CLEAR:
            choosing.typed = ""
        else:
            choosing.typed = (choosing.typed + digit)[:MOST_DIGITS]
        self._set_alarm(room)

    def _choose(self, person: Participant, choosing: Choosing, minutes: Minutes) -> None:
        number, choosing.typed = choosing.typed, ""
        if number:
            minutes.say(tell.RoomChosen, person.id, number)

    def refuse(self, room: Room, person: Participant, prompt: str, slow_s: float, minutes: Minutes) -> None:
        """What he has chosen is not for him."""
        choosing = self._choosing.setdefault(person.id, Choosing())
        choosing.tries += 1
        choosing.is_leaving = choosing.tries >= MOST_TRIES
        choosing.wrong, choosing.due = (prompt,), minutes.at + slow_s
        self._set_alarm(room)

    def go_on(self, room: Room, minutes: Minutes) -> None:
        """Somebody's time has come."""
        for who in [who for who, choosing in self._choosing.items() if choosing.due <= minutes.at]:
            person, choosing = room.places.get(who), self._choosing[who]
            if person is None or person.presence is not Presence.WAITING:
                self.leave(who)
            elif choosing.typed:
                choosing.due = minutes.at + NEXT_S
                self._choose(person, choosing, minutes)
            elif not choosing.wrong:
                self.refuse(room, person, "prompt:nothing-entered", 0.0, minutes)
            elif choosing.is_leaving:
                self._say_goodbye(room, person, choosing, minutes)
            else:
                self.ask(room, person, minutes, *choosing.wrong)
        self._set_alarm(room)

    def _say_goodbye(self, room: Room, person: Participant, choosing: Choosing, minutes: Minutes) -> None:
        """And hang up a little later."""
        if choosing.wrong == ("prompt:goodbye",):
            self.leave(person.id)
            room.let_go(person, SYSTEM, minutes)
            return
        minutes.say(tell.Announced, (*choosing.wrong, "prompt:goodbye"), person.id, urgent=True)
        choosing.wrong, choosing.due = ("prompt:goodbye",), minutes.at + GOODBYE_S

    def _set_alarm(self, room: Room) -> None:
        if self._choosing:
            room.alarms.set(ALARM, min(each.due for each in self._choosing.values()))
        else:
            room.alarms.clear(ALARM)


def check(rooms: Rooms, command: ask.Command, now: float) -> None:
    """Whether this can be asked of an entrance. Raises Conflict, Forbidden."""
    if isinstance(command, ask.Reserve):
        rooms.wrongs.check(Caller(command.address, command.source, command.user, command.is_verified), now)
    elif isinstance(command, ask.CreateRoom | ask.Dial | ask.DialList):
        raise Conflict(f"{command.room} asks for rooms and is none")


# ------------------------------------------------------------------ from the hall to a room
def follow(rooms: Rooms, events: list[tell.Event], now: float) -> list[tell.Event]:
    """Who has chosen goes to his room, or hears why not."""
    further: list[tell.Event] = []
    for event in events:
        if isinstance(event, tell.RoomChosen):
            further += _chosen(rooms, event, now)
    return further


def _chosen(rooms: Rooms, event: tell.RoomChosen, now: float) -> list[tell.Event]:
    hall = rooms.find(event.room)
    person = hall.places.get(event.participant) if hall else None
    if hall is None or person is None:
        return []
    target, prompt, slow_s = rooms.numbered(event.digits), "prompt:not-found", SLOW_S
    try:
        rooms.wrongs.check(door.caller_of(person), now)
        if target is not None:
            schedule.check_open(target, now)
            role, has_pin = door.check(target, door.caller_of(person), "", now)
            target.check_entrance(is_moderator=role >= Role.MODERATOR)
            door.change_rooms(person, role, has_pin)
            return _through(rooms, hall, person, target, now)
        rooms.wrongs.note(door.caller_of(person), now)
    except Refused as refused:
        if target is not None and not isinstance(refused, Forbidden):
            kinds = {Full: "prompt:room-full", Locked: "prompt:room-locked"}
            prompt, slow_s = kinds.get(type(refused), "prompt:not-possible"), 0.0
    minutes = Minutes(hall.name, hall.number, now)
    hall.hall.refuse(hall, person, prompt, slow_s, minutes)
    events = hall.conclude(minutes)
    rooms.keep(hall)
    return events


def _through(rooms: Rooms, hall: Room, person: Participant, target: Room, now: float) -> list[tell.Event]:
    """All that may be refused has been asked."""
    arrivals, departures = Minutes(target.name, target.number, now), Minutes(hall.name, hall.number, now)
    target.keep_place_for(person, arrivals)
    ready = len(arrivals.events)
    departures.say(tell.ParticipantMoved, person.id, hall.name, target.name, SYSTEM.name)
    hall.give_back(person, f"moved to {target.name}", departures, is_moved=True)
    gone = hall.conclude(departures)
    person.presence, person.waits_for, person.waits_since = Presence.RESERVED, None, None
    arrivals.say(tell.ParticipantMoved, person.id, hall.name, target.name, SYSTEM.name)
    entrance.go_on(target, person, arrivals)
    there = target.conclude(arrivals)
    for room in (hall, target):
        rooms.keep(room)
    return [*there[:ready], *gone, *there[ready:]]


def late(room: Room, minutes: Minutes) -> None:
    room.hall.go_on(room, minutes)


ALARMS: dict[str, Callable[[Room, Minutes], None]] = {ALARM: late}
