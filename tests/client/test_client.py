"""The client: held to the table of commands, found through the state directory, and clear when it fails."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import inspect
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from mypy import api as mypy_api

from confserver.admin.access import Control, url_of, write_control
from confserver.admin.endpoints import FILE, QUERIES, body_fields
from confserver.admin.http import STREAMS
from confserver.client import (
    AsyncClient,
    BadAnswer,
    Busy,
    Changed,
    Client,
    ClientError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotRunning,
    Problem,
    Unauthorized,
)  # fmt: skip
from confserver.client.rules import Rules
from rooms.commands import COMMANDS, Command
from rooms.policy import RULES


class Recorder(Client):
    """A client that only notes what it would ask."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.asked: list[tuple[str, str, object]] = []

    def request(self, method: str, path: str, body: Any = None) -> Any:
        self.asked.append((method, path, body))


# ------------------------------------------------------------------ the table
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.verb)
def test_every_command_has_its_method_with_the_same_fields(command: type[Command]) -> None:
    method = getattr(Client, command.verb.replace("-", "_"))
    parameters = list(inspect.signature(method).parameters)[1:]
    assert parameters == [field.name for field in dataclasses.fields(command)]
    if command.spreads:
        assert list(Rules.__annotations__) == list(RULES)
    assert inspect.getdoc(method).splitlines()[0] == command.__doc__.splitlines()[0]  # type: ignore[union-attr]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.verb)
def test_every_method_asks_what_its_command_asks(command: type[Command]) -> None:
    client = Recorder()
    names = [field.name for field in dataclasses.fields(command)]
    in_body = {f.name: f.default.value if isinstance(f.default, enum.Enum) else f.default for f in body_fields(command)}
    in_body = {name: f"{name}?" if value is None else value for name, value in in_body.items()}
    values = {name: in_body.get(name, f"{name} /ü") for name in names if name not in ("rules",)} | in_body
    getattr(client, command.verb.replace("-", "_"))(**values)
    path = command.path.format(room="room%20%2F%C3%BC", participant="participant%20%2F%C3%BC")
    assert client.asked == [(command.method, path, in_body)]


