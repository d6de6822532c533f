"""What the stores of this package have in common: the words for what cannot be used, and the way to this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlite_utils import Database, Migrations

Step = Callable[[Database], None]


class StoreError(Exception):
    """The store cannot be used; one line for the administrator."""


@contextmanager
def in_words(what: str) -> Iterator[None]:
    """Turn what a damaged store raises into one line."""
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{what} in the store cannot be read: {error}") from error


def migration(name: str, steps: Sequence[Step]) -> Callable[[Database], None]:
    """What brings the tables of one part to this version, and raises StoreError where they are of a later one.

    ``steps``: oldest first; once released, a step is never changed, only followed by another.
    """
    migrations = Migrations(name)
    for step in steps:
        migrations()(step)
    known = {step.__name__ for step in steps}

    def migrate(db: Database) -> None:
        newer = [applied.name for applied in migrations.applied(db) if applied.name not in known]
        if newer:
            raise StoreError(f"the store was written by a newer version ({', '.join(newer)}): start that one")
        migrations.apply(db)

    return migrate
