"""What survives a restart."""

import sqlite3
from dataclasses import asdict

import pytest
from sqlite_utils import Database, Migrations

from rooms import commands as ask
from rooms import events as tell
from rooms import store
from rooms.manager import Rooms
from rooms.participant import ParticipantIds, id_number
from rooms.policy import NoiseGuard, RoomPolicy
from rooms.profiles import Profiles
from rooms.store import StoredRoom, StoreError
from tests.rooms.play import ADMIN, HOST, Stage

ROOM = "standup"


@pytest.fixture
def db() -> Database:
    db = Database(memory=True)
    store.migrate(db)
    return db


class Kept(Stage):
    """A stage whose events all go to the store."""

    def __init__(self, db: Database) -> None:
        super().__init__(ROOM)
        self.db = db

    def do(self, command, by=ADMIN):
        events = super().do(command, by)
        store.apply(self.db, events)
        return events


def test_migrating_twice_changes_nothing(db: Database) -> None:
    before = db.schema
    store.migrate(db)
    assert db.schema == before
    assert store.load_rooms(db) == [] and store.last_participant(db) == 0


def test_rooms_made_beforehand_come_back_with_their_rules(db: Database) -> None:
    stage = Kept(db)
    stage.do(ask.CreateRoom(ROOM, max_participants=5, mute_on_entry=True))
    made = stage.now
    stage.do(ask.CreateRoom("board"))
    stage.do(ask.CreateRoom("board", max_participants=7))
    stage.do(ask.CreateRoom("gone"))
    stage.do(ask.RemoveRoom("gone"))
    stage.leave(stage.arrive(room=ROOM))
    stage.arrive(room="adhoc")
    assert store.load_rooms(db) == [
        StoredRoom("board", made + 1, {"max_participants": 7}),
        StoredRoom(ROOM, made, {"max_participants": 5, "mute_on_entry": True}),
    ]


SOUNDS = [
    RoomPolicy(),
    RoomPolicy(rate_hz=0, stereo=True, talkers=3, ptime_ms=40, levelling=False, comfort_noise=True),
    RoomPolicy(rate_hz=48000, levelling=True, comfort_noise=False, guard=NoiseGuard.OFF, codecs=("opus", "PCMU")),
]


@pytest.mark.parametrize("policy", SOUNDS)
@pytest.mark.parametrize("is_changed", [False, True])
def test_the_sound_of_a_room_comes_back(db: Database, policy: RoomPolicy, is_changed: bool) -> None:
    stage = Kept(db)
    if is_changed:
        stage.do(ask.CreateRoom(ROOM, guard=NoiseGuard.MUTE, codecs=("L16",), talkers=1))
    stage.do(ask.CreateRoom(ROOM, **asdict(policy)))
    assert [Profiles().policy_of(room.said) for room in store.load_rooms(db)] == [policy]


def test_rooms_of_the_first_version_have_the_sound_that_the_settings_say() -> None:
    db = Database(memory=True)
    first = Migrations("rooms")
    first()(store.first_tables)
    first.apply(db)
    db["rooms"].insert({"name": ROOM, "max_participants": 5, "mute_on_entry": 1, "created_at": 1.0})
    store.migrate(db)
    assert store.load_rooms(db) == [StoredRoom(ROOM, 1.0, {"max_participants": 5, "mute_on_entry": True})]


def test_a_live_room_made_persistent_comes_back(db: Database) -> None:
    stage = Kept(db)
    stage.arrive()
    assert store.load_rooms(db) == []
    stage.do(ask.CreateRoom(ROOM, max_participants=9))
    assert [room.said["max_participants"] for room in store.load_rooms(db)] == [9]


FIRST = ("id", "room", "participant", "name", "address", "source", "reserved_at", "arrived_at", "left_at", "cause")


def told(rows: list[dict]) -> list[dict]:
    """Without what ``records`` has added."""
    return [{name: row[name] for name in FIRST} for row in rows]


def test_a_participation_is_recorded_from_reservation_to_departure(db: Database) -> None:
    stage = Kept(db)
    ana = stage.arrive("Ana")
    arrived = stage.now
    stage.do(ask.Mute(ROOM, ana), HOST)
    stage.leave(ana)
    assert told(store.participations(db)) == [{
        "id": 1, "room": ROOM, "participant": "p1", "name": "Ana", "address": "sip:ana@10.0.0.1",
        "source": "10.0.0.1:5060", "reserved_at": arrived - 1, "arrived_at": arrived, "left_at": stage.now,
        "cause": "hung up",
    }]  # fmt: skip


def test_a_call_that_came_to_nothing_is_no_participation(db: Database) -> None:
    stage = Kept(db)
    stage.arrive("Ana")
    stage.do(ask.Release(ROOM, stage.reserve("Bob")))
    assert [row["name"] for row in store.participations(db)] == ["Ana"]


def test_the_latest_participations_of_a_room(db: Database) -> None:
    stage = Kept(db)
    for name in ("Ana", "Bob", "Carl"):
        stage.arrive(name)
    stage.arrive("Dora", room="board")
    assert [row["name"] for row in store.participations(db, ROOM, most=2)] == ["Carl", "Bob"]
    assert [row["name"] for row in store.participations(db, most=2)] == ["Dora", "Carl"]


