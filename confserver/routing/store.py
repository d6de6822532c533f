"""What the server's ways keep over a restart: tables, migrations, and the jobs that write and read them.

Everything lives in memory; the store is written behind. Each step of ``STEPS`` makes what one part needs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlite_utils import Database, Migrations

from confserver.routing.bans import FOR_GOOD, Ban


class StoreError(Exception):
    """The store cannot be used; the reason is for the administrator."""


# ------------------------------------------------------------------ tables
def bans(db: Database) -> None:
    """``until`` is NULL for a ban without an end."""
    db.execute(
        "CREATE TABLE bans (network TEXT PRIMARY KEY, reason TEXT NOT NULL, since REAL NOT NULL, until REAL,"
        " by TEXT NOT NULL)"
    )


def users_and_bindings(db: Database) -> None:
    """Aliases have spaces between them, Path values are a JSON list; ``keys`` are secrets of this server's own."""
    db.execute(
        "CREATE TABLE users (name TEXT PRIMARY KEY, display TEXT NOT NULL, aliases TEXT NOT NULL,"
        " enabled INTEGER NOT NULL, realm TEXT NOT NULL, created_at REAL NOT NULL, changed_at REAL NOT NULL)"
    )
    db.execute(
        "CREATE TABLE user_secrets (user TEXT NOT NULL, algorithm TEXT NOT NULL, ha1 TEXT NOT NULL,"
        " PRIMARY KEY (user, algorithm))"
    )
    db.execute(
        "CREATE TABLE bindings (user TEXT NOT NULL, key TEXT NOT NULL, contact TEXT NOT NULL, expires_at REAL NOT NULL,"
        " call_id TEXT NOT NULL, cseq INTEGER NOT NULL, q INTEGER NOT NULL, path TEXT NOT NULL, params TEXT NOT NULL,"
        " instance TEXT NOT NULL, reg_id INTEGER NOT NULL, transport TEXT NOT NULL, local TEXT NOT NULL,"
        " remote TEXT NOT NULL, source TEXT NOT NULL, outbound INTEGER NOT NULL, gruu INTEGER NOT NULL,"
        " user_agent TEXT NOT NULL, registered_at REAL NOT NULL, PRIMARY KEY (user, key))"
    )
    db.execute("CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB NOT NULL)")


def dialogs(db: Database) -> None:
    """What is left of calls when the process that had them is gone."""
    db.execute("CREATE TABLE dialogs (key TEXT PRIMARY KEY, remains TEXT NOT NULL)")


def tolls(db: Database) -> None:
    """Calls to numbers: the key is the participant's id, which no two calls share. Countries that want approval."""
    db.execute(
        "CREATE TABLE tolls (key TEXT PRIMARY KEY, room TEXT NOT NULL, number TEXT NOT NULL, country TEXT NOT NULL,"
        " by TEXT NOT NULL, began_at REAL NOT NULL, answered_at REAL, ended_at REAL)"
    )
    db.execute(
        "CREATE TABLE countries (country TEXT PRIMARY KEY, asked_by TEXT NOT NULL, asked_at REAL NOT NULL,"
        " number TEXT NOT NULL, room TEXT NOT NULL, approved_by TEXT NOT NULL, at REAL)"
    )


def made_routes(db: Database) -> None:
    """Rows of the route table in their order, and groups, as JSON (``route_store``)."""
    db.execute("CREATE TABLE routes (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, row TEXT NOT NULL)")
    db.execute("CREATE TABLE route_groups (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, row TEXT NOT NULL)")


STEPS = (bans, dialogs, users_and_bindings, tolls, made_routes)
"""The migrations, oldest first; once released, a step is never changed, only followed by another."""

_migrations = Migrations("routing")
for _step in STEPS:
    _migrations()(_step)


def migrate(db: Database) -> None:
    """Bring the tables to this version. Raises StoreError."""
    with in_words():
        known = {step.__name__ for step in STEPS}
        newer = [applied.name for applied in _migrations.applied(db) if applied.name not in known]
        if newer:
            raise StoreError(f"the store was written by a newer version ({', '.join(newer)}): start that one")
        _migrations.apply(db)


# ------------------------------------------------------------------ bans
def keep_ban(db: Database, ban: Ban) -> None:
    until = None if ban.until == FOR_GOOD else ban.until
    db.execute(
        "INSERT OR REPLACE INTO bans (network, reason, since, until, by) VALUES (?, ?, ?, ?, ?)",
        [ban.network, ban.reason, ban.since, until, ban.by],
    )


def drop_bans(db: Database, networks: Iterable[str]) -> None:
    for network in networks:
        db.execute("DELETE FROM bans WHERE network = ?", [network])


def load_bans(db: Database, now: float) -> list[Ban]:
    """Those in force; what is over is dropped. Raises StoreError."""
    with in_words():
        db.execute("DELETE FROM bans WHERE until <= ?", [now])
        return [
            Ban(
                row["network"], row["reason"], row["since"], FOR_GOOD if row["until"] is None else row["until"],
                row["by"],
            )
            for row in db.query("SELECT * FROM bans ORDER BY since")
        ]  # fmt: skip


# ------------------------------------------------------------------ dialogs
@dataclass(frozen=True, slots=True)
class KeptDialog:
    key: str
    """Run and call."""
    text: str


def note_dialogs(db: Database, rows: Iterable[KeptDialog], gone: Iterable[str]) -> None:
    for row in rows:
        db.execute("INSERT OR REPLACE INTO dialogs (key, remains) VALUES (?, ?)", [row.key, row.text])
    for key in gone:
        db.execute("DELETE FROM dialogs WHERE key = ?", [key])


def load_dialogs(db: Database) -> list[KeptDialog]:
    """Of all runs, the latest first. Raises StoreError."""
    with in_words():
        return [KeptDialog(row["key"], row["remains"]) for row in db.query("SELECT * FROM dialogs ORDER BY rowid DESC")]


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what a damaged store raises into one line."""
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise StoreError(f"the store cannot be read: {error}") from error
