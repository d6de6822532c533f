"""What the ways keep on disk: written, read again, and damaged."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from confserver.routing import store
from confserver.routing.bans import FOR_GOOD, Ban

NOW = 1000.0
SHORT, LONG = Ban("192.0.2.7", "calls", 900.0, 1100.0), Ban("2001:db8::/32", "night", 950.0, FOR_GOOD, "administrator")


@pytest.fixture
def db() -> Database:
    made = Database(memory=True)
    store.migrate(made)
    return made


def test_bans_come_back_as_they_were(db: Database) -> None:
    for ban in (SHORT, LONG, Ban("192.0.2.8", "over", 1.0, 999.0)):
        store.keep_ban(db, ban)
    assert store.load_bans(db, NOW) == [SHORT, LONG]
    assert store.load_bans(db, 2000.0) == [LONG]
    store.drop_bans(db, [LONG.network, "192.0.2.99"])
    assert store.load_bans(db, NOW) == []


def test_a_newer_ban_replaces_an_older(db: Database) -> None:
    store.keep_ban(db, SHORT)
    store.keep_ban(db, Ban(SHORT.network, "again", 990.0, 2000.0))
    assert [ban.reason for ban in store.load_bans(db, NOW)] == ["again"]


def test_migrating_twice_changes_nothing(db: Database) -> None:
    store.keep_ban(db, SHORT)
    store.migrate(db)
    assert store.load_bans(db, NOW) == [SHORT]


def test_a_store_of_a_newer_version_is_refused(db: Database) -> None:
    db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('routing', 'wings', '2030')")
    with pytest.raises(store.StoreError, match="newer version \\(wings\\)"):
        store.migrate(db)


def test_a_damaged_store_is_one_line(db: Database) -> None:
    db.execute("DROP TABLE bans")
    with pytest.raises(store.StoreError, match="cannot be read"):
        store.load_bans(db, NOW)
