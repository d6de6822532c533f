"""A door that keeps account of who comes with what, and what has come of it; and of whom it turns away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from confserver.admin.turned_away import TurnedAway
from confserver.app.door import Door
from confserver.routing.commands import Command as Order
from confserver.routing.commands import ExplainRoute
from rooms.commands import Command
from rooms.errors import Forbidden, Refused
from rooms.participant import Actor
from rooms.records.audit import DONE, Attempt, Entry
from rooms.records.statement import Record

T = TypeVar("T")
FAILED = "failed"
"""Not a refusal, but a fault or a full disk."""
CHANGES_NOTHING = (ExplainRoute,)


class AuditBook:
    """What is written of whom. ``write``: some records, behind the server's back."""

    def __init__(self, write: Callable[[list[Record]], object]) -> None:
        self._write = write
        self._away = TurnedAway()

    def note(self, entry: Entry) -> None:
        self._write([entry.record()])

    def turned_away(self, asked: Attempt, by: Actor, at: float, kind: str, reason: str) -> None:
        if records := self._away.note(asked, by, at, kind, reason):
            self._write(records)

    def look(self, now: float) -> None:
        """How often somebody was turned away in a minute that is over; at the end of everything: in any."""
        if records := self._away.due(now):
            self._write(records)


class AuditedDoor(Door):
    """Entries are written behind what was asked for, whether or not it was done."""

    def audit_by(self, book: AuditBook, now: Callable[[], float]) -> AuditedDoor:
        self._book, self._now = book, now
        return self

    def submit(self, command: Command, by: Actor) -> Deferred[None]:
        """Carry out a command; fires after its commit, fails with Refused."""
        return self._noted(command, by, super().submit(command, by))

    def order(self, order: Order, by: Actor) -> Deferred[tuple[Mapping[str, object] | None, bool]]:
        """Carry out an order; fires after its commit, fails with Refused."""
        return self._noted(order, by, super().order(order, by))

    def turned_away(self, asked: Attempt, by: Actor, reason: str, kind: str = Forbidden.kind) -> None:
        """Somebody has asked for what he may not, or may not ask at all."""
        self._book.turned_away(asked, by, self._now(), kind, reason)

    def _noted(self, asked: Any, by: Actor, done: Deferred[T]) -> Deferred[T]:
        if isinstance(asked, CHANGES_NOTHING):
            return done
        at = self._now()

        def note(result: T | Failure) -> T | Failure:
            outcome, reason = DONE, ""
            if isinstance(result, Failure):
                refused = result.value
                outcome = refused.kind if isinstance(refused, Refused) else FAILED
                reason = refused.reason if isinstance(refused, Refused) else result.getErrorMessage()
            self._book.note(Entry(asked, by, at, outcome, reason))
            return result

        return done.addBoth(note)
