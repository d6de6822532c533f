"""Whole stacks on real sockets: large requests change to TCP, domains lead to the next server, TLS knows its peer."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.names import dns

from confserver.sip.address import parse_name_addr
from confserver.sip.flow import Flow
from confserver.sip.locating import Target
from confserver.sip.outputs import CloseFlow, OpenFlow, Output, RequestAnswered, RequestArrived, Resolve, SendBytes
from confserver.sip.stack import Stack, StackSettings
from confserver.sip.uri import parse_uri
from confserver.transports.sip import SipTransports
from confserver.transports.tls import Tls
from tests.kit.ports import free_port
from tests.transports.lane import pair
from tests.transports.street import until
from tests.transports.test_dns import World, srv

HOST = "127.0.0.1"
FROM = parse_name_addr("<sip:us@127.0.0.1>")
LARGE = b"x" * 2000


class Party:
    """A stack with its transports, which answers every request by ``status``."""

    def __init__(self, *transports: str, host: str = HOST, port: int = 0, status: int = 200, **more: Any) -> None:
        self.transports = SipTransports(reactor, self, (host,), port, transports, **more)  # type: ignore[arg-type]
        settings = StackSettings(
            advertised=lambda flow: (flow.local[0], self.transports.port_of(flow.transport) or flow.local[1]),
            has_tcp="tcp" in transports, content_types=("text/plain",),
        )  # fmt: skip
        self.stack = Stack(settings, lambda: secrets.token_hex(8))
        self.status = status
        self.came: list[RequestArrived] = []
        self.answers: list[RequestAnswered] = []
        self.transports.start()

    def perform(self, outputs: Sequence[Output]) -> None:
        waiting = deque(outputs)
        while waiting:
            output = waiting.popleft()
            match output:
                case SendBytes() | OpenFlow() | CloseFlow() | Resolve():
                    self.transports.perform(output)
                case RequestArrived():
                    self.came.append(output)
                    waiting.extend(self.stack.respond(output.transaction, self.status, self.now()))
                case RequestAnswered():
                    self.answers.append(output)

    async def ask(self, uri: str, body: bytes = b"") -> int:
        """Send OPTIONS; the status of its answer."""
        _, outputs = self.stack.send("OPTIONS", parse_uri(uri), FROM, self.now(), body=body, content_type="text/plain")
        self.perform(outputs)
        await until(lambda: self.answers, 8)
        return self.answers.pop().response.status

    # ---------------------------------------------------------------- what transports tell
    def now(self) -> float:
        return float(reactor.seconds())  # type: ignore[attr-defined]

    def received(self, data: bytes, flow: Flow) -> None:
        self.perform(self.stack.receive(data, flow, self.now()))

    def lost(self, flow: Flow) -> None:
        self.perform(self.stack.flow_lost(flow, self.now()))

    def opened(self, token: int, flow: Flow) -> None:
        self.perform(self.stack.flow_opened(token, flow, self.now()))

    def failed(self, token: int, reason: str) -> None:
        self.perform(self.stack.flow_failed(token, reason, self.now()))

    def resolved(self, token: int, targets: Sequence[Target | str]) -> None:
        self.perform(self.stack.resolved(token, targets, self.now()))

    def admits(self, host: str) -> bool:
        return True

    def wanted(self) -> set[Flow]:
        return self.stack.flows()

    async def close(self) -> None:
        self.transports.stop()
        self.transports._pool.close_all()
        await until(lambda: not self.transports._pool)


@pytest.mark.parametrize(("theirs", "by"), [(("udp", "tcp"), "TCP"), (("udp",), "UDP")])
@pytest_twisted.ensureDeferred
async def test_a_large_request_goes_by_tcp_if_that_is_there(theirs: tuple[str, ...], by: str) -> None:
    """RFC 3261 18.1.1."""
    us, them = Party("udp", "tcp"), Party(*theirs)
    there = f"sip:{HOST}:{them.transports.port}"
    assert await us.ask(there) == await us.ask(there, LARGE) == await us.ask(there) == 200
    assert [each.flow.transport for each in them.came] == ["UDP", by, "UDP"]
    assert them.came[1].request.via.transport == by and them.came[1].request.body == LARGE
    for party in (us, them):
        await party.close()


@pytest_twisted.ensureDeferred
async def test_a_domain_whose_first_servers_do_not_help(tmp_path: Path) -> None:
    """RFC 3263 section 4.3: one is not there, one is too busy, the third answers; the next request begins anew."""
    world = World(tmp_path)
    busy, good = Party("tcp", host="127.0.0.2", status=503), Party("tcp", host="127.0.0.3")
    world.zone.add(
        "_sip._tcp.trunk.example",
        srv("none.example", free_port(), 1), srv("busy.example", busy.transports.port, 2),
        srv("good.example", good.transports.port, 3),
    )  # fmt: skip
    for name, host in (("none", HOST), ("busy", "127.0.0.2"), ("good", "127.0.0.3")):
        world.zone.add(f"{name}.example", dns.Record_A(host))
    us = Party("udp", "tcp", name_servers=[world.address])
    for _ in range(2):
        assert await us.ask("sip:trunk.example;transport=tcp") == 200
    assert len(busy.came) == len(good.came) == 2
    assert len(us.transports._pool) == 2, "connections are used again"
    for party in (us, busy, good):
        await party.close()
    world.close()


@pytest_twisted.ensureDeferred
async def test_a_domain_by_tls_is_known_by_its_own_name(tmp_path: Path) -> None:
    """RFC 5922 section 7.3: of the domain, whatever host its records name; who has not that name gets nothing."""
    world = World(tmp_path)
    shown = pair(tmp_path, "trunk.example", name="trunk")
    them = Party("tls", tls=Tls(shown))
    world.zone.add("_sips._tcp.trunk.example", srv("host.example", them.transports.port_of("tls")))
    world.zone.add("_sips._tcp.other.example", srv("host.example", them.transports.port_of("tls")))
    world.zone.add("host.example", dns.Record_A(HOST))
    us = Party("udp", name_servers=[world.address], tls=Tls(authorities=shown.certificate))
    assert await us.ask("sips:trunk.example") == 200
    assert await us.ask("sips:other.example") == 503
    assert [each.flow.transport for each in them.came] == ["TLS"]
    for party in (us, them):
        await party.close()
    world.close()
