"""A copy of the database as of one moment, while the server goes on writing; and whether one is sound."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from confserver.backup.archive import BackupError

PAGES = 256
PAUSE_S = 0.005
"""A megabyte at a time, with a breath between: the disk is the server's first."""
BUSY_S = 10.0


def copy(source: Path, target: Path, progress: Callable[[int, int], object] = lambda done, total: None) -> None:
    """By SQLite's backup interface, in steps.

    A read transaction that is held open keeps the source as it was at the beginning: with WAL nobody waits for it, and
    the copy need not begin anew each time that the server writes. Raises BackupError.
    """
    try:
        with (
            contextlib.closing(sqlite3.connect(_uri(source), uri=True, timeout=BUSY_S)) as old,
            contextlib.closing(sqlite3.connect(target)) as new,
        ):
            old.isolation_level = None
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
            old.backup(new, pages=PAGES, sleep=PAUSE_S, progress=lambda _, left, total: progress(total - left, total))
            old.execute("ROLLBACK")
            new.execute("PRAGMA journal_mode = DELETE")  # one file, without a journal beside it
    except sqlite3.Error as error:
        raise BackupError(f"{source}: cannot be copied: {error}") from None


def _uri(path: Path) -> str:
    """One that makes no new database."""
    return f"{path.absolute().as_uri()}?mode=rw"


def check(path: Path) -> None:
    """That SQLite finds nothing wrong with it. Raises BackupError."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            [(told,), *_] = db.execute("PRAGMA integrity_check(1)").fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise BackupError(f"its database cannot be read: {error}") from None
    if told != "ok":
        raise BackupError(f"its database is damaged: {told}")
