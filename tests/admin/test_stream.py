"""Event streams over real sockets: a snapshot first, no gap, going on after a break, and readers who do not read."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread

from confserver.admin import stream as shell
from confserver.admin.feed import Cursor, Feed, Wanted
from confserver.admin.http import listen
from confserver.admin.opening import open_stream
from confserver.admin.stream import Reader, Streams
from rooms.commands import Arrive, Command, Leave, Lock, NoteTalking, Reserve, SendText, Unlock
from rooms.events import PlaceReserved
from rooms.participant import SYSTEM
from rooms.telling import tell
from tests.admin.double import NOW, HouseDoor
from tests.admin.test_http import TOKEN, until
from tests.kit.news import news_of


class House(HouseDoor):
    """Rooms whose events are told."""

    def __init__(self, most_bytes: int = 1 << 20, most: int = 20) -> None:
        super().__init__()
        self.feed = Feed("abc", most_bytes)
        self.streams = Streams(self.feed, self, reactor, most)  # type: ignore[arg-type]

    def now(self) -> float:
        return NOW

    def do(self, command: Command) -> Any:
        events = self.house.handle(command, SYSTEM, NOW)
        self.streams.happened([news_of(tell(event)) for event in events])()
        return events

    def come(self, room: str, name: str) -> str:
        events = self.do(Reserve(room, name, f"sip:{name}@example.com", "192.0.2.1:5060"))
        [who] = [event.participant for event in events if isinstance(event, PlaceReserved)]
        self.do(Arrive(room, who))
        return str(who)


class Listening:
    """One reader's connection, read in a thread."""

    def __init__(self, where: tuple[str, int] | Path, path: str, *headers: str, token: str = TOKEN) -> None:
        if isinstance(where, Path):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(str(where))
        else:
            self.sock = socket.create_connection(where)
        self.sock.settimeout(5)
        lines = [f"GET {path} HTTP/1.0", "Host: localhost", *headers]
        lines += [f"Authorization: Bearer {token}"] if token else []
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        self.file = self.sock.makefile("rb")
        self.head: list[str] = []

    def _begin(self) -> None:
        while not self.head or self.head[-1]:
            self.head.append(self.file.readline().decode().rstrip("\r\n"))

    def _message(self) -> dict[str, Any]:
        """The fields of the next message; {} at the end."""
        if not self.head:
            self._begin()
        fields: dict[str, Any] = {}
        while line := self.file.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if line == "\n":
                if fields:
                    return fields | {"told": json.loads(fields.pop("data"))}
            elif not line.startswith(":"):
                fields[name] = value
        return {}

    async def message(self) -> dict[str, Any]:
        return await deferToThread(self._message)

    async def messages(self, count: int) -> list[dict[str, Any]]:
        return await deferToThread(lambda: [self._message() for _ in range(count)])

    async def status(self) -> int:
        await deferToThread(self._begin)
        return int(self.head[0].split()[1])

    def close(self) -> None:
        self.file.close()
        self.sock.close()


class Served:
    def __init__(self, endpoint: tuple[str, int] | Path, **limits: int) -> None:
        self.house = House(**limits)

        def stream(request: Any, by: Any, room: str, asked: Any) -> Any:
            return open_stream(self.house.streams, request, by, room, asked, reactor)

        self.port, self.where = listen(reactor, self.house, TOKEN, endpoint, stream)
        self.open: list[Listening] = []

    def hear(self, path: str, *headers: str, token: str = TOKEN) -> Listening:
        self.open.append(Listening(self.where, path, *headers, token=token))
        return self.open[-1]

    async def stop(self) -> None:
        for each in self.open:
            each.close()
        await until(lambda: not self.house.streams._readers)
        await self.port.stopListening()


