"""Media workers: started, watched, talked to, ended.

A worker that is silent for LOST_S although asked, or whose process or line ends, is lost: it is killed first, so that
its ports are free, and another is started in its place.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import structlog
from twisted.internet.interfaces import (
    IProcessTransport,
    IReactorCore,
    IReactorProcess,
    IReactorSocket,
    IReactorTime,
)  # fmt: skip
from twisted.internet.protocol import Factory, ProcessProtocol, Protocol
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from confserver.contract import (
    VERSION,
    Describe,
    Described,
    EngineReady,
    FromWorker,
    Stop,
    ToWorker,
    event_unpacker,
    packed,
)  # fmt: skip

log = structlog.get_logger("workers")
ASK_S = 1.0
LOST_S = 4.0
STARTING_S = 20.0
"""So long a process may take until it stands."""
_CHANNEL_FD = 3
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""A second thread beside the tick makes most ticks late."""


class Reactor(IReactorProcess, IReactorSocket, IReactorTime, IReactorCore):
    """What is needed of a reactor."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is told on its command line; see ``worker.__main__``."""

    first_port: int
    last_port: int
    addresses: tuple[str, ...]
    packet_io: str
    epoch: float
    silence_s: float
    cname: str

    def arguments(self) -> list[str]:
        words = [sys.executable, "-m", "confserver.worker", "--fd", str(_CHANNEL_FD), "--realtime"]
        words += ["--first-port", str(self.first_port), "--last-port", str(self.last_port)]
        words += [word for address in self.addresses for word in ("--address", address)]
        words += ["--io", self.packet_io, "--epoch", repr(self.epoch)]
        return [*words, "--silence", repr(self.silence_s), "--cname", self.cname]


class WorkerLink:
    """One worker, restarted when it is lost."""

    def __init__(
        self,
        reactor: Reactor,
        number: int,
        settings: WorkerSettings,
        heard: Callable[[int, FromWorker], None],
        lost: Callable[[int], None],
    ) -> None:
        self._reactor = reactor
        self.number = number
        self._settings = settings
        self._heard = heard
        self._lost = lost
        self._process: _Process | None = None
        self._channel: _Channel | None = None
        self._asking = LoopingCall(self._ask)
        self._asking.clock = reactor
        self._unanswered_since: float | None = None
        self._last_asked = 0.0
        self._is_ready = False
        self._is_stopping = False
        self.restarts = -1
        self.counts: dict[str, float] = {}

    def start(self) -> None:
        """Spawn the process; ``heard`` gets EngineReady when it stands. Raises OSError where there is no more room."""
        self.restarts += 1
        ours, theirs = socket.socketpair()
        with ours, theirs, open(os.devnull, "rb") as nothing:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            ours.setblocking(False)
            self._process = _Process(self)
            self._reactor.spawnProcess(
                self._process, sys.executable, self._settings.arguments(), os.environ | ONE_THREAD,
                childFDs={0: nothing.fileno(), 1: 2, 2: 2, _CHANNEL_FD: theirs.fileno()},
            )  # fmt: skip
            self._channel = _Channel(self)
            self._reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, cast(Any, _Adopted(self._channel)))
        self._asking.start(ASK_S)

    def send(self, command: ToWorker) -> None:
        """What is said to a worker that is gone is lost; ``lost`` has told or will tell."""
        if self._channel and self._channel.transport:
            self._channel.transport.write(packed(command))

    def stop(self) -> None:
        """Ask it to end; ``kill`` where that is not enough."""
        self._is_stopping = True
        if self._asking.running:
            self._asking.stop()
        self.send(Stop())

    def kill(self) -> None:
        if self._process and self._process.transport:
            with contextlib.suppress(Exception):  # ProcessExitedAlready
                self._process.transport.signalProcess("KILL")

    @property
    def is_alive(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        return self._process.transport.pid if self._process and self._process.transport else None

    def describe(self) -> dict[str, object]:
        return {"pid": self.pid, "restarts": max(self.restarts, 0), **self.counts}

    # ---------------------------------------------------------------- what it says
    def took(self, event: FromWorker) -> None:
        if isinstance(event, Described):
            self.counts, self._unanswered_since = event.counts, None
            return
        if isinstance(event, EngineReady):
            if event.version != VERSION:
                log.error("worker of another version", worker=self.number, version=event.version)
                self.kill()
                return
            self._is_ready = True
        self._heard(self.number, event)

    def _ask(self) -> None:
        """Ask for the counts; a worker that does not answer although we ourselves were in time is lost."""
        now = self._reactor.seconds()
        in_time = now - self._last_asked < 2 * ASK_S
        self._last_asked = now
        if self._unanswered_since is None or not in_time:
            self._unanswered_since = now
        elif now - self._unanswered_since > (LOST_S if self._is_ready else STARTING_S):
            log.error("worker hangs", worker=self.number, seconds=round(now - self._unanswered_since, 1))
            self.kill()
            return
        self.send(Describe(token=0))

    def closed(self, channel: _Channel) -> None:
        """The process ends with its line; its end is what counts."""
        if channel is self._channel:
            self.kill()

    def ended(self, process: _Process, reason: str) -> None:
        """Its process is gone; what its line may still hold is of no use."""
        if process is not self._process:
            return
        if self._channel:
            self._channel.close()
        self._process = self._channel = self._unanswered_since = None
        self.counts = {}
        was_ready, self._is_ready = self._is_ready, False
        if self._asking.running:
            self._asking.stop()
        if self._is_stopping:
            return
        log.error("worker lost", worker=self.number, why=reason)
        if was_ready:
            self._lost(self.number)
        self._reactor.callLater(min(self.restarts, 5), self._start_again)

    def _start_again(self) -> None:
        if self._is_stopping:
            return
        try:
            self.start()
        except OSError as error:
            log.error("cannot start a worker", worker=self.number, why=str(error))
            self._process = self._channel = None
            self._reactor.callLater(5, self._start_again)


class _Process(ProcessProtocol):
    transport: IProcessTransport

    def __init__(self, link: WorkerLink) -> None:
        self._link = link

    def processEnded(self, reason: Failure) -> None:
        self._link.ended(self, reason.getErrorMessage())


class _Channel(Protocol):
    def __init__(self, link: WorkerLink) -> None:
        self._link = link
        self._unpacker = event_unpacker()
        self._is_closed = False

    def dataReceived(self, data: bytes) -> None:
        """What is no message makes Twisted close the line, and that ends the worker."""
        for event in self._unpacker.feed(data):
            if not self._is_closed:
                self._link.took(event)  # type: ignore[arg-type]

    def close(self) -> None:
        self._is_closed = True
        if self.transport:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._link.closed(self)


class _Adopted(Factory):
    noisy = False

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def buildProtocol(self, addr: object) -> _Channel:
        return self._channel
