"""A real worker process and the line to it: what the signalling process would say to it, the rig says here."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from confserver.bench import proc
from confserver.bench.media.load import HOST
from confserver.bench.media.processes import stay_on
from confserver.contract import (
    Describe,
    Described,
    EngineReady,
    FromWorker,
    Stop,
    ToWorker,
    event_unpacker,
    packed,
)  # fmt: skip
from confserver.transports.child import ENVIRONMENT

START_S, ANSWER_S, STOP_S = 20.0, 30.0, 5.0
PORTS = 512


class Silent(Exception):
    """The worker does not say what it should, or is gone; the text says what was waited for."""


class Worker:
    """``said``: everything that was not waited for, until somebody takes it."""

    def __init__(self, process: subprocess.Popen[bytes], line: socket.socket) -> None:
        self._process, self._line = process, line
        self._unpacker = event_unpacker()
        self._token = 0
        self.said: list[FromWorker] = []

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, *commands: ToWorker) -> None:
        """Raises Silent where the worker is gone."""
        try:
            self._line.sendall(b"".join(map(packed, commands)))
        except OSError as error:
            raise Silent(f"the worker is gone: {error}") from error

    def listen(self, seconds: float) -> None:
        """Read what it says for so long, at least what there is now. Raises Silent where it is gone."""
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self._line], [], [], max(end - time.monotonic(), 0))
            if not ready:
                return
            data = self._line.recv(1 << 20)
            if not data:
                raise Silent("the worker has ended")
            self.said += self._unpacker.feed(data)

    def wait(self, is_done: Callable[[], bool], what: str, seconds: float = ANSWER_S) -> None:
        """Listen until it is so. Raises Silent."""
        end = time.monotonic() + seconds
        while not is_done():
            left = end - time.monotonic()
            if left <= 0:
                raise Silent(f"waited {seconds:g} s for {what}")
            self.listen(min(left, 0.01))

    def describe(self) -> dict[str, float]:
        """Its counts. Raises Silent."""
        self._token += 1
        token, found = self._token, list[dict[str, float]]()
        self.send(Describe(token=token))

        def is_there() -> bool:
            found.extend(event.counts for event in self.said if isinstance(event, Described) and event.token == token)
            return bool(found)

        self.wait(is_there, "its counts")
        self.said = [event for event in self.said if not isinstance(event, Described)]
        return found[0]

    def close(self) -> None:
        with contextlib.suppress(Silent, subprocess.TimeoutExpired):
            self.send(Stop())
            self._process.wait(STOP_S)
        self._line.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def worker(realtime: bool, core: int, ports: tuple[int, int] | None = None) -> Iterator[Worker]:
    """Started, and ended with the block. Raises Silent."""
    first, last = ports or free_ports()
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    words = [sys.executable, "-m", "confserver.worker", "--fd", str(theirs.fileno()), "--address", HOST]
    words += ["--first-port", str(first), "--last-port", str(last), "--cname", "bench@127.0.0.1"]
    words += ["--epoch", repr(time.time() - time.monotonic()), *(["--realtime"] if realtime else [])]
    with theirs:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=os.environ | ENVIRONMENT
        )
    made = Worker(process, ours)
    try:
        stay_on(core, process.pid)
        made.wait(lambda: any(isinstance(event, EngineReady) for event in made.said), "its start", START_S)
        made.said.clear()
        yield made
    finally:
        made.close()


def free_ports(taken: set[int] | None = None) -> tuple[int, int]:
    """A range that nobody holds. Raises LookupError."""
    held = set(proc.udp_drops()) | (taken or set())
    first = proc.free_range(held, PORTS, 40_000, 65_000)
    return first, first + PORTS - 1
