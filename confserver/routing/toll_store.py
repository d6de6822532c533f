"""What the toll fence keeps over a restart: the calls of the last day, and which countries are approved."""

from __future__ import annotations

from dataclasses import asdict

from sqlite_utils import Database

from confserver.routing.store import in_words
from confserver.routing.tolls import Approval, Toll


def settle(db: Database, last_seen: float, since: float) -> None:
    """Close what a crash left open; drop what is too old to count. Raises StoreError."""
    with in_words(), db.atomic():
        db.execute("UPDATE tolls SET ended_at = MAX(began_at, ?) WHERE ended_at IS NULL", [last_seen])
        db.execute("DELETE FROM tolls WHERE ended_at <= ?", [since])


def load_tolls(db: Database) -> list[Toll]:
    with in_words():
        return [Toll(**row) for row in db.query("SELECT * FROM tolls ORDER BY began_at")]


def load_approvals(db: Database) -> list[Approval]:
    with in_words():
        rows = db.query("SELECT country, asked_by, asked_at, number, room, approved_by AS by, at FROM countries")
        return [Approval(**row) for row in rows]


def keep_toll(db: Database, toll: Toll) -> None:
    names = ", ".join(asdict(toll))
    values = ", ".join(f":{name}" for name in asdict(toll))
    db.execute(f"INSERT OR REPLACE INTO tolls ({names}) VALUES ({values})", asdict(toll))


def keep_approval(db: Database, approval: Approval) -> None:
    db.execute(
        "INSERT OR REPLACE INTO countries (country, asked_by, asked_at, number, room, approved_by, at)"
        " VALUES (:country, :asked_by, :asked_at, :number, :room, :by, :at)",
        asdict(approval),
    )


def drop_approval(db: Database, country: str) -> None:
    db.execute("DELETE FROM countries WHERE country = ?", [country])
