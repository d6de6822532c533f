"""The robot's media sockets and the clock by which it speaks."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import DatagramProtocol

from confserver.phone.leg import Leg
from confserver.phone.orders import PORTS
from confserver.rtp.address import canonical
from confserver.sdp.agreement import Address, Agreed

"""Apart from the server's usual range, which it refuses to send to, and from those that the kernel gives out."""
TRIES = 200
REPORT_S = 5.0
"""RFC 3550 section 6.2: the first after half of it."""
EARLY_S = 0.0005
"""A timer that rings so much too early is on time."""


class NoPort(Exception):
    """No pair of ports is free."""


class Socket(DatagramProtocol):
    """One UDP socket of the pair."""

    def __init__(self, received: Callable[[bytes, str], None]) -> None:
        self._received = received
        self.port: IListeningPort | None = None

    def listen(self, reactor: Any, host: str, port: int) -> None:
        """Raises CannotListenError."""
        self.port = reactor.listenUDP(port, self, interface=host, maxPacketSize=4096)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        self._received(datagram, canonical(addr[0]))

    def send(self, data: bytes, remote: Address) -> None:
        """What the kernel refuses is lost, as on the way."""
        if self.transport is not None:
            with contextlib.suppress(OSError):
                self.transport.write(data, remote)

    def close(self) -> None:
        if self.port is not None:
            self.port.stopListening()
            self.port = None


class Media:
    """Sends and receives for one leg. ``failed`` is told of a recording that can not be written."""

    def __init__(
        self,
        reactor: Any,
        leg: Leg,
        now: Callable[[], float],
        failed: Callable[[OSError], None],
        ports: range = PORTS,
    ) -> None:
        self._ports = ports
        self._reactor = reactor
        self._leg = leg
        self._now = now
        self._failed = failed
        self._rtp, self._rtcp = Socket(self._received), Socket(self._received)
        self._timers: dict[str, IDelayedCall] = {}
        self._runs = False
        self.port = 0

    def open(self, host: str) -> None:
        """Take a pair of ports. Raises NoPort; CannotListenError where the address is not ours."""
        last: CannotListenError | None = None
        for port in random.sample(self._ports, min(TRIES, len(self._ports))):
            try:
                self._rtp.listen(self._reactor, host, port)
                self._rtcp.listen(self._reactor, host, port + 1)
            except CannotListenError as error:
                last = error
                self._rtp.close()
            else:
                self.port = port
                return
        raise NoPort(f"no pair of UDP ports on {host}: {last}")

    def agree(self, agreed: Agreed, peer: str) -> None:
        """Start, or go on by what is agreed now."""
        self._leg.agree(agreed, canonical(peer), self._now())
        if not self._runs:
            self._runs = True
            self._later("report", REPORT_S / 2, self._report)
            self._speak()

    def close(self) -> None:
        """Say goodbye by RTCP, and be still. Also twice."""
        if self._runs:
            self._send_report(bye="")
        self._runs = False
        for timer in self._timers.values():
            if timer.active():
                timer.cancel()
        self._timers.clear()
        self._rtp.close()
        self._rtcp.close()

    def _later(self, name: str, delay: float, what: Callable[[], None]) -> None:
        self._timers[name] = self._reactor.callLater(max(delay, 0), what)

    def _speak(self) -> None:
        """Send all that is due: what the machine was too busy for follows at once, nothing is left out."""
        leg = self._leg
        while leg.next_at <= self._now() + EARLY_S:
            packet, remote = leg.packet(), leg.agreed.remote
            if packet is not None and remote is not None:
                self._rtp.send(packet, remote)
        self._later("speak", leg.next_at - self._now(), self._speak)

    def _report(self) -> None:
        self._send_report()
        self._later("report", REPORT_S, self._report)

    def _send_report(self, bye: str | None = None) -> None:
        agreed = self._leg.agreed
        if agreed.remote_rtcp is not None:
            socket = self._rtp if agreed.rtcp_mux else self._rtcp
            socket.send(self._leg.report(self._now(), bye), agreed.remote_rtcp)

    def _received(self, data: bytes, source: str) -> None:
        if not self._runs:
            return
        try:
            self._leg.receive(data, source, self._now())
        except OSError as error:
            self._failed(error)
