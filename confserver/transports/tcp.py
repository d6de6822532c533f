"""SIP over TCP and TLS (RFC 3261 section 18): streams in both directions.

Over TLS the same protocols run inside Twisted's TLS (``tls``); a connection of ours is ready when its handshake is done
and the peer's certificate has the name that we look for (RFC 5922).
"""

from __future__ import annotations

from typing import cast

from twisted.internet.interfaces import IAddress, IHandshakeListener
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from confserver.transports.connection import Connection, Key, Numbers, Owner, Transport, words_of
from confserver.transports.tls import peer_is


@implementer(IHandshakeListener)
class StreamConnection(Protocol, Connection):
    """One connection by TCP or TLS."""

    _fault = ""
    """Why we have broken it off."""

    def wire(self) -> Transport:
        return cast(Transport, self.transport)

    def connectionMade(self) -> None:
        if self.begin() and self.flow.transport == "TCP":
            self.become_ready()

    def handshakeCompleted(self) -> None:
        if self.wanted is not None and not peer_is(self.transport, self.wanted[2]):
            self._fault = f"its certificate is not that of {self.wanted[2]}"
            self.wire().abortConnection()
            return
        self.become_ready()

    def dataReceived(self, data: bytes) -> None:
        self.hear(data)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.end(self._fault or words_of(reason))


class Incoming(Factory):
    """Takes connections on one address."""

    noisy = False

    def __init__(self, owner: Owner, transport: str, numbers: Numbers) -> None:
        self._owner = owner
        self._transport = transport
        self._numbers = numbers

    def buildProtocol(self, addr: IAddress | None) -> StreamConnection:
        return StreamConnection(self._owner, self._transport, self._numbers.next())


class Outgoing(ClientFactory):
    """Makes one connection; the owner's ``failed`` hears why not."""

    noisy = False

    def __init__(self, owner: Owner, number: int, key: Key) -> None:
        self._owner = owner
        self._number = number
        self._key = key

    def buildProtocol(self, addr: IAddress | None) -> StreamConnection:
        return StreamConnection(self._owner, self._key[0], self._number, self._key)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self._owner.failed(self._key, words_of(reason))
