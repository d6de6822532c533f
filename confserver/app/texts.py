"""What has been written in rooms: told to who asks, and forgotten when its time is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from confserver.app.orders import Orders
from confserver.app.watch import unfailing
from confserver.storage import Storage
from rooms import chat
from rooms.manager import Rooms
from rooms.policy import room_name

FORGET_S = 60.0


class Texts:
    """Joins rooms and store."""

    def __init__(self, rooms: Rooms, storage: Storage, orders: Orders, now: Callable[[], float]) -> None:
        self._rooms = rooms
        self._storage = storage
        self._now = now
        orders.answers["message list"] = self._list

    def chores(self) -> list[tuple[LoopingCall, float]]:
        return [(LoopingCall(unfailing(self._forget)), FORGET_S)]

    def _forget(self) -> None:
        now = self._now()
        self._storage.write(lambda db: chat.forget(db, now)).addErrback(lambda _: None)

    def _list(self, names: Mapping[str, str], now: float) -> Deferred[list[dict[str, Any]]]:
        """What the store keeps, and what is only of this meeting; the oldest first. Raises Refused for no name."""
        name = room_name(names["room"])
        here = self._rooms.get(name).chat.describe() if name in self._rooms else []
        found: Deferred[list[dict[str, Any]]] = self._storage.read(lambda db: chat.kept(db, name, now))
        return found.addCallback(lambda rows: sorted([*rows, *here], key=lambda row: float(row["at"])))
