"""Webhooks on disk: those that were added while the server ran; dead letters, and events that wait, of all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from confserver.admin.feed import Entry
from confserver.admin.hooks import MOST_DEAD, Hook, Letter, Stored
from confserver.admin.store import in_words, migration
from rooms.records.statement import Record

LAST = 2**62
"""Greater than any number."""


def first_tables(db: Database) -> None:
    """``events`` and ``rooms`` are JSON lists."""
    db.execute(
        "CREATE TABLE webhooks (name TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL, events TEXT NOT NULL,"
        " rooms TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE dead_letters (webhook TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, at REAL NOT NULL,"
        " body BLOB NOT NULL, reason TEXT NOT NULL, tries INTEGER NOT NULL, PRIMARY KEY (webhook, id))"
    )


def outbox(db: Database) -> None:
    """Events that somebody waits for, by their number in the feed, and up to which each webhook has had its own.

    A number is not used again, even where nothing is left of it (AUTOINCREMENT).
    """
    db.execute(
        "CREATE TABLE hook_events (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, type TEXT NOT NULL,"
        " room TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL)"
    )
    db.execute("CREATE TABLE hook_places (webhook TEXT PRIMARY KEY, number INTEGER NOT NULL)")


migrate = migration("webhooks", (first_tables, outbox))
"""Bring the tables to this version. Raises StoreError."""


def keep(db: Database, hook: Hook) -> None:
    db.execute(
        "INSERT OR REPLACE INTO webhooks (name, url, secret, events, rooms) VALUES (?, ?, ?, ?, ?)",
        [hook.name, hook.url, hook.secret, json.dumps(hook.events), json.dumps(hook.rooms)],
    )


def drop(db: Database, name: str) -> None:
    """With its dead letters, and its place."""
    db.execute("DELETE FROM webhooks WHERE name = ?", [name])
    db.execute("DELETE FROM hook_places WHERE webhook = ?", [name])
    db.execute("DELETE FROM dead_letters WHERE webhook = ?", [name])


def bury(db: Database, name: str, letter: Letter) -> None:
    """The oldest make room."""
    db.execute(
        "INSERT OR REPLACE INTO dead_letters (webhook, id, type, at, body, reason, tries) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [name, letter.id, letter.type, letter.at, letter.body, letter.reason, letter.tries],
    )
    db.execute(
        "DELETE FROM dead_letters WHERE webhook = ? AND rowid NOT IN"
        " (SELECT rowid FROM dead_letters WHERE webhook = ? ORDER BY rowid DESC LIMIT ?)",
        [name, name, MOST_DEAD],
    )


def dig_up(db: Database, name: str, letter: str) -> None:
    """It has arrived after all."""
    db.execute("DELETE FROM dead_letters WHERE webhook = ? AND id = ?", [name, letter])


# ------------------------------------------------------------------ the outbox
def record_of(entry: Entry, identity: str) -> Record:
    """Written with whatever else its command has come to, all or none."""
    values = {
        "number": entry.number, "id": identity, "type": entry.type, "room": entry.room,
        "at": entry.at, "body": entry.json,
    }  # fmt: skip
    return Record(_KEEP, values)


_KEEP = (
    "INSERT OR REPLACE INTO hook_events (number, id, type, room, at, body)"
    " VALUES (:number, :id, :type, :room, :at, :body)"
)


def waiting(db: Database, after: int, upto: int, most: int) -> list[Stored]:
    """The first events of those after a number and up to another."""
    rows = db.query(
        "SELECT * FROM hook_events WHERE number > ? AND number <= ? ORDER BY number LIMIT ?", [after, upto, most]
    )
    return [_stored(row) for row in rows]


def settle(db: Database, places: Mapping[str, int]) -> int:
    """Note how far each webhook is; forget what all of them have had. Gives how many events are left."""
    db.execute("DELETE FROM hook_places")
    for name, number in places.items():
        db.execute("INSERT INTO hook_places (webhook, number) VALUES (?, ?)", [name, number])
    forget(db, min(places.values(), default=LAST))
    return next(int(row["count"]) for row in db.query("SELECT COUNT(*) AS count FROM hook_events"))


def forget(db: Database, upto: int) -> None:
    db.execute("DELETE FROM hook_events WHERE number <= ?", [upto])


def put_place(db: Database, name: str, number: int) -> None:
    db.execute("INSERT OR REPLACE INTO hook_places (webhook, number) VALUES (?, ?)", [name, number])


def _stored(row: dict[str, Any]) -> Stored:
    return Stored(Letter(row["id"], row["type"], row["at"], row["body"], row["number"]), row["room"])


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier run has left. ``places``: up to which event each webhook had its own; ``number``: of the last."""

    hooks: Sequence[Hook] = ()
    dead: Mapping[str, Sequence[Letter]] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    number: int = 0


def kept(db: Database) -> Kept:
    """Raises StoreError."""
    hooks, dead = load(db)
    with in_words("the webhooks"):
        places = {str(row["webhook"]): int(row["number"]) for row in db.query("SELECT * FROM hook_places")}
        used = db.query("SELECT seq AS number FROM sqlite_sequence WHERE name = 'hook_events'")
        number = max([*(int(row["number"]) for row in used), *places.values()], default=0)
    return Kept(hooks, dead, places, number)


def load(db: Database) -> tuple[list[Hook], dict[str, list[Letter]]]:
    """The hooks, and the dead letters of each by its name. Raises StoreError."""
    with in_words("the webhooks"):
        hooks = [
            Hook(
                row["name"],
                row["url"],
                row["secret"],
                tuple(json.loads(row["events"])),
                tuple(json.loads(row["rooms"])),
            )
            for row in db.query("SELECT * FROM webhooks ORDER BY name")
        ]
        dead: dict[str, list[Letter]] = {}
        for row in db.query("SELECT * FROM dead_letters ORDER BY rowid"):
            letter = Letter(row["id"], row["type"], row["at"], row["body"], 0, row["reason"], row["tries"])
            dead.setdefault(row["webhook"], []).append(letter)
        return hooks, dead
