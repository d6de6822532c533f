"""SIP over WebSocket (RFC 7118): one WebSocket message is one SIP message, of the subprotocol ``sip`` and no other.

The protocol of RFC 6455 is autobahn's; here are its limits, and who may connect. Over TLS it runs inside ``tls``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest, ConnectionResponse
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from confserver.sip.flow import written
from confserver.transports.connection import Connection, Key, Numbers, Owner, Transport, words_of
from confserver.transports.tls import peer_is

SUBPROTOCOL = "sip"
MOST_MESSAGE = 64 * 1024
"""As of any SIP message (``sip.head``)."""
MOST_FRAMES = 256
"""A message may come in so many pieces, empty ones too."""
MOST_HEAD = 16 * 1024
"""Bytes of the HTTP request or answer before the first frame."""
HANDSHAKE_S, CLOSING_S = 10.0, 5.0
PING_S, PONG_S = 30.0, 20.0
LIMITS = {
    "maxFramePayloadSize": MOST_MESSAGE, "maxMessagePayloadSize": MOST_MESSAGE, "openHandshakeTimeout": HANDSHAKE_S,
    "closeHandshakeTimeout": CLOSING_S, "tcpNoDelay": True, "autoPingInterval": PING_S, "autoPingTimeout": PONG_S,
    "failByDrop": True,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may connect. ``path`` empty: any; ``origins``: pages besides those of this machine by its address, or "*"."""

    path: str = ""
    origins: Sequence[str] = ()

    def refusal(self, path: str, protocols: Sequence[str], origin: str, host: str) -> tuple[int, str] | None:
        """HTTP status and reason, None where all is well."""
        if self.path and path != self.path:
            return 404, "nothing here"
        if SUBPROTOCOL not in (protocol.lower() for protocol in protocols):
            return 400, "the WebSocket subprotocol sip is wanted"  # RFC 7118 section 4
        if origin and not self._lets_in(origin, host):
            return 403, "pages of this origin may not connect"
        return None

    def _lets_in(self, origin: str, host: str) -> bool:
        """Of this machine's pages only those reached by its address: any page can give us a name (DNS rebinding)."""
        if "*" in self.origins or origin.lower() in (each.lower() for each in self.origins):
            return True
        try:
            name = urlsplit(origin).hostname or ""
        except ValueError:
            return False
        return name == host.strip("[]").lower() and (name == "localhost" or _is_address(name))


class _Quiet:
    """autobahn would tell the log of every stranger's every mistake."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


class _WebSocket(Connection):
    """What both directions have in common; autobahn's protocol is the other parent."""

    transport: Any
    state: int
    data: bytes
    STATE_CONNECTING: int
    _fault = ""
    _frames = 0

    def wire(self) -> Transport:
        return cast(Transport, self.transport)

    def write(self, data: bytes) -> None:
        """Text where it is text, as browsers like it (RFC 7118 section 5: both are understood)."""
        try:
            data.decode()
        except UnicodeDecodeError:
            cast(Any, self).sendMessage(data, isBinary=True)
        else:
            cast(Any, self).sendMessage(data, isBinary=False)

    def close(self) -> None:
        if self.is_closing or not self.is_ready:
            self.wire().abortConnection()
            return
        self._closing_since = self.owner.now()
        cast(Any, self).sendClose(1000)

    def is_flooded(self, data: bytes) -> bool:
        """The handshake has no end; the connection is broken off."""
        if self.state != self.STATE_CONNECTING or len(self.data) + len(data) <= MOST_HEAD:
            return False
        return self.break_off("the handshake has no end")

    def break_off(self, why: str) -> bool:
        self._fault = why
        self.wire().abortConnection()
        return True

    def onPong(self, payload: bytes) -> None:
        """It lives; but who has never said anything has nothing to stay for."""
        if self.has_spoken:
            self.last_heard = self.owner.now()

    def count_frame(self) -> None:
        self._frames += 1
        if self._frames > MOST_FRAMES:
            self.break_off("a message in too many pieces")


