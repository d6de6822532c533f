"""One media process and the line to it: spawned, asked whether it lives, talked to, killed."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import Any, Protocol, cast

import structlog
from twisted.internet.interfaces import (
    IProcessTransport,
    IReactorCore,
    IReactorProcess,
    IReactorSocket,
    IReactorTime,
)  # fmt: skip
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from confserver.contract import (
    VERSION,
    Describe,
    Described,
    EngineReady,
    FromWorker,
    Ping,
    Pong,
    Serve,
    Stop,
    ToWorker,
    event_unpacker,
    packed,
)  # fmt: skip
from confserver.transports.pulse import PING_S, Pulse, usage_of

log = structlog.get_logger("workers")
CHANNEL_FD = 3
_DESCRIBE_BEATS = 4
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""A second thread beside the tick makes most ticks late."""


class Reactor(IReactorProcess, IReactorSocket, IReactorTime, IReactorCore):
    """What is needed of a reactor."""


class Owner(Protocol):
    """Whom a process serves: a worker's number, or those who keep spares."""

    def took(self, event: FromWorker) -> None: ...

    def ended(self, process: MediaProcess, reason: str) -> None: ...


class MediaProcess:
    """A child of ours; ``owner`` hears what it says, and of its end. A spare gets another owner with its post."""

    def __init__(self, reactor: Reactor, words: list[str], owner: Owner) -> None:
        """Spawns it. Raises OSError where there is no more room."""
        self.owner = owner
        self.counts: dict[str, float] = {}
        self._pulse = Pulse()
        self._beats = 0
        self._first_beat = 0
        """That it has at its post."""
        self._is_stopping = False
        self._asking = LoopingCall(self._ask)
        self._asking.clock = self._reactor = reactor
        self._child, self._channel = _Child(self), _Channel(self)
        ours, theirs = socket.socketpair()
        with ours, theirs, open(os.devnull, "rb") as nothing:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            ours.setblocking(False)
            reactor.spawnProcess(
                self._child, sys.executable, words, os.environ | ONE_THREAD,
                childFDs={0: nothing.fileno(), 1: 2, 2: 2, CHANNEL_FD: theirs.fileno()},
            )  # fmt: skip
            reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, cast(Any, _Adopted(self._channel)))
        self._asking.start(PING_S)

    @property
    def is_ready(self) -> bool:
        return self._pulse.is_ready

    @property
    def pid(self) -> int | None:
        return self._child.transport.pid if self._child.transport else None

    def send(self, command: ToWorker) -> None:
        """What is said to a process that is gone is lost; its owner has been told or will be."""
        if self._channel.transport:
            self._channel.transport.write(packed(command))

    def appoint(self, owner: Owner, post: Serve) -> None:
        """Give a spare its post: from now on it is heard there."""
        self.owner = owner
        self._begins()
        self.send(post)

    def _begins(self) -> None:
        self._pulse.is_taking_over, self._first_beat = True, self._beats

    def stop(self) -> None:
        """Ask it to end; ``kill`` where that is not enough."""
        self._is_stopping = True
        self._be_quiet()
        self.send(Stop())

    def kill(self) -> None:
        with contextlib.suppress(Exception):  # ProcessExitedAlready
            self._child.transport.signalProcess("KILL")

    def _be_quiet(self) -> None:
        if self._asking.running:
            self._asking.stop()

    def _ask(self) -> None:
        """Ask whether it lives; one that hangs is killed, and its owner hears of its end."""
        owed = self._pulse.beat(self._reactor.seconds())
        if self._pulse.is_lost(owed, usage_of(self.pid) if owed else None):
            log.error("worker hangs", pid=self.pid, seconds=round(owed, 2))
            self._be_quiet()
            self.kill()
            return
        self.send(Ping(token=self._beats))
        if self._beats % _DESCRIBE_BEATS == 0:
            self.send(Describe(token=0))
        self._beats += 1

    # ---------------------------------------------------------------- what it says
    def took(self, event: FromWorker) -> None:
        self._pulse.answered()
        match event:
            case Pong(token=token):
                self._pulse.is_taking_over &= token < self._first_beat
                return
            case Described(counts=counts):
                self.counts = counts
                return
            case EngineReady(version=version) if version != VERSION:
                log.error("worker of another version", pid=self.pid, version=version)
                self.kill()
                return
            case EngineReady():
                self._pulse.is_ready = True
                self._begins()
        self.owner.took(event)

    def closed(self) -> None:
        """It ends with its line; its end is what counts."""
        self.kill()

    def ended(self, reason: str) -> None:
        """It is gone, and its ports are free; what its line may still hold is of no use."""
        self._be_quiet()
        self._channel.close()
        self.owner.ended(self, reason)


class _Child(ProcessProtocol):
    transport: IProcessTransport

    def __init__(self, process: MediaProcess) -> None:
        self._process = process

    def processEnded(self, reason: Failure) -> None:
        self._process.ended(reason.getErrorMessage())


class _Channel(TwistedProtocol):
    def __init__(self, process: MediaProcess) -> None:
        self._process = process
        self._unpacker = event_unpacker()
        self._is_closed = False

    def dataReceived(self, data: bytes) -> None:
        """What is no message makes Twisted close the line, and that ends the worker."""
        for event in self._unpacker.feed(data):
            if not self._is_closed:
                self._process.took(event)  # type: ignore[arg-type]

    def close(self) -> None:
        self._is_closed = True
        if self.transport:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._process.closed()


class _Adopted(Factory):
    noisy = False

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def buildProtocol(self, addr: object) -> _Channel:
        return self._channel
