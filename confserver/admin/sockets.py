# mypy: allow-untyped-calls
"""Live events by WebSocket (RFC 6455), at the paths of the event streams: each message is one JSON object.

The request has passed the HTTP interface's checks by then. A browser, which cannot set Authorization, offers its
token as a subprotocol: ``new WebSocket(url, ["confserver", "bearer.TOKEN"])``; ``confserver`` is what we answer.
The protocol is autobahn's. What a reader says is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from autobahn.twisted.resource import WebSocketResource
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionRequest
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import Request
from zope.interface import implementer

from confserver.admin.feed import Cursor, Entry
from confserver.admin.stream import Reader, Streams

SUBPROTOCOL = "confserver"
BEARER = "bearer."
MOST_HEARD = 4096
"""Bytes of a message of theirs; autobahn's own limits would hold for ours as well."""
LIMITS = {
    "openHandshakeTimeout": 10.0, "closeHandshakeTimeout": 5.0, "tcpNoDelay": True,
    "autoPingInterval": 30.0, "autoPingTimeout": 20.0, "failByDrop": True, "webStatus": False,
}  # fmt: skip


def is_upgrade(request: Request) -> bool:
    """RFC 6455 section 4.2.1."""
    return header(request, b"upgrade").strip().lower() == "websocket"


def header(request: Request, name: bytes) -> str:
    """As what it is, octets: Twisted's own reading of text raises on what is not UTF-8."""
    values = request.requestHeaders.getRawHeaders(name)
    return values[-1].decode("latin-1") if values else ""


def bearer_of(request: Request) -> str | None:
    """What stands for Authorization among the subprotocols that a browser offers."""
    if not is_upgrade(request):
        return None
    for each in header(request, b"sec-websocket-protocol").split(","):
        if each.strip().startswith(BEARER):
            return f"Bearer {each.strip().removeprefix(BEARER)}"
    return None


class _Quiet:
    """autobahn would tell the log of every stranger's every mistake."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


@implementer(IPushProducer)
class EventSocket(Reader, WebSocketServerProtocol):  # type: ignore[misc]
    """One reader."""

    log = _Quiet()
    transport: Any

    def __init__(self, streams: Streams, cursor: Cursor, place: int | None, *, levels: bool) -> None:
        WebSocketServerProtocol.__init__(self)
        Reader.__init__(self, streams, cursor, levels=levels)
        self._place = place
        self._heard = 0

    def makeConnection(self, transport: Any) -> None:
        transport.unregisterProducer()  # the HTTP channel's
        WebSocketServerProtocol.makeConnection(self, transport)

    def onConnect(self, request: ConnectionRequest) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in request.protocols else None

    def onOpen(self) -> None:
        self.transport.registerProducer(self, True)
        self.begin(self._place)

    def onMessageBegin(self, isBinary: bool) -> None:
        self._heard = 0
        WebSocketServerProtocol.onMessageBegin(self, isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        """An empty frame counts too."""
        self._heard += length + 1
        if self._heard > MOST_HEARD:
            self.transport.abortConnection()
        WebSocketServerProtocol.onMessageFrameBegin(self, length)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Nothing that is asked for so."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone()
        WebSocketServerProtocol.connectionLost(self, reason)

    def _write_entries(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.sendMessage(entry.json)

    def _write(self, name: str, json: bytes, identity: str = "") -> None:
        self.sendMessage(json)

    def _finish(self) -> None:
        self.transport.unregisterProducer()
        self.sendClose(1000)

    def _abort(self) -> None:
        self.transport.abortConnection()


class _Factory(WebSocketServerFactory):
    noisy = False
    log = _Quiet()

    def __init__(self, made: EventSocket, reactor: Any) -> None:
        super().__init__(protocols=[SUBPROTOCOL], server="", reactor=reactor)
        self.setProtocolOptions(**LIMITS)
        self._made = made

    def buildProtocol(self, addr: object) -> EventSocket:
        self._made.factory = self
        return self._made


def upgrade(request: Request, made: EventSocket, reactor: Any) -> int:
    """Hand the request's connection over; the answer is autobahn's."""
    return cast(int, WebSocketResource(_Factory(made, reactor)).render(request))
