"""The records of meetings: kept while they last, closed at a start, told to who asks, forgotten when they are old."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlite_utils import Database
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from confserver.admin import report
from confserver.admin.answers import Document
from confserver.admin.exporting import FORMATS, ROWS, Export, Piece, piece_of
from confserver.admin.paging import Page
from confserver.app.auditing import AuditBook
from confserver.app.journal import Journal
from confserver.app.orders import Orders
from confserver.app.watch import unfailing
from confserver.config.records import Records
from confserver.focus.focus import Focus
from confserver.storage import Storage
from rooms.errors import Invalid, NotFound
from rooms.manager import Rooms
from rooms.participant import Participant, ParticipantId
from rooms.policy import room_name
from rooms.records import keeping, queries
from rooms.records.audit import Sought, entries
from rooms.records.ledger import Ledger
from rooms.records.queries import Wanted

log = structlog.get_logger("records")
ALIVE_S = 30.0
SHARES = 30
"""Of people, each of which is written once in ``ALIVE_S``."""
PRUNE_S = 60.0
"""How often a batch of old rows is looked for."""
RECOUNT_S = 5.0
DAY_S = 86400.0
DEFAULT_ROWS = 100
MOST_TIME = 1e11
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z", re.ASCII)
T = TypeVar("T")
Rows = Callable[[Database, Wanted, str | None], list[dict[str, Any]]]


def _audit(db: Database, wanted: Wanted, who: str | None) -> list[dict[str, Any]]:
    return entries(db, Sought(wanted.room, who, wanted.since, wanted.until, wanted.before, wanted.limit))


LISTS: Mapping[str, tuple[str, Rows]] = {
    "meeting list": ("meetings", lambda db, wanted, _: queries.meetings(db, wanted)),
    "room_meeting list": ("meetings", lambda db, wanted, _: queries.meetings(db, wanted)),
    "record list": ("records", lambda db, wanted, _: queries.participations(db, wanted)),
    "audit list": ("audit", _audit),
}


class Archive:
    """Joins the ledger to the journal, and what is kept to who asks."""

    def __init__(self, settings: Records, storage: Storage, journal: Journal, now: Callable[[], float]) -> None:
        self._settings = settings
        self._storage = storage
        self._journal = journal
        self._now = now
        self._focus: Focus | None = None
        self._is_pruning = False
        self._turn = 0
        self.book = AuditBook(journal.audit)

    def begin(self, rooms: Rooms, focus: Focus, last_meeting: int) -> None:
        """Before anything is heard."""

        def look(room: str, participant: ParticipantId) -> Participant | None:
            try:
                return rooms.get(room).places.get(participant)
            except NotFound:
                return None

        self._focus = focus
        self._journal.use(Ledger(look, last_meeting))

    # ------------------------------------------------------------------ answers
    def join(self, orders: Orders) -> None:
        """Answer what is asked about records."""
        for question, (kind, rows) in LISTS.items():
            orders.answers[question] = partial(self._list, kind, rows)
        orders.answers["meeting show"] = lambda names, now: self._meeting(names["meeting"], lambda told: told)
        orders.answers["meeting report"] = lambda names, now: self._meeting(
            names["meeting"], lambda told: Document(report.page(report.meeting_of(told, now)), "text/html")
        )

    def _list(self, kind: str, rows: Rows, names: Mapping[str, str], now: float) -> Deferred[Page] | Export:
        """A page, or all that there is. Raises Invalid."""
        wanted, who, form = wanted_of(names), names.get("who") or None, names.get("format") or ""
        if not form:
            found = self._storage.read(lambda db: rows(db, wanted, who))
            return found.addCallback(lambda rows: page_of(rows, wanted))
        if form not in FORMATS:
            raise Invalid(f"format: must be {' or '.join(FORMATS)}")

        def piece(db: Database, before: int | None) -> Piece:
            share = replace(wanted, before=wanted.before if before is None else before, limit=size)
            found = piece_of(kind, form, rows(db, share, who), is_first=before is None, size=size)
            return found if is_whole else replace(found, before=None)

        is_whole = not names.get("limit")
        size = ROWS if is_whole else wanted.limit
        return Export(kind, form, lambda before: self._storage.read(lambda db: piece(db, before)))

    def _meeting(self, number: str, made: Callable[[Mapping[str, Any]], T]) -> Deferred[T]:
        """What is made of a meeting is made where it is read: a long one takes its time. Raises NotFound."""
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise NotFound(f"there is no meeting {number[:64]}")

        def read(db: Database) -> T:
            told = queries.meeting(db, int(number))
            if told is None:
                raise NotFound(f"there is no meeting {number}")
            return made({**told, "messages": queries.messages(db, told, self._now())})

        return self._storage.read(read)

    # ------------------------------------------------------------------ chores
    def chores(self) -> list[tuple[LoopingCall, float]]:
        return [
            (LoopingCall(unfailing(lambda: self._journal.mark_alive(self._now()))), ALIVE_S),
            (LoopingCall(unfailing(self._checkpoint)), ALIVE_S / SHARES),
            (LoopingCall(unfailing(self._prune)), PRUNE_S),
            (LoopingCall(unfailing(lambda: self.book.look(self._now()))), RECOUNT_S),
        ]

    def flush(self) -> None:
        """The server stops."""
        self.book.look(math.inf)

    def _checkpoint(self) -> None:
        """A share of those present at a time: a large server has nobody wait for it."""
        if self._focus is not None:
            share = self._turn % SHARES, SHARES
            self._turn += 1
            self._journal.checkpoint(self._now(), self._focus.figures(share), share)

    def _prune(self) -> None:
        """What is too old, of each kind for as long as the settings say."""
        if self._is_pruning:
            return
        now, settings = self._now(), self._settings
        work: list[tuple[float, Mapping[str, str]]] = [
            (now - days * DAY_S, tables)
            for days, tables in ((settings.days, keeping.RECORDS), (settings.audit_days, keeping.AUDIT))
            if days
        ]
        self._is_pruning = True
        self._prune_next(work)

    def _prune_next(self, work: list[tuple[float, Mapping[str, str]]]) -> None:
        """One batch after another, each a job of its own: others get their turn between them."""
        if not work:
            self._is_pruning = False
            return
        before, tables = work[0]
        job: Deferred[int] = self._storage.write(lambda db: keeping.prune(db, before, tables))
        job.addCallbacks(lambda gone: self._prune_next(work if gone else work[1:]), self._pruned_badly)

    def _pruned_badly(self, failure: Failure) -> None:
        self._is_pruning = False
        log.warning("old records stay", why=failure.getErrorMessage())


def wanted_of(names: Mapping[str, str]) -> Wanted:
    """Raises Invalid."""
    return Wanted(
        room=room_name(names["room"]) if names.get("room") else None,
        since=time_of("since", names.get("since")),
        until=time_of("until", names.get("until")),
        before=int(names["after"]) if names.get("after") else None,
        limit=int(names.get("limit") or DEFAULT_ROWS),
    )


def time_of(name: str, text: str | None) -> float | None:
    """Epoch seconds, or a time as ISO 8601 has it, of this machine's zone where it names none. Raises Invalid."""
    if not text:
        return None
    try:
        at = float(text) if _NUMBER.match(text) else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        at = math.nan
    if not abs(at) < MOST_TIME:
        raise Invalid(f"{name}: must be epoch seconds or a time such as 2026-11-29T18:00")
    return at


def page_of(rows: Sequence[Mapping[str, Any]], wanted: Wanted) -> Page:
    return Page(rows, str(rows[-1]["id"]) if len(rows) >= wanted.limit else "")
