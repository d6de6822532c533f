"""The tables of records, as further steps of ``rooms.store``'s migrations."""

from __future__ import annotations

from sqlite_utils import Database

from rooms.records.audit import audit_log

PARTICIPATION_COLUMNS = {
    "meeting": "INTEGER",
    "role": "TEXT NOT NULL DEFAULT 'participant'",
    "user": "TEXT NOT NULL DEFAULT ''",
    "agent": "TEXT NOT NULL DEFAULT ''",
    "dialled": "INTEGER NOT NULL DEFAULT 0",
    "kicked_by": "TEXT NOT NULL DEFAULT ''",
    "talk_s": "REAL NOT NULL DEFAULT 0",
    "talks": "INTEGER NOT NULL DEFAULT 0",
    "muted_s": "REAL NOT NULL DEFAULT 0",
    "recording": "TEXT NOT NULL DEFAULT ''",
    "spurts": "TEXT NOT NULL DEFAULT '[]'",
    "mutes": "TEXT NOT NULL DEFAULT '[]'",
    "quality": "TEXT NOT NULL DEFAULT '[]'",
    "codec": "TEXT NOT NULL DEFAULT ''",
    "received": "INTEGER NOT NULL DEFAULT 0",
    "sent": "INTEGER NOT NULL DEFAULT 0",
    "lost": "INTEGER NOT NULL DEFAULT 0",
    "late": "INTEGER NOT NULL DEFAULT 0",
    "lost_out": "INTEGER",
    "jitter_ms": "REAL",
    "jitter_out_ms": "REAL",
    "rtt_ms": "REAL",
    "mos_in": "REAL",
    "mos_out": "REAL",
    "least_mos_in": "REAL",
    "least_mos_out": "REAL",
    "level_db": "REAL",
}


def records_of_meetings(db: Database) -> None:
    """``spurts`` and ``mutes``: packed spans from ``arrived_at`` on (``spans``); ``quality``: findings; all as JSON."""
    db.create_table(
        "meetings",
        {
            "id": int, "room": str, "opened_at": float, "closed_at": float, "cause": str, "most_present": int,
            "people": int, "recordings": str,
        },
        pk="id",
        not_null={"room", "opened_at", "most_present", "people", "recordings"},
        defaults={"most_present": 0, "people": 0, "recordings": "[]"},
    )  # fmt: skip
    db.execute("CREATE INDEX meetings_by_room ON meetings (room, id)")
    db.execute("CREATE INDEX meetings_by_time ON meetings (closed_at)")
    for name, kind in PARTICIPATION_COLUMNS.items():
        db.execute(f"ALTER TABLE participations ADD COLUMN {name} {kind}")
    db.execute("CREATE INDEX participations_by_meeting ON participations (meeting)")
    db.execute("CREATE INDEX participations_by_participant ON participations (participant, id)")
    db.execute("CREATE INDEX participations_by_time ON participations (left_at)")


STEPS = (records_of_meetings, audit_log)
