"""What a killed server must not forget: keys of changes, events for a webhook, countries that wait for a word."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from tests.kit.server import Server

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


class Kept:
    """Asked of a server before it is killed (``begin``), and looked for after it (``check``)."""

    SETTINGS: ClassVar[dict[str, Any]] = {
        "dialout": {"prefixes": ["+3"], "approve_countries": True},
        "trunks": [{"name": "carrier", "hosts": ["127.0.0.1:9"], "prefixes": ["+3"], "probe_s": 0}],
    }

    def __init__(self) -> None:
        Receiver.up, Receiver.heard, Receiver.tried = False, [], threading.Event()
        self._house = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self._house.serve_forever, args=(0.05,), daemon=True).start()
        self._made: tuple[int, Any, Any] = (0, None, None)

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self._house.shutdown()
        self._house.server_close()

    def begin(self, server: Server) -> None:
        url = f"http://127.0.0.1:{self._house.server_port}/"
        hook = {"url": url, "secret": SECRET, "events": ["room-created"], "rooms": ["kept-*"]}
        server.http("PUT", "/webhooks/crm", hook)
        self._made = change(server, "/rooms/kept-1", "k1", {"max_participants": 5}, "PUT")
        assert self._made[0] == 201
        server.http("PUT", "/rooms/kept-2", {})
        assert change(server, "/tokens/desk", "k2", {}, "PUT")[1]["secret"]
        status, told, _ = change(server, "/rooms/kept-1/dial", "k3", {"uri": "+33123456"})
        assert status == 403 and "+33" in told["detail"]
        assert Receiver.tried.wait(10) and not Receiver.heard

    def check(self, server: Server) -> None:
        Receiver.up = True
        again = change(server, "/rooms/kept-1", "k1", {"max_participants": 5}, "PUT")
        assert again[:2] == self._made[:2] and again[2]["Idempotency-Replayed"] == "true"
        hidden = change(server, "/tokens/desk", "k2", {}, "PUT")
        assert (hidden[0], hidden[1]["kind"]) == (409, "not-kept")
        [country] = server.http("GET", "/fence")["countries"]
        assert (country["country"], country["state"], country["asked_by"]) == ("+33", "waits", "administrator")
        server.http("PUT", "/rooms/kept-3", {})
        deadline = time.monotonic() + 15
        while len({each["id"] for each in Receiver.heard}) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list(dict.fromkeys(each["room"] for each in Receiver.heard)) == ["kept-1", "kept-2", "kept-3"]
        [row] = server.http("GET", "/webhooks")
        assert row["lost"] == row["dead"] == 0
