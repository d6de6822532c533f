"""Webhooks on disk: those that were added while the server ran, and dead letters, of settings' webhooks too."""

from __future__ import annotations

import json

from sqlite_utils import Database

from confserver.admin.hooks import MOST_DEAD, Hook, Letter
from confserver.admin.store import in_words, migration


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


migrate = migration("webhooks", (first_tables,))
"""Bring the tables to this version. Raises StoreError."""


def keep(db: Database, hook: Hook) -> None:
    db.execute(
        "INSERT OR REPLACE INTO webhooks (name, url, secret, events, rooms) VALUES (?, ?, ?, ?, ?)",
        [hook.name, hook.url, hook.secret, json.dumps(hook.events), json.dumps(hook.rooms)],
    )


def drop(db: Database, name: str) -> None:
    """With its dead letters."""
    db.execute("DELETE FROM webhooks WHERE name = ?", [name])
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


def dig_up(db: Database, name: str) -> None:
    """They are on their way again."""
    db.execute("DELETE FROM dead_letters WHERE webhook = ?", [name])


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
