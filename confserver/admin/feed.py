"""All that happens in the rooms as one numbered sequence, and how far each reader is in it: pure, without sockets.

::

    events of one command -> Feed.append -> [ entry | entry | entry ]  -> Cursor.take -> one reader
         number                               the last few MB           -> Cursor.take -> another
                                                                           written once, for the first who reads it

An entry is written when somebody wants it, and once, whoever else does: most are never read. Nothing is kept for a
reader but a number: who is slower than the entries that are kept has lost his place, and has to begin anew. Entries
are shown in order, and only when the store has what they tell (``Feed.commit``): nobody learns of what a crash could
take back.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

OVERHEAD_BYTES = 400
"""Of an entry, beside its text, or beside what its event holds."""
MOST_UNWRITTEN = 2000
"""An event that holds more than so many bytes is written down at once: its text may be much shorter."""
MOST_AT_ONCE = 256
"""So many entries are looked at for one reader before it is another's turn."""


@dataclass(frozen=True, slots=True)
class News:
    """What has happened, to be told once somebody reads it. ``size``: the bytes it holds until then, roughly."""

    type: str
    room: str
    at: float
    size: int
    what: Any
    tell: Callable[[Any], Mapping[str, Any]]
    """What is told of ``what``."""


@dataclass(slots=True)
class Entry:
    """One event. ``text``: as server-sent events have it; the JSON alone begins at ``start``; empty until somebody
    reads it."""

    number: int
    type: str
    room: str
    at: float
    news: News | None
    text: bytes = b""
    start: int = 0

    @property
    def json(self) -> bytes:
        return self.text[self.start : -2]

    @property
    def size(self) -> int:
        return OVERHEAD_BYTES + (self.news.size if self.news is not None else len(self.text))

    def write(self, epoch: str) -> None:
        """Now somebody reads it: once, whoever else does."""
        if self.news is not None:
            identity = f"{epoch}-{self.number}"
            head = f"id: {identity}\nevent: {self.type}\ndata: ".encode()
            self.text = head + msgspec.json.encode({"id": identity, **self.news.tell(self.news.what)}) + b"\n\n"
            self.start, self.news = len(head), None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader wants to hear of. ``types``: names, or beginnings of names with a star; none: all."""

    may_see: Callable[[str], bool] = lambda room: True
    room: str = ""
    types: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    shows: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda room: room
    """What the reader may see of a room in a snapshot."""
    holds: Callable[[float], bool] = lambda now: True
    """Whether he may still read."""

    @classmethod
    def of(cls, may_see: Callable[[str], bool], room: str = "", types: Iterable[str] = ()) -> Wanted:
        named = list(types)
        exact = frozenset(each for each in named if not each.endswith("*"))
        return cls(may_see, room, exact, tuple(each[:-1] for each in named if each.endswith("*")))

    def takes(self, entry: Entry) -> bool:
        return self.takes_room(entry.room) and self.takes_type(entry.type)

    def takes_room(self, room: str) -> bool:
        return (not self.room or room == self.room) and self.may_see(room)

    def takes_type(self, name: str) -> bool:
        if not self.types and not self.prefixes:
            return True
        return name in self.types or name.startswith(self.prefixes or ("\0",))


class Feed:
    """The sequence. ``number``: of the last entry; ``shown``: of the last that may be read."""

    def __init__(self, epoch: str, most_bytes: int) -> None:
        """``epoch`` tells this run of the server from all others."""
        self.epoch = epoch
        self.number = 0
        self.shown = 0
        self._most_bytes = most_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self.latest: Sequence[Entry] = ()
        """What the last command has come to."""
        self._open: deque[list[int]] = deque()
        """Of each command that is not shown yet: its last number, and 1 where the store has it."""

    def begin_after(self, number: int) -> None:
        """Nothing has happened yet: numbers go on where an earlier run has stopped."""
        self.number = self.shown = number

    def append(self, told: Sequence[News]) -> Callable[[], bool]:
        """Take what one command has come to; gives what to call when the store has it, which tells whether more may
        be read then."""
        first = self.number + 1
        self.number += len(told)
        self.latest = [Entry(number, news.type, news.room, news.at, news) for number, news in enumerate(told, first)]
        for entry in self.latest:
            if entry.size > MOST_UNWRITTEN + OVERHEAD_BYTES:
                entry.write(self.epoch)
            self._entries.append(entry)
            self._bytes += entry.size
        self._make_room()
        span = [self.number, 0]
        self._open.append(span)

        def commit() -> bool:
            span[1] = 1
            before = self.shown
            while self._open and self._open[0][1]:
                self.shown = self._open.popleft()[0]
            return self.shown > before

        return commit

    def _make_room(self) -> None:
        while self._bytes > self._most_bytes and len(self._entries) > 1:
            self._bytes -= self._entries.popleft().size

    def write(self, entries: list[Entry]) -> list[Entry]:
        """Some of those that are kept, for who reads them; what makes them larger pushes out the oldest."""
        for entry in entries:
            if entry.news is not None and entry.number >= self.oldest:
                self._bytes -= entry.size
                entry.write(self.epoch)
                self._bytes += entry.size
        self._make_room()
        return entries

    @property
    def oldest(self) -> int:
        """Number of the first entry that is still there; of the next one where there is none."""
        return self._entries[0].number if self._entries else self.number + 1

    def check(self, after: int) -> None:
        """Raises Lost where what follows is not kept any more."""
        if after + 1 < self.oldest and after < self.number:
            raise Lost(f"event {after + 1} is not kept any more; the oldest is {self.oldest}")

    def read(self, after: int, most: int) -> list[Entry]:
        """Up to ``most`` of the entries that follow ``after``, and may be read. Raises Lost."""
        self.check(after)
        first = after + 1 - self.oldest
        last = min(first + most, self.shown + 1 - self.oldest)
        return [self._entries[index] for index in range(first, last)]

    def place(self, text: str) -> int | None:
        """The number in ``EPOCH-NUMBER``; None where nothing can go on from there."""
        match = re.fullmatch(r"([0-9a-f]{1,32})-([0-9]{1,18})", text)
        if match is None or match[1] != self.epoch:
            return None
        number = int(match[2])
        return number if self.oldest - 1 <= number <= self.number else None

    def identify(self, number: int) -> str:
        return f"{self.epoch}-{number}"

    def describe(self) -> dict[str, object]:
        return {
            "number": self.number,
            "kept": len(self._entries),
            "kept_bytes": self._bytes,
            "unstored": len(self._open),
        }


class Lost(Exception):
    """A reader's place is not kept any more."""


@dataclass(slots=True)
class Cursor:
    """How far one reader is."""

    feed: Feed
    wanted: Wanted
    number: int

    @property
    def is_behind(self) -> bool:
        return self.number < self.feed.shown

    def check(self) -> None:
        """Raises Lost."""
        self.feed.check(self.number)

    def take(self, most: int = MOST_AT_ONCE) -> list[Entry]:
        """What he wants of the next ``most`` entries; more may be there (``is_behind``). Raises Lost."""
        entries = self.feed.read(self.number, most)
        if entries:
            self.number = entries[-1].number
        return self.feed.write([entry for entry in entries if self.wanted.takes(entry)])


def sse(name: str, json: bytes, identity: str = "") -> bytes:
    """One message of server-sent events (WHATWG HTML 9.2.6). JSON has no line ends of its own."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {name}\ndata: ".encode() + json + b"\n\n"
