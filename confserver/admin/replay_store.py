"""Idempotency keys on disk: what was asked under them, and what was answered.

A key is there before what it stands for is done, in the same batch or an earlier one: where the process dies between,
the next run knows that it does not know. What is shown once (``secret``, ``password``) is not written.
"""

from __future__ import annotations

import json

from sqlite_utils import Database

from confserver.admin.replays import KEPT_S, MOST_KEPT, Answer, Ask, Known
from confserver.admin.store import in_words, migration

SHOWN_ONCE = frozenset({"secret", "password"})
BEGUN, DONE, HIDDEN = "begun", "done", "hidden"


def first_table(db: Database) -> None:
    """``state``: begun, done, or hidden, where the answer held what is shown once; ``headers``: a JSON list."""
    db.execute(
        "CREATE TABLE replays (holder TEXT NOT NULL, key TEXT NOT NULL, print BLOB NOT NULL, at REAL NOT NULL,"
        " state TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, headers TEXT NOT NULL,"
        " PRIMARY KEY (holder, key))"
    )


migrate = migration("replays", (first_table,))
"""Bring the table to this version. Raises StoreError."""


def begin(db: Database, ask: Ask, at: float) -> None:
    db.execute(
        "INSERT OR REPLACE INTO replays (holder, key, print, at, state, status, body, headers)"
        " VALUES (?, ?, ?, ?, ?, 0, x'', '[]')",
        [ask.holder, ask.key, ask.print, at, BEGUN],
    )


def finish(db: Database, ask: Ask, answer: Answer) -> None:
    hides = holds_secret(answer)
    db.execute(
        "UPDATE replays SET state = ?, status = ?, body = ?, headers = ? WHERE holder = ? AND key = ?",
        [
            HIDDEN if hides else DONE, answer.status, b"" if hides else answer.body, json.dumps(answer.headers),
            ask.holder, ask.key,
        ],
    )  # fmt: skip


def drop(db: Database, holder: str, key: str) -> None:
    db.execute("DELETE FROM replays WHERE holder = ? AND key = ?", [holder, key])


def holds_secret(answer: Answer) -> bool:
    try:
        told = json.loads(answer.body) if answer.body else None
    except ValueError:
        return False
    return isinstance(told, dict) and any(told.get(name) for name in SHOWN_ONCE)


def load(db: Database, now: float) -> list[Known]:
    """Those of the last day, the latest last. Raises StoreError."""
    with in_words("the idempotency keys"):
        db.execute("DELETE FROM replays WHERE at < ?", [now - KEPT_S])
        db.execute(
            "DELETE FROM replays WHERE rowid NOT IN (SELECT rowid FROM replays ORDER BY at DESC LIMIT ?)", [MOST_KEPT]
        )
        return [_known(row) for row in db.query("SELECT * FROM replays ORDER BY at, rowid")]


def _known(row: dict[str, object]) -> Known:
    ask = Ask(str(row["holder"]), str(row["key"]), _bytes(row["print"]))
    at, state = float(str(row["at"])), str(row["state"])
    if state != DONE:
        return Known(ask, at, None, state == HIDDEN)
    headers = tuple((str(name), str(value)) for name, value in json.loads(str(row["headers"])))
    return Known(ask, at, Answer(int(str(row["status"])), _bytes(row["body"]), headers))


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("a BLOB is none")
    return value
