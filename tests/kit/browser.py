"""A phone in a browser: JsSIP (``tests/data/jssip``) in headless Chromium, on a page that this serves."""

from __future__ import annotations

import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.kit.process import Child

PAGES = Path(__file__).resolve().parents[1] / "data" / "jssip"
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}
ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


def program() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def is_installed() -> bool:
    return program() is not None


class Browser:
    """``wish``: what the page is to do; see ``phone.html``."""

    def __init__(self, folder: Path, **wish: str) -> None:
        self.folder = folder / "browser"
        self.folder.mkdir(parents=True)
        self._wish = wish
        self._events: list[dict[str, Any]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._events))
        self.origin = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Browser:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        url = f"{self.origin}/phone.html?{urlencode(self._wish)}"
        found = program()
        assert found
        profile = f"--user-data-dir={self.folder / 'profile'}"
        self.child = Child([found, *ARGUMENTS, profile, url], self.folder, "chromium")
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        self._http.shutdown()
        self._http.server_close()

    def wait_for(self, event: str, timeout: float = 20.0) -> dict[str, Any]:
        """The first event of this name."""
        self.child.wait_for(lambda: self._find(event) is not None, f"{event} (seen: {self._events})", timeout)
        found = self._find(event)
        assert found is not None
        return found

    def _find(self, event: str) -> dict[str, Any] | None:
        return next((each for each in list(self._events) if each["event"] == event), None)


def _handler(events: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = PAGES / Path(urlsplit(self.path).path).name
            is_there = path.suffix in KINDS and path.is_file()
            self.send_response(200 if is_there else 404)
            body = path.read_bytes() if is_there else b""
            self.send_header("Content-Type", KINDS.get(path.suffix, "text/plain"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    return Handler