def test_what_a_crash_left_open_is_closed_when_the_server_was_last_seen(db: Database) -> None:
    stage = Kept(db)
    ana = stage.arrive("Ana")
    bob = stage.arrive("Bob")
    stage.leave(ana)
    left = stage.now
    stage.reserve("Never")
    store.mark_alive(db, stage.now + 60)
    assert store.settle(db) == 1
    rows = {row["participant"]: row for row in store.participations(db)}
    assert set(rows) == {ana, bob}
    assert (rows[ana]["left_at"], rows[ana]["cause"]) == (left, "hung up")
    assert (rows[bob]["left_at"], rows[bob]["cause"]) == (stage.now + 60, "server stopped")
    assert store.settle(db) == 0


def test_nobody_leaves_before_arriving(db: Database) -> None:
    stage = Kept(db)
    stage.arrive("Ana")
    store.mark_alive(db, 1.0)
    store.settle(db)
    assert store.participations(db)[0]["left_at"] == stage.now


def test_ids_go_on_where_the_last_run_ended(db: Database) -> None:
    stage = Kept(db)
    stage.arrive("Ana")
    stage.leave(stage.arrive("Bob"))
    ids = ParticipantIds(store.last_participant(db))
    assert ids() == "p3"


@pytest.mark.parametrize("text", ["", "7", "px", "q7"])
def test_what_is_no_participant_id(text: str) -> None:
    with pytest.raises(ValueError):
        id_number(text)


def test_most_events_leave_no_record(db: Database) -> None:
    stage = Stage(ROOM)
    ana = stage.arrive()
    events = [*stage.do(ask.NoteTalking(ROOM, ana, True)), *stage.do(ask.Mute(ROOM, ana)), *stage.do(ask.Lock(ROOM))]
    assert len(events) >= 4 and store.records_of(events) == []


def test_every_record_fits_its_event_and_the_tables(db: Database) -> None:
    for kind, sql in store.RECORDS.items():
        values = dict.fromkeys(kind.__dataclass_fields__, 1) | RoomPolicy().describe() | {"codecs": ""}
        db.execute(sql, values | {"persistent": None})


def test_some_events_are_recorded_all_or_none(db: Database) -> None:
    reserved = tell.PlaceReserved(ROOM, 1, 5.0, "p1", "Ana", "sip:a@h", "h:1")
    broken = tell.PlaceReserved(ROOM, 2, 5.0, "p2", None, "sip:a@h", "h:1")
    with pytest.raises(sqlite3.IntegrityError):
        store.apply(db, [reserved, broken])
    assert store.participations(db) == []


# ---------------------------------------------------------------- damaged stores
def test_a_newer_store_is_refused_in_words(db: Database) -> None:
    db["_sqlite_migrations"].insert({"migration_set": "rooms", "name": "of_the_future", "applied_at": "2099"})
    with pytest.raises(StoreError, match=r"newer version \(of_the_future\)"):
        store.migrate(db)


def test_what_is_no_database_is_refused_in_words(tmp_path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StoreError, match="cannot be read: file is not a database"):
        store.migrate(Database(sqlite3.connect(path), recursive_triggers=False, execute_plugins=False))


def test_missing_tables_are_refused_in_words(db: Database) -> None:
    db.execute("DROP TABLE rooms")
    db.execute("DROP TABLE participations")
    for read in (store.load_rooms, store.last_participant, store.participations, store.settle):
        with pytest.raises(StoreError, match="no such table"):
            read(db)


@pytest.mark.parametrize(
    "row",
    [
        {"name": "not a room", "said": "{}"},
        {"name": "room", "said": "no JSON"},
        {"name": "room", "said": "[]"},
        {"name": "room", "said": '{"max_participants": 0}'},
        {"name": "room", "said": '{"max_participants": "many"}'},
        {"name": "room", "said": '{"rate_hz": 44100}'},
        {"name": "room", "said": '{"talkers": "all"}'},
        {"name": "room", "said": '{"guard": "bark"}'},
        {"name": "room", "said": '{"codecs": ["opus", "speex"]}'},
        {"name": "room", "said": '{"colour": "red"}'},
    ],
)
def test_a_room_that_cannot_be_is_refused_in_words(db: Database, row: dict) -> None:
    db["rooms"].insert({"created_at": 1.0, **row})
    with pytest.raises(StoreError):
        store.load_rooms(db)


def test_a_participant_that_cannot_be_is_refused_in_words(db: Database) -> None:
    store.apply(db, [tell.PlaceReserved(ROOM, 1, 5.0, "px", "Ana", "sip:a@h", "h:1")])
    with pytest.raises(StoreError):
        store.last_participant(db)


# ---------------------------------------------------------------- a restart
def test_two_runs_of_a_server(tmp_path) -> None:
    """What one run has written, the next one finds, though nobody closed the first."""
    path = tmp_path / "store.db"
    first = Database(path)
    store.migrate(first)
    stage = Kept(first)
    stage.do(ask.CreateRoom(ROOM, max_participants=5))
    stage.arrive("Ana")
    second = Database(path)
    store.migrate(second)
    store.settle(second)
    again = Kept(second)
    again.rooms = Rooms(ParticipantIds(store.last_participant(second)))
    again.rooms.restore(store.load_rooms(second))
    assert again.shown()["persistent"] and again.shown()["max_participants"] == 5
    assert again.arrive("Ana") == "p2"
    assert [(row["participant"], row["cause"]) for row in store.participations(second)] == [
        ("p2", None),
        ("p1", "server stopped"),
    ]
