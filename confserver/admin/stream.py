# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""Live events: readers of the feed by server-sent events (WHATWG HTML 9.2); ``sockets`` has those by WebSocket.

::

    request -> Streams.open -> Reader: snapshot (or the place where he was) -> event -> event ...
                                 paused while his connection is full; closed, with a reason, where he loses his place

A reader costs his connection's buffer and one number. All are told at the end of the reactor's turn, so that what one
command has come to goes out in one write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.web.http import Request
from zope.interface import implementer

from confserver.admin.feed import Cursor, Entry, Feed, Lost, News, Wanted, sse
from confserver.admin.tokens import Holder

log = structlog.get_logger("http")
ALIVE_S = 15.0
"""Between two signs of life to readers."""
SLOW_S = 60.0
"""So long a reader may take nothing."""
LINGER_S = 5.0
"""So long he has for the last words."""
TURN_S = 0.0


class Sources(Protocol):
    """What snapshots are made of."""

    def rooms(self) -> Sequence[Mapping[str, object]]: ...

    def now(self) -> float: ...


class Reader:
    """One connection that is told events; ``_write``, ``_last_words`` and ``_cut`` are its kind's."""

    def __init__(self, streams: Streams, cursor: Cursor, *, levels: bool = False) -> None:
        self._streams = streams
        self.cursor = cursor
        self.wants_levels = levels
        self._paused_at: float | None = None
        self._is_open = False

    # -------------------------------------------------------------- of its kind
    def _write_entries(self, entries: Sequence[Entry]) -> None:
        raise NotImplementedError

    def _write(self, name: str, json: bytes, identity: str = "") -> None:
        raise NotImplementedError

    def _sign_of_life(self) -> None:
        """Nothing, where the connection has its own."""

    def _finish(self) -> None:
        raise NotImplementedError

    def _abort(self) -> None:
        raise NotImplementedError

    # -------------------------------------------------------------- its life
    def begin(self, place: int | None) -> None:
        """``place``: the number he has heard last; None: he needs a snapshot first."""
        self._is_open = True
        self._streams.add(self)
        if place is None:
            self.cursor.number = self.cursor.feed.number
            json, identity = self._streams.snapshot(self.cursor.wanted)
            self._write("snapshot", json, identity)
        else:
            self.cursor.number = place
        self.pump()

    def pump(self) -> None:
        """Tell what there is to tell, as far as the connection takes it."""
        try:
            self.cursor.check()
            while self._is_open and self._paused_at is None and self.cursor.is_behind:
                if entries := self.cursor.take():
                    self._write_entries(entries)
        except Lost as lost:
            self.end("too-slow", str(lost))

    def tell_levels(self, room: str, json: bytes) -> None:
        """Only to who keeps up: the next will come."""
        wanted = self.cursor.wanted
        if self._is_open and self.wants_levels and self._paused_at is None and wanted.takes_room(room):
            self._write("levels", json)

    def look(self, now: float) -> None:
        """From time to time."""
        if not self.cursor.wanted.holds(now):
            self.end("no-right", "the token is revoked or over")
        elif self._paused_at is None:
            self._sign_of_life()
        elif now - self._paused_at > SLOW_S:
            self.end("too-slow", f"nothing was taken for {SLOW_S:g} s")

    def end(self, reason: str, detail: str) -> None:
        """Say why, and close; who does not even take that is cut off."""
        if self._is_open:
            self._write("end", msgspec.json.encode({"type": "end", "reason": reason, "detail": detail}))
            self.gone()
            self._finish()
            self._streams.later(LINGER_S, self._abort)

    def cut(self) -> None:
        """Without a word."""
        self.gone()
        self._abort()

    def gone(self) -> None:
        """The connection is no more, or is about to be."""
        self._is_open = False
        self._streams.remove(self)

    # -------------------------------------------------------------- IPushProducer
    def pauseProducing(self) -> None:
        self._paused_at = self._streams.sources.now()

    def resumeProducing(self) -> None:
        self._paused_at = None
        self._streams.wake()

    def stopProducing(self) -> None:
        self.gone()


