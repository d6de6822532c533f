"""What has happened in the rooms, to the store and to the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import structlog
from sqlite_utils import Database
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from confserver.focus.outputs import Audited, Measured, Recorded
from confserver.log import is_logged
from confserver.storage import Storage
from rooms import events as told
from rooms import store
from rooms.events.event import members
from rooms.participant import ParticipantId
from rooms.policy import SECRETS
from rooms.records import queries
from rooms.records.figures import Figures
from rooms.records.ledger import Ledger, Share
from rooms.records.statement import Record
from rooms.telling import TYPES

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
CHECKPOINT = 200
"""Statements of one job, so that nobody waits long for the writer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the last run has left."""

    rooms: list[store.StoredRoom]
    last_participant: int
    last_seen: float = 0.0
    last_meeting: int = 0


def settle(db: Database) -> Kept:
    """Close what a crash has left open; give what a new run begins with. Raises StoreError."""
    store.settle(db)
    return Kept(store.load_rooms(db), store.last_participant(db), store.last_seen(db), queries.last_meeting(db))


class Journal:
    """Writes events behind the server's back; whoever must know waits for the Deferred."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._ledger: Ledger | None = None
        self.listeners: list[Callable[[Measured | Recorded | Audited], None]] = []
        """Who else hears what the focus says of media."""
        self.beside: Callable[[], list[Record]] = list
        """What else is to be written with the events of a command, all or none."""

    def use(self, ledger: Ledger) -> None:
        """Who makes records of meetings."""
        self._ledger = ledger

    def publish(self, events: tuple[told.Event, ...]) -> Deferred[Any]:
        """Fires after the commit, at once where nothing needs to be kept."""
        for event in events if is_logged("info") else ():
            if not isinstance(event, _NOT_LOGGED):
                log.info(_WORDS[type(event)], **_facts(event))
        ledger = self._ledger.follow(events) if self._ledger else ()
        return self._write([*store.records_of(events), *ledger, *self.beside()])

    def note(self, word: Measured | Recorded | Audited) -> Deferred[Any]:
        """What the focus says of media that are over, of a recording, or of what somebody has asked for."""
        for listen in self.listeners:
            listen(word)
        if isinstance(word, Audited):
            return self._write([word.entry.record()])
        if self._ledger is None:
            return succeed(None)
        if isinstance(word, Measured):
            return self._write([self._ledger.measured(word.room, word.participant, word.figures, word.at)])
        return self._write(self._ledger.recorded(word.room, word.name, word.at))

    def audit(self, records: list[Record]) -> None:
        """Behind what they are about; a store that cannot take them has complained."""
        self._write(records).addErrback(lambda _: None)

    def _write(self, records: list[Record]) -> Deferred[Any]:
        if not records:
            return succeed(None)
        return self._storage.add(store.write_all, records).addErrback(_lost)

    def mark_alive(self, now: float) -> None:
        """So that a crash can be dated even in a quiet hour."""
        self._storage.write(lambda db: store.mark_alive(db, now)).addErrback(_lost).addErrback(lambda _: None)

    def checkpoint(self, now: float, figures: Mapping[tuple[str, ParticipantId], Figures], share: Share) -> None:
        """So that a crash loses little of what has been counted."""
        records = self._ledger.checkpoint(now, figures, share) if self._ledger else []
        for start in range(0, len(records), CHECKPOINT):
            self._write(records[start : start + CHECKPOINT]).addErrback(lambda _: None)


def _lost(failure: Failure) -> Failure:
    log.error("not stored", why=failure.getErrorMessage())
    return failure


def _facts(event: told.Event) -> dict[str, object]:
    """No secrets: neither a room's nor anybody's."""
    facts = members(event)
    del facts["number"], facts["at"]
    facts |= {name: "set" for name in _SECRETS.get(type(event), ()) if facts[name]}
    policy, said = facts.pop("policy", None), facts.get("said")
    if isinstance(said, Mapping):
        facts["said"] = {name: "set" if name in SECRETS and value else value for name, value in said.items()}
    return facts | (policy.describe(secrets=False) if policy else {})


def _secrets_of(kind: type[told.Event]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.metadata.get("secret"))


def _words_of(kind: type[told.Event]) -> str:
    """ParticipantArrived -> participant arrived"""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind.__name__).strip()


_WORDS = {kind: _words_of(kind) for kind in TYPES.values()}
_SECRETS = {kind: names for kind in TYPES.values() if (names := _secrets_of(kind))}
