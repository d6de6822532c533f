"""What becomes of records: what a crash has left open is closed, what is old enough goes."""

from __future__ import annotations

from collections.abc import Mapping

from sqlite_utils import Database

BATCH = 500
"""Rows that go in one transaction, so that nobody waits long for the store."""
RECORDS = {
    "meetings": "closed_at < :before",
    "participations": "left_at < :before",
}
"""Tables, and which of their rows are old."""
AUDIT = {"audit": "at < :before"}


def settle_meetings(db: Database, cause: str) -> None:
    """Close what a crash has left open: when the server was last seen alive, but not before anything in it."""
    last = "(SELECT MAX(COALESCE(left_at, arrived_at)) FROM participations WHERE meeting = meetings.id)"
    db.execute(
        f"UPDATE meetings SET cause = ?, closed_at = MAX(opened_at, COALESCE({last}, opened_at),"
        " COALESCE((SELECT at FROM last_seen), opened_at)) WHERE closed_at IS NULL",
        [cause],
    )


def prune(db: Database, before: float, tables: Mapping[str, str] = RECORDS) -> int:
    """Forget some of what was over before a time; give how many rows went: as long as any did, there may be more.

    The last row of a table stays: numbers, and the ids of participants, go on from there.
    """
    gone = 0
    for table, is_old in tables.items():
        old = f"SELECT id FROM {table} WHERE {is_old} AND id < (SELECT MAX(id) FROM {table}) LIMIT {BATCH}"
        gone += db.execute(f"DELETE FROM {table} WHERE id IN ({old})", {"before": before}).rowcount
    return gone
