"""Who was turned away, for the audit log: one entry for each who, what and whence in a minute, with a count.

The first is told at once, so that nothing is lost with the process; how often it was in all, when the minute is over.
So a flood costs the store two jobs a minute and a source, and beyond ``MOST`` of them at a time all others together
two more. A count in memory is all that each further one costs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rooms.participant import Actor
from rooms.records.audit import Attempt, Entry, recount
from rooms.records.statement import Record

MINUTE_S = 60.0
MOST = 100
"""Counts at a time of one kind of refusal."""
OTHERS = "others"
UNAUTHORIZED, TOO_MANY = "unauthorized", "too-many-requests"
"""Kinds of refusals beside those of the rooms: RFC 9110 15.5.2, RFC 6585 4."""
Key = tuple[str, str, str, str]


@dataclass(slots=True)
class Count:
    first: Entry
    times: int = 1
    last: float = 0.0


class TurnedAway:
    """Those of the last minute."""

    def __init__(self) -> None:
        self._counts: dict[Key, Count] = {}
        self._of_kind: dict[str, int] = {}

    def note(self, asked: Attempt, by: Actor, at: float, kind: str, reason: str) -> list[Record]:
        """What is to be written now: the first of its minute."""
        key = (kind, by.source, by.name, asked.action)
        if key not in self._counts and self._of_kind.get(kind, 0) >= MOST:
            asked, by = Attempt("ask", {}), replace(by, name=OTHERS, source=OTHERS)
            key = (kind, OTHERS, OTHERS, asked.action)
        if (count := self._counts.get(key)) is not None:
            count.times += 1
            count.last = at
            return []
        entry = Entry(asked, by, at, kind, reason)
        self._counts[key] = Count(entry)
        self._of_kind[kind] = self._of_kind.get(kind, 0) + 1
        return [entry.record()]

    def due(self, now: float) -> list[Record]:
        """How often it was, of those whose minute is over. ``now`` without end: of all."""
        over = [key for key, count in self._counts.items() if count.first.at + MINUTE_S <= now]
        counts = [self._counts.pop(key) for key in over]
        for key in over:
            self._of_kind[key[0]] -= 1
        return [recount(count.first, count.times, count.last) for count in counts if count.times > 1]

    def __len__(self) -> int:
        return len(self._counts)