@implementer(IPushProducer)
class EventSource(Reader):
    """By server-sent events."""

    def __init__(self, streams: Streams, cursor: Cursor, request: Request, *, levels: bool = False) -> None:
        super().__init__(streams, cursor, levels=levels)
        self._request = request
        self._channel = request.channel
        self._is_finished = False

    def answer(self) -> None:
        """The head of the answer; what follows has no end."""
        request = self._request
        request.notifyFinish().addBoth(self._closed)
        for name, value in (
            ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("Connection", "close"),
            ("X-Accel-Buffering", "no"),
        ):  # fmt: skip
            request.setHeader(name, value)
        request.registerProducer(self, True)

    def _closed(self, _: object) -> None:
        self._is_finished = True
        self.gone()

    def _write_entries(self, entries: Sequence[Entry]) -> None:
        self._request.write(b"".join(entry.text for entry in entries))

    def _write(self, name: str, json: bytes, identity: str = "") -> None:
        self._request.write(sse(name, json, identity))

    def _sign_of_life(self) -> None:
        self._request.write(b":\n\n")

    def _finish(self) -> None:
        if not self._is_finished:
            self._request.unregisterProducer()
            self._request.finish()

    def _abort(self) -> None:
        transport: Any = self._channel.transport if self._channel is not None else None
        if transport is not None:
            transport.abortConnection()


class Streams:
    """All readers."""

    def __init__(self, feed: Feed, sources: Sources, reactor: IReactorTime, most: int) -> None:
        self.feed = feed
        self.sources = sources
        self._reactor = reactor
        self._most = most
        self._readers: set[Reader] = set()
        self._turn: IDelayedCall | None = None
        self.holds: Callable[[Holder, float], bool] = lambda holder, now: True
        """Whether the right of who has begun to read still stands."""
        self._chore = LoopingCall(self._look)
        self._chore.clock = reactor

    # -------------------------------------------------------------- what is told
    def happened(self, told: Sequence[News]) -> Callable[[], None]:
        """Gives what to call when the store has it."""
        commit = self.feed.append(told)

        def stored() -> None:
            if commit() and self._readers:
                self.wake()

        return stored

    def wake(self) -> None:
        if self._turn is None:
            self._turn = self._reactor.callLater(TURN_S, self._pump)

    def _pump(self) -> None:
        self._turn = None
        for reader in list(self._readers):
            try:
                reader.pump()
            except Exception:
                log.exception("fault", reader=type(reader).__name__)
                reader.cut()

    def tell_levels(self, room: str, people: Mapping[str, object]) -> None:
        """What is heard in a room just now; nobody can go back to it."""
        told = {"type": "levels", "room": room, "at": self.sources.now(), "participants": people}
        json = msgspec.json.encode(told)
        for reader in list(self._readers):
            reader.tell_levels(room, json)

    def level_rooms(self) -> Callable[[str], bool] | None:
        """Whether somebody wants the levels of a room; None: nobody wants any."""
        wanted = [reader.cursor.wanted for reader in self._readers if reader.wants_levels]
        return (lambda room: any(each.takes_room(room) for each in wanted)) if wanted else None

    def snapshot(self, wanted: Wanted) -> tuple[bytes, str]:
        """The rooms as they are, with the place in the sequence for which that holds."""
        feed = self.feed
        told = {
            "id": feed.identify(feed.number),
            "type": "snapshot",
            "at": self.sources.now(),
            "version": {"epoch": feed.epoch, "number": feed.number},
            "rooms": [wanted.shows(room) for room in self.sources.rooms() if wanted.takes_room(str(room["name"]))],
        }
        return msgspec.json.encode(told), feed.identify(feed.number)

    # -------------------------------------------------------------- who reads
    @property
    def is_full(self) -> bool:
        return len(self._readers) >= self._most

    def add(self, reader: Reader) -> None:
        self._readers.add(reader)
        if not self._chore.running:
            self._chore.start(ALIVE_S, now=False)

    def remove(self, reader: Reader) -> None:
        self._readers.discard(reader)
        if not self._readers and self._chore.running:
            self._chore.stop()

    def _look(self) -> None:
        now = self.sources.now()
        for reader in list(self._readers):
            reader.look(now)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self._reactor.callLater(seconds, what)

    def close(self) -> None:
        """The server stops."""
        for reader in list(self._readers):
            reader.end("stopping", "the server is stopping")

    def describe(self) -> dict[str, object]:
        return {"readers": len(self._readers), **self.feed.describe()}
