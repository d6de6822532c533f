"""What all documents about one room share: each part once, with the turn at which it changed last."""

from __future__ import annotations

from dataclasses import dataclass, field

from confserver.focus import conference_info as info
from rooms import events as tell
from rooms.participant import Participant, ParticipantId
from rooms.room import Room

MOST_GONE = 200
MOST_CHARS = 30_000
"""Of users in one document. A datagram has 65,507 bytes, and phones have less memory: what does not fit comes in the
next documents, a second later each."""
MOST_DEPARTED = 1000
"""Of whom it is remembered how they left until the next document."""


@dataclass(slots=True)
class Roster:
    """``turn`` counts the times it was written anew."""

    turn: int = 0
    number: int = -1
    """Of the room's last event that is in it."""
    description: tuple[int, str] = (0, "")
    host: tuple[int, str] = (0, "")
    state: tuple[int, str] = (0, "")
    sidebars: tuple[int, str] = (0, "")
    breakouts: tuple[str, ...] = ()
    """Those that have been told last."""
    users: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By entity: the turn of the last change, and the text."""
    people: dict[str, tuple[ParticipantId, ...]] = field(default_factory=dict)
    """By entity: whose calls are in its text."""
    gone: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Who has left: when, and the text."""
    departed: dict[ParticipantId, info.Departure] = field(default_factory=dict)
    """How calls have ended since it was written, or are about to end."""

    def write(self, room: Room) -> None:
        """Bring it up to date."""
        if self.number == room.number:
            return
        self.turn, self.number = self.turn + 1, room.number
        self.description = self._renewed(self.description, info.description(room))
        self.host = self._renewed(self.host, info.HOST_INFO)
        self.state = self._renewed(self.state, info.state(room))
        self._write_sidebars(room.ties.breakouts)
        here = _by_entity([*room.present, *room.dialling])
        for entity, people in here.items():
            self.users[entity] = self._renewed(self.users.get(entity, (0, "")), info.user(entity, people, room))
            self.gone.pop(entity, None)
        for entity in self.users.keys() - here.keys():
            del self.users[entity]
            ended = [(who, self.departed[who]) for who in self.people.get(entity, ()) if who in self.departed]
            self.gone[entity] = self.turn, info.gone(entity, ended)
        self.people = {entity: tuple(person.id for person in people) for entity, people in here.items()}
        self.departed = {who: how for who, how in self.departed.items() if who in room.places}

    def _write_sidebars(self, breakouts: tuple[str, ...]) -> None:
        """Those that are closed are taken back by name."""
        if breakouts or self.breakouts:
            text = info.sidebars(breakouts or self.breakouts, is_over=not breakouts)
            self.sidebars = self._renewed(self.sidebars, text)
        self.breakouts = breakouts

    def _renewed(self, before: tuple[int, str], now: str) -> tuple[int, str]:
        return before if before[1] == now else (self.turn, now)

    def note(self, event: tell.Event) -> None:
        """How somebody's call has ended, or why it will; kept until a document without him is written."""
        departure = info.departure(event)
        if departure is not None and len(self.departed) < MOST_DEPARTED:
            who, how = departure
            self.departed.setdefault(who, how)

    def head(self, turn: int) -> list[str]:
        """What holds for all and stands before the users, as far as it has changed since a turn."""
        return [written for at, written in (self.description, self.host, self.state) if at > turn]

    def tail(self, turn: int) -> list[str]:
        """What stands behind the users; what is closed only to who may have heard of it."""
        at, written = self.sidebars
        is_news = at > turn and (self.breakouts or turn >= 0)
        return [written] if is_news else []

    def changed(self, turn: int) -> list[str]:
        """Who has changed or gone since a turn, by entity."""
        return [entity for parts in (self.users, self.gone) for entity, (at, _) in parts.items() if at > turn]

    def page(self, owed: dict[str, None]) -> list[str]:
        """Of those about whom something is owed as many as fit into one document; they are owed no more."""
        parts: list[str] = []
        size = 0
        while owed and size < MOST_CHARS:
            entity = next(iter(owed))
            del owed[entity]
            known = self.users.get(entity) or self.gone.get(entity)
            parts.append(known[1] if known else info.gone(entity))
            size += len(parts[-1])
        return parts

    def forget(self, heard: int) -> None:
        """Who left so long ago that all watchers have heard of it, at that turn; looked at when they are many."""
        if len(self.gone) > MOST_GONE:
            self.gone = {entity: each for entity, each in self.gone.items() if each[0] > heard}


def _by_entity(people: list[Participant]) -> dict[str, list[Participant]]:
    found: dict[str, list[Participant]] = {}
    for person in people:
        found.setdefault(info.entity_of(person), []).append(person)
    return found
