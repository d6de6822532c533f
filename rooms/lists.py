"""Lists of people who are called into a room: some at once, tried again where it was busy or nobody answered.

::

    waits ──DialWanted──► calling ──arrived──► joined ──lost, and redial──► waits
      ▲                     │
      └──try again──────────┤ busy, no answer, no key pressed
                            └──any other cause, or the last try──► failed        CancelList, the end: cancelled

A list ends when nobody waits and nobody is being called. It outlives an empty room: while somebody is to be tried
again, the room is not forgotten. Who is called, and whether he may be, is the focus's affair (``NoteListed``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Full, Invalid, NotFound
from rooms.participant import MOST_NAME, SYSTEM, Actor, ParticipantId, readable

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_LISTS, MOST_ENTRIES, MOST_AT_ONCE, MOST_TRIES = 10, 500, 50, 10
LEAST_PAUSE_S, MOST_PAUSE_S = 5.0, 86_400.0
KEPT_ENDED = 5
"""So many lists that have ended are still shown."""
ALARM = "lists"
AGAIN = ("busy", "no answer", "not available", "nobody has pressed a key")
"""Causes for which somebody is tried again."""
WANTED_AWAY = (
    "hung up", "left by key", "kicked", "his time is up",
    "transferred", "the room has ended", "the server is stopping", "server stopped",
)  # fmt: skip
"""Causes of a departure after which nobody is called back."""
_NAMED = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<uri>[^<>]+)>\s*\Z")


@dataclass(slots=True)
class Entry:
    """Somebody on a list."""

    uri: str
    name: str
    state: str = "waits"
    cause: str = ""
    tries: int = 0
    due: float = 0.0
    participant: ParticipantId = ""

    def describe(self) -> dict[str, Any]:
        return {
            "uri": self.uri, "name": self.name, "state": self.state, "cause": self.cause, "tries": self.tries,
            "participant": self.participant, "due": self.due if self.state == "waits" and self.tries else None,
        }  # fmt: skip


@dataclass(slots=True)
class Called:
    """One list."""

    number: int
    how: ask.DialList
    entries: list[Entry]
    by: str
    since: float
    is_over: bool = False
    is_cancelled: bool = False
    """Nobody is called back either."""

    def count(self, *states: str) -> int:
        return sum(entry.state in states for entry in self.entries)

    def describe(self) -> dict[str, Any]:
        return {
            "list": self.number, "by": self.by, "since": self.since, "over": self.is_over,
            "entries": [entry.describe() for entry in self.entries],
        }  # fmt: skip


class Lists:
    """Those of one room, by number."""

    def __init__(self) -> None:
        self._by_number: dict[int, Called] = {}

    def __bool__(self) -> bool:
        """Whether somebody is still to be called."""
        return any(not each.is_over for each in self._by_number.values())

    def describe(self) -> list[dict[str, Any]]:
        return [each.describe() for each in self._by_number.values()]

    def start(self, room: Room, command: ask.DialList, by: Actor, minutes: Minutes) -> None:
        """Raises Invalid, Full, NotOpen."""
        entries = _checked(command)
        room.check_entrance(is_called=True)
        if sum(not each.is_over for each in self._by_number.values()) >= MOST_LISTS:
            raise Full(f"{room.name} has its most lists at once: {MOST_LISTS}")
        ended = [number for number, each in self._by_number.items() if each.is_over]
        for number in ended[: max(0, len(ended) - KEPT_ENDED + 1)]:
            del self._by_number[number]
        number = minutes.number + 1
        self._by_number[number] = Called(number, command, entries, by.name, minutes.at)
        minutes.say(tell.ListStarted, number, command.whom, by.name)
        self.go_on(room, minutes)

    def cancel(self, room: Room, number: int, minutes: Minutes) -> None:
        """0: all. Raises NotFound."""
        if not number:
            self.cancel_all(room, minutes)
            return
        if number not in self._by_number:
            raise NotFound(f"there is no list {number}; there are: {', '.join(map(str, self._by_number)) or 'none'}")
        called = self._by_number[number]
        called.is_cancelled = True
        for index, entry in enumerate(called.entries):
            if entry.state == "waits":
                self._set(called, index, "cancelled", "", minutes)
            elif entry.state == "calling" and entry.participant in room.places:
                room.let_go(room.places[entry.participant], SYSTEM, minutes)
        self._review(called, minutes)

    def cancel_all(self, room: Room, minutes: Minutes) -> None:
        for number in [number for number, each in self._by_number.items() if not each.is_over or each.how.redial]:
            self.cancel(room, number, minutes)

    # ------------------------------------------------------------------ what becomes of them
    def listed(self, room: Room, command: ask.NoteListed, minutes: Minutes) -> None:
        """Ignored where the list was cancelled meanwhile."""
        called = self._by_number.get(command.list)
        if called is None or not 0 <= command.entry < len(called.entries):
            return
        entry = called.entries[command.entry]
        if entry.state != "calling" or entry.participant:
            return
        if command.participant:
            entry.participant = command.participant
        else:
            self._set(called, command.entry, "failed", readable(command.reason), minutes)
            self.go_on(room, minutes)

    def follow(self, room: Room, events: list[tell.Event], minutes: Minutes) -> None:
        """What has happened to those who were called."""
        if not self._by_number:
            return
        for event in events:
            match event:
                case tell.ParticipantArrived(participant=who):
                    self._moved(who, "joined", "", minutes)
                case tell.DialFailed(participant=who, cause=cause) | tell.WaitEnded(participant=who, cause=cause):
                    self._failed(who, cause, minutes)
                case tell.ParticipantLeft(participant=who, cause=cause) if cause not in WANTED_AWAY:
                    self._lost(who, cause, minutes)
                case tell.RoomEnding():
                    self.cancel_all(room, minutes)
        self.go_on(room, minutes)

    def _entry_of(self, who: ParticipantId, state: str) -> tuple[Called, int] | None:
        for called in self._by_number.values():
            for index, entry in enumerate(called.entries):
                if entry.participant == who and entry.state == state:
                    return called, index
        return None

    def _moved(self, who: ParticipantId, state: str, cause: str, minutes: Minutes) -> None:
        if (found := self._entry_of(who, "calling")) is not None:
            self._set(*found, state, cause, minutes)

    def _failed(self, who: ParticipantId, cause: str, minutes: Minutes) -> None:
        if (found := self._entry_of(who, "calling")) is None:
            return
        called, index = found
        is_again = cause.partition(":")[0] in AGAIN and called.entries[index].tries < called.how.tries
        self._set(called, index, "waits" if is_again and not called.is_over else "failed", cause, minutes)

    def _lost(self, who: ParticipantId, cause: str, minutes: Minutes) -> None:
        found = self._entry_of(who, "joined")
        if found is not None and found[0].how.redial and not found[0].is_cancelled:
            called, index = found
            called.entries[index].tries, called.is_over = 0, False
            self._set(called, index, "waits", cause, minutes)

    def _set(self, called: Called, index: int, state: str, cause: str, minutes: Minutes) -> None:
        entry = called.entries[index]
        entry.state, entry.cause = state, cause
        minutes.say(tell.ListChanged, called.number, index, entry.participant, state, cause)
        if state == "waits":
            entry.participant, entry.due = "", minutes.at + called.how.pause_s
        self._review(called, minutes)

    def _review(self, called: Called, minutes: Minutes) -> None:
        if not called.is_over and not called.count("waits", "calling"):
            called.is_over = True
            joined, failed = called.count("joined"), called.count("failed", "cancelled")
            minutes.say(tell.ListEnded, called.number, joined, failed)

    # ------------------------------------------------------------------ who is next
    def go_on(self, room: Room, minutes: Minutes) -> None:
        """Call whoever is due, as far as lines are free, and be woken for the next."""
        for called in list(self._by_number.values()):
            if called.is_over:
                continue
            free = called.how.at_once - called.count("calling")
            for index, entry in enumerate(called.entries):
                if free <= 0:
                    break
                if entry.state == "waits" and entry.due <= minutes.at:
                    self._call(called, index, entry, minutes)
                    free -= 1
        self._wake(room)

    def _call(self, called: Called, index: int, entry: Entry, minutes: Minutes) -> None:
        how = called.how
        entry.tries += 1
        self._set(called, index, "calling", "", minutes)
        wanted = (entry.uri, entry.name, how.ring_s, how.confirm, how.caller_id)
        minutes.say(tell.DialWanted, called.number, index, *wanted, called.by, how.muted, how.deaf)

    def _wake(self, room: Room) -> None:
        waits = [
            entry.due
            for called in self._by_number.values()
            if called.count("calling") < called.how.at_once
            for entry in called.entries
            if entry.state == "waits"
        ]
        if waits:
            room.alarms.set(ALARM, min(waits))
        else:
            room.alarms.clear(ALARM)


def _checked(command: ask.DialList) -> list[Entry]:
    """Raises Invalid."""
    if not 1 <= len(command.whom) <= MOST_ENTRIES:
        raise Invalid(f"whom must name 1 to {MOST_ENTRIES}, not {len(command.whom)}")
    for name, value, least, most in (
        ("at_once", command.at_once, 1, MOST_AT_ONCE),
        ("tries", command.tries, 1, MOST_TRIES),
        ("pause_s", command.pause_s, LEAST_PAUSE_S, MOST_PAUSE_S),
        ("ring_s", command.ring_s, 0, 600),
    ):
        if not least <= value <= most:
            raise Invalid(f"{name} must be {least:g} to {most:g}, not {value:g}")
    return [_entry(text) for text in command.whom]


def _entry(text: str) -> Entry:
    """Raises Invalid."""
    named = _NAMED.match(text[:512])
    uri = readable(named["uri"] if named else text)
    if not uri:
        raise Invalid(f"{text[:64]!r} names nobody who could be called")
    return Entry(uri, readable(named["name"].strip('"') if named else "", MOST_NAME))


def start(room: Room, command: ask.DialList, by: Actor, minutes: Minutes) -> None:
    room.lists.start(room, command, by, minutes)


def cancel(room: Room, command: ask.CancelList, by: Actor, minutes: Minutes) -> None:
    room.lists.cancel(room, command.list, minutes)


def note_listed(room: Room, command: ask.NoteListed, by: Actor, minutes: Minutes) -> None:
    room.lists.listed(room, command, minutes)


def go_on(room: Room, minutes: Minutes) -> None:
    """The time of somebody's next try has come."""
    room.lists.go_on(room, minutes)


HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.DialList: start,
    ask.CancelList: cancel,
    ask.NoteListed: note_listed,
}
ALARMS: dict[str, Callable[[Room, Minutes], None]] = {ALARM: go_on}
