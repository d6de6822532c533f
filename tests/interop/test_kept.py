"""What a killed server must not forget: keys of changes, events for a webhook, countries that wait for a word."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.kit.server import Server

pytestmark = pytest.mark.interop
SECRET = "correct horse battery staple"


class Receiver(BaseHTTPRequestHandler):
    """Says 503 until it is ``up``."""

    up: ClassVar[bool] = False
    heard: ClassVar[list[dict[str, Any]]] = []
    tried: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.up:
            self.heard.append(json.loads(body))
        self.tried.set()
        self.send_response(200 if self.up else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def change(server: Server, path: str, key: str, body: dict[str, Any], method: str = "POST") -> tuple[int, Any, Any]:
    control = json.loads((server.state_directory / "control.json").read_text())
    asked = urllib.request.Request(control["url"] + path, json.dumps(body).encode(), method=method)
    for name, value in (
        ("Authorization", f"Bearer {control['token']}"), ("Content-Type", "application/json"), ("Idempotency-Key", key),
    ):  # fmt: skip
        asked.add_header(name, value)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def test_a_kill_takes_neither_keys_nor_events_nor_countries(tmp_path: Path) -> None:
    house = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=house.serve_forever, daemon=True).start()
    hook = {"url": f"http://127.0.0.1:{house.server_port}/", "secret": SECRET, "events": ["room-*"]}
    dialout = {"prefixes": ["+3"], "approve_countries": True}
    trunk = [{"name": "carrier", "hosts": ["127.0.0.1:9"], "prefixes": ["+3"], "probe_s": 0}]
    try:
        with Server(tmp_path, dialout=dialout, trunks=trunk) as server:
            server.http("PUT", "/webhooks/crm", hook)
            made = change(server, "/rooms/board", "k1", {"max_participants": 5}, "PUT")
            assert made[0] == 201
            server.http("PUT", "/rooms/other", {})
            assert change(server, "/tokens/desk", "k2", {}, "PUT")[1]["secret"]
            status, told, _ = change(server, "/rooms/board/dial", "k3", {"uri": "+33123456"})
            assert status == 403 and "+33" in told["detail"]
            assert Receiver.tried.wait(10) and not Receiver.heard
            server.kill()
            Receiver.up = True
            server.start()
            again = change(server, "/rooms/board", "k1", {"max_participants": 5}, "PUT")
            assert again[:2] == made[:2] and again[2]["Idempotency-Replayed"] == "true"
            hidden = change(server, "/tokens/desk", "k2", {}, "PUT")
            assert (hidden[0], hidden[1]["kind"]) == (409, "not-kept")
            [country] = server.http("GET", "/fence")["countries"]
            assert (country["country"], country["state"], country["asked_by"]) == ("+33", "waits", "administrator")
            server.http("PUT", "/rooms/third", {})
            deadline = time.monotonic() + 15
            while len({each["id"] for each in Receiver.heard}) < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            rooms = [each["room"] for each in Receiver.heard if each["type"] == "room-created"]
            assert list(dict.fromkeys(rooms)) == ["board", "other", "third"]
            [row] = server.http("GET", "/webhooks")
            assert row["lost"] == row["dead"] == 0
    finally:
        house.shutdown()
