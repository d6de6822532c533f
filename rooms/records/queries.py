"""Reading the records: pages of rows, the newest first, and one meeting as a whole.

A page says by its last row where the next one begins (``before``): however long a table is, a question costs what it
gives. Whoever asks runs it in the store's reading thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST_ROWS = 1000
_JSON = ("spurts", "mutes", "quality", "recordings")
_SWITCHES = ("dialled",)
_LEFT_OUT = ("spurts", "mutes")
"""Of a list; a meeting shows them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows. ``since`` and ``until`` are epoch seconds: what was going on at any moment between them."""

    room: str | None = None
    since: float | None = None
    until: float | None = None
    before: int | None = None
    """Only rows with lesser numbers: the last one of the page before."""
    limit: int = 100

    def values(self) -> dict[str, Any]:
        return {
            "room": self.room, "since": self.since, "until": self.until, "before": self.before,
            "limit": min(max(self.limit, 1), MOST_ROWS),
        }  # fmt: skip


def _where(begun: str, ended: str) -> str:
    return (
        "WHERE (:room IS NULL OR room = :room) AND (:before IS NULL OR id < :before)"
        f" AND (:since IS NULL OR {ended} IS NULL OR {ended} >= :since) AND (:until IS NULL OR {begun} <= :until)"
        " ORDER BY id DESC LIMIT :limit"
    )


_MEETINGS = f"SELECT * FROM meetings {_where('opened_at', 'closed_at')}"
_PARTICIPATIONS = f"SELECT * FROM participations {_where('COALESCE(arrived_at, reserved_at)', 'left_at')}"


def meetings(db: Database, wanted: Wanted) -> list[dict[str, Any]]:
    """The latest meetings."""
    return [_plain(row) for row in db.query(_MEETINGS, wanted.values())]


def participations(db: Database, wanted: Wanted) -> list[dict[str, Any]]:
    """The latest participations; those who did not come in have no ``arrived_at``."""
    rows = [_plain(row) for row in db.query(_PARTICIPATIONS, wanted.values())]
    return [{name: value for name, value in row.items() if name not in _LEFT_OUT} for row in rows]


def meeting(db: Database, number: int) -> dict[str, Any] | None:
    """One meeting with all who were there, in the order of their coming."""
    found = next(db.query("SELECT * FROM meetings WHERE id = ?", [number]), None)
    if found is None:
        return None
    people = db.query("SELECT * FROM participations WHERE meeting = ? ORDER BY arrived_at, id", [number])
    return {**_plain(found), "participants": [_plain(row) for row in people]}


_MESSAGES = (
    "SELECT at, name, address, text FROM messages WHERE room = :room AND at >= :since AND at <= :until"
    " ORDER BY id LIMIT :limit"
)


def messages(db: Database, meeting: Mapping[str, Any], now: float) -> list[dict[str, Any]]:
    """What was written in a meeting, as far as it is kept."""
    until = meeting["closed_at"] if meeting["closed_at"] is not None else now
    values = {"room": meeting["room"], "since": meeting["opened_at"], "until": until, "limit": MOST_ROWS}
    return list(db.query(_MESSAGES, values))


def last_meeting(db: Database) -> int:
    """The number of the last one on record, 0 where there is none; numbers are not used again."""
    return next(int(row["number"] or 0) for row in db.query("SELECT MAX(id) AS number FROM meetings"))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON has it."""
    told = dict(row)
    for name in _JSON:
        if name in told:
            told[name] = _list(told[name])
    for name in _SWITCHES:
        if name in told:
            told[name] = bool(told[name])
    return told


def _list(text: Any) -> list[Any]:
    """An unreadable cell is an empty one: the rest of the record is worth reading."""
    try:
        told = json.loads(text)
    except (TypeError, ValueError):
        return []
    return told if isinstance(told, list) else []
