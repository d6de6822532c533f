"""What has happened in the rooms goes to the store and the log, and to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import structlog
from twisted.internet.defer import Deferred

from confserver.app.journal import Journal
from rooms.events import Event

log = structlog.get_logger("calls")
T = TypeVar("T")
Stored = Callable[[], None]
Listener = Callable[[tuple[Event, ...]], Stored | None]
"""Hears what one command has come to, at once; gives what to call, if anything, when the store has it, or cannot have
it."""


def publish(journal: Journal, listeners: Sequence[Listener], events: tuple[Event, ...]) -> Deferred[Any]:
    """Fires when the store has them. A fault of who listens costs nobody else anything."""
    stored = []
    for listen in listeners:
        try:
            after = listen(events)
        except Exception:
            log.exception("fault", listener=listen.__qualname__)
        else:
            stored += [after] if after else []
    commit = journal.publish(events)
    for each in stored:
        commit.addBoth(_and_then(each))
    return commit


def tell(journal: Journal, listeners: Sequence[Listener], event: Event) -> None:
    """One of the server's own; the journal complains where it cannot be stored."""
    publish(journal, listeners, (event,)).addErrback(lambda _: None)


def _and_then(call: Stored) -> Callable[[T], T]:
    """For who waits for something, and changes nothing in it."""

    def passed_on(result: T) -> T:
        try:
            call()
        except Exception:
            log.exception("fault", listener=call.__qualname__)
        return result

    return passed_on
