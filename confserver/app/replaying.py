"""Idempotency keys and the store: written behind, but for an answer, which leaves when it is kept."""

from __future__ import annotations

import structlog
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from confserver.admin import replay_store as store
from confserver.admin.replays import Answer, Ask, Replays
from confserver.storage import Storage

log = structlog.get_logger("http")


class ReplayKeeper:
    """``admin.replays.Keeper`` by the store."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def begun(self, ask: Ask, at: float) -> None:
        self._storage.write(lambda db: store.begin(db, ask, at)).addErrback(_not_kept)

    def done(self, ask: Ask, answer: Answer) -> Deferred[None]:
        return self._storage.write(lambda db: store.finish(db, ask, answer)).addErrback(_not_kept)

    def gone(self, holder: str, key: str) -> None:
        self._storage.write(lambda db: store.drop(db, holder, key)).addErrback(_not_kept)


async def kept_replays(storage: Storage, now: float) -> Replays:
    """What the last run has left. Raises StoreError or StorageError."""
    replays = Replays(keeper=ReplayKeeper(storage))
    replays.restore(await storage.write(lambda db: store.load(db, now)))
    return replays


def _not_kept(failure: Failure) -> None:
    log.error("an idempotency key was not stored", why=failure.getErrorMessage())
