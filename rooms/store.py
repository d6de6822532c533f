"""What survives a restart: rooms made beforehand, and a record of each participation.

Written from events: ``RECORDS`` holds for each kind of event the statement that records it, filled from the
event's fields. All others leave no trace. Whoever runs the jobs (a thread, a test) hands in the database.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlite_utils import Database, Migrations

from rooms import chat
from rooms import events as tell
from rooms.errors import Refused
from rooms.events.event import members
from rooms.participant import id_number
from rooms.policy import room_name
from rooms.profile_store import profiles_table
from rooms.profiles import Profiles, Said
from rooms.records import tables as records
from rooms.records.keeping import settle_meetings
from rooms.records.statement import Record

SERVER_STOPPED = "server stopped"
"""The cause of a departure that nobody saw."""


class StoreError(Exception):
    """The store cannot be used; the reason is for the administrator."""


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """A room made beforehand, as it is kept."""

    name: str
    created_at: float
    said: Said = field(default_factory=dict)
    profile: str = ""


# ------------------------------------------------------------------ tables
def first_tables(db: Database) -> None:
    db.create_table(
        "rooms",
        {"name": str, "max_participants": int, "mute_on_entry": int, "created_at": float},
        pk="name",
        not_null={"max_participants", "mute_on_entry", "created_at"},
    )
    db.create_table(
        "participations",
        {
            "id": int,
            "room": str,
            "participant": str,
            "name": str,
            "address": str,
            "source": str,
            "reserved_at": float,
            "arrived_at": float,
            "left_at": float,
            "cause": str,
        },
        pk="id",
        not_null={"room", "participant", "name", "address", "source", "reserved_at"},
    )
    db.execute("CREATE INDEX participations_by_room ON participations (room, id)")
    db.execute("CREATE INDEX participations_open ON participations (participant) WHERE left_at IS NULL")
    db.execute("CREATE TABLE last_seen (only INTEGER PRIMARY KEY CHECK (only = 1), at REAL NOT NULL)")


def sound_of_rooms(db: Database) -> None:
    """NULL: as the settings say; codecs with spaces between them."""
    for name in ("rate_hz", "stereo", "talkers", "ptime_ms", "levelling", "comfort_noise"):
        db.execute(f"ALTER TABLE rooms ADD COLUMN {name} INTEGER")
    for name in ("guard", "codecs"):
        db.execute(f"ALTER TABLE rooms ADD COLUMN {name} TEXT")


def company_of_rooms(db: Database) -> None:
    """What is played when people come and go; NULL: as the settings say."""
    db.execute("ALTER TABLE rooms ADD COLUMN music_when_alone INTEGER")
    db.execute("ALTER TABLE rooms ADD COLUMN announce TEXT")


def said_of_rooms(db: Database) -> None:
    """What has been said of a room in one column, as JSON; its other columns go into it."""
    db.execute("ALTER TABLE rooms ADD COLUMN profile TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE rooms ADD COLUMN said TEXT NOT NULL DEFAULT '{}'")
    known = [column.name for column in db["rooms"].columns if column.name not in ("name", "created_at", *_NEW)]
    switches = {"mute_on_entry", "stereo", "levelling", "comfort_noise", "music_when_alone"}
    for row in list(db["rooms"].rows):
        said = {name: row[name] for name in known if row[name] is not None and row[name] != ""}
        said = {name: bool(value) if name in switches else value for name, value in said.items()}
        if "codecs" in said:
            said["codecs"] = str(said["codecs"]).split()
        db.execute("UPDATE rooms SET said = ? WHERE name = ?", [json.dumps(said), row["name"]])
    for name in known:
        db.execute(f"ALTER TABLE rooms DROP COLUMN {name}")


_NEW = ("profile", "said")
STEPS = (
    first_tables,
    sound_of_rooms,
    company_of_rooms,
    said_of_rooms,
    *records.STEPS,
    profiles_table,
    chat.messages_of_rooms,
)
"""The migrations, oldest first; once released, a step is never changed, only followed by another."""

_migrations = Migrations("rooms")
for _step in STEPS:
    _migrations()(_step)


# ------------------------------------------------------------------ events -> records
_OF_THIS_PARTICIPATION = "WHERE participant = :participant AND room = :room AND left_at IS NULL"

RECORDS: dict[type[tell.Event], str] = {
    tell.RoomCreated: (
        "INSERT OR REPLACE INTO rooms (name, created_at, profile, said)"
        " SELECT :room, :at, :profile, :said WHERE :persistent"
    ),
    tell.RoomChanged: "UPDATE rooms SET profile = :profile, said = :said WHERE name = :room",
    tell.RoomRemoved: "DELETE FROM rooms WHERE name = :room",
    tell.PlaceReserved: (
        "INSERT INTO participations (room, participant, name, address, source, reserved_at)"
        " VALUES (:room, :participant, :name, :address, :source, :at)"
    ),
    tell.PlaceReleased: f"DELETE FROM participations {_OF_THIS_PARTICIPATION}",
    tell.ParticipantArrived: f"UPDATE participations SET arrived_at = :at {_OF_THIS_PARTICIPATION}",
    tell.ParticipantLeft: f"UPDATE participations SET left_at = :at, cause = :cause {_OF_THIS_PARTICIPATION}",
    tell.Message: chat.KEEP,
    tell.WaitEnded: f"UPDATE participations SET left_at = :at, cause = :cause {_OF_THIS_PARTICIPATION}",
}
_SEEN = "INSERT OR REPLACE INTO last_seen (only, at) VALUES (1, :at)"


def record_of(event: tell.Event) -> Record | None:
    """Give the record of an event, or None when it leaves none."""
    sql = RECORDS.get(type(event))
    if sql is None:
        return None
    values = members(event)
    if "said" in values:
        values |= {"policy": None, "said": json.dumps(values["said"])}
    return Record(sql, values)


def records_of(events: Iterable[tell.Event]) -> list[Record]:
    """Give the records of some events, in order; empty when nothing needs to be written."""
    return [record for event in events if (record := record_of(event)) is not None]


def write(db: Database, records: list[Record]) -> None:
    """Write records, all or none."""
    with db.atomic():
        for sql, same in groupby(records, key=attrgetter("sql")):
            db.conn.executemany(sql, [record.values for record in same])
        if records:
            db.execute(_SEEN, {"at": max(record.values["at"] for record in records)})


def write_all(db: Database, groups: list[list[Record]]) -> None:
    """Write what several commands have come to, in order, all or none."""
    write(db, [record for group in groups for record in group])


def apply(db: Database, events: Iterable[tell.Event]) -> None:
    """Record some events, all or none."""
    write(db, records_of(events))


def mark_alive(db: Database, now: float) -> None:
    """Note that the server lives, so that a crash can be dated even in a quiet hour."""
    with db.atomic():
        db.execute(_SEEN, {"at": now})


# ------------------------------------------------------------------ at a start
def migrate(db: Database) -> None:
    """Bring the tables to this version. Raises StoreError."""
    with _in_words():
        known = {step.__name__ for step in STEPS}
        newer = [applied.name for applied in _migrations.applied(db) if applied.name not in known]
        if newer:
            raise StoreError(f"the store was written by a newer version ({', '.join(newer)}): start that one")
        _migrations.apply(db)


def settle(db: Database) -> int:
    """Close what a crash left open, at the last time the server was seen alive; give the number of participations.

    A place that was only reserved is no participation and is dropped. Raises StoreError.
    """
    with _in_words(), db.atomic():
        db.execute("DELETE FROM participations WHERE left_at IS NULL AND arrived_at IS NULL")
        closed = db.execute(
            "UPDATE participations SET cause = ?,"
            " left_at = MAX(arrived_at, COALESCE((SELECT at FROM last_seen), arrived_at)) WHERE left_at IS NULL",
            [SERVER_STOPPED],
        )
        settle_meetings(db, SERVER_STOPPED)
        return closed.rowcount


def last_seen(db: Database) -> float:
    """When the server was last known to live; 0 where it never was. Raises StoreError."""
    with _in_words():
        return next((float(row["at"]) for row in db.query("SELECT at FROM last_seen")), 0.0)


def load_rooms(db: Database) -> list[StoredRoom]:
    """Read the rooms made beforehand, by name. Raises StoreError."""
    with _in_words():
        return [_stored(row) for row in db.query("SELECT * FROM rooms ORDER BY name")]


def _stored(row: dict[str, Any]) -> StoredRoom:
    """Raises Refused or ValueError for what cannot be."""
    said = json.loads(row["said"])
    if not isinstance(said, dict):
        raise ValueError(f"rooms.said of {row['name']} is not an object")
    Profiles().policy_of(said)
    return StoredRoom(room_name(row["name"]), row["created_at"], said, row["profile"])


def last_participant(db: Database) -> int:
    """Give the highest number of a participant id on record, for ``ParticipantIds``. Raises StoreError."""
    with _in_words():
        rows = db.query(
            "SELECT participant FROM participations"
        )  # who moves has more than one: the last need not be it
        return max((id_number(row["participant"]) for row in rows), default=0)


def participations(db: Database, room: str | None = None, most: int = 100) -> list[dict[str, Any]]:
    """Read the latest participations, newest first, of one room or of all. Raises StoreError."""
    with _in_words():
        return list(
            db.query(
                "SELECT * FROM participations WHERE :room IS NULL OR room = :room ORDER BY id DESC LIMIT :most",
                {"room": room, "most": most},
            )
        )


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what a damaged store raises into one line."""
    try:
        yield
    except Refused as error:
        raise StoreError(f"the store holds a room that cannot be: {error.reason}") from error
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise StoreError(f"the store cannot be read: {error}") from error
