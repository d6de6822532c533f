"""Names looked up at a name server of our own on the loopback: RFC 3263 by twisted.names; what is kept and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import defer, reactor
from twisted.names import dns, error, server

from confserver.sip.locating import Question, Target
from confserver.sip.outputs import Resolve
from confserver.transports import dns as names_module
from confserver.transports.dns import Names
from confserver.transports.sip import SipTransports
from tests.kit.ports import free_port
from tests.transports.street import Ear, pause, until

HOST = "127.0.0.1"


class Zone:
    """Answers from a table, counts what it is asked; names under ``silent.`` get no answer at all."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Any]] = {}
        self.asked: list[tuple[str, int]] = []
        self.ttl = 300

    def add(self, name: str, *payloads: Any) -> None:
        self.records.setdefault((name, payloads[0].TYPE), []).extend(payloads)

    def query(self, query: Any, timeout: object = None) -> Any:
        name = query.name.name.decode().lower()
        self.asked.append((name, query.type))
        if name.endswith("silent.example"):
            return defer.Deferred()
        if name.endswith("broken.example"):
            return defer.fail(OSError("SERVFAIL"))
        found = self.records.get((name, query.type), [])
        if not found and not any(known == name for known, _ in self.records):
            return defer.fail(error.DomainError())
        return defer.succeed(([dns.RRHeader(name, each.TYPE, dns.IN, self.ttl, each) for each in found], [], []))


class World:
    def __init__(self, folder: Path, ours: tuple[str, ...] = ("UDP", "TCP", "TLS")) -> None:
        self.zone = Zone()
        factory = server.DNSServerFactory(clients=[self.zone])
        factory.noisy = False
        self.address = HOST, free_port()
        self.udp = reactor.listenUDP(self.address[1], dns.DNSDatagramProtocol(factory), interface=HOST)  # type: ignore[attr-defined]
        self.tcp = reactor.listenTCP(self.address[1], factory, interface=HOST)  # type: ignore[attr-defined]
        self.hosts, self.resolv = folder / "hosts", folder / "resolv.conf"
        self.hosts.write_text(
            "127.0.0.1 localhost\n192.0.2.77 Desk desk.example # a phone\nfe80::1%eth0 desk.example\n"
        )
        self.names = Names(reactor, ours, [self.address], self.resolv, self.hosts)

    async def locate(self, host: str, transport: str = "", port: int = 0, is_secure: bool = False) -> list[Target]:
        found: list[list[Target]] = []
        self.names.locate(Question(host, transport, port, is_secure), found.append)
        assert found == [], "never within the question"
        await until(lambda: found, 15)
        return found[0]

    def close(self) -> None:
        self.udp.stopListening()
        self.tcp.stopListening()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def srv(target: str, port: int = 5060, priority: int = 0, weight: int = 0) -> Any:
    return dns.Record_SRV(priority, weight, port, target)


# ---------------------------------------------------------------- found
@pytest_twisted.ensureDeferred
async def test_from_naptr_over_srv_to_addresses_of_both_families(world: World) -> None:
    world.zone.add(
        "example.com",
        dns.Record_NAPTR(20, 10, b"s", b"SIP+D2U", b"", b"_sip._udp.example.com"),
        dns.Record_NAPTR(10, 10, b"S", b"sips+d2t", b"", b"_sips._tcp.example.com"),
    )
    world.zone.add("_sips._tcp.example.com", srv("two.example.com", 5071, 20), srv("one.example.com", 5061, 10))
    world.zone.add("one.example.com", dns.Record_A("192.0.2.1"), dns.Record_A("192.0.2.2"))
    world.zone.add("one.example.com", dns.Record_AAAA("2001:db8::1"))
    world.zone.add("two.example.com", dns.Record_AAAA("2001:db8::2"))
    found = await world.locate("Example.COM.")
    assert [(each.host, each.port) for each in found] == [
        ("192.0.2.1", 5061), ("192.0.2.2", 5061), ("2001:db8::1", 5061), ("2001:db8::2", 5071)
    ]  # fmt: skip
    assert {each.transport for each in found} == {"TLS"}


@pytest_twisted.ensureDeferred
async def test_an_alias_is_followed(world: World) -> None:
    """As recursive servers give it: the alias and what it stands for in one answer."""
    alias = dns.Record_CNAME("real.example.com")
    world.zone.records["www.example.com", dns.A] = [alias, dns.Record_A("192.0.2.5")]
    assert await world.locate("www.example.com", "TCP", 5080) == [Target("TCP", "192.0.2.5", 5080)]


@pytest_twisted.ensureDeferred
async def test_an_answer_that_is_too_long_for_udp(world: World) -> None:
    world.zone.add("big.example", *[dns.Record_A(f"192.0.2.{n}") for n in range(1, 90)])
    found = await world.locate("big.example", "UDP", 5060)
    assert len(found) == 32 and found[0].host == "192.0.2.1"


@pytest_twisted.ensureDeferred
async def test_the_system_s_hosts_come_first_and_are_read_again(world: World) -> None:
    world.zone.add("desk.example", dns.Record_A("192.0.2.1"))
    assert await world.locate("DESK.example") == [Target("UDP", "192.0.2.77", 5060)]
    assert await world.locate("desk", "TCP") == [Target("TCP", "192.0.2.77", 5060)]
    assert world.zone.asked == [], "also not for services of it"
    world.hosts.write_text("192.0.2.78 desk.example\n")
    import os

    os.utime(world.hosts, (1, 1))
    assert await world.locate("desk.example") == [Target("UDP", "192.0.2.78", 5060)]
    world.hosts.unlink()
    assert (await world.locate("desk.example", "UDP", 5060))[0].host == "192.0.2.1"


