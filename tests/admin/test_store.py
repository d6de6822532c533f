"""What all stores of the interface hold to: an older version does not touch what a newer one has written."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from confserver.admin.store import StoreError, in_words, migration


def one(db: Database) -> None:
    db.execute("CREATE TABLE ones (a TEXT)")


def two(db: Database) -> None:
    db.execute("ALTER TABLE ones ADD COLUMN b TEXT")


def test_each_step_is_done_once_and_in_order() -> None:
    db = Database(memory=True)
    migration("trial", (one,))(db)
    migration("trial", (one, two))(db)
    migration("trial", (one, two))(db)
    assert [column.name for column in db["ones"].columns] == ["a", "b"]


def test_a_newer_store_is_left_alone() -> None:
    db = Database(memory=True)
    migration("trial", (one, two))(db)
    with pytest.raises(StoreError, match=r"newer version \(two\): start that one"):
        migration("trial", (one,))(db)
    migration("another", (one,))  # a part of its own knows nothing of it


def test_what_is_damaged_is_said_in_one_line() -> None:
    db = Database(memory=True)
    with pytest.raises(StoreError, match="the hats in the store cannot be read: no such table"), in_words("the hats"):
        db.execute("SELECT * FROM hats")
    with pytest.raises(StoreError, match="the hats"), in_words("the hats"):
        int("x")
