"""The server under test: one of our own with a state of its own, or one that runs already."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from confserver.bench import proc
from confserver.bench.options import Options
from confserver.client import Client, ClientError, control
from confserver.config import Settings
from confserver.sip.flow import Address

START_S, STOP_S = 20.0, 15.0
HOST = "127.0.0.1"
LEAST_PORTS = 2048
"""RTP ports of our own server: it shares pairs between legs, but not with who has just left."""

LEFT_BEHIND = (("focus", "legs"), ("focus", "rooms"), ("sip", "calls"), ("sip", "dialogs"))
LEFT_IN_WORKER = ("legs", "rooms", "ports")


class NotStarted(Exception):
    """Our own server does not come up; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to call. pid: None where it is not known. client: None where it cannot be asked."""

    address: Address
    pid: int | None = None
    client: Client | None = None

    def left_behind(self) -> dict[str, int] | None:
        """What is still there of calls, by name, only what is not 0; None where it cannot be asked."""
        if self.client is None:
            return None
        try:
            return counts(self.client.status())
        except ClientError:
            return None


def counts(status: Mapping[str, object]) -> dict[str, int]:
    """All counts of a status that calls make and that must be 0 without any. Those that are 0 are left out."""
    found: dict[str, int] = {}
    for group, name in LEFT_BEHIND:
        part = status.get(group)
        if isinstance(part, Mapping):
            found[f"{group} {name}"] = int(part.get(name, 0))
    workers = status.get("workers")
    for worker in workers if isinstance(workers, list) else []:
        for name in LEFT_IN_WORKER:
            found[f"worker {worker.get('worker', '?')} {name}"] = int(worker.get(name, 0))
    return {name: count for name, count in found.items() if count}


def settings_text(folder: Path, workers: int, first_port: int, last_port: int) -> str:
    """Settings of our own server, as TOML."""
    text = json.dumps
    return "\n".join(
        [
            "[sip]",
            f"addresses = [{text(HOST)}]",
            "port = 0",
            'transports = ["udp"]',
            "[rtp]",
            f"addresses = [{text(HOST)}]",
            f"port_min = {first_port}",
            f"port_max = {last_port}",
            "[media]",
            f"workers = {workers}",
            "[users]",
            "trust_inside = true",
            "[http]",
            'address = "unix"',
            "[state]",
            f"directory = {text(str(folder / 'state'))}",
            "[log]",
            'level = "warning"',
            "",
        ]
    )


@contextlib.contextmanager
def target(options: Options) -> Iterator[Target]:
    """The server to call. Raises NotStarted."""
    if options.server is not None:
        yield Target(options.server, options.pid, _known(options.pid))
        return
    with tempfile.TemporaryDirectory(prefix="confserver-bench-") as name, _own(Path(name), options.workers) as own:
        yield own


def _known(pid: int | None) -> Client | None:
    """The running server can be asked where its control file is the usual one and says that it is this process."""
    try:
        found = control.read()
    except ClientError:
        return None
    return Client(found.url, found.token) if found.pid == pid else None


@contextlib.contextmanager
def _own(folder: Path, workers: int) -> Iterator[Target]:
    ports = LEAST_PORTS * workers
    rtp = Settings().rtp
    first = proc.free_range(set(proc.udp_drops()), ports, rtp.port_min, rtp.port_max)
    config = folder / "settings.toml"
    config.write_text(settings_text(folder, workers, first, first + ports - 1))
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "confserver", "serve", "--config", str(config)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1"},
            start_new_session=True,
        )
    try:
        yield _awaited(process, folder / "state", log)
    finally:
        _stop(process)
        said = [line for line in log.read_text("utf-8", "replace").splitlines() if "error" in line or "warning" in line]
        for line in said[:10]:
            print(f"the server said: {line}", file=sys.stderr)


def _awaited(process: subprocess.Popen[bytes], state: Path, log: Path) -> Target:
    """Wait until it is ready to be called."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise NotStarted(f"the server ended with status {process.returncode}: {log.read_text().strip()[-300:]}")
        with contextlib.suppress(ClientError):
            client = Client.local(state)
            status = client.status()
            if status["workers"] and all(worker["ready"] for worker in status["workers"]):
                return Target((HOST, int(status["sip_port"])), process.pid, client)
        time.sleep(0.05)
    raise NotStarted(f"the server was not ready within {START_S:g} s: {log.read_text().strip()[-300:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        print(f"the server did not stop within {STOP_S:g} s of SIGTERM; killed", file=sys.stderr)
        os.killpg(process.pid, 9)
        process.wait()
