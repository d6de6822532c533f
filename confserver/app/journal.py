"""What has happened in the rooms, to the store and to the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import structlog
from sqlite_utils import Database
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from confserver.storage import Storage
from rooms import events as told
from rooms import store
from rooms.policy import SECRETS

log = structlog.get_logger("rooms")
_NOT_LOGGED = (
    told.HearingChanged,
    told.TalkingChanged,
    told.DominantSpeaker,
    told.DigitReceived,
    told.DigitsSent,
    told.Message,
)
"""Too many, or what may be a PIN or a secret."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the last run has left."""

    rooms: list[store.StoredRoom]
    last_participant: int
    last_seen: float = 0.0


def settle(db: Database) -> Kept:
    """Close what a crash has left open; give what a new run begins with. Raises StoreError."""
    store.settle(db)
    return Kept(store.load_rooms(db), store.last_participant(db), store.last_seen(db))


class Journal:
    """Writes events behind the server's back; whoever must know waits for the Deferred."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def publish(self, events: tuple[told.Event, ...]) -> Deferred[Any]:
        """Fires after the commit, at once where nothing needs to be kept."""
        for event in events:
            if not isinstance(event, _NOT_LOGGED):
                log.info(_words(event), **_facts(event))
        records = store.records_of(events)
        if not records:
            return succeed(None)
        return self._storage.write(lambda db: store.write(db, records)).addErrback(_lost)

    def mark_alive(self, now: float) -> None:
        """So that a crash can be dated even in a quiet hour."""
        self._storage.write(lambda db: store.mark_alive(db, now)).addErrback(_lost).addErrback(lambda _: None)


def _lost(failure: Failure) -> Failure:
    log.error("not stored", why=failure.getErrorMessage())
    return failure


def _facts(event: told.Event) -> dict[str, object]:
    """No secrets: neither a room's nor anybody's."""
    facts = {field.name: getattr(event, field.name) for field in fields(event) if field.name not in ("number", "at")}
    policy, said = facts.pop("policy", None), facts.get("said")
    if isinstance(said, Mapping):
        facts["said"] = {name: "set" if name in SECRETS and value else value for name, value in said.items()}
    return facts | (policy.describe(secrets=False) if policy else {})


def _words(event: told.Event) -> str:
    """ParticipantArrived -> participant arrived"""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in type(event).__name__).strip()
