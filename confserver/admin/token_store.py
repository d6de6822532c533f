"""Tokens on disk: the table, its migrations, and the jobs that write and read it."""

from __future__ import annotations

import json

from sqlite_utils import Database

from confserver.admin.store import in_words, migration
from confserver.admin.tokens import Token
from rooms.participant import Role


def first_table(db: Database) -> None:
    """``rooms`` is a JSON list; ``until`` is NULL for a token that holds for good."""
    db.execute(
        "CREATE TABLE tokens (name TEXT PRIMARY KEY, role TEXT NOT NULL, rooms TEXT NOT NULL, digest TEXT NOT NULL,"
        " created_at REAL NOT NULL, until REAL, by TEXT NOT NULL)"
    )


migrate = migration("tokens", (first_table,))
"""Bring the table to this version. Raises StoreError."""


def keep(db: Database, token: Token) -> None:
    db.execute(
        "INSERT OR REPLACE INTO tokens (name, role, rooms, digest, created_at, until, by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            token.name, token.role.name.lower(), json.dumps(token.rooms), token.digest, token.created_at, token.until,
            token.by,
        ],
    )  # fmt: skip


def drop(db: Database, name: str) -> None:
    db.execute("DELETE FROM tokens WHERE name = ?", [name])


def load(db: Database, now: float) -> list[Token]:
    """Those that hold; what is over is dropped. Raises StoreError."""
    with in_words("the tokens"):
        db.execute("DELETE FROM tokens WHERE until <= ?", [now])
        return [_token(row) for row in db.query("SELECT * FROM tokens ORDER BY name")]


def _token(row: dict[str, object]) -> Token:
    return Token(
        str(row["name"]), Role[str(row["role"]).upper()], tuple(map(str, json.loads(str(row["rooms"])))),
        str(row["digest"]), float(str(row["created_at"])),
        None if row["until"] is None else float(str(row["until"])), str(row["by"]),
    )  # fmt: skip
