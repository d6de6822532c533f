"""SIP over TCP (RFC 3261 section 18): connections in both directions, bounded in number, idleness and backlog."""

from __future__ import annotations

from typing import Protocol as Interface

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from twisted.python.failure import Failure

from confserver.sip.flow import Address, Flow

MOST_CONNECTIONS = 2000
MOST_FROM_ONE = 400
"""From one host: a proxy in front may bring many, but nobody all."""
MOST_BACKLOG = 512 * 1024
"""Bytes a peer may leave unread."""
FIRST_S = 32.0
"""A connection that has said nothing for so long is closed (64 * T1)."""
IDLE_S = 900.0


class TcpTransport(Interface):
    """What is used of Twisted's TCP transport."""

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

    def connected(self, connection: TcpConnection) -> bool:
        """False: there are too many."""

    def received(self, data: bytes, flow: Flow) -> None: ...

    def disconnected(self, connection: TcpConnection) -> None: ...

    def now(self) -> float: ...


class TcpConnection(Protocol):
    """One connection."""

    transport: TcpTransport  # type: ignore[assignment]

    def __init__(self, owner: Owner, number: int, token: int | None = None) -> None:
        self._owner = owner
        self._number = number
        self.token = token
        """Of the OpenFlow that wanted it."""
        self.flow = Flow("TCP", ("", 0), ("", 0), number)
        self._is_clogged = False
        self._backlog = 0
        self.last_heard = 0.0
        self.has_spoken = False
        self.is_closing = False

    def connectionMade(self) -> None:
        local, remote = self.transport.getHost(), self.transport.getPeer()
        self.flow = Flow("TCP", _address(local), _address(remote), self._number)
        self.last_heard = self._owner.now()
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        if not self._owner.connected(self):
            self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        self.last_heard, self.has_spoken = self._owner.now(), True
        self._owner.received(data, self.flow)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._owner.disconnected(self)

    def is_idle(self, now: float) -> bool:
        return now - self.last_heard > (IDLE_S if self.has_spoken else FIRST_S)

    def send(self, data: bytes) -> None:
        """A peer that does not read what we say is let go."""
        if self._is_clogged:
            self._backlog += len(data)
            if self._backlog > MOST_BACKLOG:
                self.transport.abortConnection()
                return
        self.transport.write(data)

    def close(self) -> None:
        """Close once all is sent; asked again, at once."""
        if self.is_closing:
            self.transport.abortConnection()
            return
        self.is_closing = True
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    # ---------------------------------------------------------------- as the producer of what we send
    def pauseProducing(self) -> None:
        """Said at each write, as long as it is so."""
        self._is_clogged = True

    def resumeProducing(self) -> None:
        self._is_clogged, self._backlog = False, 0

    def stopProducing(self) -> None:
        self._is_clogged = True


class Incoming(Factory):
    """Takes connections on one address."""

    noisy = False

    def __init__(self, owner: Owner, numbers: Numbers) -> None:
        self._owner = owner
        self._numbers = numbers

    def buildProtocol(self, addr: IAddress | None) -> TcpConnection:
        return TcpConnection(self._owner, self._numbers.next())


class Outgoing(ClientFactory):
    """Makes one connection that OpenFlow asked for; ``failed`` hears why not."""

    noisy = False

    def __init__(self, owner: OutgoingOwner, number: int, token: int) -> None:
        self._owner = owner
        self._number = number
        self._token = token

    def buildProtocol(self, addr: IAddress | None) -> TcpConnection:
        return TcpConnection(self._owner, self._number, self._token)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self._owner.failed(self._token, reason.getErrorMessage())


class OutgoingOwner(Owner, Interface):
    def failed(self, token: int, reason: str) -> None: ...


class Numbers:
    """Connection numbers, never 0 (that is UDP)."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last += 1
        return self._last


def _address(address: object) -> Address:
    host, port = getattr(address, "host", ""), getattr(address, "port", 0)
    return str(host), int(port)