@pytest_twisted.async_yield_fixture(params=["tcp", "unix"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    server = Served(tmp_path / "http.sock" if request.param == "unix" else ("127.0.0.1", 0))
    yield server
    await server.stop()


# ------------------------------------------------------------------ the play
@pytest_twisted.ensureDeferred
async def test_a_snapshot_comes_first_and_then_everything_that_follows(served: Served) -> None:
    ana = served.house.come("standup", "Ana")
    reader = served.hear("/events")
    snapshot = await reader.message()
    assert "Content-Type: text/event-stream" in reader.head
    assert (snapshot["event"], snapshot["id"]) == ("snapshot", f"abc-{served.house.feed.number}")
    told = snapshot["told"]
    assert told["version"] == {"epoch": "abc", "number": served.house.feed.number}
    assert told["rooms"] == json.loads(json.dumps(served.house.rooms()))
    at = served.house.feed.number
    served.house.come("standup", "Bob")
    served.house.do(Leave("standup", ana))
    followed = await reader.messages(served.house.feed.number - at)
    assert [each["id"] for each in followed] == [f"abc-{n}" for n in range(at + 1, served.house.feed.number + 1)]
    assert [each["told"]["id"] for each in followed] == [each["id"] for each in followed]
    assert all(each["event"] == each["told"]["type"] for each in followed)
    numbers = [each["told"]["number"] for each in followed]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "a room's own numbers have no gap either"
    kinds = [each["event"] for each in followed]
    assert "participant-arrived" in kinds and "participant-left" in kinds


@pytest_twisted.ensureDeferred
async def test_who_was_cut_off_goes_on_without_a_snapshot(served: Served) -> None:
    served.house.come("standup", "Ana")
    first = served.hear("/events")
    last = (await first.message())["id"]
    first.close()
    at = served.house.feed.number
    served.house.come("standup", "Bob")
    for ways in (("/events", f"Last-Event-ID: {last}"), (f"/events?after={last}",)):
        again = served.hear(*ways)
        missed = await again.messages(served.house.feed.number - at)
        assert [each["id"] for each in missed] == [f"abc-{n}" for n in range(at + 1, served.house.feed.number + 1)]
    for last in ("abd-1", "abc-99999", "nonsense", "\xff", ""):
        assert (await served.hear("/events", f"Last-Event-ID: {last}").message())["event"] == "snapshot"


@pytest_twisted.ensureDeferred
async def test_one_room_or_some_types(served: Served) -> None:
    served.house.come("other", "Eve")
    reader = served.hear("/rooms/Standup/events")
    some = served.hear("/events?type=participant-*&type=room-locked,message")
    assert (await reader.message())["told"]["rooms"] == [], "a room may be waited for"
    assert [room["name"] for room in (await some.message())["told"]["rooms"]] == ["other"]
    ana = served.house.come("standup", "Ana")
    served.house.do(Lock("other"))
    served.house.do(NoteTalking("standup", ana, True))
    served.house.do(SendText("standup", "hello\nthere"))
    kinds = [each["told"]["type"] for each in await some.messages(3)]
    assert kinds == ["participant-arrived", "room-locked", "message"]
    heard = []
    while not heard or heard[-1]["event"] != "message":
        heard.append(await reader.message())
    assert {each["told"]["room"] for each in heard} == {"standup"} and heard[-1]["told"]["text"] == "hello\nthere"
    assert [each["told"]["number"] for each in heard] == list(range(1, len(heard) + 1))


@pytest_twisted.ensureDeferred
async def test_what_cannot_be_asked_for_is_a_problem(served: Served) -> None:
    for path, status in (
        ("/events?type=birthday", 400), ("/events?type=birth*", 400), ("/events?types=message", 400),
        ("/events?type=" + ",".join(["message"] * 101), 400), ("/events?levels=maybe", 400), ("/events?%ff=1", 400),
        ("/events?type=%ff", 400), ("/events?" + "type=message&" * 101, 400), ("/rooms/%20/events", 422),
        ("/rooms?type=message", 400), ("/events/more", 404),
    ):  # fmt: skip
        assert await served.hear(path).status() == status, path
    for token in ("", "wrong"):
        assert await served.hear("/events", token=token).status() == 401
    assert not served.house.streams._readers


@pytest_twisted.ensureDeferred
async def test_levels_come_to_who_asks_for_them_and_to_nobody_else(served: Served) -> None:
    quiet, loud = served.hear("/events"), served.hear("/rooms/standup/events?levels=1")
    await quiet.message(), await loud.message()
    wanted = served.house.streams.level_rooms()
    assert wanted is not None and wanted("standup") and not wanted("other")
    served.house.streams.tell_levels("other", {"p9": {"level_db": -20.0}})
    served.house.streams.tell_levels("standup", {"p1": {"level_db": -30.0}})
    heard = await loud.message()
    assert (heard["event"], "id" in heard) == ("levels", False), "nobody can go back to a level"
    assert heard["told"] == {
        "type": "levels",
        "room": "standup",
        "at": NOW,
        "participants": {"p1": {"level_db": -30.0}},
    }
    served.house.come("standup", "Ana")
    assert (await quiet.message())["event"] != "levels"
    loud.close()
    await until(lambda: served.house.streams.level_rooms() is None)


# ------------------------------------------------------------------ limits
@pytest_twisted.ensureDeferred
async def test_there_are_only_so_many_readers_and_a_place_comes_back() -> None:
    served = Served(("127.0.0.1", 0), most=2)
    first, second = served.hear("/events"), served.hear("/events")
    await first.message(), await second.message()
    third = served.hear("/events")
    assert await third.status() == 503 and any(line.startswith("Retry-After") for line in third.head)
    first.close()
    await until(lambda: len(served.house.streams._readers) == 1)
    assert await served.hear("/events").status() == 200
    await served.stop()


@pytest_twisted.ensureDeferred
async def test_who_does_not_read_is_cut_off_with_a_reason_and_costs_nobody_else() -> None:
    served = Served(("127.0.0.1", 0), most_bytes=1 << 20)
    served.house.come("standup", "Ana")
    lazy, keen = served.hear("/events?type=message"), served.hear("/events?type=message")
    await lazy.message(), await keen.message()
    at = served.house.feed.number
    rounds = 0
    while len(served.house.streams._readers) == 2:
        rounds += 1
        assert rounds < 2000, "the slow one is still there"
        for _ in range(5):
            served.house.do(SendText("standup", "x" * 16000))
        numbers = [int(each["id"].partition("-")[2]) for each in await keen.messages(5)]
        assert numbers == list(range(at + 1, at + 6))
        at += 5
    last = {}
    while message := await lazy.message():
        last = message
    assert (last["event"], last["told"]["reason"]) == ("end", "too-slow")
    await served.stop()


@pytest_twisted.ensureDeferred
async def test_a_server_that_stops_says_so(served: Served) -> None:
    reader = served.hear("/events")
    await reader.message()
    served.house.streams.close()
    assert (await reader.message())["told"]["reason"] == "stopping"
    assert await reader.message() == {}


class Double(Reader):
    """A reader without a connection."""

    def __init__(self, streams: Streams) -> None:
        super().__init__(streams, Cursor(streams.feed, Wanted(), 0))
        self.said: list[str] = []

    def _write_entries(self, entries: Any) -> None:
        self.said += [entry.type for entry in entries]

    def _write(self, name: str, json: bytes, identity: str = "") -> None:
        self.said.append(name)

    def _sign_of_life(self) -> None:
        self.said.append("alive")

    def _finish(self) -> None:
        self.said.append("finished")

    def _abort(self) -> None:
        self.said.append("cut off")


class Quiet(HouseDoor):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def now(self) -> float:
        return self.clock.seconds()


def test_signs_of_life_and_the_end_of_who_takes_nothing() -> None:
    clock = Clock()
    streams = Streams(Feed("abc", 1000), Quiet(clock), clock, 5)
    reader, other = Double(streams), Double(streams)
    reader.begin(None), other.begin(0)
    assert (reader.said, other.said) == (["snapshot"], [])
    clock.advance(shell.ALIVE_S)
    assert reader.said == ["snapshot", "alive"] and other.said == ["alive"]
    reader.pauseProducing()
    streams.happened([news_of({"type": "message", "room": "a", "number": 1, "at": 0.0})])()
    clock.pump([shell.ALIVE_S] * 3)
    assert reader.said[2:] == [] and "message" in other.said
    reader.resumeProducing()
    clock.advance(0)
    assert reader.said[2:] == ["message"]
    reader.pauseProducing()
    clock.pump([shell.ALIVE_S] * 5)
    assert reader.said[3:] == ["end", "finished"]
    clock.advance(shell.LINGER_S)
    assert reader.said[-1] == "cut off"
    other.gone()
    assert not clock.getDelayedCalls(), "nothing runs where nobody reads"


def test_many_readers_are_told_at_the_end_of_the_turn() -> None:
    clock = Clock()
    streams = Streams(Feed("abc", 1 << 20), Quiet(clock), clock, 5)
    reader = Double(streams)
    reader.begin(0)
    for number in range(3):
        streams.happened([news_of({"type": "message", "room": "a", "number": number, "at": 0.0})])()
    assert reader.said == []
    clock.advance(0)
    assert reader.said == ["message"] * 3
    reader.gone()


# ------------------------------------------------------------------ WebSocket
class Socket(Listening):
    """The same by WebSocket: just enough of RFC 6455 for a test."""

    def __init__(self, where: Any, path: str, *headers: str, token: str = TOKEN) -> None:
        self.key = base64.b64encode(os.urandom(16)).decode()
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {self.key}")
        super().__init__(where, path, *upgrade, "Sec-WebSocket-Version: 13", *headers, token=token)

    def _message(self) -> dict[str, Any]:
        if not self.head:
            self._begin()
        try:
            opcode, data = self._frame()
        except ConnectionResetError:
            return {}
        return json.loads(data) if opcode == 1 else {}

    def _frame(self) -> tuple[int, bytes]:
        head = self.file.read(2)
        if len(head) < 2:
            return 8, b""
        size = head[1] & 127
        if size >= 126:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        return head[0] & 15, self.file.read(size)

    def say(self, data: bytes, opcode: int = 1) -> None:
        mask = b"\0\0\0\0"
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self.sock.sendall(bytes([0x80 | opcode]) + size + mask + data)


@pytest_twisted.ensureDeferred
async def test_the_same_by_websocket(served: Served) -> None:
    served.house.come("standup", "Ana")
    socket = Socket(served.where, "/events?type=participant-*,room-locked")
    served.open.append(socket)
    snapshot = await socket.message()
    assert socket.head[0].startswith("HTTP/1.1 101")
    assert (snapshot["type"], snapshot["id"]) == ("snapshot", f"abc-{served.house.feed.number}")
    served.house.come("standup", "Bob")
    served.house.do(Lock("standup"))
    arrived, locked = await socket.messages(2)
    assert (arrived["type"], locked["type"]) == ("participant-arrived", "room-locked")
    again = Socket(served.where, f"/rooms/standup/events?after={arrived['id']}&type=room-locked")
    served.open.append(again)
    assert await again.message() == locked, "it goes on without a snapshot"
    socket.say(b"what is said here is passed over")
    served.house.do(Unlock("standup"))
    served.house.do(Lock("standup"))
    assert (await socket.message())["type"] == "room-locked"


@pytest_twisted.ensureDeferred
async def test_a_browser_gives_its_token_as_a_subprotocol(served: Served) -> None:
    browser = Socket(served.where, "/events", f"Sec-WebSocket-Protocol: confserver, bearer.{TOKEN}", token="")
    served.open.append(browser)
    assert (await browser.message())["type"] == "snapshot"
    assert "Sec-WebSocket-Protocol: confserver" in browser.head and TOKEN not in "".join(browser.head)
    for protocols in ("confserver", f"confserver, bearer.{TOKEN}x", "bearer."):
        stranger = Socket(served.where, "/events", f"Sec-WebSocket-Protocol: {protocols}", token="")
        served.open.append(stranger)
        assert await stranger.status() == 401, protocols
    plain = served.hear("/events", f"Sec-WebSocket-Protocol: confserver, bearer.{TOKEN}", token="")
    assert await plain.status() == 401, "only where it is a WebSocket"


@pytest_twisted.ensureDeferred
async def test_a_websocket_that_makes_no_sense_is_refused(served: Served) -> None:
    assert await served.hear("/events", "Upgrade: websocket", "Connection: Upgrade").status() in (400, 426)
    assert await served.hear("/events", "Upgrade: websocket", "Sec-WebSocket-Version: 7").status() in (400, 426)
    bad = Socket(served.where, "/events?type=birthday")
    served.open.append(bad)
    assert await bad.status() == 400
    long = Socket(served.where, "/events")
    served.open.append(long)
    await long.message()
    with contextlib.suppress(OSError):
        long.say(b"x" * 60000)
    assert await long.message() == {}
    await until(lambda: not served.house.streams._readers)


@pytest_twisted.ensureDeferred
async def test_a_websocket_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(("127.0.0.1", 0), most_bytes=1 << 20)
    monkeypatch.setattr(shell, "LINGER_S", 0.2)
    served.house.come("standup", "Ana")
    lazy = Socket(served.where, "/events?type=message")
    served.open.append(lazy)
    await lazy.message()
    rounds = 0
    while served.house.streams._readers:
        rounds += 1
        assert rounds < 3000
        for _ in range(10):
            served.house.do(SendText("standup", "x" * 16000))
        await deferToThread(lambda: None)
    ids: list[int] = []
    while message := await lazy.message():
        if message["type"] == "message":
            ids.append(int(message["id"].partition("-")[2]))
    assert ids == list(range(ids[0], ids[0] + len(ids))), "what he got had no gap"
    await served.stop()


@pytest_twisted.ensureDeferred
async def test_a_fault_of_ours_costs_that_reader(served: Served) -> None:
    broken, whole = served.hear("/events"), served.hear("/events")
    await broken.message(), await whole.message()
    first = next(iter(served.house.streams._readers))
    first._write_entries = lambda entries: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    served.house.come("standup", "Ana")
    await until(lambda: len(served.house.streams._readers) == 1)
    served.house.come("standup", "Bob")
    [left] = served.house.streams._readers
    await until(lambda: not left.cursor.is_behind)
    assert left is not first


# ------------------------------------------------------------------ what else passes through
@pytest_twisted.ensureDeferred
async def test_head_tells_what_would_come(served: Served) -> None:
    reader = served.hear("/events")
    await reader.message()

    def head() -> str:
        made = Listening.__new__(Listening)
        made.sock = socket.socket(socket.AF_UNIX) if isinstance(served.where, Path) else socket.socket()
        made.sock.connect(str(served.where) if isinstance(served.where, Path) else served.where)
        made.sock.sendall(f"HEAD /events HTTP/1.0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        return made.sock.makefile("rb").read().decode()

    answered = await deferToThread(head)
    assert answered.startswith("HTTP/1.0 200") and "text/event-stream" in answered
    assert len(served.house.streams._readers) == 1