def in_a_loop(doing: Coroutine[Any, Any, None]) -> None:
    """In one of its own: the tests' reactor has theirs."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, doing).result(30)


def test_both_clients_have_the_same_methods() -> None:
    def methods(kind: type) -> dict[str, inspect.Signature]:
        names = [name for name in dir(kind) if not name.startswith("_") and name not in ("local", "request")]
        return {name: inspect.signature(getattr(kind, name)) for name in names}

    sync, later = methods(Client), methods(AsyncClient)
    assert sync.pop("download").parameters == later.pop("download").parameters
    assert sync.pop("bring").parameters == later.pop("bring").parameters
    assert sync.pop("export").parameters == later.pop("export").parameters
    assert sync.pop("events").parameters == later.pop("events").parameters, "one iterates, the other asynchronously"
    assert sync == later and len(sync) > len(COMMANDS)


def test_what_is_awaited_is_what_the_other_gives(server: ThreadingHTTPServer) -> None:
    async def talk() -> None:
        async with AsyncClient(f"http://127.0.0.1:{server.server_port}", "secret") as client:
            assert await client.rooms() == []
            Canned.answer = (201, b'{"name": "standup"}')
            assert await client.create("standup", max_participants=5) == {"name": "standup"}
            Canned.answer = (409, b'{"detail": "locked", "kind": "locked"}')
            with pytest.raises(Problem, match="locked"):
                await client.lock("standup")
            await asyncio.gather(*(client.status() for _ in range(3)), return_exceptions=True)

    in_a_loop(talk())
    assert Canned.asked[:2] == [
        ("GET", "/rooms", "Bearer secret", b""),
        ("PUT", "/rooms/standup", "Bearer secret", b'{"max_participants": 5}'),
    ]
    assert len(Canned.asked) == 6


def test_the_types_of_both_are_known_to_mypy(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from confserver.client import AsyncClient, Client\n"
        "def sync(client: Client) -> None:\n"
        "    reveal_type(client.rooms()); reveal_type(client.room('x')); reveal_type(client.lock('x'))\n"
        "async def later(client: AsyncClient) -> None:\n"
        "    reveal_type(await client.rooms()); reveal_type(await client.room('x'))\n"
        "    reveal_type(await client.lock('x'))\n"
        "    client.lock(7)\n"
    )
    told, _, status = mypy_api.run(["--no-incremental", "--config-file", "", str(script)])
    kinds = re.findall(r'Revealed type is "(.*)"', told)
    assert kinds[:3] == kinds[3:] and [kind.count("list") for kind in kinds[:3]] == [1, 0, 0], told
    assert kinds[2].endswith("| None") and "incompatible type" in told and status == 1


def test_what_is_not_given_is_left_to_the_server() -> None:
    client = Recorder()
    client.create("standup")
    client.mute("standup", "p7")
    assert [body for _, _, body in client.asked] == [{}, {}]


def test_queries() -> None:
    client = Recorder()
    client.rooms(), client.room("standup"), client.recordings(), client.status(), client.openapi()
    asked = [path for _, path, _ in client.asked]
    assert asked == [
        query.path.format(room="standup")
        for query in QUERIES
        if not query.is_open and query.query not in (*STREAMS, FILE)
    ]


# ------------------------------------------------------------------ a server that answers what it is told to
class Canned(BaseHTTPRequestHandler):
    answer: tuple[int, bytes] = (200, b"[]")
    asked: ClassVar[list[tuple[str, str, str | None, bytes]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.command, self.path, self.headers.get("Authorization"), body))
        self.send_response(self.answer[0])
        if self.answer[0] != 204:
            self.send_header("Content-Length", str(len(self.answer[1])))
        self.end_headers()
        self.wfile.write(self.answer[1])

    do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Canned.asked = []
    Canned.answer = (200, b"[]")
    with ThreadingHTTPServer(("127.0.0.1", 0), Canned) as house:
        threading.Thread(target=house.serve_forever, args=(0.01,), daemon=True).start()
        yield house
        house.shutdown()


def client_of(server: ThreadingHTTPServer, **more: Any) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}", "secret", **more)


def test_a_request_carries_token_and_json(server: ThreadingHTTPServer) -> None:
    Canned.answer = (201, b'{"name": "standup"}')
    with client_of(server) as client:
        assert client.create("standup", max_participants=5) == {"name": "standup"}
    assert Canned.asked == [("PUT", "/rooms/standup", "Bearer secret", b'{"max_participants": 5}')]


def test_a_proxy_may_put_a_path_before(server: ThreadingHTTPServer) -> None:
    Client(f"http://127.0.0.1:{server.server_port}/confs/", "").rooms()
    assert Canned.asked[0][1:3] == ("/confs/rooms", None)


def test_an_empty_answer_is_none(server: ThreadingHTTPServer) -> None:
    Canned.answer = (204, b"")
    assert client_of(server).remove("standup") is None


def test_refusals_become_problems(server: ThreadingHTTPServer) -> None:
    told = {"title": "Not Found", "status": 404, "detail": "there is no room x", "kind": "not-found"}
    Canned.answer = (404, json.dumps(told).encode())
    with pytest.raises(Problem, match="there is no room x") as caught:
        client_of(server).room("x")
    assert (caught.value.status, caught.value.title, caught.value.kind) == (404, "Not Found", "not-found")
    Canned.answer = (503, b"{}")
    with pytest.raises(Problem, match="HTTP 503"):
        client_of(server).room("x")
    Canned.answer = (401, b'{"detail": "the token is wrong"}')
    with pytest.raises(Unauthorized, match="the token is wrong"):
        client_of(server).room("x")


@pytest.mark.parametrize("answer", [(200, b"<html>"), (500, b"oops"), (200, b"\xff"), (302, b"moved")])
def test_what_is_no_confserver_is_told(server: ThreadingHTTPServer, answer: tuple[int, bytes]) -> None:
    Canned.answer = answer
    with pytest.raises(BadAnswer, match="is it a confserver"):
        client_of(server).rooms()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotRunning, match=r"no server is running at http://127\.0\.0\.1:"):
        Client(f"http://127.0.0.1:{port}").rooms()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, Forbidden), (404, NotFound), (409, Conflict), (412, Changed), (422, Invalid), (429, Busy), (503, Busy),
     (418, Problem)],
)  # fmt: skip
def test_each_refusal_has_its_kind(server: ThreadingHTTPServer, status: int, kind: type[Problem]) -> None:
    Canned.answer = (status, b'{"title": "No", "kind": "so"}')
    with pytest.raises(Problem) as caught:
        client_of(server).room("x")
    assert type(caught.value) is kind and (caught.value.status, caught.value.retry_after) == (status, None)


class Shaky(BaseHTTPRequestHandler):
    """Hangs up on the first requests, having taken them in; then answers."""

    fails = 2
    under_way = 0
    seen: ClassVar[list[tuple[str, str | None]]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.headers.get("Idempotency-Key")))
        if len(self.seen) <= self.fails:
            self.close_connection = True
            return
        busy = len(self.seen) <= self.fails + self.under_way
        text = b'{"kind": "under-way"}' if busy else b'{"name": "standup"}'
        self.send_response(409 if busy else 200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def shaky() -> Iterator[ThreadingHTTPServer]:
    Shaky.seen, Shaky.fails, Shaky.under_way = [], 2, 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Shaky) as house:
        threading.Thread(target=house.serve_forever, args=(0.01,), daemon=True).start()
        yield house
        house.shutdown()


def test_a_change_whose_answer_is_lost_is_asked_for_again_by_its_key(shaky: ThreadingHTTPServer) -> None:
    assert client_of(shaky).dial("standup", "sip:anna@192.0.2.7") == {"name": "standup"}
    assert len(Shaky.seen) == 3 and len(set(Shaky.seen)) == 1 and Shaky.seen[0][1]
    client_of(shaky).dial("standup", "sip:anna@192.0.2.7")
    assert Shaky.seen[3][1] != Shaky.seen[0][1], "another call, another key"


def test_a_change_that_is_under_way_is_waited_for(shaky: ThreadingHTTPServer) -> None:
    Shaky.fails, Shaky.under_way = 1, 1
    assert client_of(shaky).lock("standup") == {"name": "standup"}
    assert len(set(Shaky.seen)) == 1 and len(Shaky.seen) == 3


def test_it_is_not_tried_for_ever(shaky: ThreadingHTTPServer) -> None:
    Shaky.fails = 10
    with pytest.raises(BadAnswer):
        client_of(shaky).lock("standup")
    assert len(Shaky.seen) == 3
    with pytest.raises(BadAnswer):
        client_of(shaky).room("standup")
    assert len(Shaky.seen) == 4 and Shaky.seen[3] == ("GET", None), "who only looks may look again himself"


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with pytest.raises(BadAnswer, match=r"no answer within 0\.1 seconds"):
            Client(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=0.1).rooms()


def test_a_server_that_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as house:

        def hang_up() -> None:
            wire, _ = house.accept()
            wire.recv(100)
            wire.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(BadAnswer):
            Client(f"http://127.0.0.1:{house.getsockname()[1]}").rooms()
        thread.join()


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8070", "ftp://x", "http://", "http://x:99999", "http://x:y", "http://[::"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ClientError, match="not a server's URL"):
        Client(url)


def test_a_token_that_no_header_can_hold(server: ThreadingHTTPServer) -> None:
    with pytest.raises(ClientError):
        Client(f"http://127.0.0.1:{server.server_port}", "a\r\nX: y").rooms()
    assert not Canned.asked


# ------------------------------------------------------------------ the server of this machine
def test_found_through_the_state_directory(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_control(tmp_path / "confserver", Control(url_of(("127.0.0.1", server.server_port)), "t" * 43, 1))
    assert Client.local(tmp_path / "confserver").rooms() == []
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Client.local().rooms() == []
    assert [token for _, _, token, _ in Canned.asked] == [f"Bearer {'t' * 43}"] * 2


def test_by_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "a b.sock"
    with socket.socket(socket.AF_UNIX) as house:
        house.bind(str(path))
        house.listen()

        def answer() -> None:
            wire, _ = house.accept()
            with wire:
                while b"\r\n\r\n" not in wire.recv(4096):
                    pass
                wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

        thread = threading.Thread(target=answer)
        thread.start()
        assert Client(url_of(path), "t").rooms() == []
        thread.join()
    with pytest.raises(NotRunning):
        Client(url_of(path), "t").rooms()
    path.unlink()
    with pytest.raises(NotRunning):
        Client(url_of(path), "t").rooms()


def test_no_control_file_means_no_server(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=r"there is no .*control\.json"):
        Client.local(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotRunning):
        Client.local(tmp_path / "file")


def test_a_control_file_that_is_not_ours_alone_is_not_used(tmp_path: Path) -> None:
    path = write_control(tmp_path, Control("http://127.0.0.1:1", "t" * 43, 1))
    path.chmod(0o644)
    with pytest.raises(Unauthorized, match=r"others can read it \(mode 0644\)"):
        Client.local(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(Unauthorized, match="not a regular file"):
        Client.local(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_somebody_elses_control_file_is_not_read(tmp_path: Path) -> None:
    write_control(tmp_path, Control("http://127.0.0.1:1", "t" * 43, 1))
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            Client.local(tmp_path)
        except Unauthorized:
            os._exit(42)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": "http://x"}', "\xff"])
def test_nonsense_in_the_control_file(tmp_path: Path, text: str) -> None:
    write_control(tmp_path, Control("http://127.0.0.1:1", "t" * 43, 1)).write_bytes(text.encode("latin-1"))
    with pytest.raises(NotRunning, match="is not a control file"):
        Client.local(tmp_path)


def test_it_can_be_taken_along_alone() -> None:
    code = (
        "import sys, confserver.client\n"
        "wrong = [m for m in sys.modules if m.split('.')[0] in ('twisted', 'numpy', 'rooms', 'msgspec', 'click')]\n"
        "assert not wrong, wrong"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
