"""SIP over TLS on real sockets: in and out, whose certificate, reloads, and who stalls or talks garbage."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from confserver.sip.flow import Address
from confserver.sip.outputs import CloseFlow, OpenFlow, SendBytes
from confserver.transports import connection, pool
from confserver.transports.certificates import KeyPair
from confserver.transports.sip import SipTransports
from confserver.transports.tls import Tls
from tests.transports.lane import Stream, dialled, pair, run, trusting, write
from tests.transports.street import Ear, has_ipv6, pause, until

HOST = "127.0.0.1"


class Post:
    """A server's transports, and phones that believe its certificate."""

    def __init__(self, folder: Path, *hosts: str, transports: tuple[str, ...] = ("udp", "tcp", "tls")) -> None:
        self.pair = pair(folder, HOST, "::1", "localhost", name="server")
        self.ear = Ear()
        self.tls = Tls(self.pair, authorities=self.pair.certificate)
        self.transports = SipTransports(reactor, self.ear, hosts or (HOST,), 0, transports, tls=self.tls)  # type: ignore[arg-type]

    @property
    def address(self) -> Address:
        return HOST, self.transports.port_of("TLS")

    async def connections(self, count: int) -> None:
        await until(lambda: len(self.transports._pool) == count)


@pytest_twisted.async_yield_fixture
async def post(tmp_path: Path):
    found = Post(tmp_path)
    found.transports.start()
    yield found
    found.transports.stop()
    found.transports._pool.close_all()
    await found.connections(0)


# ---------------------------------------------------------------- phones that come
@pytest_twisted.ensureDeferred
async def test_in_and_out(post: Post) -> None:
    phone = await run(dialled(post.address, trusting(post.pair.certificate)))
    phone.say(b"one")
    await until(lambda: post.ear.data)
    data, flow = post.ear.data[0]
    assert (data, flow.transport, flow.local, flow.remote) == (b"one", "TLS", post.address, phone.local)
    assert flow.is_secure and flow.is_reliable and flow.id > 0
    post.transports.perform(SendBytes(flow, b"two"))
    assert await run(phone.hear(3)) == b"two"
    phone.close()
    await until(lambda: post.ear.losses == [flow])


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest_twisted.ensureDeferred
async def test_ipv6(tmp_path: Path) -> None:
    found = Post(tmp_path, "::1")
    found.transports.start()
    phone = await run(dialled(("::1", found.transports.port_of("TLS")), trusting(found.pair.certificate)))
    phone.say(b"one")
    await until(lambda: found.ear.data)
    assert found.ear.data[0][1].is_ipv6
    found.transports.stop()
    await found.connections(0)


@pytest_twisted.ensureDeferred
async def test_all_that_was_said_is_sent_before_the_end(post: Post) -> None:
    phone = await run(dialled(post.address, trusting()))
    phone.say(b"one")
    await until(lambda: post.ear.data)
    flow = post.ear.data[0][1]
    post.transports.perform(SendBytes(flow, b"x" * 100_000))
    post.transports.perform(CloseFlow(flow, "enough"))
    assert len(await run(phone.hear(200_000))) == 100_000
    phone.close()
    await until(lambda: post.ear.losses == [flow])


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest_twisted.ensureDeferred
async def test_nothing_below_tls_1_2(post: Post) -> None:
    old = trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"PROTOCOL_VERSION|protocol version"):
        await run(dialled(post.address, old))
    assert post.ear.data == [] and post.ear.losses == []


@pytest_twisted.ensureDeferred
async def test_another_certificate_without_a_restart(post: Post) -> None:
    before = await run(dialled(post.address, trusting()))
    write(post.pair, HOST)
    post.transports._look_again()
    after = await run(dialled(post.address, trusting(post.pair.certificate)))
    assert before.certificate != after.certificate
    before.say(b"still here")
    await until(lambda: post.ear.data)
    before.close()
    after.close()


# ---------------------------------------------------------------- those that stall or talk garbage
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00", b"\x16"])
@pytest_twisted.ensureDeferred
async def test_who_does_not_come_to_the_end_of_the_handshake_is_let_go(post: Post, said: bytes) -> None:
    phone = await run(dialled(post.address))
    phone.say(said)
    await post.connections(1)
    other = await run(dialled(post.address, trusting()))
    other.say(b"OPTIONS")
    await until(lambda: post.ear.data)
    post.ear.clock += connection.FIRST_S + 1
    post.transports._look_again()
    await post.connections(1)
    assert await run(phone.is_shut()) and post.ear.data[0][0] == b"OPTIONS"
    other.close()


