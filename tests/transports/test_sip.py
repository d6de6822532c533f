"""SIP over real sockets on the loopback: datagrams, connections, limits, names and ports."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.error import CannotListenError

from confserver.sip.flow import Address, Flow
from confserver.sip.outputs import CloseFlow, OpenFlow, Resolve, SendBytes
from confserver.transports import connection, doors, pool
from confserver.transports.sip import SipTransports
from confserver.transports.tls import Tls
from tests.transports.lane import pair
from tests.transports.street import Ear, connected, datagrams, has_ipv6, pause, until

HOST = "127.0.0.1"


class Post:
    """Transports and who is told, on ports of their own."""

    def __init__(self, *hosts: str, transports: tuple[str, ...] = ("udp", "tcp"), port: int = 0) -> None:
        self.ear = Ear()
        self.transports = SipTransports(reactor, self.ear, hosts or (HOST,), port, transports)  # type: ignore[arg-type]

    @property
    def address(self) -> Address:
        return HOST, self.transports.port

    def connections(self) -> int:
        return self.transports.describe()["connections"]

    async def flow(self, number: int = -1) -> Flow:
        await until(lambda: self.ear.data)
        return self.ear.data[number][1]


@pytest_twisted.async_yield_fixture
async def post():
    found = Post()
    found.transports.start()
    yield found
    found.transports.stop()
    await until(lambda: not found.connections())


# ---------------------------------------------------------------- datagrams
@pytest_twisted.ensureDeferred
async def test_a_datagram_in_and_out(post: Post) -> None:
    with datagrams() as phone:
        phone.sendto(b"hello", post.address)
        await until(lambda: post.ear.data)
        data, flow = post.ear.data[0]
        assert data == b"hello" and flow == Flow("UDP", post.address, phone.getsockname())
        post.transports.perform(SendBytes(flow, b"welcome"))
        await pause()
        assert phone.recvfrom(100) == (b"welcome", post.address)


@pytest_twisted.ensureDeferred
async def test_what_comes_before_the_server_stands_waits(post: Post) -> None:
    post.transports.wait()
    with datagrams() as phone, connected(post.address) as caller:
        phone.sendto(b"early", post.address)
        caller.sendall(b"OPTIONS early")
        await pause()
        assert not post.ear.data and not post.connections()
        post.transports.go_on()
        await until(lambda: len(post.ear.data) == 2)
        assert {data for data, _ in post.ear.data} == {b"early", b"OPTIONS early"}


@pytest_twisted.ensureDeferred
async def test_answers_leave_from_where_the_request_came_to() -> None:
    found = Post(HOST, "127.0.0.2")
    found.transports.start()
    with datagrams() as phone:
        phone.sendto(b"hello", ("127.0.0.2", found.transports.port))
        flow = await found.flow()
        found.transports.perform(SendBytes(flow, b"welcome"))
        await pause()
        assert phone.recvfrom(100)[1] == ("127.0.0.2", found.transports.port)
    found.transports.stop()


@pytest_twisted.ensureDeferred
async def test_an_unwelcome_host_has_no_connection(post: Post) -> None:
    """Who is banned, or opens too many; others are not hindered."""
    post.ear.unwelcome.add(HOST)
    with connected(post.address) as caller:
        caller.settimeout(2)
        await until(lambda: not post.connections())
        await pause()
        with contextlib.suppress(ConnectionResetError):
            assert caller.recv(10) == b""
    assert not post.ear.data and not post.ear.losses
    post.ear.unwelcome.clear()
    with connected(post.address) as caller:
        caller.sendall(b"hello")
        await until(lambda: post.ear.data)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest_twisted.ensureDeferred
async def test_ipv6() -> None:
    found = Post("::1", HOST)
    found.transports.start()
    port = found.transports.port
    with datagrams("::1") as phone:
        phone.sendto(b"hello", ("::1", port))
        flow = await found.flow()
        assert flow.local == ("::1", port) and flow.remote == phone.getsockname()[:2] and flow.is_ipv6
        found.transports.perform(SendBytes(flow, b"welcome"))
        await pause()
        assert phone.recvfrom(100)[0] == b"welcome"
    with contextlib.closing(connected(("::1", port))) as phone:
        phone.send(b"hello")
        assert (await found.flow()).local == ("::1", port)
    found.transports.stop()
    await until(lambda: not found.connections())


@pytest_twisted.ensureDeferred
async def test_any_bytes_are_handed_on(post: Post) -> None:
    with datagrams() as phone:
        for data in (b"\x00", b"\xff" * 60000, b"\r\n\r\n"):
            phone.sendto(data, post.address)
        await until(lambda: len(post.ear.data) == 3)
        assert sorted(len(data) for data, _ in post.ear.data) == [1, 4, 60000]


@pytest_twisted.ensureDeferred
async def test_nobody_answers_port_0(post: Post) -> None:
    socket_of = post.transports._udp[HOST]
    socket_of.datagramReceived(b"hello", (HOST, 0))
    socket_of.datagramReceived(b"hello", (HOST, 1))
    assert [flow.remote[1] for _, flow in post.ear.data] == [1]


UNSENDABLE = {
    "port 0": ((HOST, 0), b"x"),
    "a port that is none": ((HOST, 70000), b"x"),
    "another family": (("::1", 5060), b"x"),
    "a name": (("phone.example.com", 5060), b"x"),
    "too long": ((HOST, 9), b"x" * 70000),
    "broadcast": (("255.255.255.255", 9), b"x"),
}


@pytest.mark.parametrize("kind", UNSENDABLE)
def test_what_cannot_be_sent_is_lost(post: Post, kind: str) -> None:
    remote, data = UNSENDABLE[kind]
    post.transports.perform(SendBytes(Flow("UDP", post.address, remote), data))


def test_what_is_sent_from_an_address_that_is_gone_is_lost(post: Post) -> None:
    post.transports.perform(SendBytes(Flow("UDP", ("192.0.2.1", 5060), (HOST, 9)), b"x"))
    post.transports.perform(SendBytes(Flow("TCP", post.address, (HOST, 9), 77), b"x"))
    post.transports.perform(CloseFlow(Flow("TCP", post.address, (HOST, 9), 77), "gone"))


# ---------------------------------------------------------------- connections
@pytest_twisted.ensureDeferred
async def test_a_connection_in_and_out(post: Post) -> None:
    with contextlib.closing(connected(post.address)) as phone:
        phone.send(b"one")
        flow = await post.flow()
        assert (flow.transport, flow.local, flow.remote) == ("TCP", post.address, phone.getsockname())
        assert flow.is_reliable and flow.id > 0
        post.transports.perform(SendBytes(flow, b"two"))
        await pause()
        assert phone.recv(100) == b"two"
    await until(lambda: post.ear.losses == [flow])
    assert post.connections() == 0


@pytest_twisted.ensureDeferred
async def test_a_connection_is_closed_once_all_is_sent(post: Post) -> None:
    with contextlib.closing(connected(post.address)) as phone:
        phone.send(b"one")
        flow = await post.flow()
        post.transports.perform(SendBytes(flow, b"bye"))
        post.transports.perform(CloseFlow(flow, "enough"))
        await until(lambda: post.ear.losses)
        assert phone.recv(100) == b"bye" and phone.recv(100) == b""


@pytest_twisted.ensureDeferred
async def test_a_connection_that_is_reset(post: Post) -> None:
    phone = connected(post.address)
    phone.send(b"one")
    flow = await post.flow()
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    phone.close()
    await until(lambda: post.ear.losses == [flow])
    post.transports.perform(SendBytes(flow, b"too late"))


@pytest_twisted.ensureDeferred
async def test_too_many_connections_from_one(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_FROM_ONE", 2)
    phones = [connected(post.address) for _ in range(3)]
    await until(lambda: post.connections() == 2)
    await pause()
    shut = [phone for phone in phones if is_shut(phone)]
    assert len(shut) == 1 and post.ear.losses == []
    phones[0].close()
    await until(lambda: post.connections() == 1)
    phones.append(connected(post.address))
    await until(lambda: post.connections() == 2)
    for phone in phones:
        phone.close()


@pytest_twisted.ensureDeferred
async def test_too_many_connections_at_all(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_CONNECTIONS", 1)
    phones = [connected(post.address) for _ in range(2)]
    await until(lambda: post.connections() == 1)
    await pause()
    assert len([phone for phone in phones if is_shut(phone)]) == 1
    for phone in phones:
        phone.close()


def is_shut(phone: socket.socket) -> bool:
    try:
        return phone.recv(10) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


@pytest.mark.parametrize(("said", "after"), [(b"", connection.FIRST_S), (b"hello", connection.IDLE_S)])
@pytest_twisted.ensureDeferred
async def test_idle_connections_are_let_go(post: Post, said: bytes, after: float) -> None:
    with contextlib.closing(connected(post.address)) as phone:
        await until(post.connections)
        if said:
            phone.send(said)
            await post.flow()
        post.ear.clock += after
        post.transports._look_again()
        await pause()
        assert post.connections() == 1
        post.ear.clock += 1
        post.transports._look_again()
        await until(lambda: not post.connections())


@pytest_twisted.ensureDeferred
async def test_a_connection_that_somebody_is_reached_by_is_kept_however_idle(post: Post) -> None:
    with contextlib.closing(connected(post.address)) as phone:
        phone.send(b"REGISTER")
        flow = await post.flow()
        post.ear.kept, post.ear.clock = {flow}, post.ear.clock + 10 * connection.IDLE_S
        post.transports._look_again()
        await pause()
        assert post.connections() == 1
        post.transports.perform(CloseFlow(flow, "enough"))
        post.ear.clock += connection.CLOSING_S + 1
        post.transports._look_again()
        await until(lambda: not post.connections())


@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_read_is_let_go(post: Post) -> None:
    with contextlib.closing(connected(post.address)) as phone:
        phone.send(b"hello")
        flow = await post.flow()
        for _ in range(2000):
            post.transports.perform(SendBytes(flow, b"x" * 8000))
            if post.ear.losses:
                break
            await pause(0)
        await until(lambda: post.ear.losses == [flow])


@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_read_cannot_stay_while_closing(post: Post) -> None:
    with contextlib.closing(connected(post.address)) as phone:
        phone.send(b"hello")
        flow = await post.flow()
        post.transports.perform(SendBytes(flow, b"x" * 8_000_000))
        post.transports.perform(CloseFlow(flow, "enough"))
        await pause(0.1)
        assert post.connections() == 1, "there is still something to read"
        post.ear.clock += connection.IDLE_S + 1
        post.transports._look_again()
        await until(lambda: not post.connections())


# ---------------------------------------------------------------- ways to peers
@pytest_twisted.ensureDeferred
async def test_a_way_by_udp(post: Post) -> None:
    post.transports.perform(OpenFlow(5, "UDP", (HOST, 5070)))
    assert post.ear.opens == [], "never within the question"
    await until(lambda: post.ear.opens)
    assert post.ear.opens == [(5, Flow("UDP", post.address, (HOST, 5070)))]


@pytest_twisted.ensureDeferred
async def test_a_way_by_tcp_is_used_again(post: Post) -> None:
    with socket.create_server((HOST, 0)) as phone:
        where = phone.getsockname()
        post.transports.perform(OpenFlow(1, "tcp", where))
        await until(lambda: post.ear.opens)
        post.transports.perform(OpenFlow(2, "TCP", where))
        await until(lambda: len(post.ear.opens) == 2)
        assert [token for token, _ in post.ear.opens] == [1, 2]
        (_, first), (_, second) = post.ear.opens
        assert first == second and first.remote == where and post.connections() == 1
        post.transports.perform(CloseFlow(first, "enough"))
        post.transports.perform(OpenFlow(3, "TCP", where))
        await until(lambda: len(post.ear.opens) == 3)
        assert post.ear.opens[2][1] != first, "one that is being closed is no way"


@pytest_twisted.ensureDeferred
async def test_no_way(post: Post) -> None:
    with socket.create_server((HOST, 0)) as nobody:
        refusing = nobody.getsockname()
    wishes = [("TCP", refusing), ("TLS", (HOST, 5061)), ("UDP", ("::1", 5060)), ("UDP", ("rubbish", 5060))]
    for token, (transport, remote) in enumerate(wishes):
        post.transports.perform(OpenFlow(token, transport, remote))
    await until(lambda: len(post.ear.failures) == len(wishes))
    assert sorted(token for token, _ in post.ear.failures) == [0, 1, 2, 3]
    assert all(reason for _, reason in post.ear.failures) and post.ear.opens == []


NAMES = {"localhost": True, HOST: True, "no-such-name.invalid": False, "a..b": False, "x" * 70: False, "": False}


@pytest.mark.parametrize("name", NAMES)
@pytest_twisted.ensureDeferred
async def test_names(post: Post, name: str) -> None:
    post.transports.perform(Resolve(9, name))
    assert post.ear.names == [], "never within the question"
    await until(lambda: post.ear.names, 15)
    token, targets = post.ear.names[0]
    assert token == 9
    assert bool({target.host for target in targets} & {HOST, "::1"}) is NAMES[name]


# ---------------------------------------------------------------- ports
@pytest_twisted.ensureDeferred
async def test_port_0_is_the_same_for_all() -> None:
    found = Post(HOST, "127.0.0.2", "127.0.0.3")
    found.transports.start()
    port = found.transports.port
    assert port > 0 and found.transports.hosts == {HOST, "127.0.0.2", "127.0.0.3"}
    for host in sorted(found.transports.hosts):
        connected((host, port)).close()
    found.transports.stop()
    await pause()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
@pytest_twisted.ensureDeferred
async def test_a_port_in_use_and_nothing_stays_open(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.2", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        found = Post(HOST, "127.0.0.2", port=port)
        with pytest.raises(CannotListenError):
            found.transports.start()
        await pause()
        assert found.transports.hosts == set()
    again = Post(HOST, "127.0.0.2", port=port)
    again.transports.start()
    again.transports.stop()
    await pause()


@pytest_twisted.ensureDeferred
async def test_an_address_that_we_have_not() -> None:
    with pytest.raises(CannotListenError):
        Post("192.0.2.99").transports.start()


@pytest_twisted.ensureDeferred
async def test_the_machine_s_addresses_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    here: list[str] = [HOST, "192.0.2.99"]
    monkeypatch.setattr(doors, "local_addresses", lambda: list(here))
    ear = Ear()
    transports = SipTransports(reactor, ear, (), 0, ("udp", "tcp"))  # type: ignore[arg-type]
    transports.start()
    assert transports.hosts == {HOST}, "the other cannot be bound yet; that stops nobody"
    here[:] = [HOST, "127.0.0.2"]
    transports._look_again()
    assert transports.hosts == {HOST, "127.0.0.2"}
    here[:] = ["127.0.0.2"]
    transports._look_again()
    await pause()
    assert transports.hosts == {"127.0.0.2"}
    with pytest.raises(OSError):
        connected((HOST, transports.port))
    monkeypatch.setattr(doors, "local_addresses", failing)
    transports._look_again()
    assert transports.hosts == {"127.0.0.2"}
    transports.stop()
    await pause()


@pytest_twisted.ensureDeferred
async def test_all_transports_follow_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    here: list[str] = [HOST]
    monkeypatch.setattr(doors, "local_addresses", lambda: list(here))
    side, every = Tls(pair(tmp_path, HOST)), ("udp", "tcp", "tls", "ws", "wss")
    transports = SipTransports(reactor, Ear(), (), 0, every, tls=side)  # type: ignore[arg-type]
    transports.start()
    ports = transports.ports
    assert len({port for name, port in ports.items() if name != "udp"}) == 4 and ports["udp"] == ports["tcp"]
    here[:] = ["127.0.0.2"]
    transports._look_again()
    await pause()
    assert transports.ports == ports, "the same everywhere"
    for name in every[1:]:
        connected(("127.0.0.2", ports[name])).close()
        with pytest.raises(OSError):
            connected((HOST, ports[name]))
    transports.stop()
    await until(lambda: not transports._pool)


def failing() -> Any:
    raise OSError("no interfaces just now")


@pytest_twisted.ensureDeferred
async def test_one_transport_is_enough() -> None:
    found = Post(transports=("udp",))
    found.transports.start()
    with pytest.raises(OSError):
        connected(found.address)
    found.transports.stop()
    await pause()
