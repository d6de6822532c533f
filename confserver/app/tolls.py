"""The toll fence in its surroundings: its limits from the settings, its calls and approvals kept by the store."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from sqlite_utils import Database

from confserver.app.orders import Done, Orders
from confserver.config.dialout import Dialout
from confserver.focus.fencing import Fencing
from confserver.routing import toll_store
from confserver.routing.commands import ApproveCountry, RevokeCountry
from confserver.routing.tolls import DAY_S, Approval, Toll, TollLimits, Tolls
from confserver.storage import Storage

log = structlog.get_logger("dialout")
Kept = tuple[list[Toll], list[Approval]]


def tolls_of(settings: Dialout) -> Tolls:
    limits = TollLimits(
        room_calls=settings.room_calls, room_hour=settings.room_calls_hour, room_day=settings.room_calls_day,
        room_minutes_hour=settings.room_minutes_hour, room_minutes_day=settings.room_minutes_day,
        hour=settings.calls_hour, day=settings.calls_day,
        minutes_hour=settings.minutes_hour, minutes_day=settings.minutes_day,
    )  # fmt: skip
    return Tolls(limits, settings.prefixes, settings.international, settings.approve_countries)


def settle(db: Database, last_seen: float, now: float) -> Kept:
    """What the last run has left; calls that stood then ended when it was last seen alive. Raises StoreError."""
    toll_store.settle(db, last_seen, now - DAY_S)
    return toll_store.load_tolls(db), toll_store.load_approvals(db)


class TollKeeper:
    """Writes behind ``Fencing``, and carries out what administrators ask of it."""

    def __init__(self, fencing: Fencing, storage: Storage, orders: Orders) -> None:
        self._tolls = fencing.tolls
        self._storage = storage
        fencing.keep = self._keep
        self._tolls.note = self._asked
        orders.signed[ApproveCountry] = self._approve
        orders.handlers[RevokeCountry] = self._revoke
        orders.answers["fence show"] = self._show

    def _keep(self, toll: Toll) -> None:
        self._storage.write(lambda db: toll_store.keep_toll(db, toll)).addErrback(_not_kept)

    def _asked(self, approval: Approval) -> None:
        log.warning("country wants to be approved", country=approval.country, asked_by=approval.asked_by)
        self._storage.write(lambda db: toll_store.keep_approval(db, approval)).addErrback(_not_kept)

    def _approve(self, order: ApproveCountry, by: str, now: float) -> Done:
        approval = self._tolls.approve(order.country, by, now)
        log.warning("country approved", country=approval.country, by=by, asked_by=approval.asked_by)
        return Done(approval.describe(), lambda db: toll_store.keep_approval(db, approval))

    def _revoke(self, order: RevokeCountry, now: float) -> Done:
        self._tolls.revoke(order.country)
        log.warning("country revoked", country=order.country)
        return Done(None, lambda db: toll_store.drop_approval(db, order.country))

    def _show(self, _: Mapping[str, str], now: float) -> object:
        return self._tolls.describe(now)


def _not_kept(failure: object) -> None:
    log.error("not stored", why=str(getattr(failure, "value", failure)))
