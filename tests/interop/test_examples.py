"""Scripts in scripts/examples, the live views and webhooks, against a server with phones in it."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from confserver.client import Client
from confserver.client.signature import HEADER, is_signed
from tests.kit.phone import Phone
from tests.kit.server import COMMAND, ROOT, Server

pytestmark = pytest.mark.interop
EXAMPLES = ROOT / "scripts" / "examples"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("examples"), dialout={"domains": ["127.0.0.0/8"]}) as started:
        yield started


def start(server: Server, *words: str, **how: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, **server.environment, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(words, env=environment, cwd=server.folder, text=True, stdout=subprocess.PIPE, **how)


def example(server: Server, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **server.environment}
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *words], env=environment, cwd=server.folder, text=True,
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip


def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_rooms_from_a_csv_file(server: Server, tmp_path: Path) -> None:
    rooms = tmp_path / "rooms.csv"
    rooms.write_text("room,max_participants,mute_on_entry\nAlpha,20,true\nbeta,,\nno such name!,5,\n")
    done = example(server, "nightly_rooms.py", str(rooms))
    assert done.returncode == 1 and "no such name" in done.stderr, "one bad row is told, and costs no other"
    made = {room["name"]: room for room in server.http("GET", "/rooms")}
    assert (made["alpha"]["max_participants"], made["alpha"]["mute_on_entry"]) == (20, True)
    assert made["beta"]["persistent"]
    rooms.write_text("room\nbeta\n")
    assert example(server, "nightly_rooms.py", str(rooms)).returncode == 0
    assert [room["name"] for room in server.http("GET", "/rooms")] == ["beta"]


def test_everyone_is_muted_until_the_host_says_go(server: Server) -> None:
    with Phone(server.address, "anna") as anna:
        assert anna.dial("lecture").status == 200
        server.wait_until_in("lecture", "anna")
        script = start(server, sys.executable, str(EXAMPLES / "mute_at_start.py"), "lecture")
        try:
            until(lambda: server.participants("lecture")["anna"]["muted"] == ["host"])
            with Phone(server.address, "bob") as bob:
                assert bob.dial("lecture").status == 200
                until(lambda: server.participants("lecture").get("bob", {}).get("muted") == ["host"])
                server.http("POST", "/rooms/lecture/messages", {"text": "Go"})
                assert script.wait(10) == 0
                until(lambda: not any(person["muted"] for person in server.participants("lecture").values()))
        finally:
            script.kill()


def test_a_list_of_people_who_do_not_come(server: Server) -> None:
    nobody = server.uri("x" * 80)  # no room can be called so: 404
    done = example(server, "call_list.py", "standup", nobody, "sip:eve@198.51.100.7")
    assert done.returncode == 1, done.stderr
    assert f"{nobody}: " in done.stdout and "sip:eve@198.51.100.7: dialling out" in done.stdout


def test_the_report_of_a_meeting(server: Server, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert example(server, "meeting_report.py", "nowhere", str(page)).returncode == 1
    with Phone(server.address, "anna", tone_hz=440) as anna:
        assert anna.dial("weekly").status == 200
        server.wait_until_in("weekly", "anna")
    until(lambda: not server.participants("weekly"))
    until(lambda: example(server, "meeting_report.py", "weekly", str(page), "wait").returncode == 0)
    assert "weekly" in page.read_text("utf-8")


def test_watching_and_the_view_at_a_glance(server: Server) -> None:
    watching = start(server, *COMMAND, "watch", "daily", "--json")
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["type"] == "snapshot"
        with Phone(server.address, "anna", tone_hz=440) as anna:
            assert anna.dial("daily").status == 200
            kinds: list[str] = []
            while "talking-changed" not in kinds:
                kinds.append(json.loads(watching.stdout.readline())["type"])
            assert "participant-arrived" in kinds
            with Client.local(server.state_directory) as client:
                for event in client.events("daily", types=["room-locked"], levels=True):
                    levels = [each["level_db"] or -99 for each in event.get("participants", {}).values()]
                    if event["type"] == "levels" and max(levels) > -40:
                        break
            seen = look(server, "anna", "█")
            assert "daily" in seen and "talks" in seen
    finally:
        watching.kill()
        watching.wait(5)


def look(server: Server, *wanted: str) -> str:
    """What ``confserver top`` has drawn by the time that all of this is in it; then q is pressed."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(server.environment | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"})
        os.execv(sys.executable, [*COMMAND, "top"])
    seen, end = "", time.monotonic() + 15
    try:
        while not all(each in seen for each in wanted):
            assert time.monotonic() < end, f"{wanted} not in {seen[-2000:]}"
            if select.select([fd], [], [], 0.2)[0]:
                seen += os.read(fd, 65536).decode(errors="replace")
        os.write(fd, b"q")
        done = 0
        while not done:
            assert time.monotonic() < end + 5, "q does not end it"
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    os.read(fd, 65536)
                except OSError:  # the terminal is gone with its program
                    pass
            done, status = os.waitpid(pid, os.WNOHANG)
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        os.close(fd)
    return seen


class Receiver(BaseHTTPRequestHandler):
    heard: list[tuple[dict[str, Any], bool]]
    secret = "correct horse battery staple"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = is_signed(self.secret, self.headers[HEADER], body, time.time())
        self.heard.append((json.loads(body), good))
        self.send_response(500 if len(self.heard) == 1 else 204)
        self.end_headers()

    def log_message(self, *words: object) -> None: ...


def test_a_webhook_hears_all_in_order_though_it_fails_once(server: Server) -> None:
    Receiver.heard = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as house:
        threading.Thread(target=house.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{house.server_port}/calls"
        told = {"url": url, "events": ["participant-*"], "rooms": ["hooked"], "secret": Receiver.secret}
        server.http("PUT", "/webhooks/crm", told)
        with Phone(server.address, "anna") as anna:
            assert anna.dial("hooked").status == 200
            server.wait_until_in("hooked", "anna")
        until(lambda: len(Receiver.heard) >= 3)
        house.shutdown()
    assert all(good for _, good in Receiver.heard)
    kinds = [event["type"] for event, _ in Receiver.heard]
    assert kinds == ["participant-arrived", "participant-arrived", "participant-left"], "the first one once more"
    server.http("DELETE", "/webhooks/crm")
