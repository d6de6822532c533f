"""The HTTP interface over real sockets: rights, limits, waiting for commits, and clients that go away."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.error import CannotListenError
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from confserver.admin import http as shell
from confserver.admin.access import url_of
from confserver.admin.caller import is_local_host
from confserver.admin.endpoints import MOST_BODY_BYTES
from confserver.admin.gate import Gate
from confserver.admin.http import ADMINISTRATOR, MOST_AT_ONCE, MOST_DISCARDED_BYTES, listen
from confserver.client.connection import _UnixConnection
from rooms.commands import CreateRoom, Mute
from rooms.errors import KINDS
from tests.admin.double import HouseDoor

TOKEN = "t" * 43
REALM, WRONG = 'Bearer realm="confserver"', ', error="invalid_token"'


class Served:
    """A door behind an open interface; ``ask`` is one request from another thread."""

    def __init__(
        self, door: HouseDoor, endpoint: tuple[str, int] | Path, gate: Gate | str = TOKEN, **more: Any
    ) -> None:
        self.door = door
        self.port, self.where = listen(reactor, door, gate, endpoint, **more)

    def connection(self) -> http.client.HTTPConnection:
        if isinstance(self.where, Path):
            return _UnixConnection(str(self.where), 5.0)
        return http.client.HTTPConnection(*self.where, timeout=5.0)

    async def ask(
        self, method: str, path: str, body: object = None, *, token: str = TOKEN, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        def asked() -> tuple[int, Any, http.client.HTTPMessage]:
            connection = self.connection()
            given = {"Authorization": f"Bearer {token}"} if token else {}
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            if data is not None:
                given["Content-Type"] = "application/json"
            connection.request(method, path, data, given | (headers or {}))
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            told = json.loads(text) if text and "json" in answer.headers["Content-Type"] else text or None
            return answer.status, told, answer.headers

        return await deferToThread(asked)


@pytest_twisted.async_yield_fixture(params=["tcp", "unix"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Served]:
    server = Served(HouseDoor(), tmp_path / "run" / "http.sock" if request.param == "unix" else ("127.0.0.1", 0))
    yield server
    await server.port.stopListening()


@pytest_twisted.async_yield_fixture
async def tcp() -> AsyncIterator[Served]:
    server = Served(HouseDoor(), ("127.0.0.1", 0))
    yield server
    await server.port.stopListening()


async def until(true: Callable[[], bool]) -> None:
    for _ in range(300):
        if true():
            return
        await deferLater(reactor, 0.01)
    raise AssertionError("it did not come to pass")


# ------------------------------------------------------------------ the play
@pytest_twisted.ensureDeferred
async def test_a_room_is_made_looked_at_changed_and_removed(served: Served) -> None:
    status, room, headers = await served.ask("PUT", "/rooms/standup", {"max_participants": 3})
    assert (status, room["name"], room["max_participants"]) == (201, "standup", 3)
    assert (headers["Location"], headers["Content-Type"]) == ("/rooms/standup", "application/json")
    assert served.door.asked[-1] == (CreateRoom("standup", max_participants=3), ADMINISTRATOR)
    assert (await served.ask("PUT", "/rooms/standup", {"max_participants": 4}))[0] == 200, "changed, not made"

    who = served.door.arrive("standup", "Anna")
    status, room, _ = await served.ask("POST", f"/rooms/standup/participants/{who}/mute", {"cause": "host"})
    assert (status, room["participants"][0]["muted"]) == (200, ["host"])
    assert served.door.asked[-1] == (Mute("standup", who), ADMINISTRATOR)

    status, rooms, _ = await served.ask("GET", "/rooms")
    assert (status, [each["name"] for each in rooms]) == (200, ["standup"])
    assert (await served.ask("GET", "/rooms/Standup"))[1] == rooms[0]
    assert (await served.ask("GET", "/status"))[1]["workers"] == [{"pid": 7, "load": 0.1}]
    assert (await served.ask("HEAD", "/rooms"))[:2] == (200, None)

    await served.ask("PUT", "/rooms/empty")
    status, nothing, headers = await served.ask("DELETE", "/rooms/empty")
    assert (status, nothing, headers["Content-Type"]) == (204, None, None)
    assert (await served.ask("GET", "/rooms/empty"))[0] == 404


@pytest_twisted.ensureDeferred
async def test_refusals_are_problems(served: Served) -> None:
    status, problem, headers = await served.ask("POST", "/rooms/nowhere/lock")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert problem == {
        "title": "Not Found",
        "status": 404,
        "detail": "there is no room nowhere",
        "kind": "not-found",
    }
    served.door.make("standup")
    assert (await served.ask("POST", "/rooms/standup/participants/p9/kick"))[0] == 404
    assert (await served.ask("PUT", "/rooms/standup", {"max_participants": 0}))[0] == 422
    assert (await served.ask("PUT", "/rooms/%20"))[0] == 422
    assert (await served.ask("PUT", "/rooms/standup", {"max": 0}))[0] == 400
    assert (await served.ask("PUT", "/rooms/standup", {}, headers={"Content-Type": "text/plain"}))[0] == 415
    status, _, headers = await served.ask("DELETE", "/status")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    for kind in KINDS:
        served.door.fault = kind("not now")
        status, problem, _ = await served.ask("POST", "/rooms/standup/lock")
        assert (problem["kind"], problem["detail"], problem["status"]) == (kind.kind, "not now", status)


@pytest_twisted.ensureDeferred
async def test_a_fault_of_ours_is_told_to_the_log_only(tcp: Served) -> None:
    tcp.door.make("standup")
    tcp.door.fault = RuntimeError("secret of the house")
    status, problem, _ = await tcp.ask("POST", "/rooms/standup/lock")
    assert (status, "secret" in str(problem)) == (500, False)
    tcp.door.status = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    assert (await tcp.ask("GET", "/status"))[0] == 500
    tcp.door.fault = None
    assert (await tcp.ask("POST", "/rooms/standup/lock"))[0] == 200, "the interface lives on"


# ------------------------------------------------------------------ rights
@pytest_twisted.ensureDeferred
async def test_the_token_is_wanted_everywhere_but_for_health(served: Served) -> None:
    for token in ("", "wrong", TOKEN[:-1], TOKEN + "t", "ü"):
        for method, path in (("GET", "/rooms"), ("PUT", "/rooms/x"), ("GET", "/nothing"), ("GET", "/health/x")):
            status, problem, headers = await served.ask(method, path, token=token)
            assert (status, headers["WWW-Authenticate"]) == (401, REALM + WRONG * bool(token)), (token, path)
            assert problem["title"] == "Unauthorized"
    assert (await served.ask("GET", "/rooms", token="", headers={"Authorization": f"Basic {TOKEN}"}))[0] == 401
    assert (await served.ask("GET", "/rooms", token="", headers={"Authorization": f"bearer  {TOKEN}"}))[0] == 200
    assert (await served.ask("GET", "/health", token=""))[:2] == (200, {"status": "ok"})
    assert not served.door.asked


@pytest_twisted.ensureDeferred
async def test_a_foreign_host_is_refused_on_tcp(tcp: Served) -> None:
    for host in ("evil.example", "evil.example:8070", "127.0.0.1.evil.example", "192.0.2.1", "[2001:db8::1]:80", ""):
        for path in ("/rooms", "/health"):
            assert (await tcp.ask("GET", path, headers={"Host": host}))[0] == 421, host
    for host in ("localhost:8070", "LOCALHOST", "127.0.0.1", "127.9.9.9:1", "[::1]:8070"):
        assert (await tcp.ask("GET", "/rooms", headers={"Host": host}))[0] == 200, host


def test_a_request_without_host_comes_from_no_browser() -> None:
    assert is_local_host(None)


# ------------------------------------------------------------------ limits
@pytest_twisted.ensureDeferred
async def test_a_large_body_is_refused_and_not_kept(tcp: Served) -> None:
    fits = b'{"cause": "host"' + b" " * (MOST_BODY_BYTES - 17) + b"}"
    assert (await tcp.ask("POST", "/rooms/x/participants/p/mute", fits))[0] == 404
    assert (await tcp.ask("POST", "/rooms/x/participants/p/mute", fits + b" "))[0] == 413
    assert (await tcp.ask("POST", "/rooms/x/lock", b" " * (MOST_DISCARDED_BYTES // 2)))[0] == 413
    assert not [command for command, _ in tcp.door.asked if not isinstance(command, Mute)]


@pytest_twisted.ensureDeferred
async def test_an_endless_body_is_cut_off(tcp: Served) -> None:
    def flood() -> int:
        assert not isinstance(tcp.where, Path)
        with socket.create_connection(tcp.where, timeout=5) as wire:
            wire.sendall(
                f"POST /rooms/x/lock HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n".encode()
            )
            sent = 0
            try:
                while sent < 100 * MOST_DISCARDED_BYTES:
                    wire.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
                    sent += 0x10000
            except OSError:
                pass
            return sent

    assert await deferToThread(flood) < 50 * MOST_DISCARDED_BYTES
    assert (await tcp.ask("GET", "/health"))[0] == 200


@pytest_twisted.ensureDeferred
async def test_changes_wait_for_their_commit_and_only_so_many(tcp: Served) -> None:
    tcp.door.make("standup")
    tcp.door.hold = True
    waiting = [tcp.ask("POST", "/rooms/standup/lock") for _ in range(MOST_AT_ONCE)]
    results = gatherResults([pytest_twisted.defer.ensureDeferred(each) for each in waiting])
    await until(lambda: len(tcp.door.held) == MOST_AT_ONCE)
    status, _, headers = await tcp.ask("POST", "/rooms/standup/unlock")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert (await tcp.ask("GET", "/rooms"))[0] == 200, "who only looks never waits"
    assert not results.called, "an answer left before the commit"
    tcp.door.hold = False
    for done in tcp.door.held:
        done.callback(None)
    assert [status for status, _, _ in await results] == [200] * MOST_AT_ONCE
    assert (await tcp.ask("POST", "/rooms/standup/unlock"))[0] == 200, "no place was given back"


@pytest_twisted.ensureDeferred
async def test_a_client_that_goes_away_leaves_nothing_behind(tcp: Served) -> None:
    tcp.door.make("standup")
    tcp.door.hold = True
    assert not isinstance(tcp.where, Path)
    for count in range(1, MOST_AT_ONCE + 1):
        wire = await deferToThread(socket.create_connection, tcp.where, 5)
        wire.sendall(
            f"POST /rooms/standup/lock HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        await until(lambda count=count: len(tcp.door.held) == count)
        wire.close()
    await deferLater(reactor, 0.05)
    tcp.door.hold = False
    for done in tcp.door.held:
        done.callback(None)
    assert (await tcp.ask("POST", "/rooms/standup/unlock"))[0] == 200


# ------------------------------------------------------------------ where it listens
@pytest_twisted.ensureDeferred
async def test_a_port_in_use_is_told(tcp: Served) -> None:
    assert not isinstance(tcp.where, Path)
    with pytest.raises(CannotListenError):
        listen(reactor, tcp.door, TOKEN, tcp.where)
    assert url_of(tcp.where) == f"http://127.0.0.1:{tcp.where[1]}"


@pytest_twisted.ensureDeferred
async def test_a_socket_left_behind_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = Served(HouseDoor(), path)
    try:
        assert (await server.ask("GET", "/health"))[0] == 200
        assert path.stat().st_mode & 0o077 == 0
        with pytest.raises(CannotListenError):
            listen(reactor, server.door, TOKEN, path)
        assert (await server.ask("GET", "/health"))[0] == 200
    finally:
        await server.port.stopListening()
    assert not path.exists()


@pytest_twisted.ensureDeferred
async def test_garbage_does_not_stop_it(tcp: Served) -> None:
    def send(data: bytes) -> None:
        assert not isinstance(tcp.where, Path)
        with socket.create_connection(tcp.where, timeout=5) as wire:
            wire.sendall(data)

    for data in (b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50, b"GET /" + b"a" * 70000):
        await deferToThread(send, data)
    assert (await tcp.ask("GET", "/health"))[0] == 200


def test_idle_connections_end() -> None:
    assert 0 < shell.IDLE_SECONDS <= 60
