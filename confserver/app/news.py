"""What happens in the rooms, told to programs: event streams, webhooks, and what feeds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.web.http import Request

from confserver.admin.feed import Feed
from confserver.admin.opening import open_stream
from confserver.admin.stream import Streams
from confserver.admin.tokens import Holder
from confserver.app.orders import Orders
from confserver.app.publishing import Stored
from confserver.app.webhooks import Webhooks
from confserver.config import Settings
from confserver.focus.focus import Focus
from confserver.storage import Storage
from rooms.events import Event
from rooms.telling import tell


class Snapshots:
    """What snapshots are made of."""

    def __init__(self, focus: Focus, now: Callable[[], float]) -> None:
        self._focus = focus
        self.now = now

    def rooms(self) -> Sequence[Mapping[str, object]]:
        return self._focus.rooms(self.now())


class News:
    """``listen`` hears what has happened (``app.publishing``); ``open`` is the HTTP interface's door to the streams."""

    def __init__(
        self, reactor: Any, settings: Settings, focus: Focus, storage: Storage, now: Callable[[], float], orders: Orders
    ) -> None:
        self._reactor = reactor
        self.feed = Feed(focus.epoch, settings.events.memory_mb << 20)
        self.streams = Streams(self.feed, Snapshots(focus, now), reactor, settings.events.readers)
        self.webhooks = Webhooks(reactor, settings.webhooks, self.feed, storage, now)
        self.webhooks.join(orders)

    def listen(self, events: tuple[Event, ...]) -> Stored:
        stored = self.streams.happened([tell(event) for event in events])

        def after() -> None:
            stored()
            self.webhooks.wake()

        return after

    def open(self, request: Request, by: Holder, room: str, asked: Mapping[str, Sequence[str]]) -> bytes | int:
        return open_stream(self.streams, request, by, room, asked, self._reactor)

    def close(self) -> None:
        """Before the store is closed."""
        self.streams.close()
        self.webhooks.close()

    def describe(self) -> dict[str, object]:
        return {"events": self.streams.describe(), "webhooks": self.webhooks.describe()}
