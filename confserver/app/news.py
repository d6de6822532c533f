"""What happens in the rooms, told to programs: event streams, webhooks, and what feeds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.web.http import Request

from confserver.admin import feed
from confserver.admin.hook_store import Kept
from confserver.admin.opening import open_stream
from confserver.admin.stream import Streams
from confserver.admin.tokens import Holder
from confserver.app.orders import Orders
from confserver.app.outbox import LOOK_S
from confserver.app.publishing import Stored
from confserver.app.watch import unfailing
from confserver.app.webhooks import Webhooks
from confserver.config import Settings
from confserver.focus.focus import Focus
from confserver.storage import Storage
from rooms.events import Event
from rooms.telling import name_of, size_of, tell

LEVELS_S = 0.5
"""Between two tellings of what comes from people."""


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
        self.feed = feed.Feed(focus.epoch, settings.events.memory_mb << 20)
        self.streams = Streams(self.feed, Snapshots(focus, now), reactor, settings.events.readers)
        self.webhooks = Webhooks(reactor, settings.webhooks, self.feed, storage, now)
        self.webhooks.join(orders)
        self._focus = focus
        self._perform: Callable[[Sequence[Any]], None]
        self._is_watched = False
        self._meters = LoopingCall(unfailing(self._tell_levels))
        self._meters.clock = reactor
        self._outbox = LoopingCall(unfailing(self.webhooks.outbox.look))
        self._outbox.clock = reactor

    def listen(self, events: tuple[Event, ...]) -> Stored:
        stored = self.streams.happened([_news(event) for event in events])

        def after() -> None:
            stored()
            self.webhooks.wake()

        return after

    def begin(self, hooks: Kept, perform: Callable[[Sequence[Any]], None]) -> None:
        """``hooks``: what the last run has left; ``perform`` has done what the focus asks for."""
        self.webhooks.restore(hooks)
        self._perform = perform
        self._meters.start(LEVELS_S, now=False)
        self._outbox.start(LOOK_S, now=False)

    def _tell_levels(self) -> None:
        wanted = self.streams.level_rooms()
        if wanted is None and not self._is_watched:
            return
        self._is_watched = wanted is not None
        self._perform(self._focus.levels.watch(wanted))
        for room, people in self._focus.levels.of_rooms(wanted).items():
            self.streams.tell_levels(room, people)

    def open(self, request: Request, by: Holder, room: str, asked: Mapping[str, Sequence[str]]) -> bytes | int:
        return open_stream(self.streams, request, by, room, asked, self._reactor)

    def close(self) -> None:
        """Before the store is closed."""
        for chore in (self._meters, self._outbox):
            if chore.running:
                chore.stop()
        self.streams.close()
        self.webhooks.close()

    def describe(self) -> dict[str, object]:
        return {"events": self.streams.describe(), "webhooks": self.webhooks.describe()}


def _news(event: Event) -> feed.News:
    return feed.News(name_of(type(event)), event.room, event.at, size_of(event), event, tell)
