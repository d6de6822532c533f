"""The server as a process of its own, on the loopback, with ports and state of its own.

    with Server(tmp_path, media={"workers": 2}) as server:
        server.cli("room", "create", "standup")
        Phone(server.address, "anna") ...

Leaving it stops it by SIGTERM and wants exit status 0 in time. What it logged is shown where something fails.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.kit.ports import server_range
from tests.kit.process import Child
from tests.kit.raw_sip import Address, SipSocket, request

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "confserver")
START_SECONDS = 20.0
STOP_SECONDS = 12.0
RTP_PORTS = 200

Section = dict[str, Any]


def toml(sections: dict[str, Section]) -> str:
    """Settings as TOML; all values here look the same in JSON."""
    lines = []
    for name, values in sections.items():
        for table in values if isinstance(values, list) else [values]:
            lines.append(f"[[{name}]]" if isinstance(values, list) else f"[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


class Server:
    def __init__(self, folder: Path, *, host: str = "127.0.0.1", **settings: Section) -> None:
        """``settings``: sections of the configuration with what shall differ from the tests' own."""
        self.folder = folder / "server"
        self.folder.mkdir(parents=True, exist_ok=True)
        first = server_range(RTP_PORTS + 6, host)
        self.address: Address = host, first + RTP_PORTS
        self.rtp_ports = range(first, first + RTP_PORTS)
        self.ports = {"tls": first + RTP_PORTS + 1, "ws": first + RTP_PORTS + 3, "wss": first + RTP_PORTS + 5}
        own: dict[str, Section] = {
            "sip": {
                "addresses": [host],
                "port": self.address[1],
                **{f"{transport}_port": port for transport, port in self.ports.items()},
            },
            "rtp": {"addresses": [host], "port_min": first, "port_max": first + RTP_PORTS - 1},
            "media": {"workers": 1, "spare": False},
            "http": {"address": f"127.0.0.1:{first + RTP_PORTS + 2}"},
            "rooms": {"music_when_alone": False},  # most tests listen to who is alone for silence
        }
        for name, section in settings.items():
            own[name] = section if isinstance(section, list) else own.get(name, {}) | section
        self.config = self.folder / "config.toml"
        self.config.write_text(toml(own))
        self.environment = {
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        }
        self.state_directory = self.folder / "state" / "confserver"
        self.child: Child | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.stop()
            elif self.child:
                print(f"--- the server's log:\n{self.child.said()[-8000:]}")
        finally:
            if self.child:
                self.child.kill()

    # ------------------------------------------------------------------ its life
    def start(self) -> None:
        command = [*COMMAND, "serve", "--config", str(self.config)]
        self.child = Child(command, self.folder, "serve", environment=self.environment)
        self.child.wait_for(self.answers, "it answered OPTIONS", START_SECONDS)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        assert self.child
        self.child.wait_for(self._is_ready, "its workers were ready", START_SECONDS)

    def _is_ready(self) -> bool:
        try:
            workers = self.http("GET", "/status")["workers"]
        except (OSError, ValueError):
            return False
        return bool(workers) and all(worker["ready"] for worker in workers)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self.child
        if self.child.is_running:
            status = self.child.end(how, STOP_SECONDS)
            assert status == 0, f"the server ended with {status}:\n{self.child.said()}"

    def kill(self) -> None:
        """As a power cut would (its workers must notice by themselves, or be gone with it)."""
        assert self.child
        os.kill(self.child.process.pid, signal.SIGKILL)
        self.child.process.wait(5)

    def answers(self, timeout: float = 0.3) -> bool:
        """Whether it answers OPTIONS just now."""
        with SipSocket(self.address, self.address[0]) as asking:
            asking.send(request("OPTIONS", f"sip:{self.address[0]}:{self.address[1]}", asking.local))
            answer = asking.receive(timeout)
            return answer is not None and answer.status == 200

    def uri(self, room: str, transport: str = "") -> str:
        """``transport``: tls, ws or wss; without it the phone chooses UDP or TCP. WSS is ws by name (RFC 7118)."""
        if not transport:
            return f"sip:{room}@{self.address[0]}:{self.address[1]}"
        named = "ws" if transport == "wss" else transport
        return f"sip:{room}@{self.address[0]}:{self.ports[transport]};transport={named}"

    def said(self) -> str:
        assert self.child
        return self.child.said()

    # ------------------------------------------------------------------ by script
    def run(self, *arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Any command of the command line, against this server."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            [*COMMAND, *arguments], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    def cli(self, *arguments: str, timeout: float = 30.0) -> Any:
        """The same with --json: what it says, parsed; it must succeed."""
        done = self.run(*arguments, "--json", timeout=timeout)
        assert done.returncode == 0, f"confserver {' '.join(arguments)} ended with {done.returncode}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def status(self) -> dict[str, Any]:
        found = self.cli("status")
        assert isinstance(found, dict)
        return found

    def http(self, method: str, path: str, body: Section | None = None) -> Any:
        """One request to the HTTP interface with the server's own token; raises HTTPError for what is refused."""
        control = json.loads((self.state_directory / "control.json").read_text())
        asked = urllib.request.Request(control["url"] + path, method=method)
        asked.add_header("Authorization", f"Bearer {control['token']}")
        if body is not None:
            asked.data = json.dumps(body).encode()
            asked.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def participants(self, room: str) -> dict[str, dict[str, Any]]:
        """Who is in a room, by name; nobody where there is no such room."""
        try:
            found = self.http("GET", f"/rooms/{room}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise
        return {person["name"]: person for person in found["participants"]}

    def wait_until_in(self, room: str, *names: str, timeout: float = 5.0) -> dict[str, dict[str, Any]]:
        """Until exactly these are in the room."""
        end = time.monotonic() + timeout
        while (there := self.participants(room)).keys() != set(names):
            assert time.monotonic() < end, f"in {room}: {sorted(there)}, not {sorted(names)}\n{self.said()[-4000:]}"
            time.sleep(0.05)
        return there

    # ------------------------------------------------------------------ what must come back to the start
    def counts(self) -> dict[str, float]:
        """All that somebody takes and must give back."""
        return taken(self.status())

    def wait_for_counts(self, before: dict[str, float], timeout: float, *only: str) -> None:
        """Raises AssertionError with what is left over. ``only``: names of counts; none: all of them."""

        def left_over() -> dict[str, float]:
            found = self.counts().items()
            return {k: v for k, v in found if v > before.get(k, 0) and (not only or k.rpartition(".")[2] in only)}

        end = time.monotonic() + timeout
        while (left := left_over()) and time.monotonic() < end:
            time.sleep(0.5)
        assert not left, f"left over (before: {[before.get(k, 0) for k in left]}): {left}"


GIVEN_BACK = frozenset({
    "legs", "rooms", "mixes", "seats", "ports", "tombstones", "calls", "dialogs", "connections", "transactions",
    "merged", "timers", "searches", "opening", "answered", "present", "parting", "leaving", "tasks", "plays",
})  # fmt: skip
"""Names of counts in ``status`` that return to what they were."""


def kick(server: Server, room: str, participant: str) -> None:
    """By the command line, and at once: what who is removed hears is for tests of its own."""
    server.http("PATCH", f"/rooms/{room}", {"tell_removed": False})
    server.cli("room", "kick", room, participant)


def taken(status: object, name: str = "") -> dict[str, float]:
    """The counts among all that ``status`` says, by their dotted names."""
    if isinstance(status, dict):
        parts = [taken(value, f"{name}.{key}" if name else str(key)) for key, value in status.items()]
    elif isinstance(status, list):
        parts = [taken(value, f"{name}.{index}") for index, value in enumerate(status)]
    else:
        is_count = isinstance(status, int | float) and name.rpartition(".")[2] in GIVEN_BACK
        parts = [{name: float(status)}] if is_count else []  # type: ignore[arg-type]
    return {key: value for part in parts for key, value in part.items()}
