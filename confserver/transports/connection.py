"""What all connections have in common, by whatever they speak: bounded in number, idleness and backlog."""

from __future__ import annotations

from typing import Protocol as Interface

from twisted.python.failure import Failure

from confserver.sip.flow import Address, Flow

MOST_CONNECTIONS = 2000
MOST_FROM_ONE = 400
"""From one host: a proxy in front may bring many, but nobody all."""
MOST_BACKLOG = 512 * 1024
"""Bytes a peer may leave unread."""
FIRST_S = 32.0
"""A connection that has said nothing for so long is closed (64 * T1), also one that has not come to the end of its
handshake."""
IDLE_S = 900.0
CLOSING_S = 32.0
"""So long a peer may take to read the rest of what we say."""

Key = tuple[str, Address, str]
"""Of a connection that we open: transport, remote address, and the name that its certificate must have."""


class Transport(Interface):
    """What is used of Twisted's transports."""

    def write(self, data: bytes, /) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def getHost(self) -> object: ...
    def getPeer(self) -> object: ...
    def setTcpNoDelay(self, enabled: bool, /) -> None: ...
    def registerProducer(self, producer: object, streaming: bool, /) -> None: ...
    def unregisterProducer(self) -> None: ...


class Owner(Interface):
    """Who hears of connections."""

    def connected(self, connection: Connection) -> bool:
        """TCP stands. False: there are too many."""

    def ready(self, connection: Connection) -> None:
        """Messages may go."""

    def received(self, data: bytes, connection: Connection) -> None: ...

    def disconnected(self, connection: Connection, reason: str) -> None: ...

    def failed(self, key: Key, reason: str) -> None:
        """One that we wanted to open never came to be."""

    def now(self) -> float: ...


class Connection:
    """One connection. ``wanted``: what we opened it for; None where the peer has opened it."""

    def __init__(self, owner: Owner, transport: str, number: int, wanted: Key | None = None) -> None:
        self.owner = owner
        self.wanted = wanted
        self.flow = Flow(transport, ("", 0), ("", 0), number)
        self.is_ready = False
        self._is_clogged = False
        self._backlog = 0
        self.last_heard = 0.0
        self.has_spoken = False
        self._closing_since: float | None = None

    # ---------------------------------------------------------------- how it is done by this kind
    def wire(self) -> Transport:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        self.wire().write(data)

    # ---------------------------------------------------------------- its life
    def begin(self) -> bool:
        """TCP stands. False where there are too many; then it is aborted."""
        wire, flow = self.wire(), self.flow
        self.flow = Flow(flow.transport, _address(wire.getHost()), _address(wire.getPeer()), flow.id)
        self.last_heard = self.owner.now()
        wire.setTcpNoDelay(True)
        wire.registerProducer(self, True)
        if self.owner.connected(self):
            return True
        wire.abortConnection()
        return False

    def become_ready(self) -> None:
        self.is_ready = True
        self.owner.ready(self)

    def hear(self, data: bytes) -> None:
        self.last_heard, self.has_spoken = self.owner.now(), True
        self.owner.received(data, self)

    def end(self, reason: str) -> None:
        self.owner.disconnected(self, reason)

    def is_idle(self, now: float) -> bool:
        if self._closing_since is not None and now - self._closing_since > CLOSING_S:
            return True
        return now - self.last_heard > (IDLE_S if self.has_spoken else FIRST_S)

    @property
    def is_closing(self) -> bool:
        return self._closing_since is not None

    def send(self, data: bytes) -> None:
        """A peer that does not read what we say is let go."""
        if self._is_clogged:
            self._backlog += len(data)
            if self._backlog > MOST_BACKLOG:
                self.wire().abortConnection()
                return
        self.write(data)

    def close(self) -> None:
        """Close once all is sent; asked again, at once."""
        wire = self.wire()
        if self.is_closing:
            wire.abortConnection()
            return
        self._closing_since = self.owner.now()
        wire.unregisterProducer()
        wire.loseConnection()

    # ---------------------------------------------------------------- as the producer of what we send
    def pauseProducing(self) -> None:
        """Said at each write, as long as it is so."""
        self._is_clogged = True

    def resumeProducing(self) -> None:
        self._is_clogged, self._backlog = False, 0

    def stopProducing(self) -> None:
        self._is_clogged = True


class Numbers:
    """Connection numbers, never 0 (that is UDP)."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


def words_of(reason: Failure | None) -> str:
    """Why a connection ended, for people; of OpenSSL's errors the last word."""
    if reason is None:
        return "connection lost"
    arguments = getattr(reason.value, "args", ())
    if arguments and isinstance(arguments[0], list) and arguments[0]:
        return f"TLS: {arguments[0][-1][-1]}"
    return reason.getErrorMessage() or type(reason.value).__name__


def _address(address: object) -> Address:
    host, port = getattr(address, "host", ""), getattr(address, "port", 0)
    return str(host), int(port)
