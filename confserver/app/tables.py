"""All tables of the server's database."""

from __future__ import annotations

from sqlite_utils import Database

from confserver.admin import hook_store, replay_store, token_store
from confserver.routing import store as ways
from rooms import store


def migrate(db: Database) -> None:
    """Bring all tables to this version. Raises StoreError of rooms or routing."""
    store.migrate(db)
    ways.migrate(db)
    token_store.migrate(db)
    hook_store.migrate(db)
    replay_store.migrate(db)
