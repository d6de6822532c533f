"""How the rows and groups of the route table are kept that administrators have made: all in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlite_utils import Database

from confserver.routing.store import StoreError, in_words

Written = Mapping[str, Sequence[Mapping[str, Any]]]
"""``routes`` and ``groups``, each row a table with its name."""
_TABLES = {"routes": "routes", "groups": "route_groups"}


def keep_table(db: Database, written: Written) -> None:
    """Whatever there was before is gone then; a process that is killed meanwhile leaves the one or the other."""
    for kind, table in _TABLES.items():
        db.execute(f"DELETE FROM {table}")
        rows = [(at, row["name"], msgspec.json.encode(row).decode()) for at, row in enumerate(written[kind])]
        db.conn.executemany(f"INSERT INTO {table} (position, name, row) VALUES (?, ?, ?)", rows)


def load_table(db: Database) -> Written:
    """Raises StoreError."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    with in_words():
        for kind, table in _TABLES.items():
            texts = [row["row"] for row in db.query(f"SELECT row FROM {table} ORDER BY position")]
            try:
                found[kind] = [msgspec.json.decode(text, type=dict[str, Any]) for text in texts]
            except msgspec.MsgspecError as error:
                raise StoreError(f"the store cannot be read: {kind}: {error}") from error
    return found