@pytest_twisted.ensureDeferred
async def test_the_system_s_name_servers_are_read_again(tmp_path: Path) -> None:
    resolv = tmp_path / "resolv.conf"
    watched = names_module._Watched(resolv, names_module._name_servers)
    assert watched.read() == [("127.0.0.1", 53)]
    resolv.write_text("search example.com\nnameserver 192.0.2.53 # one\nnameserver\n; x\nnameserver 2001:db8::53\n")
    assert watched.read() == [("192.0.2.53", 53), ("2001:db8::53", 53)]
    resolv.write_text("".join(f"nameserver 192.0.2.{n}\n" for n in range(9)))
    import os

    os.utime(resolv, (1, 1))
    assert len(watched.read()) == names_module.MOST_SERVERS
    resolv.write_bytes(b"\xff\xfe nameserver \x00")
    os.utime(resolv, (2, 2))
    assert watched.read() == [("127.0.0.1", 53)]


# ---------------------------------------------------------------- kept
@pytest_twisted.ensureDeferred
async def test_what_is_known_is_not_asked_again_before_its_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.zone.add("a.example", dns.Record_A("192.0.2.1"))
    for _ in range(3):
        assert await world.locate("a.example", "UDP", 5060)
    assert sorted(world.zone.asked) == [("a.example", dns.A), ("a.example", dns.AAAA)]
    later = reactor.seconds() + world.zone.ttl + 1  # type: ignore[attr-defined]
    monkeypatch.setattr(reactor, "seconds", lambda: later)
    world.names._make_room()
    assert all(until_ < later for until_, _ in world.names._kept.values())


@pytest_twisted.ensureDeferred
async def test_the_same_question_at_once_is_asked_once(world: World) -> None:
    world.zone.add("a.example", dns.Record_A("192.0.2.1"))
    found: list[list[Target]] = []
    for _ in range(5):
        world.names.locate(Question("a.example", "UDP", 5060), found.append)
    await until(lambda: len(found) == 5)
    assert len(world.zone.asked) == 2 and all(found)


@pytest_twisted.ensureDeferred
async def test_that_there_is_nothing_is_kept_too_but_not_a_failure(world: World) -> None:
    for host, times in (("gone.example", 1), ("broken.example", 2)):
        for _ in range(2):
            assert await world.locate(host, "UDP", 5060) == []
        assert world.zone.asked.count((host, dns.A)) == times, host


@pytest_twisted.ensureDeferred
async def test_what_is_kept_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "MOST_KEPT", 6)
    for n in range(9):
        await world.locate(f"h{n}.example", "UDP", 5060)
    assert world.names.describe() == {"locating": 0, "kept": 6}


# ---------------------------------------------------------------- nobody says anything
@pytest_twisted.ensureDeferred
async def test_silence_has_an_end_and_costs_nobody_else_anything(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "LOCATE_S", 0.5)
    late: list[list[Target]] = []
    world.names.locate(Question("silent.example"), late.append)
    world.zone.add("a.example", dns.Record_A("192.0.2.1"))
    assert await world.locate("a.example", "UDP", 5060) and not late
    await until(lambda: late, 3)
    assert late == [[]] and world.names.describe()["locating"] == 0
    monkeypatch.setattr(names_module, "LOCATE_S", 10.0)


@pytest.mark.slow
@pytest_twisted.ensureDeferred
async def test_a_server_that_never_answers_is_asked_again_then_given_up(world: World) -> None:
    assert await world.locate("silent.example", "UDP", 5060) == []
    assert world.zone.asked.count(("silent.example", dns.A)) == len(names_module.TRIES_S)
    assert not world.names._asked


@pytest_twisted.ensureDeferred
async def test_too_many_questions_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "MOST_LOCATING", 1)
    monkeypatch.setattr(names_module, "LOCATE_S", 0.3)
    first: list[list[Target]] = []
    world.names.locate(Question("silent.example", "UDP", 5060), first.append)
    assert await world.locate("a.example", "UDP", 5060) == []
    assert world.zone.asked.count(("a.example", dns.A)) == 0
    await until(lambda: first, 8)


@pytest.mark.parametrize("host", ["", "x" * 64 + ".example", "a..b", "df7jal23ls0d.invalid", "\udcff.example", "."])
@pytest_twisted.ensureDeferred
async def test_what_is_no_name_is_not_asked_for(world: World, host: str) -> None:
    assert await world.locate(host) == []
    assert world.zone.asked == []


@pytest_twisted.ensureDeferred
async def test_records_that_are_none(world: World) -> None:
    """A server can say anything."""
    world.zone.add("_sip._udp.odd.example", srv("x" * 63 + ".example", 5060), srv("\xe9.example", 1), srv("", 5060))
    world.zone.add("odd.example", dns.Record_NAPTR(1, 1, b"s", b"\xff\xfe", b"", b"a..b"))
    assert await world.locate("odd.example") == []


# ---------------------------------------------------------------- through the transports
@pytest_twisted.ensureDeferred
async def test_the_stack_s_question_is_answered_with_targets(world: World) -> None:
    world.zone.add("_sip._tcp.trunk.example", srv("a.trunk.example", 5080))
    world.zone.add("a.trunk.example", dns.Record_A("192.0.2.1"))
    ear = Ear()
    transports = SipTransports(reactor, ear, (HOST,), 0, ("udp",), name_servers=[world.address])  # type: ignore[arg-type]
    transports.perform(Resolve(7, "trunk.example", "TCP"))
    await until(lambda: ear.names, 5)
    assert ear.names == [(7, [Target("TCP", "192.0.2.1", 5080)])]
    await pause()
