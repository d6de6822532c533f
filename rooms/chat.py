"""What has been written in a room: of this meeting in memory, of others in the store where its rules keep it.

Messages to one participant alone are never kept.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from rooms import events as tell

if TYPE_CHECKING:
    from sqlite_utils import Database

MOST_KEPT = 200
MOST_CHARACTERS = 200_000
"""Of all of a meeting together; the oldest go first."""
MOST_TOLD = 1000
DAY_S = 86_400.0


class Chat:
    """That of one meeting."""

    def __init__(self) -> None:
        self._said: deque[tell.Message] = deque(maxlen=MOST_KEPT)
        self._characters = 0

    def hear(self, message: tell.Message) -> None:
        if message.to:
            return
        if len(self._said) == MOST_KEPT:
            self._characters -= len(self._said[0].text)
        self._said.append(message)
        self._characters += len(message.text)
        while self._characters > MOST_CHARACTERS:
            self._characters -= len(self._said.popleft().text)

    def last(self, count: int) -> list[tell.Message]:
        return list(self._said)[-count:] if count else []

    def clear(self) -> None:
        self._said.clear()
        self._characters = 0

    def describe(self) -> list[dict[str, Any]]:
        """Those that the store does not keep."""
        return [row_of(message) for message in self._said if message.until is None]


def row_of(message: tell.Message) -> dict[str, Any]:
    return {
        "room": message.room, "at": message.at, "participant": message.participant, "name": message.name,
        "address": message.address, "text": message.text, "until": message.until,
    }  # fmt: skip


# ------------------------------------------------------------------ the store
def messages_of_rooms(db: Database) -> None:
    """``until``: when it is forgotten."""
    db.execute(
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, room TEXT NOT NULL, at REAL NOT NULL,"
        " participant TEXT NOT NULL, name TEXT NOT NULL, address TEXT NOT NULL, text TEXT NOT NULL,"
        " until REAL NOT NULL)"
    )
    db.execute("CREATE INDEX messages_by_room ON messages (room, id)")
    db.execute("CREATE INDEX messages_until ON messages (until)")


KEEP = (
    "INSERT INTO messages (room, at, participant, name, address, text, until)"
    " SELECT :room, :at, :participant, :name, :address, :text, :until WHERE :until IS NOT NULL AND :to = ''"
)


def kept(db: Database, room: str, now: float) -> list[dict[str, Any]]:
    """The last of a room, the oldest first."""
    rows = db.query(
        "SELECT room, at, participant, name, address, text, until FROM messages"
        " WHERE room = ? AND until > ? ORDER BY id DESC LIMIT ?",
        [room, now, MOST_TOLD],
    )
    return list(rows)[::-1]


def forget(db: Database, now: float) -> int:
    """Those whose time is over; give how many."""
    return int(db.execute("DELETE FROM messages WHERE until <= ?", [now]).rowcount)
