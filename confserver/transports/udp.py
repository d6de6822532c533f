"""SIP over UDP: one socket for each local address, so that answers leave from where the request came to."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

from twisted.internet.error import MessageLengthError
from twisted.internet.interfaces import IListeningPort, IReactorUDP
from twisted.internet.protocol import DatagramProtocol

from confserver.sip.flow import Address, Flow

BUFFER_BYTES = 4 << 20
"""A burst of calls must wait somewhere while one is being answered."""
Received = Callable[[bytes, Flow], None]


class UdpSocket(DatagramProtocol):
    """One socket."""

    def __init__(self, host: str, received: Received) -> None:
        self._host = host
        self._received = received
        self.local: Address = (host, 0)
        self.port: IListeningPort | None = None

    def listen(self, reactor: IReactorUDP, port: int) -> int:
        """Bind; gives the port. Raises CannotListenError."""
        self.port = reactor.listenUDP(port, self, interface=self._host, maxPacketSize=65536)
        with contextlib.suppress(OSError, AttributeError):
            self.port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)  # type: ignore[attr-defined]
        number = int(self.port.getHost().port)  # type: ignore[attr-defined]
        self.local = (self._host, number)
        return number

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Nobody can answer port 0, nor means well by it."""
        if addr[1]:
            self._received(datagram, Flow("UDP", self.local, (addr[0], addr[1])))

    def send(self, data: bytes, remote: Address) -> None:
        """What cannot be sent is lost, as on the way: the transactions send again."""
        if self.transport is None:
            return
        with contextlib.suppress(OSError, ValueError, OverflowError, MessageLengthError):
            self.transport.write(data, remote)
