"""The barrier against strangers in its surroundings: built from the settings, told to the log, kept by the store."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from confserver.app.orders import Done, Orders
from confserver.config.limits import Limits
from confserver.routing import store
from confserver.routing.bans import FOR_GOOD, Ban, BanLifted, Bans, BanSet
from confserver.routing.barrier import Barrier, BarrierEvent
from confserver.routing.budgets import Rate, Rates, bounds
from confserver.routing.commands import AddBan, LiftBan
from confserver.routing.guard import Guard
from confserver.routing.overload import Overload
from confserver.storage import Storage

log = structlog.get_logger("bans")
OWN_SHARE = 0.3
"""Of the time in which we were late we must have used so much ourselves: a machine that stands still, or has other
work, is no reason to turn callers away."""
LOOK_S = 0.1
"""How often the lateness of the process is looked at."""


def _rates_of(limits: Limits) -> tuple[Rates, Rate]:
    rates = bounds(
        messages=limits.messages, requests=limits.requests, calls_a_minute=limits.calls,
        failures_a_minute=limits.failures, connections_a_minute=limits.connections,
    )  # fmt: skip
    return rates, Rate(limits.strangers, 2.0 * limits.strangers)


class Protection:
    """Owns ``barrier``; ``look`` is called every LOOK_S."""

    def __init__(
        self, limits: Limits, guard: Guard, storage: Storage, used: Callable[[], float] = time.thread_time
    ) -> None:
        """``used``: the CPU time of this thread, seconds."""
        self._used = used
        self._used_before = 0.0
        self._storage = storage
        self._bans = Bans(limits.ban_s)
        self.barrier = Barrier(guard, self._bans, *_rates_of(limits), Overload(limits.late_ms / 1000))
        self._looked_at: float | None = None

    def use_limits(self, limits: Limits) -> None:
        """Other budgets, from now on."""
        self.barrier.use_rates(*_rates_of(limits))

    def restore(self, bans: list[Ban], now: float) -> None:
        self._bans.restore(bans, now)
        if bans:
            log.info("bans of the last run", count=len(bans))

    def look(self, now: float) -> None:
        """Judge how late we are; tell and keep what has happened."""
        used = self._used()
        if self._looked_at is not None:
            passed = now - self._looked_at
            is_ours = used - self._used_before > OWN_SHARE * passed
            self.barrier.late(passed - LOOK_S if is_ours else 0.0, now)
        self._looked_at, self._used_before = now, used
        self.barrier.ended(now)
        for event in self.barrier.taken():
            self._tell(event)

    def _tell(self, event: BarrierEvent) -> None:
        match event:
            case BanSet(ban=ban):
                log.warning("banned", source=ban.network, why=ban.reason, until=_written(ban.until))
                self._storage.write(lambda db: store.keep_ban(db, ban)).addErrback(_not_kept)
            case BanLifted(ban=ban, by=by):
                log.info("ban lifted", source=ban.network, by=by)
                self._storage.write(lambda db: store.drop_bans(db, [ban.network])).addErrback(_not_kept)
            case _:
                log.warning("silenced", source=event.source, why=event.what)

    # ------------------------------------------------------------------ what administrators ask for
    def join(self, orders: Orders) -> None:
        orders.signed[AddBan] = self._add
        orders.signed[LiftBan] = self._lift
        orders.answers["ban list"] = lambda _, now: [ban.describe() for ban in self._bans.list(now)]

    def _add(self, order: AddBan, by: str, now: float) -> Done:
        known = {ban.network for ban in self._bans.list(now)}
        ban = self._bans.add(order.network, order.reason, order.seconds, now, by)
        log.warning("banned", source=ban.network, why=ban.reason, until=_written(ban.until), by=ban.by)
        return Done(ban.describe(), lambda db: store.keep_ban(db, ban), ban.network not in known)

    def _lift(self, order: LiftBan, by: str, now: float) -> Done:
        ban = self._bans.lift(order.network)
        log.info("ban lifted", source=ban.network, by=by)
        return Done(None, lambda db: store.drop_bans(db, [ban.network]))


def _written(until: float) -> str:
    if until == FOR_GOOD:
        return "lifted"
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))


def _not_kept(failure: object) -> None:
    log.error("a ban was not stored", why=str(getattr(failure, "value", failure)))
