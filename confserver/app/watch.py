"""What keeps watch over the server's SIP: the barrier, the journal of dialogs, the traces of calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from twisted.internet.task import LoopingCall

from confserver.app.captures import Captures, Worker
from confserver.app.dialogs import FLUSH_S, Dialogs
from confserver.app.orders import Orders
from confserver.app.protection import LOOK_S, Protection
from confserver.app.tracing import Tracing
from confserver.config.limits import Limits
from confserver.focus.focus import Focus
from confserver.routing import store
from confserver.routing.guard import Guard
from confserver.sip import outputs as sip
from confserver.sip.stack import Stack
from confserver.sip.trace import Trace
from confserver.storage import Storage

log = structlog.get_logger("server")


class Watch:
    """``trace`` and ``barrier`` belong to the stack's settings; ``follow`` hears what becomes of calls."""

    def __init__(
        self, reactor: Any, limits: Limits, guard: Guard, storage: Storage, now: Callable[[], float], orders: Orders
    ) -> None:
        self._storage = storage
        self._now = now
        self._protection = Protection(limits, guard, storage)
        self._dialogs: Dialogs
        self._perform: Callable[[list[sip.Output]], None]
        self.barrier = self._protection.barrier
        self.trace = Trace(limits.trace_mb << 20)
        self.captures = Captures(reactor)
        self._tracing = Tracing(self.trace, self.captures)
        self._protection.join(orders)
        self._tracing.join(orders)

    def use(self, stack: Stack) -> None:
        self._dialogs = Dialogs(stack, self._storage, f"{self._now():.3f}")

    def begin(self, focus: Focus, perform: Callable[[list[sip.Output]], None], workers: Sequence[Worker]) -> None:
        """Before anything is heard."""
        self._perform = perform
        self._tracing.use(focus)
        self.captures.use(workers)

    async def restore(self, last_seen: float) -> None:
        """What the last run has left. Raises StoreError or StorageError."""
        now = self._now()
        self._protection.restore(await self._storage.write(lambda db: store.load_bans(db, now)), now)
        self._dialogs.inherit(await self._storage.write(store.load_dialogs), now - last_seen)

    def follow(self, event: sip.Output) -> None:
        self._dialogs.hear(event)
        self._tracing.follow(event)
        self.trace.follow(event)

    def chores(self) -> list[tuple[LoopingCall, float]]:
        return [
            (LoopingCall(unfailing(self._note_dialogs)), FLUSH_S),
            (LoopingCall(unfailing(lambda: self._protection.look(self._now()))), LOOK_S),
        ]

    def _note_dialogs(self) -> None:
        self._dialogs.flush()
        if self._dialogs.is_waiting:
            self._dialogs.say_goodbye(self._now(), self._perform)

    def use_limits(self, limits: Limits) -> None:
        self._protection.use_limits(limits)

    def flush(self) -> None:
        """Before the store is closed."""
        self._dialogs.flush()

    def describe(self) -> Mapping[str, object]:
        return {
            "barrier": self.barrier.describe(),
            "journal": self._dialogs.describe(),
            "trace": self.trace.describe(),
        }


def unfailing(chore: Callable[[], None]) -> Callable[[], None]:
    """A chore that is done again though it has failed once."""

    def run() -> None:
        try:
            chore()
        except Exception:
            log.exception("fault")

    return run