class ServerWebSocket(_WebSocket, WebSocketServerProtocol):  # type: ignore[misc]
    """A connection that came."""

    log = _Quiet()

    def __init__(self, owner: Owner, transport: str, number: int, gate: Gate) -> None:
        WebSocketServerProtocol.__init__(self)
        Connection.__init__(self, owner, transport, number)
        self._gate = gate

    def connectionMade(self) -> None:
        WebSocketServerProtocol.connectionMade(self)
        self.begin()

    def dataReceived(self, data: bytes) -> None:
        if not self.is_flooded(data):
            WebSocketServerProtocol.dataReceived(self, data)

    def onConnect(self, request: ConnectionRequest) -> str:
        no = self._gate.refusal(request.path, request.protocols, request.origin, request.host)
        if no is not None:
            raise ConnectionDeny(*no)
        return str(next(each for each in request.protocols if each.lower() == SUBPROTOCOL))

    def onOpen(self) -> None:
        self.become_ready()

    def onMessageBegin(self, isBinary: bool) -> None:
        self._frames = 0
        WebSocketServerProtocol.onMessageBegin(self, isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        self.count_frame()
        WebSocketServerProtocol.onMessageFrameBegin(self, length)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.hear(payload)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        WebSocketServerProtocol.connectionLost(self, reason)
        self.end(self._fault or words_of(reason))


class ClientWebSocket(_WebSocket, WebSocketClientProtocol):  # type: ignore[misc]
    """A connection of ours."""

    log = _Quiet()

    def __init__(self, owner: Owner, number: int, key: Key) -> None:
        WebSocketClientProtocol.__init__(self)
        Connection.__init__(self, owner, key[0], number, key)

    def connectionMade(self) -> None:
        WebSocketClientProtocol.connectionMade(self)
        self.begin()

    def dataReceived(self, data: bytes) -> None:
        if not self.is_flooded(data):
            WebSocketClientProtocol.dataReceived(self, data)

    def onConnect(self, response: ConnectionResponse) -> None:
        name = self.wanted[2] if self.wanted else ""
        if self.flow.is_secure and not peer_is(self.transport, name):
            self.break_off(f"its certificate is not that of {name}")
        elif (response.protocol or "").lower() != SUBPROTOCOL:  # RFC 7118 section 4
            self.break_off("it does not speak the WebSocket subprotocol sip")

    def onOpen(self) -> None:
        if not self._fault:
            self.become_ready()

    def onMessageBegin(self, isBinary: bool) -> None:
        self._frames = 0
        WebSocketClientProtocol.onMessageBegin(self, isBinary)

    def onMessageFrameBegin(self, length: int) -> None:
        self.count_frame()
        WebSocketClientProtocol.onMessageFrameBegin(self, length)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.hear(payload)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        why = self._fault or ("" if self.is_ready else str(self.wasNotCleanReason or ""))
        WebSocketClientProtocol.connectionLost(self, reason)
        self.end(why or words_of(reason))


class IncomingWebSockets(WebSocketServerFactory):
    """Takes connections on one address."""

    noisy = False
    log = _Quiet()

    def __init__(self, owner: Owner, transport: str, numbers: Numbers, gate: Gate, reactor: Any) -> None:
        super().__init__(protocols=[SUBPROTOCOL], server="", reactor=reactor)
        self.setProtocolOptions(webStatus=False, allowNullOrigin=True, **LIMITS)  # the gate decides on origins
        self._owner, self._transport, self._numbers, self._gate = owner, transport, numbers, gate

    def buildProtocol(self, addr: IAddress | None) -> ServerWebSocket:
        made = ServerWebSocket(self._owner, self._transport, self._numbers.next(), self._gate)
        made.factory = self
        return made


class OutgoingWebSocket(WebSocketClientFactory):
    """Makes one connection; the owner's ``failed`` hears why not."""

    noisy = False
    log = _Quiet()

    def __init__(self, owner: Owner, number: int, key: Key, path: str, reactor: Any) -> None:
        scheme, remote = key[0].lower(), key[1]
        super().__init__(f"{scheme}://{written(remote)}{path or '/'}", protocols=[SUBPROTOCOL], reactor=reactor)
        self.setProtocolOptions(**LIMITS)
        self._owner, self._number, self._key = owner, number, key

    def buildProtocol(self, addr: IAddress | None) -> ClientWebSocket:
        made = ClientWebSocket(self._owner, self._number, self._key)
        made.factory = self
        return made

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self._owner.failed(self._key, words_of(reason))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
