"""All ways of SIP in and out: performs the stack's wishes, tells it what has come.

With no address configured every local address gets a socket, and the machine's addresses are looked up again every
RESCAN_S: an address that appears is listened on, one that vanishes is given up.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import structlog
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorCore, IReactorTCP, IReactorTime, IReactorUDP
from twisted.internet.task import LoopingCall

from confserver.sip.flow import Flow
from confserver.sip.outputs import CloseFlow, OpenFlow, Resolve, SendBytes
from confserver.transports.addresses import local_addresses, route_to
from confserver.transports.names import resolve
from confserver.transports.tcp import MOST_CONNECTIONS, MOST_FROM_ONE, Incoming, Numbers, Outgoing, TcpConnection
from confserver.transports.udp import UdpSocket

log = structlog.get_logger("transports")
RESCAN_S = 10.0
CONNECT_S = 10.0
PORT_ATTEMPTS = 20


class Reactor(IReactorUDP, IReactorTCP, IReactorTime, IReactorCore):
    """What is needed of a reactor."""


class Listener(Protocol):
    """Who is told; the stack, through the composition."""

    def received(self, data: bytes, flow: Flow) -> None: ...

    def lost(self, flow: Flow) -> None: ...

    def opened(self, token: int, flow: Flow) -> None: ...

    def failed(self, token: int, reason: str) -> None: ...

    def resolved(self, token: int, addresses: list[str]) -> None: ...

    def admits(self, host: str) -> bool:
        """Whether a connection from there may stay."""

    def now(self) -> float: ...


class SipTransports:
    """SIP sockets of one server. ``addresses`` empty: all that the machine has."""

    def __init__(
        self, reactor: Reactor, listener: Listener, addresses: Sequence[str], port: int, transports: Sequence[str]
    ) -> None:
        self._reactor = reactor
        self._listener = listener
        self._addresses = tuple(addresses)
        self._transports = tuple(transports)
        self.port = port
        self._udp: dict[str, UdpSocket] = {}
        self._tcp: dict[str, IListeningPort] = {}
        self._connections: dict[Flow, TcpConnection] = {}
        self._hosts: Counter[str] = Counter()
        self._numbers = Numbers()
        self._rescan = LoopingCall(self._look_again)
        self._rescan.clock = reactor

    # ---------------------------------------------------------------- listening
    def start(self) -> None:
        """Listen everywhere, or nowhere. Raises CannotListenError."""
        wanted = self.port
        for attempt in range(PORT_ATTEMPTS):
            try:
                self._listen_everywhere()
                break
            except CannotListenError:
                self._close_all()
                if wanted or attempt == PORT_ATTEMPTS - 1:
                    raise
                self.port = 0  # free for one transport or address is not free for all
        self._rescan.start(RESCAN_S, now=False)

    def wait(self) -> None:
        """Let what comes wait in the system's queues, until ``go_on``: it is neither lost nor refused."""
        for port in self._ports():
            port.stopReading()

    def go_on(self) -> None:
        for port in self._ports():
            port.startReading()

    def _ports(self) -> list[Any]:
        return [socket.port for socket in self._udp.values()] + list(self._tcp.values())

    def _listen_everywhere(self) -> None:
        for host in self._addresses or local_addresses():
            try:
                self._listen(host)
            except CannotListenError as error:
                if self._addresses or getattr(error.socketError, "errno", None) != errno.EADDRNOTAVAIL:
                    raise
                log.warning("cannot listen yet", address=host, why=str(error))

    def _listen(self, host: str) -> None:
        """By all transports, or none. Raises CannotListenError."""
        try:
            if "udp" in self._transports:
                self._listen_udp(host)
            if "tcp" in self._transports:
                self._listen_tcp(host)
        except CannotListenError:
            self._close(host)
            raise

    def _listen_udp(self, host: str) -> None:
        socket = UdpSocket(host, self._listener.received)
        self.port = socket.listen(self._reactor, self.port)
        self._udp[host] = socket

    def _listen_tcp(self, host: str) -> None:
        factory = cast(Any, Incoming(self, self._numbers))
        listening = self._reactor.listenTCP(self.port, factory, backlog=200, interface=host)
        self._tcp[host] = listening
        self.port = int(listening.getHost().port)  # type: ignore[attr-defined]

    def _look_again(self) -> None:
        """Follow the machine's addresses; let idle connections go."""
        now = self._listener.now()
        for connection in [each for each in self._connections.values() if each.is_idle(now)]:
            connection.close()
        try:
            here = self.hosts if self._addresses else set(local_addresses())
        except OSError as error:
            log.warning("cannot look up the addresses of this machine", why=str(error))
            return
        for host in here - self.hosts:
            self._follow(host)
        for host in self.hosts - here:
            log.info("address gone", address=host)
            self._close(host)

    def _follow(self, host: str) -> None:
        try:
            self._listen(host)
            log.info("listening", address=host, port=self.port)
        except CannotListenError as error:
            log.warning("cannot listen", address=host, why=str(error))

    def _close(self, host: str) -> None:
        socket = self._udp.pop(host, None)
        for port in (socket.port if socket else None, self._tcp.pop(host, None)):
            if port is not None:
                port.stopListening()

    def _close_all(self) -> None:
        for host in list(self.hosts):
            self._close(host)

    def stop(self) -> None:
        if self._rescan.running:
            self._rescan.stop()
        self._close_all()
        for connection in list(self._connections.values()):
            connection.close()

    @property
    def hosts(self) -> set[str]:
        return self._udp.keys() | self._tcp.keys()

    # ---------------------------------------------------------------- what the stack wants
    def perform(self, wish: SendBytes | OpenFlow | CloseFlow | Resolve) -> None:
        match wish:
            case SendBytes(flow=flow, data=data):
                self._send(flow, data)
            case OpenFlow(token=token, transport=transport, remote=remote):
                self._open(token, transport.upper(), remote)
            case CloseFlow(flow=flow, reason=reason):
                log.info("closing connection", remote=flow.remote[0], why=reason)
                connection = self._connections.get(flow)
                if connection:
                    connection.close()
            case Resolve(token=token, host=host):
                resolve(self._reactor, host, lambda found: self._later(lambda: self._listener.resolved(token, found)))

    def _send(self, flow: Flow, data: bytes) -> None:
        if flow.is_reliable:
            connection = self._connections.get(flow)
            if connection:
                connection.send(data)
            return
        socket = self._udp.get(flow.local[0])
        if socket:
            socket.send(data, flow.remote)

    def _open(self, token: int, transport: str, remote: tuple[str, int]) -> None:
        host = route_to(remote[0], self.hosts or local_addresses())
        if transport == "UDP" and host in self._udp:
            self._later(lambda: self._listener.opened(token, Flow("UDP", self._udp[host].local, remote)))
        elif transport == "TCP":
            self._open_tcp(token, remote, host)
        else:
            reason = f"no way to {remote[0]} by {transport}"
            self._later(lambda: self._listener.failed(token, reason))

    def _open_tcp(self, token: int, remote: tuple[str, int], host: str | None) -> None:
        """From an address that was configured; where none was, the kernel chooses."""
        open_ones = (flow for flow, connection in self._connections.items() if not connection.is_closing)
        known = next((flow for flow in open_ones if flow.remote == remote), None)
        if known is not None:
            self._later(lambda: self._listener.opened(token, known))
            return
        factory = Outgoing(self, self._numbers.next(), token)
        bind = (host, 0) if host is not None and self._addresses else None
        self._reactor.connectTCP(remote[0], remote[1], factory, timeout=CONNECT_S, bindAddress=bind)

    def _later(self, what: Callable[[], None]) -> None:
        """Never answer within the question."""
        self._reactor.callLater(0, what)

    # ---------------------------------------------------------------- what connections say
    def connected(self, connection: TcpConnection) -> bool:
        host = connection.flow.remote[0]
        if connection.token is None and not self._listener.admits(host):
            return False
        if connection.token is None and (
            len(self._connections) >= MOST_CONNECTIONS or self._hosts[host] >= MOST_FROM_ONE
        ):
            log.warning("too many connections", remote=host, connections=len(self._connections))
            return False
        self._connections[connection.flow] = connection
        self._hosts[host] += 1
        if connection.token is not None:
            self._listener.opened(connection.token, connection.flow)
        return True

    def received(self, data: bytes, flow: Flow) -> None:
        if flow in self._connections:
            self._listener.received(data, flow)

    def disconnected(self, connection: TcpConnection) -> None:
        if self._connections.pop(connection.flow, None) is None:
            return
        host = connection.flow.remote[0]
        self._hosts[host] -= 1
        if not self._hosts[host]:
            del self._hosts[host]
        self._listener.lost(connection.flow)

    def failed(self, token: int, reason: str) -> None:
        self._listener.failed(token, reason)

    def now(self) -> float:
        return self._listener.now()

    def describe(self) -> dict[str, int]:
        return {"addresses": len(self.hosts), "connections": len(self._connections)}
