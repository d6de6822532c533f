"""The journal of dialogs: what stands is noted behind the calls' back, so that a crash leaves no phone waiting.

::

    CallAcknowledged, CallAccepted, offers --> changed --+  every FLUSH_S: remains of those that still stand
    CallEnded --------------------------------> gone ----+--> one job for the store
    start: rows of a run that has crashed -> BYE, FAREWELLS_A_LOOK at a time -> row dropped

A call that is over before it is noted never touches the disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import structlog

from confserver.routing import store
from confserver.routing.store import KeptDialog
from confserver.sip import outputs as sip
from confserver.sip.remains import read_remains
from confserver.sip.stack import Stack
from confserver.storage import Storage

log = structlog.get_logger("calls")

FLUSH_S = 0.5
MOST_A_FLUSH = 100
"""Remains that are written down in one go; more wait for the next."""
FAREWELLS_A_LOOK = 20
MOST_FAREWELLS = 5000
STALE_S = 3600.0
"""So long after the crash nobody waits any more, and the address may be another's."""


class Dialogs:
    """``run`` tells the rows of this run from those of others."""

    def __init__(self, stack: Stack, storage: Storage, run: str) -> None:
        self._stack = stack
        self._storage = storage
        self._run = run
        self._changed: dict[int, None] = {}
        self._written: set[int] = set()
        self._gone: list[str] = []
        self._waiting: deque[KeptDialog] = deque()

    # ------------------------------------------------------------------ while it runs
    def hear(self, event: sip.Output) -> None:
        """Follow all calls."""
        match event:
            case sip.CallAcknowledged(call=call) | sip.CallAccepted(call=call):
                self._changed[call] = None
            case sip.OfferArrived(call=call) | sip.OfferAnswered(call=call):
                if call in self._written:
                    self._changed[call] = None  # the target may be another
            case sip.CallEnded(call=call):
                self._changed.pop(call, None)
                if call in self._written:
                    self._written.discard(call)
                    self._gone.append(self._key(call))

    def flush(self) -> None:
        """Write down what has changed."""
        calls = [call for call, _ in zip(self._changed, range(MOST_A_FLUSH), strict=False)]
        rows = []
        for call in calls:
            del self._changed[call]
            remains = self._stack.remains(call)
            if remains is not None:
                rows.append(KeptDialog(self._key(call), remains.written()))
                self._written.add(call)
        gone, self._gone = self._gone, []
        if rows or gone:
            self._storage.write(lambda db: store.note_dialogs(db, rows, gone)).addErrback(_not_kept)

    def _key(self, call: int) -> str:
        return f"{self._run}:{call}"

    # ------------------------------------------------------------------ after a crash
    def inherit(self, left: Sequence[KeptDialog], dead_for_s: float) -> None:
        """What another run has left, the latest first."""
        stale = left if dead_for_s > STALE_S else left[MOST_FAREWELLS:]
        self._gone += [dialog.key for dialog in stale]
        self._waiting = deque(left[: len(left) - len(stale)])
        if left:
            log.warning("calls of a run that has crashed", count=len(left), too_old=len(stale))

    def say_goodbye(self, now: float, perform: Callable[[list[sip.Output]], None]) -> None:
        """BYE to some of them."""
        for _ in range(min(FAREWELLS_A_LOOK, len(self._waiting))):
            dialog = self._waiting.popleft()
            self._gone.append(dialog.key)
            remains = read_remains(dialog.text)
            if remains is None:
                log.warning("a call of the last run cannot be read", call=dialog.key)
                continue
            log.info("BYE to a call of the last run", call_id=remains.call_id, to=remains.host)
            perform(self._stack.say_goodbye(remains, "server restarted", now))

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)

    def describe(self) -> dict[str, int]:
        return {"noted": len(self._written), "of_the_last_run": len(self._waiting)}


def _not_kept(failure: object) -> None:
    log.error("calls were not noted", why=str(getattr(failure, "value", failure)))
