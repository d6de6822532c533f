"""A door that keeps account of who comes with what, and what has come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from confserver.app.door import Door
from confserver.routing.commands import Command as Order
from confserver.routing.commands import ExplainRoute
from rooms.commands import Command
from rooms.errors import Forbidden, Refused
from rooms.participant import Actor
from rooms.records.audit import DONE, Attempt, Entry

T = TypeVar("T")
FAILED = "failed"
"""Not a refusal, but a fault or a full disk."""
CHANGES_NOTHING = (ExplainRoute,)


class AuditedDoor(Door):
    """Entries are written behind what was asked for, whether or not it was done."""

    def audit_by(self, write: Callable[[Entry], object], now: Callable[[], float]) -> AuditedDoor:
        self._write, self._now = write, now
        return self

    def submit(self, command: Command, by: Actor) -> Deferred[None]:
        """Carry out a command; fires after its commit, fails with Refused."""
        return self._noted(command, by, super().submit(command, by))

    def order(self, order: Order, by: Actor) -> Deferred[tuple[Mapping[str, object] | None, bool]]:
        """Carry out an order; fires after its commit, fails with Refused."""
        return self._noted(order, by, super().order(order, by))

    def turned_away(self, asked: type[Any], names: Mapping[str, str], by: Actor, reason: str) -> None:
        """Somebody has asked for what he may not."""
        self._write(Entry(Attempt(asked, dict(names)), by, self._now(), Forbidden.kind, reason))

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
            self._write(Entry(asked, by, at, outcome, reason))
            return result

        return done.addBoth(note)
