"""Private ways between people of a room: whispers and coaches, sidebars, and who does not hear whom.

What comes of them is in ``hearing``. All of somebody's end before he has left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.commands import links as ask
from rooms.commands.command import Command
from rooms.errors import Conflict, Full, Invalid, NotFound
from rooms.participant import SYSTEM, Actor, ParticipantId, Relation

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_RELATIONS = 1000
MOST_SIDEBARS = 50
SOFTEST_DB = -60.0


@dataclass(frozen=True, slots=True)
class Line:
    """Who alone hears somebody."""

    to: ParticipantId
    is_coach: bool = False


@dataclass(slots=True)
class Sidebar:
    """Some who talk among themselves; its number is that of its SidebarOpened."""

    number: int
    people: list[ParticipantId]
    room_db: float | None
    """By so much softer they hear the room; None: not at all."""


@dataclass(slots=True)
class Links:
    """Those of one room."""

    lines: dict[ParticipantId, Line] = field(default_factory=dict)
    """By who whispers or coaches."""
    sidebars: dict[int, Sidebar] = field(default_factory=dict)
    unheard: set[tuple[ParticipantId, ParticipantId]] = field(default_factory=set)
    """Listener, and whom he does not hear."""

    def sidebar_of(self, participant: ParticipantId) -> Sidebar | None:
        return next((each for each in self.sidebars.values() if participant in each.people), None)

    def is_private(self, participant: ParticipantId) -> bool:
        """Whether the room does not hear him, for he talks to some alone."""
        return participant in self.lines or self.sidebar_of(participant) is not None

    def describe(self) -> dict[str, Any]:
        return {
            "whispers": [
                {"participant": who, "to": line.to, "coach": line.is_coach} for who, line in self.lines.items()
            ],
            "sidebars": [
                {"sidebar": each.number, "participants": list(each.people), "room_db": each.room_db}
                for each in self.sidebars.values()
            ],
            "unheard": [list(pair) for pair in sorted(self.unheard)],
        }


# ------------------------------------------------------------------ whispers
def whisper(room: Room, command: ask.Whisper, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound, Conflict."""
    _open_line(room, command.participant, Line(command.to), by, minutes)


def coach(room: Room, command: ask.Coach, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound, Conflict."""
    _open_line(room, command.participant, Line(command.trainee, True), by, minutes)


def _open_line(room: Room, participant: ParticipantId, line: Line, by: Actor, minutes: Minutes) -> None:
    person, other = room.person(participant), room.person(line.to)
    if person is other:
        raise Conflict(f"{person.id} cannot whisper to himself")
    if room.links.lines.get(person.id) != line:
        _end_line(room, person.id, by, minutes)
        room.links.lines[person.id] = line
        minutes.say(tell.WhisperBegan, person.id, other.id, line.is_coach, by.name)


def end_whisper(room: Room, command: ask.EndWhisper, by: Actor, minutes: Minutes) -> None:
    _end_line(room, room.person(command.participant).id, by, minutes)


def _end_line(room: Room, participant: ParticipantId, by: Actor, minutes: Minutes) -> None:
    line = room.links.lines.pop(participant, None)
    if line is not None:
        minutes.say(tell.WhisperEnded, participant, line.to, by.name)


# ------------------------------------------------------------------ who does not hear whom
def relate(room: Room, command: ask.Relate, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound, Conflict, Full."""
    person, other, unheard = room.person(command.participant), room.person(command.other), room.links.unheard
    if person is other:
        raise Conflict("nobody hears himself anyhow")
    before = set(unheard)
    pair = (person.id, other.id)
    if command.relation is Relation.CLEAR:
        unheard -= {pair, pair[::-1]}
    elif len(unheard) >= MOST_RELATIONS:
        raise Full(f"{room.name} has its most relations: {MOST_RELATIONS}")
    else:
        unheard.add(pair if command.relation is Relation.NOHEAR else pair[::-1])
    if unheard != before:
        minutes.say(tell.RelationChanged, person.id, other.id, command.relation, by.name)


# ------------------------------------------------------------------ sidebars
def open_sidebar(room: Room, command: ask.OpenSidebar, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound, Invalid, Conflict, Full."""
    people = list(dict.fromkeys(room.person(who).id for who in command.participants))
    if len(people) < 2:
        raise Invalid("a sidebar takes two at least")
    if not SOFTEST_DB <= command.room_db <= 0:
        raise Invalid(f"room_db must be {SOFTEST_DB:g} to 0, not {command.room_db:g}")
    for who in people:
        if room.links.sidebar_of(who):
            raise Conflict(f"{who} is in a sidebar already")
    if len(room.links.sidebars) >= MOST_SIDEBARS:
        raise Full(f"{room.name} has its most sidebars: {MOST_SIDEBARS}")
    room_db = command.room_db if command.hears_room else None
    number = minutes.number + 1
    room.links.sidebars[number] = Sidebar(number, people, room_db)
    minutes.say(tell.SidebarOpened, number, tuple(people), room_db, by.name)


def leave_sidebar(room: Room, command: ask.LeaveSidebar, by: Actor, minutes: Minutes) -> None:
    _leave_sidebar(room, room.person(command.participant).id, by, minutes)


def _leave_sidebar(room: Room, participant: ParticipantId, by: Actor, minutes: Minutes) -> None:
    """One alone is no sidebar."""
    sidebar = room.links.sidebar_of(participant)
    if sidebar is None:
        return
    sidebar.people.remove(participant)
    minutes.say(tell.SidebarLeft, sidebar.number, participant, by.name)
    if len(sidebar.people) < 2:
        _close(room, sidebar, by, minutes)


def close_sidebar(room: Room, command: ask.CloseSidebar, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound."""
    sidebars = room.links.sidebars
    if command.sidebar and command.sidebar not in sidebars:
        raise NotFound(f"there is no sidebar {command.sidebar}; there are: {', '.join(map(str, sidebars)) or 'none'}")
    for sidebar in [each for each in sidebars.values() if command.sidebar in (0, each.number)]:
        _close(room, sidebar, by, minutes)


def _close(room: Room, sidebar: Sidebar, by: Actor, minutes: Minutes) -> None:
    del room.links.sidebars[sidebar.number]
    minutes.say(tell.SidebarClosed, sidebar.number, by.name)


# ------------------------------------------------------------------ going
def leave(room: Room, participant: ParticipantId, minutes: Minutes) -> None:
    """Nothing private is left of who goes."""
    links = room.links
    _leave_sidebar(room, participant, SYSTEM, minutes)
    for who in [who for who, line in links.lines.items() if participant in (who, line.to)]:
        _end_line(room, who, SYSTEM, minutes)
    links.unheard = {pair for pair in links.unheard if participant not in pair}


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.Whisper: whisper,
    ask.Coach: coach,
    ask.EndWhisper: end_whisper,
    ask.Relate: relate,
    ask.OpenSidebar: open_sidebar,
    ask.LeaveSidebar: leave_sidebar,
    ask.CloseSidebar: close_sidebar,
}
