"""Events by both clients: a stream that breaks off goes on, whoever reads it; what makes no sense is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from confserver.client import AsyncClient, BadAnswer, Client, ClientError, NotRunning, Problem, Unauthorized, live
from confserver.client.live import Ended, Following


def sse(number: int, name: str = "message", **more: Any) -> bytes:
    told = {"id": f"abc-{number}", "type": name, "room": "standup", **more}
    return f"id: abc-{number}\nevent: {name}\ndata: {json.dumps(told)}\n\n".encode()


def head(status: str = "200 OK", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/event-stream", *headers, "", ""]).encode()


def chunked(*pieces: bytes) -> list[bytes]:
    return [head("200 OK", "Transfer-Encoding: chunked"), *(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces)]


END = b'event: end\ndata: {"type": "end", "reason": "stopping", "detail": "the server is stopping"}\n\n'
LAST = b"0\r\n\r\n"


class Script:
    """A server that says to each connection what it is told to, and notes what it was asked."""

    def __init__(self, *connections: list[bytes], path: Path | None = None) -> None:
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(str(path))
            self.socket.listen()
            self.url = f"http+unix://{path}"
        else:
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.asked: list[str] = []
        self._connections = connections
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for answers in self._connections:
            with contextlib.suppress(OSError), self.socket.accept()[0] as sock:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += sock.recv(65536)
                self.asked.append(asked.decode())
                for answer in answers:
                    sock.sendall(answer)
        self.socket.close()

    @property
    def paths(self) -> list[str]:
        return [asked.split(" ", 2)[1] for asked in self.asked]


def sync_events(url: str, most: int, **how: Any) -> list[Any]:
    found = []
    for event in Client(url, "secret", timeout=2).events(**how):
        found.append(event)
        if len(found) == most:
            break
    return found


def async_events(url: str, most: int, **how: Any) -> list[Any]:
    async def read() -> list[Any]:
        found: list[Any] = []
        async with AsyncClient(url, "secret", timeout=2) as client:
            async with contextlib.aclosing(client.events(**how)) as events:
                async for event in events:
                    found.append(event)
                    if len(found) == most:
                        break
        return found

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, read()).result(30)


Read = Callable[..., list[Any]]


@pytest.fixture(params=[sync_events, async_events], ids=["waiting", "awaiting"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Read]:
    monkeypatch.setattr(live, "FIRST_PAUSE_S", 0.01)
    yield request.param


# ------------------------------------------------------------------ the play
def test_events_come_in_order_and_a_break_is_not_noticed(read: Read) -> None:
    whole = sse(7, text="\u00fc\n")
    server = Script(
        [head(), sse(1, "snapshot", rooms=[]), b":\n\n", sse(2), sse(3)[:20]],
        [*chunked(sse(3)[:9], sse(3)[9:] + sse(4), b":\n\n", sse(5), END), LAST],
        [head(), sse(6), whole],
    )
    found = read(server.url, 7, types=["message", "participant-*"])
    assert [event["id"] for event in found] == [f"abc-{number}" for number in range(1, 8)]
    assert found[-1]["text"] == "\u00fc\n"
    want = "/events?type=message%2Cparticipant-%2A"
    assert server.paths == [want, f"{want}&after=abc-2", f"{want}&after=abc-5"]
    assert all("Authorization: Bearer secret" in asked for asked in server.asked)


def test_one_room_with_levels_by_a_unix_socket(read: Read, tmp_path: Path) -> None:
    server = Script([head(), sse(9)], path=tmp_path / "s")
    assert len(read(server.url, 1, room="stand up", levels=True, after="abc-8")) == 1
    assert server.paths == ["/rooms/stand%20up/events?levels=1&after=abc-8"]


def test_who_does_not_want_to_go_on_is_at_the_end(read: Read) -> None:
    server = Script([head(), sse(1), sse(2)])
    assert len(read(server.url, 9, resume=False)) == 2
    server = Script([head(), sse(1), END])
    assert len(read(server.url, 9, resume=False)) == 1


def test_a_server_that_is_away_for_a_moment(read: Read) -> None:
    server = Script([head(), sse(1)], [b""], [b"\x00\x01garbage\r\n\r\n"], [head(), sse(2)])
    assert [event["id"] for event in read(server.url, 2)] == ["abc-1", "abc-2"]


# ------------------------------------------------------------------ what goes wrong
def test_a_refusal_is_told(read: Read) -> None:
    refused = b'{"title": "Bad Request", "detail": "type: there is no event birthday", "status": 400}'
    length = f"Content-Length: {len(refused)}"
    with pytest.raises(Problem, match="no event birthday"):
        read(Script([head("400 Bad Request", length), refused]).url, 1)
    wrong = b'{"detail": "the token is wrong"}'
    with pytest.raises(Unauthorized, match="the token is wrong"):
        read(Script([head("401 Unauthorized", f"Content-Length: {len(wrong)}"), wrong]).url, 1)
    with pytest.raises(Problem, match="302"):
        read(Script([head("302 Found", "Content-Length: 0")]).url, 1)


@pytest.mark.parametrize(
    "said",
    [
        [b""], [b"SSH-2.0-OpenSSH\r\n"], [head(), b"data: no json\n\n"], [head(), b"data: []\n\n"],
        [head("200 OK", "Transfer-Encoding: chunked"), b"xyz\r\n"],
        [head("200 OK", "Transfer-Encoding: chunked"), b"-5\r\n"],
    ],
)  # fmt: skip
def test_what_is_no_event_stream_is_told(read: Read, said: list[bytes]) -> None:
    try:
        assert read(Script(said).url, 1, resume=False) == []
    except ClientError as error:
        assert str(error)


def test_nobody_is_there(read: Read) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotRunning):
        read(f"http://127.0.0.1:{port}", 1)
    with pytest.raises(NotRunning):
        read("http+unix:///nowhere/at/all", 1)


def test_a_server_that_says_nothing_any_more(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (live, "confserver.client.api", "confserver.client.aio"):
        target = place if isinstance(place, str) else place.__name__
        monkeypatch.setattr(f"{target}.IDLE_S", 0.1)
    silent = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{silent.getsockname()[1]}"

    def serve() -> None:
        held = []
        for number in (1, 2):
            sock = silent.accept()[0]
            sock.recv(65536)
            sock.sendall(head() + sse(number))
            held.append(sock)

    threading.Thread(target=serve, daemon=True).start()
    assert [event["id"] for event in read(url, 2)] == ["abc-1", "abc-2"]
    silent.close()


# ------------------------------------------------------------------ without a connection
def test_pauses_grow_until_something_comes() -> None:
    following = Following(None, (), False, "")
    pauses = [following.pause() for _ in range(8)]
    assert pauses[:3] == [0.5, 1.0, 2.0] and pauses[-1] == live.LONGEST_PAUSE_S
    for line in sse(1).splitlines(keepends=True):
        following.hear(line)
    assert following.pause() == 0.5 and following.last == "abc-1"


def test_lines_of_server_sent_events() -> None:
    following = Following("a", (), False, "")
    assert following.hear(b": comment\n") is None and following.hear(b"retry: 5\n") is None
    assert following.hear(b'data: {"type":\n') is None and following.hear(b'data:"x"}\r\n') is None
    assert following.hear(b"\r\n") == {"type": "x"}
    following.hear(b"data: half\n")
    following.begin()
    assert following.hear(b"\n") is None
    with pytest.raises(Ended, match="stopping"):
        [following.hear(line) for line in END.splitlines(keepends=True)]
    with pytest.raises(BadAnswer):
        following.hear(b"data: " + b"[" * 100_000 + b"\n"), following.hear(b"\n")


def test_an_event_without_an_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_BYTES", 1000)
    following = Following(None, (), False, "")
    with pytest.raises(BadAnswer, match="more than"):
        for _ in range(200):
            following.hear(b"data: 0123456789\n")