@pytest.mark.parametrize("said", [b"OPTIONS sip:x SIP/2.0\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 5000])
@pytest_twisted.ensureDeferred
async def test_what_is_no_tls_is_shut_out(post: Post, said: bytes) -> None:
    phone = await run(dialled(post.address))
    phone.say(said)
    while await run(phone.hear(1)):
        pass
    await post.connections(0)
    assert post.ear.data == []
    phone.close()


@pytest_twisted.ensureDeferred
async def test_the_limits_count_handshakes_too(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_FROM_ONE", 2)
    silent = [await run(dialled(post.address)) for _ in range(2)]
    await post.connections(2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await run(dialled(post.address, trusting()))
    silent[0].close()
    await post.connections(1)
    phone = await run(dialled(post.address, trusting()))
    for each in (phone, silent[1]):
        each.close()


@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_read_is_let_go(post: Post) -> None:
    phone = await run(dialled(post.address, trusting()))
    phone.say(b"hello")
    await until(lambda: post.ear.data)
    phone.writer.transport.pause_reading()
    flow = post.ear.data[0][1]
    for _ in range(3000):
        post.transports.perform(SendBytes(flow, b"x" * 8000))
        if post.ear.losses:
            break
        await pause(0)
    await until(lambda: post.ear.losses == [flow])
    phone.close()


@pytest_twisted.ensureDeferred
async def test_a_peer_that_never_says_goodbye_cannot_stay(post: Post) -> None:
    phone = await run(dialled(post.address, trusting()))
    phone.say(b"hello")
    await until(lambda: post.ear.data)
    phone.writer.transport.pause_reading()
    post.transports.perform(SendBytes(post.ear.data[0][1], b"x" * 8_000_000))
    post.transports.perform(CloseFlow(post.ear.data[0][1], "enough"))
    await pause(0.1)
    post.ear.clock += connection.CLOSING_S + 1
    post.transports._look_again()
    await post.connections(0)
    phone.close()


# ---------------------------------------------------------------- those that we call
class Peer:
    """Somebody who listens with a certificate."""

    def __init__(self, folder: Path, *hosts: str) -> None:
        self.pair = pair(folder, *hosts, name="peer")
        self.streams: list[Stream] = []

    async def listen(self, wants: KeyPair | None = None) -> None:
        """``wants``: a certificate that whoever comes must show."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pair.certificate, self.pair.key)
        if wants is not None:
            context.load_verify_locations(str(wants.certificate))
            context.verify_mode = ssl.CERT_REQUIRED
        self.server = await asyncio.start_server(self._came, HOST, 0, ssl=context)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.streams.append(Stream(reader, writer))

    @property
    def address(self) -> Address:
        return HOST, self.server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self.server.close()
        for stream in self.streams:
            stream.close()


async def caller(trusted: KeyPair | None, is_verified: bool = True) -> Post:
    """Transports that only call, and whom they believe."""
    made = Post.__new__(Post)
    made.ear = Ear()
    made.tls = Tls(None, trusted.certificate if trusted else None, is_verified)
    made.transports = SipTransports(reactor, made.ear, (), 0, (), tls=made.tls)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("domain", ["", "trunk.example.com"])
@pytest_twisted.ensureDeferred
async def test_a_peer_with_the_right_name_is_used_again(tmp_path: Path, domain: str) -> None:
    peer = Peer(tmp_path, HOST, "trunk.example.com")
    await run(peer.listen())
    post = await caller(peer.pair)
    post.transports.perform(OpenFlow(1, "TLS", peer.address, domain))
    post.transports.perform(OpenFlow(2, "TLS", peer.address, domain))
    await until(lambda: len(post.ear.opens) == 2)
    post.transports.perform(OpenFlow(3, "TLS", peer.address, domain))
    await until(lambda: len(post.ear.opens) == 3)
    assert [token for token, _ in post.ear.opens] == [1, 2, 3] and len({flow for _, flow in post.ear.opens}) == 1
    flow = post.ear.opens[0][1]
    post.transports.perform(SendBytes(flow, b"hello"))
    assert await run(peer.streams[0].hear(5)) == b"hello" and len(peer.streams) == 1
    peer.streams[0].say(b"welcome")
    await until(lambda: post.ear.data == [(b"welcome", flow)])
    post.transports.stop()
    peer.close()
    await post.connections(0)


@pytest_twisted.ensureDeferred
async def test_a_connection_serves_the_name_that_was_checked_and_no_other(tmp_path: Path) -> None:
    """RFC 5922 section 7.3, RFC 5923: what was shown for one domain says nothing of another at the same address."""
    peer = Peer(tmp_path, "one.example.com")
    await run(peer.listen())
    post = await caller(peer.pair)
    post.transports.perform(OpenFlow(1, "TLS", peer.address, "one.example.com"))
    await until(lambda: post.ear.opens)
    post.transports.perform(OpenFlow(2, "TLS", peer.address, "two.example.com"))
    await until(lambda: post.ear.failures)
    assert post.ear.failures == [(2, "its certificate is not that of two.example.com")]
    assert len(post.ear.opens) == 1 and post.ear.losses == []
    post.transports.stop()
    peer.close()
    await post.connections(0)


@pytest.mark.parametrize("case", ["stranger", "other name"])
@pytest_twisted.ensureDeferred
async def test_whom_we_do_not_believe_gets_nothing(tmp_path: Path, case: str) -> None:
    peer = Peer(tmp_path, "other.example.com")
    await run(peer.listen())
    post = await caller(pair(tmp_path, HOST, name="stranger") if case == "stranger" else peer.pair)
    post.transports.perform(OpenFlow(1, "TLS", peer.address, "trunk.example.com"))
    await until(lambda: post.ear.failures)
    token, reason = post.ear.failures[0]
    assert token == 1 and ("certificate verify failed" in reason if case == "stranger" else "not that of" in reason)
    assert post.ear.opens == [] and post.ear.losses == []
    await post.connections(0)
    post.transports.stop()
    peer.close()


@pytest_twisted.ensureDeferred
async def test_who_is_told_to_believe_everybody_does(tmp_path: Path) -> None:
    peer = Peer(tmp_path, "other.example.com")
    await run(peer.listen())
    post = await caller(None, is_verified=False)
    post.transports.perform(OpenFlow(1, "TLS", peer.address, "trunk.example.com"))
    await until(lambda: post.ear.opens)
    post.transports.stop()
    peer.close()
    await post.connections(0)


@pytest.mark.parametrize("shows", [True, False])
@pytest_twisted.ensureDeferred
async def test_we_show_a_certificate_to_who_asks_for_one(tmp_path: Path, shows: bool) -> None:
    """Only one that an administrator has named: the one for trying would be worse than none."""
    ours, peer, ear = pair(tmp_path, HOST, name="ours"), Peer(tmp_path, HOST), Ear()
    await run(peer.listen(ours))
    side = Tls(ours, peer.pair.certificate, shows=shows)
    transports = SipTransports(reactor, ear, (), 0, (), tls=side)  # type: ignore[arg-type]
    transports.perform(OpenFlow(1, "TLS", peer.address))
    await until(lambda: ear.opens or ear.failures)
    if shows:
        transports.perform(SendBytes(ear.opens[0][1], b"hello"))
        await until(lambda: peer.streams)
        assert await run(peer.streams[0].hear(5)) == b"hello"
    else:
        await until(lambda: ear.failures or ear.losses)  # TLS 1.3 tells it after the handshake
        assert peer.streams == []
    transports.stop()
    peer.close()


@pytest.mark.parametrize("kind", ["refused", "no TLS"])
@pytest_twisted.ensureDeferred
async def test_nobody_there(tmp_path: Path, kind: str) -> None:
    post = await caller(None)
    with socket.create_server((HOST, 0)) as door:
        address = door.getsockname()
        if kind == "refused":
            door.close()
        for token in (1, 2):
            post.transports.perform(OpenFlow(token, "TLS", address, "trunk.example.com"))
        if kind == "no TLS":
            door.setblocking(True)
            await until(lambda: len(post.transports._pool) == 1)
            guest, _ = door.accept()
            guest.sendall(b"220 smtp.example.com ESMTP\r\n")
            await until(lambda: post.ear.failures)
            guest.close()
        await until(lambda: len(post.ear.failures) == 2)
    assert [token for token, _ in post.ear.failures] == [1, 2] and all(reason for _, reason in post.ear.failures)
    assert post.ear.losses == []
    await post.connections(0)
    post.transports.stop()


# ---------------------------------------------------------------- certificates of those that come
@pytest.mark.parametrize("case", ["signed", "not signed", "none", "other name"])
@pytest_twisted.ensureDeferred
async def test_who_comes_may_show_a_certificate(tmp_path: Path, case: str) -> None:
    """RFC 5923 section 9: it says whose the connection is; who has none, or a worthless one, is a phone like others."""
    shown = pair(tmp_path, "trunk.example.com" if case != "other name" else "other.example.com", name="trunk")
    believed = pair(tmp_path, "x.example", name="x") if case == "not signed" else shown
    ear, side = Ear(), Tls(pair(tmp_path, HOST, name="server"), authorities=believed.certificate)
    transports = SipTransports(reactor, ear, (HOST,), 0, ("tls",), tls=side)  # type: ignore[arg-type]
    transports.start()
    client = trusting()
    if case != "none":
        client.load_cert_chain(shown.certificate, shown.key)
    phone = await run(dialled((HOST, transports.port_of("TLS")), client))
    phone.say(b"one")
    await until(lambda: ear.data)
    flow = ear.data[0][1]
    assert transports.has_shown(flow, "trunk.example.com") is (case == "signed")
    phone.close()
    await until(lambda: ear.losses)
    assert not transports.has_shown(flow, "trunk.example.com")
    transports.stop()
