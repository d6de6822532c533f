"""SIP over WebSocket on real sockets (RFC 7118): who may connect, messages whole, limits, pings, calls of ours."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from confserver.sip.flow import Address
from confserver.sip.outputs import CloseFlow, OpenFlow, SendBytes
from confserver.transports import connection, pool, websocket
from confserver.transports.sip import SipTransports
from confserver.transports.tls import Tls
from confserver.transports.websocket import Gate
from tests.transports.lane import Stream, WebSocket, opened, pair, run, trusting
from tests.transports.lane import websocket as bare
from tests.transports.street import Ear, has_ipv6, pause, until

HOST = "127.0.0.1"


class Post:
    def __init__(self, folder: Path, *hosts: str, gate: Gate | None = None, listens: bool = True) -> None:
        self.pair = pair(folder, HOST, "::1", name="server")
        self.ear = Ear()
        tls = Tls(self.pair, authorities=self.pair.certificate)
        self.transports = SipTransports(
            reactor, self.ear, (hosts or (HOST,)) if listens else (), 0, ("ws", "wss") if listens else (),
            tls=tls, gate=gate,
        )  # type: ignore[arg-type]  # fmt: skip

    def address(self, transport: str = "WS") -> Address:
        return HOST, self.transports.port_of(transport)

    async def connections(self, count: int) -> None:
        await until(lambda: len(self.transports._pool) == count)

    async def close(self) -> None:
        self.transports.stop()
        self.transports._pool.close_all()
        await self.connections(0)


@pytest_twisted.async_yield_fixture
async def post(tmp_path: Path):
    found = Post(tmp_path)
    found.transports.start()
    yield found
    await found.close()


# ---------------------------------------------------------------- messages
@pytest.mark.parametrize("transport", ["WS", "WSS"])
@pytest_twisted.ensureDeferred
async def test_in_and_out(post: Post, transport: str) -> None:
    tls = trusting(post.pair.certificate) if transport == "WSS" else None
    phone = await run(opened(post.address(transport), tls=tls))
    phone.send(b"one")
    phone.send(b"\xff two", opcode=2)
    await until(lambda: len(post.ear.data) == 2)
    assert [data for data, _ in post.ear.data] == [b"one", b"\xff two"]
    flow = post.ear.data[0][1]
    assert (flow.transport, flow.local, flow.remote) == (transport, post.address(transport), phone.local)
    assert flow.is_secure is (transport == "WSS") and flow.keeps_messages
    post.transports.perform(SendBytes(flow, "grüße".encode()))
    post.transports.perform(SendBytes(flow, b"\xff"))
    assert await run(phone.frame()) == (1, "grüße".encode()), "text as text"
    assert await run(phone.frame()) == (2, b"\xff"), "what is none cannot be"
    phone.close()
    await until(lambda: post.ear.losses == [flow])


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest_twisted.ensureDeferred
async def test_ipv6(tmp_path: Path) -> None:
    found = Post(tmp_path, "::1")
    found.transports.start()
    for transport, tls in (("WS", None), ("WSS", trusting(found.pair.certificate))):
        phone = await run(opened(("::1", found.transports.port_of(transport)), tls=tls))
        phone.send(transport.encode())
    await until(lambda: len(found.ear.data) == 2)
    assert all(flow.is_ipv6 for _, flow in found.ear.data)
    await found.close()


@pytest_twisted.ensureDeferred
async def test_a_message_in_pieces_is_one(post: Post) -> None:
    phone = await run(opened(post.address()))
    phone.send(b"on", last=False)
    phone.send(b"?", opcode=9)  # a ping in between
    phone.send(b"", opcode=0, last=False)
    phone.send(b"e", opcode=0)
    await until(lambda: post.ear.data)
    assert [data for data, _ in post.ear.data] == [b"one"]
    assert await run(phone.frame()) == (10, b"?")
    phone.close()


@pytest_twisted.ensureDeferred
async def test_it_is_closed_politely_once_all_is_said(post: Post) -> None:
    phone = await run(opened(post.address()))
    phone.send(b"one")
    await until(lambda: post.ear.data)
    flow = post.ear.data[0][1]
    post.transports.perform(SendBytes(flow, b"bye"))
    post.transports.perform(CloseFlow(flow, "enough"))
    assert await run(phone.frame()) == (1, b"bye")
    assert await run(phone.frame()) == (8, b"\x03\xe8")
    phone.send(b"\x03\xe8", opcode=8)
    await until(lambda: post.ear.losses == [flow])
    phone.close()


# ---------------------------------------------------------------- who may connect
REFUSED = {
    "no subprotocol": ("400", "/", []),
    "another subprotocol": ("400", "/", ["Sec-WebSocket-Protocol: mqtt, xmpp"]),
    "another path": ("404", "/other", ["Sec-WebSocket-Protocol: sip"]),
    "a page from elsewhere": ("403", "/", ["Sec-WebSocket-Protocol: sip", "Origin: https://evil.example"]),
    "a page that has given us a name": (
        "403", "/", ["Host: rebound.example", "Sec-WebSocket-Protocol: sip", "Origin: http://rebound.example"],
    ),
    "a file": ("403", "/", ["Sec-WebSocket-Protocol: sip", "Origin: null"]),
    "a bad origin": ("40", "/", ["Sec-WebSocket-Protocol: sip", "Origin: http://[::1"]),
    "another version": ("400", "/", ["Sec-WebSocket-Protocol: sip", "Sec-WebSocket-Version: 12"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest_twisted.ensureDeferred
async def test_who_may_not(tmp_path: Path, case: str) -> None:
    status, path, headers = REFUSED[case]
    found = Post(tmp_path, gate=Gate(path="/"))
    found.transports.start()
    phone = await run(bare(found.address()))
    host = next((each[6:] for each in headers if each.startswith("Host: ")), HOST)
    answer = await run(phone.shake(*[each for each in headers if not each.startswith("Host: ")], path=path, host=host))
    assert answer.startswith(f"HTTP/1.1 {status}"), answer
    assert await run(phone.is_shut())
    await found.connections(0)
    assert found.ear.data == found.ear.losses == []
    await found.close()


ADMITTED = {
    "no browser": Gate(),
    "a page of this machine": Gate(),
    "a page that is listed": Gate(origins=("https://Phone.example.com",)),
    "any page": Gate(origins=("*",)),
}
ORIGINS = {
    "a page of this machine": f"http://{HOST}:8080",
    "a page that is listed": "https://phone.example.com",
    "any page": "https://evil.example",
}


@pytest.mark.parametrize("case", ADMITTED)
@pytest_twisted.ensureDeferred
async def test_who_may(tmp_path: Path, case: str) -> None:
    found = Post(tmp_path, gate=ADMITTED[case])
    found.transports.start()
    headers = [f"Origin: {ORIGINS[case]}"] if case in ORIGINS else []
    phone = await run(opened(found.address(), *headers, path="/any/where?x=1", protocol="xmpp, SIP"))
    phone.send(b"one")
    await until(lambda: found.ear.data)
    phone.close()
    await found.close()


def test_an_origin_is_a_whole() -> None:
    gate = Gate(origins=("https://phone.example.com",))
    for origin in (
        "https://phone.example.com.evil.example",
        "http://phone.example.com",
        "https://phone.example.com:8443",
    ):
        assert gate.refusal("/", ["sip"], origin, "192.0.2.1") == (403, "pages of this origin may not connect")
    assert gate.refusal("/", ["sip"], "https://phone.example.com", "192.0.2.1") is None
    assert gate.refusal("/", ["sip"], "http://[2001:db8::1]:80", "[2001:db8::1]") is None


# ---------------------------------------------------------------- those that stall or talk garbage
@pytest.mark.parametrize("transport", ["WS", "WSS"])
@pytest_twisted.ensureDeferred
async def test_a_handshake_that_has_no_end(post: Post, transport: str) -> None:
    phone = await run(bare(post.address(transport), trusting() if transport == "WSS" else None))
    phone.say(b"GET / HTTP/1.1\r\nX: " + b"x" * websocket.MOST_HEAD)
    assert await run(phone.is_shut())
    await post.connections(0)


@pytest_twisted.ensureDeferred
async def test_a_handshake_that_is_never_begun(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, other = await run(bare(post.address())), await run(opened(post.address()))
    post.ear.clock += connection.FIRST_S + 1
    other.send(b"hello")
    await until(lambda: post.ear.data)
    post.transports._look_again()
    assert await run(phone.is_shut())
    await post.connections(1)
    other.close()


TOO_MUCH = {
    "a message": lambda phone: phone.send(b"x" * (websocket.MOST_MESSAGE + 1)),
    "a message in pieces": lambda phone: [phone.send(b"x" * 40_000, opcode, last=False) for opcode in (1, 0)],
    "pieces": lambda phone: [phone.send(b"", 0 if n else 1, last=False) for n in range(websocket.MOST_FRAMES + 1)],
    "a frame that is announced": lambda phone: phone.say(b"\x81\xff\x00\x00\x00\xff\x00\x00\x00\x00abcd"),
    "an unknown frame": lambda phone: phone.send(b"x", opcode=3),
    "a frame without a mask": lambda phone: phone.say(b"\x81\x01x"),
    "text that is none": lambda phone: phone.send(b"\xff\xfe", opcode=1),
    "no frame at all": lambda phone: phone.say(b"OPTIONS sip:x SIP/2.0\r\n\r\n"),
}


@pytest.mark.parametrize("case", TOO_MUCH)
@pytest_twisted.ensureDeferred
async def test_what_ends_the_connection(post: Post, case: str) -> None:
    phone, other = await run(opened(post.address())), await run(opened(post.address()))
    await post.connections(2)
    TOO_MUCH[case](phone)
    await post.connections(1)
    assert post.ear.data == [] and len(post.ear.losses) == 1
    other.send(b"x" * websocket.MOST_MESSAGE)
    await until(lambda: post.ear.data)
    assert len(post.ear.data[0][0]) == websocket.MOST_MESSAGE, "nobody else feels it"
    phone.close()
    other.close()


@pytest.mark.parametrize("transport", ["WS", "WSS"])
@pytest_twisted.ensureDeferred
async def test_the_limits_count_handshakes_too(post: Post, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_FROM_ONE", 1)
    silent = await run(bare(post.address()))
    await post.connections(1)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await run(opened(post.address(transport), tls=trusting() if transport == "WSS" else None))
    silent.close()
    await post.connections(0)
    (await run(opened(post.address(transport), tls=trusting() if transport == "WSS" else None))).close()


@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_read_is_let_go(post: Post) -> None:
    phone = await run(opened(post.address()))
    phone.send(b"hello")
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


@pytest.mark.slow
@pytest_twisted.ensureDeferred
async def test_a_peer_that_does_not_answer_pings_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """autobahn counts in whole seconds, and rounds down."""
    monkeypatch.setattr(websocket, "LIMITS", {**websocket.LIMITS, "autoPingInterval": 1.0, "autoPingTimeout": 1.6})
    found = Post(tmp_path)
    found.transports.start()
    phone = await run(opened(found.address()))
    opcode, payload = await run(phone.frame())
    assert opcode == 9
    phone.send(payload, opcode=10)
    opcode, _ = await run(phone.frame())
    assert opcode == 9, "who answers stays"
    await found.connections(0)
    await found.close()


# ---------------------------------------------------------------- those of ours
@pytest.mark.parametrize("transport", ["WS", "WSS"])
@pytest_twisted.ensureDeferred
async def test_a_call_of_ours(post: Post, tmp_path: Path, transport: str) -> None:
    (tmp_path / "caller").mkdir()
    caller = Post(tmp_path / "caller", listens=False)
    caller.transports._tls = Tls(None, post.pair.certificate)
    for token in (1, 2):
        caller.transports.perform(OpenFlow(token, transport, post.address(transport)))
    await until(lambda: len(caller.ear.opens) == 2)
    assert len({flow for _, flow in caller.ear.opens}) == 1, "one connection for both"
    flow = caller.ear.opens[0][1]
    caller.transports.perform(SendBytes(flow, b"hello"))
    await until(lambda: post.ear.data)
    theirs = post.ear.data[0][1]
    assert theirs.remote == flow.local
    post.transports.perform(SendBytes(theirs, b"welcome"))
    await until(lambda: caller.ear.data == [(b"welcome", flow)])
    post.transports.perform(CloseFlow(theirs, "enough"))
    await until(lambda: caller.ear.losses == [flow] and post.ear.losses == [theirs])
    await caller.close()


ANSWERS = {
    "no subprotocol": b"HTTP/1.1 400 no\r\n\r\n",
    "no WebSocket": b"SIP/2.0 400 Bad Request\r\n\r\n",
    "nothing that ends": b"HTTP/1.1 101 x\r\nX: " + b"x" * websocket.MOST_HEAD,
    "the end": b"",
}


@pytest.mark.parametrize("case", ANSWERS)
@pytest_twisted.ensureDeferred
async def test_who_does_not_speak_sip_over_websocket(tmp_path: Path, case: str) -> None:
    async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWERS[case])
        if not ANSWERS[case]:
            writer.close()

    server = await run(asyncio.start_server(came, HOST, 0))
    caller = Post(tmp_path, listens=False)
    caller.transports.perform(OpenFlow(1, "WS", server.sockets[0].getsockname()))
    await until(lambda: caller.ear.failures)
    assert caller.ear.failures[0][0] == 1 and caller.ear.failures[0][1] and caller.ear.opens == []
    await caller.close()
    server.close()


def test_the_kit_knows_its_frames() -> None:
    assert issubclass(WebSocket, Stream)
