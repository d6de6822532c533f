"""Tokens on disk: the table, its migrations, and the jobs that write and read it."""

from __future__ import annotations

import json
import sqlite3

from sqlite_utils import Database, Migrations

from confserver.admin.tokens import Token
from rooms.participant import Role


class StoreError(Exception):
    """The tokens cannot be read; one line for the administrator."""


def first_table(db: Database) -> None:
    """``rooms`` is a JSON list; ``until`` is NULL for a token that holds for good."""
    db.execute(
        "CREATE TABLE tokens (name TEXT PRIMARY KEY, role TEXT NOT NULL, rooms TEXT NOT NULL, digest TEXT NOT NULL,"
        " created_at REAL NOT NULL, until REAL, by TEXT NOT NULL)"
    )


STEPS = (first_table,)
"""The migrations, oldest first; once released, a step is never changed, only followed by another."""

_migrations = Migrations("tokens")
for _step in STEPS:
    _migrations()(_step)


def migrate(db: Database) -> None:
    """Bring the table to this version. Raises StoreError."""
    known = {step.__name__ for step in STEPS}
    newer = [applied.name for applied in _migrations.applied(db) if applied.name not in known]
    if newer:
        raise StoreError(f"the store was written by a newer version ({', '.join(newer)}): start that one")
    _migrations.apply(db)


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
    try:
        db.execute("DELETE FROM tokens WHERE until <= ?", [now])
        return [_token(row) for row in db.query("SELECT * FROM tokens ORDER BY name")]
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"the tokens in the store cannot be read: {error}") from error


def _token(row: dict[str, object]) -> Token:
    return Token(
        str(row["name"]), Role[str(row["role"]).upper()], tuple(map(str, json.loads(str(row["rooms"])))),
        str(row["digest"]), float(str(row["created_at"])),
        None if row["until"] is None else float(str(row["until"])), str(row["by"]),
    )  # fmt: skip
