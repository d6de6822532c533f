"""All rooms of the server, by name.

A room is here because somebody made it beforehand, or because a place in it is taken; one made on demand
vanishes with its last participant. Commands are routed by room name, and a participant may be named as
people name each other: by id, or by a name that only one in the room has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rooms import breakouts, broadcasting, hall, moving
from rooms.callers import Lockouts
from rooms.commands import COMMANDS, ChangeRoom, Command, CreateRoom, Dial, DialList, End, Reserve
from rooms.describing import describe_room
from rooms.errors import Conflict, Full, Invalid, NotFound
from rooms.numbers import Numbers
from rooms.participant import SYSTEM, Actor, Participant, ParticipantId
from rooms.policy import RoomPolicy, room_name
from rooms.profiles import Profile, Profiles
from rooms.rights import check
from rooms.room import Room

if TYPE_CHECKING:
    from rooms.events import Event
    from rooms.store import StoredRoom

ACROSS = {**moving.ACROSS, **breakouts.ACROSS, **broadcasting.ACROSS}
"""What touches more than one room."""
MOST_ROOMS = 2000
MOST_AT_ONCE = 200
"""People whom one command can name."""
MOST_NAMED = 10
"""A refusal names at most so many people."""


class Rooms:
    """Rooms by name, made on demand."""

    def __init__(
        self,
        ids: Callable[[], ParticipantId],
        *,
        on_demand: bool = True,
        policy: RoomPolicy | None = None,
        profiles: Iterable[Profile] = (),
        profile: str = "",
        most_rooms: int = MOST_ROOMS,
        epoch: str = "0",
        entrance: Iterable[str] = (),
        entrance_languages: Mapping[str, str] | None = None,
    ) -> None:
        """``ids`` gives fresh participant ids. ``policy``: the rules that hold where nothing else is said.

        ``profile``: of rooms made on demand. ``epoch`` tells the events of this run from those of any other.
        ``entrance``: names under which callers are asked for the room, in the server's language where
        ``entrance_languages`` does not say. Raises Refused for what cannot be.
        """
        self._ids = ids
        self.entrances = frozenset(map(room_name, entrance))
        self._spoken = {room_name(name): language for name, language in (entrance_languages or {}).items()}
        self.wrongs = hall.Wrongs()
        self._on_demand = on_demand
        self.epoch = epoch
        self.profiles = Profiles(policy, profiles)
        self._profile = profile
        self._demanded = self.profiles.policy_of({}, profile)
        self._deadlines: dict[str, float] = {}
        """Of the rooms that wait for something."""
        self.most_rooms = most_rooms
        self._lockouts = Lockouts()
        self._rooms: dict[str, Room] = {}
        self._heads: set[str] = set()
        self._abroad: set[str] = set()
        self._numbers = Numbers()

    @property
    def is_on_demand(self) -> bool:
        """Calling a room that does not exist makes it."""
        return self._on_demand

    def __contains__(self, name: str) -> bool:
        return name in self._rooms

    def __iter__(self) -> Iterator[Room]:
        """Go through all rooms, by name."""
        return iter([self._rooms[name] for name in sorted(self._rooms)])

    def __len__(self) -> int:
        return len(self._rooms)

    def restore(self, rooms: Iterable[StoredRoom]) -> None:
        """Take back the rooms made beforehand in an earlier run. Nothing has happened: no events."""
        for stored in rooms:
            self._rooms[stored.name] = Room(
                stored.name, self._ids, self.profiles, persistent=True, created_at=stored.created_at,
                profile=stored.profile if stored.profile in self.profiles else "", said=stored.said,
            )  # fmt: skip
            self._numbers.follow(self._rooms[stored.name], is_gone=False)

    def handle(self, command: Command, by: Actor, now: float) -> list[Event]:
        """Apply a command to the room it names, whole or not at all. Raises Refused."""
        name = room_name(command.room)
        if isinstance(command, CreateRoom | ChangeRoom):
            self._numbers.check(name, command.rules, self._rooms)
        room = self._rooms.get(name) or self._made_for(command, name)
        room.lockouts = self._lockouts
        command = self._resolved(command if command.room == name else replace(command, room=name), room, by)
        if name in self.entrances:
            hall.check(self, command, now)
        across = ACROSS.get(type(command))
        if across is None:
            events = room.handle(command, by, now)
        else:
            check(command, by)
            events = across(self, room, command, by, now)
        self.keep(room)
        return self._with_consequences(events, now)

    def _with_consequences(self, events: list[Event], now: float) -> list[Event]:
        """In other rooms."""
        events = events + hall.follow(self, events, now)
        events = events + moving.follow(self, events, now)
        events = events + breakouts.tidy(self, events, now)
        return events + broadcasting.follow(self, events, now)

    def keep(self, room: Room) -> None:
        """Or forget it, and what it waits for."""
        (self._heads.add if room.ties.breakouts else self._heads.discard)(room.name)
        (self._abroad.add if room.abroad else self._abroad.discard)(room.name)
        self._numbers.follow(room, room.is_forgettable)
        deadline = None if room.is_forgettable else room.next_deadline()
        if room.is_forgettable:
            self._rooms.pop(room.name, None)
        else:
            self._rooms[room.name] = room
        if deadline is None:
            self._deadlines.pop(room.name, None)
        else:
            self._deadlines[room.name] = deadline

    def next_deadline(self) -> float | None:
        return min(self._deadlines.values(), default=None)

    def fire(self, now: float) -> list[Event]:
        """Do what is due in all rooms."""
        events: list[Event] = []
        for name in [name for name, at in self._deadlines.items() if at <= now]:
            room = self._rooms.get(name)
            if room is None:
                continue
            events += breakouts.due(self, room, now) + room.fire(now)
            self.keep(room)
        return self._with_consequences(events, now)

    def use_profiles(self, policy: RoomPolicy, profiles: Iterable[Profile], now: float) -> list[Event]:
        """Other profiles, and rules that hold where none is named: whole or not at all. Raises Refused."""
        new = Profiles(policy, profiles)
        demanded = new.policy_of({}, self._profile)
        for room in self:
            new.policy_of(room.said, room.profile)
        self.profiles, self._demanded = new, demanded
        events = [event for room in self for event in room.use_profiles(new, now)]
        return events + broadcasting.follow(self, events, now)

    def numbered(self, number: str) -> Room | None:
        """The room that is there and has this number."""
        return None if number in self.entrances else self._rooms.get(self.named(number))

    def find(self, name: str) -> Room | None:
        """By the one spelling of its name."""
        return self._rooms.get(name)

    def heads(self) -> list[Room]:
        """Those that have breakout rooms."""
        return [self._rooms[name] for name in sorted(self._heads)]

    def abroad(self) -> list[Room]:
        """Those of which somebody is heard elsewhere, or which hear somebody of elsewhere."""
        return [self._rooms[name] for name in sorted(self._abroad)]

    def family(self, name: str) -> tuple[str, ...]:
        """The main room and its breakout rooms, be they there or not; any other is alone."""
        head = self._head_of(name)
        return (head.name, *head.ties.breakouts) if head else (name,)

    def _head_of(self, name: str) -> Room | None:
        return next((each for each in self.heads() if name == each.name or name in each.ties.breakouts), None)

    def destination(self, source: Room, name: str) -> Room:
        """Where people of a room may be taken; one that is not there yet is made, and stays if they come.

        Raises NotFound, Full, Invalid.
        """
        name = room_name(name)
        if name in self.entrances:
            raise Conflict(f"{name} asks for rooms and is none")
        if name in self._rooms:
            return self._rooms[name]
        if not self._on_demand and self._head_of(name) is None:
            raise NotFound(f"there is no room {name}")
        return self._new(name)

    def _new(self, name: str) -> Room:
        """One made on demand; a breakout room has the rules of its main room. Raises Full."""
        if len(self._rooms) >= self.most_rooms:
            raise Full(f"the server has its most rooms: {self.most_rooms}")
        head = self._head_of(name)
        if head is None:
            own = {"language": self._spoken[name]} if name in self._spoken else None
            return Room(name, self._ids, self.profiles, profile=self._profile, said=own)
        said = {rule: value for rule, value in head.said.items() if rule != "numbers"}  # no two rooms have the same
        room = Room(name, self._ids, self.profiles, profile=head.profile, said=said)
        room.ties.parent, room.names = head.name, head.names
        return room

    def who_is(self, room: Room, text: str) -> ParticipantId:
        """By an id or a name. Raises NotFound, Conflict."""
        return resolve(room, text)

    def end(self, room: Room, now: float) -> list[Event]:
        events = room.handle(End(room.name), SYSTEM, now)
        self.keep(room)
        return events

    def named(self, text: str) -> str:
        """The name of the room that has this number or other name; the text where none has."""
        return self._numbers.named(text)

    def get(self, name: str) -> Room:
        """Find a room. Raises NotFound, or Invalid for what is no name."""
        room = self._rooms.get(name) or self._rooms.get(room_name(name))
        if room is None:
            raise NotFound(f"there is no room {room_name(name)}")
        return room

    def policy_of(self, name: str) -> RoomPolicy:
        """The rules of a room; those that it would have, where it is not there yet."""
        room = self._rooms.get(name)
        return room.policy if room else self._demanded

    def find_participant(self, participant: ParticipantId) -> tuple[Room, Participant]:
        """Find who has this id, reserved or present, in whichever room. Raises NotFound."""
        for room in self._rooms.values():
            if participant in room.places:
                return room, room.places[participant]
        raise NotFound(f"there is no participant {participant} in any room")

    def list(self, now: float) -> list[dict[str, Any]]:
        """Describe all rooms, by name."""
        return [describe_room(room, now, self.epoch) for room in self]

    def describe(self, name: str, now: float) -> dict[str, Any]:
        """Describe one room. Raises NotFound."""
        return describe_room(self.get(name), now, self.epoch)

    def _made_for(self, command: Command, name: str) -> Room:
        """Make a room for a command that brings one into being; it stays only if the command succeeds."""
        is_open = self._on_demand or self._head_of(name) is not None
        on_demand = isinstance(command, Reserve | Dial | DialList) and is_open
        on_demand = on_demand or (isinstance(command, Reserve) and name in self.entrances)
        may_make = isinstance(command, CreateRoom) or on_demand
        if not may_make:
            raise NotFound(f"there is no room {name}")
        room = self._new(name)
        room.hall.is_open = name in self.entrances
        return room

    def _resolved(self, command: Command, room: Room, by: Actor) -> Command:
        """Put the id in place of a name.

        Only for those who may ask this of everybody, and never for what calls do: the id of somebody who has
        just left must not find one who calls himself so.
        """
        if type(command) not in COMMANDS or by.role < command.needs:
            return command
        named = {name: getattr(command, name) for name in command.people if getattr(command, name, None)}
        found = {name: _resolved(room, who) for name, who in named.items()}
        return replace(command, **found) if found else command  # type: ignore[arg-type]


def _resolved(room: Room, who: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Raises NotFound, Conflict, Invalid."""
    if isinstance(who, str):
        return resolve(room, who)
    if len(who) > MOST_AT_ONCE:
        raise Invalid(f"at most {MOST_AT_ONCE} can be named at once, not {len(who)}")
    return tuple(dict.fromkeys(resolve(room, each) for each in who))


def resolve(room: Room, text: str) -> ParticipantId:
    """Find who is meant by an id or a name; an id goes before a name, and case does not matter in names.

    Raises NotFound, naming who is there, and Conflict, naming the ids, when more than one has the name.
    """
    present = [*room.present, *room.waiting, *room.dialling]
    if any(person.id == text for person in present):
        return text
    wanted = text.strip().casefold()
    found = [person for person in present if person.name.casefold() == wanted]
    if len(found) == 1:
        return found[0].id
    if found:
        raise Conflict(f"{len(found)} in {room.name} are called {text!r}: {_named(found)}")
    who = f"present: {_named(present)}" if present else "nobody is there"
    raise NotFound(f"nobody in {room.name} is called {text[:64]!r}; {who}")


def _named(people: list[Participant]) -> str:
    named = ", ".join(f"{person.id} ({person.name})" for person in people[:MOST_NAMED])
    rest = len(people) - MOST_NAMED
    return f"{named} and {rest} more" if rest > 0 else named
