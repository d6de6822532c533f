"""What webhooks wait for, kept by the store: an event is there with what it tells, and goes when all have had it.

::

    events of one command -> records, in the journal's own job -> hook_events     kill -9: the next run goes on there
    every LOOK_S: how far each webhook is -> hook_places; what all have had goes
    more than MOST wait: the oldest are dead letters of those who had not had them
    a line that is behind the feed's memory -> fetch -> hook_events -> Line.refill
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog
from twisted.python.failure import Failure

from confserver.admin import hook_store as store
from confserver.admin.feed import Feed
from confserver.admin.hooks import Letter, Line, Stored
from confserver.storage import Storage
from rooms.records.statement import Record

log = structlog.get_logger("webhooks")
LOOK_S = 0.5
MOST = 20_000
PIECE = 256
"""Events that are fetched, or given up, at once."""


class Outbox:
    """``lines``: those of all webhooks by name; ``buried`` writes a dead letter; ``wake``: there is something to do."""

    def __init__(
        self,
        feed: Feed,
        lines: Mapping[str, Line],
        storage: Storage,
        buried: Callable[[Line, Letter], None],
        wake: Callable[[], None],
    ) -> None:
        self._feed = feed
        self._lines = lines
        self._storage = storage
        self._buried = buried
        self._wake = wake
        self._fetching: set[Line] = set()
        self._noted: dict[str, int] | None = None
        self._unlooked = 0
        """Events that were written since it was last looked how many there are."""
        self._is_looking = False

    def records(self) -> list[Record]:
        """Of what the last command has come to, that which somebody waits for."""
        lines, feed = self._lines.values(), self._feed
        wanted = [entry for entry in feed.latest if any(line.takes(entry) for line in lines)] if lines else []
        self._unlooked += len(wanted)
        for entry in feed.write(wanted):
            entry.write(feed.epoch)  # also what has been pushed out of the feed's memory at once
        return [store.record_of(entry, feed.identify(entry.number)) for entry in wanted]

    # ------------------------------------------------------------------ from the store to a line
    def fetch(self, line: Line) -> None:
        span = line.backlog
        if span is None or line in self._fetching:
            return
        after, upto = span
        self._fetching.add(line)
        found = self._storage.read(lambda db: store.waiting(db, after, upto, PIECE))
        found.addCallbacks(
            lambda rows: self._fetched(line, rows, upto), lambda failure: self._not_fetched(line, failure, upto)
        )

    def _fetched(self, line: Line, rows: Sequence[Stored], upto: int) -> None:
        self._fetching.discard(line)
        line.refill(rows, rows[-1].letter.number if len(rows) >= PIECE else upto)
        self._wake()

    def _not_fetched(self, line: Line, failure: Failure, upto: int) -> None:
        """A disk that does not read holds nobody up for ever."""
        log.error("events cannot be read any more", webhook=line.hook.name, why=failure.getErrorMessage())
        self._fetching.discard(line)
        line.lost += max(upto - line.place, 0)
        line.refill((), upto)
        self._wake()

    # ------------------------------------------------------------------ from time to time
    def look(self, is_last: bool = False) -> None:
        """Note how far all are. ``is_last``: the server stops."""
        places = {name: line.place for name, line in self._lines.items()}
        if (self._is_looking or (places == self._noted and not self._unlooked)) and not is_last:
            return
        self._is_looking, self._noted, self._unlooked = True, places, 0
        self._storage.write(lambda db: store.settle(db, places)).addCallbacks(self._looked, self._not_looked)

    def _looked(self, count: int) -> None:
        self._is_looking = False
        if count > MOST:
            most = min(count - MOST, PIECE)
            self._storage.read(lambda db: store.waiting(db, 0, store.LAST, most)).addCallbacks(
                self._overrun, self._not_looked
            )

    def _not_looked(self, failure: Failure) -> None:
        self._is_looking = False
        self._noted = None
        log.error("not stored", why=failure.getErrorMessage())

    def _overrun(self, oldest: Sequence[Stored]) -> None:
        if not oldest:
            return
        for line in self._lines.values():
            for letter in line.overrun(oldest):
                self._buried(line, letter)
        upto = oldest[-1].letter.number
        log.warning("too many events wait for webhooks: the oldest are dead letters", count=len(oldest))
        self._unlooked += 1
        self._storage.write(lambda db: store.forget(db, upto)).addErrback(self._not_looked)
        self._wake()
