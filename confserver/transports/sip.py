"""All ways of SIP in and out: performs the stack's wishes, tells it what has come.

With no address configured every local address gets a socket, and the machine's addresses are looked up again every
RESCAN_S: an address that appears is listened on, one that vanishes is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

import structlog
from twisted.internet.interfaces import IReactorCore, IReactorTCP, IReactorTime, IReactorUDP
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall

from confserver.sip.flow import Address, Flow
from confserver.sip.locating import Question, Target
from confserver.sip.outputs import CloseFlow, OpenFlow, Resolve, SendBytes
from confserver.transports import pool
from confserver.transports.addresses import local_addresses, route_to
from confserver.transports.connection import Key, Numbers
from confserver.transports.dns import Names
from confserver.transports.doors import Doors
from confserver.transports.pool import Pool
from confserver.transports.tcp import Incoming, Outgoing
from confserver.transports.tls import Tls, has_shown
from confserver.transports.udp import UdpSocket
from confserver.transports.websocket import Gate, IncomingWebSockets, OutgoingWebSocket

log = structlog.get_logger("transports")
RESCAN_S = 10.0
CONNECT_S = 10.0
BACKLOG = 200


class Reactor(IReactorUDP, IReactorTCP, IReactorTime, IReactorCore):
    """What is needed of a reactor."""


class Listener(pool.Listener, Protocol):
    """Who is told; the stack, through the composition."""

    def resolved(self, token: int, targets: Sequence[Target | str]) -> None: ...


class SipTransports:
    """SIP sockets of one server.

    ``addresses`` empty: all that the machine has. ``transports``: those that are listened with, of udp, tcp, tls, ws,
    wss; ``port`` is that of udp and tcp, ``ports`` has those of the others, 0 where there is none. ``gate``: who may
    connect by WebSocket. ``name_servers``: instead of the system's.
    """

    def __init__(
        self,
        reactor: Reactor,
        listener: Listener,
        addresses: Sequence[str],
        port: int,
        transports: Sequence[str],
        *,
        ports: Mapping[str, int] | None = None,
        tls: Tls | None = None,
        gate: Gate | None = None,
        name_servers: Sequence[Address] = (),
    ) -> None:
        self._reactor = reactor
        self._listener = listener
        self._is_bound = bool(addresses)
        self._tls = tls or Tls()
        self._gate = gate or Gate()
        self._numbers = Numbers()
        self._pool = Pool(listener)
        ours = [*(["UDP"] if "udp" in transports else []), "TCP", "TLS", "WS", "WSS"]
        self._names = Names(reactor, ours, name_servers)
        self._udp: dict[str, UdpSocket] = {}
        others = ports or {}
        wanted = {each: port if each in ("udp", "tcp") else others.get(each, 0) for each in transports}
        self._doors = Doors(addresses, wanted, self._listen)
        self._rescan = LoopingCall(self._look_again)
        self._rescan.clock = reactor

    @property
    def port(self) -> int:
        """Of UDP and TCP."""
        return next((self._doors.ports[each] for each in ("udp", "tcp") if each in self._doors.ports), 0)

    @property
    def ports(self) -> dict[str, int]:
        return dict(self._doors.ports)

    def port_of(self, transport: str) -> int:
        """Where we listen by a transport (of a flow); 0: we do not."""
        return self._doors.ports.get(transport.lower(), 0)

    # ---------------------------------------------------------------- listening
    def start(self) -> None:
        """Listen everywhere, or nowhere. Raises CannotListenError."""
        self._doors.open_everywhere()
        self._rescan.start(RESCAN_S, now=False)

    def wait(self) -> None:
        """Let what comes wait in the system's queues, until ``go_on``: it is neither lost nor refused."""
        self._doors.wait()

    def go_on(self) -> None:
        self._doors.go_on()

    def _listen(self, transport: str, host: str, port: int) -> Any:
        if transport == "udp":
            socket = UdpSocket(host, self._listener.received)
            socket.listen(self._reactor, port)
            self._udp[host] = socket
            return socket.port
        factory = cast(Any, self._taking(transport.upper()))
        return self._reactor.listenTCP(port, factory, backlog=BACKLOG, interface=host)

    def _taking(self, transport: str) -> Factory:
        """The factory of connections that come."""
        inner: Factory
        if transport in ("WS", "WSS"):
            inner = IncomingWebSockets(self._pool, transport, self._numbers, self._gate, self._reactor)
        else:
            inner = Incoming(self._pool, transport, self._numbers)
        return self._tls.incoming(inner, asks=transport == "TLS") if transport in ("TLS", "WSS") else inner

    def _look_again(self) -> None:
        """Follow the machine's addresses and our certificate; let idle connections go."""
        self._pool.close_idle()
        self._tls.refresh()
        self._doors.follow()

    def refresh(self) -> None:
        """Take the certificate again if its files have changed."""
        self._tls.refresh()

    def has_shown(self, flow: Flow, host: str) -> bool:
        """Whether the peer of a connection by TLS that has come has shown to be ``host``."""
        connection = self._pool.get(flow) if flow.transport == "TLS" else None
        return connection is not None and connection.is_ready and has_shown(connection.wire(), host)

    def stop(self) -> None:
        if self._rescan.running:
            self._rescan.stop()
        self._doors.close()
        self._pool.close_all()

    @property
    def hosts(self) -> set[str]:
        return self._doors.hosts

    # ---------------------------------------------------------------- what the stack wants
    def perform(self, wish: SendBytes | OpenFlow | CloseFlow | Resolve) -> None:
        match wish:
            case SendBytes(flow=flow, data=data):
                self._send(flow, data)
            case OpenFlow(token=token, transport=transport, remote=remote, domain=domain):
                self._open(token, transport.upper(), remote, domain)
            case CloseFlow(flow=flow, reason=reason):
                log.info("closing connection", remote=flow.remote[0], why=reason)
                connection = self._pool.get(flow)
                if connection:
                    connection.close()
            case Resolve(token=token, host=host, transport=transport, port=port, is_secure=is_secure):
                question = Question(host, transport, port, is_secure)
                self._names.locate(question, lambda targets: self._listener.resolved(token, targets))

    def _send(self, flow: Flow, data: bytes) -> None:
        if flow.is_reliable:
            connection = self._pool.get(flow)
            if connection:
                connection.send(data)
            return
        socket = self._udp.get(flow.local[0])
        if socket and flow.local[0] in self._doors.hosts:
            socket.send(data, flow.remote)

    def _open(self, token: int, transport: str, remote: Address, domain: str) -> None:
        host = route_to(remote[0], self.hosts or local_addresses())
        if transport == "UDP" and host in self._udp:
            self._later(lambda: self._listener.opened(token, Flow("UDP", self._udp[host].local, remote)))
        elif transport in ("TCP", "TLS", "WS", "WSS"):
            name = (domain or remote[0]) if transport in ("TLS", "WSS") and self._tls.is_verified else ""
            self._open_connection(token, (transport, remote, name), host)
        else:
            reason = f"no way to {remote[0]} by {transport}"
            self._later(lambda: self._listener.failed(token, reason))

    def _open_connection(self, token: int, key: Key, host: str | None) -> None:
        """From an address that was configured; where none was, the kernel chooses."""
        known = self._pool.find(key)
        if known is not None:
            self._later(lambda: self._listener.opened(token, known))
        elif self._pool.want(key, token):
            bind = (host, 0) if host is not None and self._is_bound else None
            remote_host, remote_port = key[1]
            self._reactor.connectTCP(remote_host, remote_port, self._making(key), timeout=CONNECT_S, bindAddress=bind)

    def _making(self, key: Key) -> Any:
        """The factory of one connection of ours."""
        transport, remote, name = key
        inner: Any
        if transport in ("WS", "WSS"):
            inner = OutgoingWebSocket(self._pool, self._numbers.next(), key, self._gate.path, self._reactor)
        else:
            inner = Outgoing(self._pool, self._numbers.next(), key)
        return self._tls.outgoing(inner, name or remote[0]) if transport in ("TLS", "WSS") else inner

    def _later(self, what: Callable[[], None]) -> None:
        """Never answer within the question."""
        self._reactor.callLater(0, what)

    def describe(self) -> dict[str, object]:
        return {
            "addresses": len(self.hosts),
            "connections": len(self._pool),
            "by_transport": self._pool.by_transport(),
            "names": self._names.describe(),
        }
