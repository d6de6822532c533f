"""The records of meetings: kept while they last, closed at a start, told to who asks, forgotten when they are old."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from confserver.app.journal import Journal
from confserver.app.watch import unfailing
from confserver.config.records import Records
from confserver.focus.focus import Focus
from confserver.storage import Storage
from rooms.errors import NotFound
from rooms.manager import Rooms
from rooms.participant import Participant, ParticipantId
from rooms.records import keeping
from rooms.records.ledger import Ledger

log = structlog.get_logger("records")
ALIVE_S = 30.0
PRUNE_S = 60.0
"""How often a batch of old rows is looked for."""
DAY_S = 86400.0


class Archive:
    """Joins the ledger to the journal, and what is kept to who asks."""

    def __init__(self, settings: Records, storage: Storage, journal: Journal, now: Callable[[], float]) -> None:
        self._settings = settings
        self._storage = storage
        self._journal = journal
        self._now = now
        self._focus: Focus | None = None
        self._is_pruning = False

    def begin(self, rooms: Rooms, focus: Focus, last_meeting: int) -> None:
        """Before anything is heard."""

        def look(room: str, participant: ParticipantId) -> Participant | None:
            try:
                return rooms.get(room).places.get(participant)
            except NotFound:
                return None

        self._focus = focus
        self._journal.use(Ledger(look, last_meeting))

    def chores(self) -> list[tuple[LoopingCall, float]]:
        return [(LoopingCall(unfailing(self._mark_alive)), ALIVE_S), (LoopingCall(unfailing(self._prune)), PRUNE_S)]

    def _mark_alive(self) -> None:
        self._journal.mark_alive(self._now(), self._focus.figures() if self._focus else None)

    def _prune(self) -> None:
        """One batch after another, each a job of its own: others get their turn between them."""
        if self._is_pruning or not self._settings.days:
            return
        self._is_pruning = True
        before = self._now() - self._settings.days * DAY_S

        def again() -> None:
            job: Deferred[int] = self._storage.write(lambda db: keeping.prune(db, before))
            job.addCallbacks(after, failed)

        def after(gone: int) -> None:
            if gone:
                log.info("old records forgotten", rows=gone)
                again()
            else:
                self._is_pruning = False

        def failed(failure: Any) -> None:
            self._is_pruning = False
            log.warning("old records stay", why=failure.getErrorMessage())

        again()
