"""One media process and the line to it: spawned, asked whether it lives, talked to, killed."""

from __future__ import annotations

from typing import Protocol

import structlog
from twisted.internet.task import LoopingCall

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
from confserver.transports.child import Child, Reactor
from confserver.transports.pulse import PING_S, Pulse, usage_of

log = structlog.get_logger("workers")
_DESCRIBE_BEATS = 4


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
        self._child = Child(reactor, words, event_unpacker(), self)
        self._asking.start(PING_S)

    @property
    def is_ready(self) -> bool:
        return self._pulse.is_ready

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def send(self, command: ToWorker) -> None:
        """What is said to a process that is gone is lost; its owner has been told or will be."""
        self._child.send(packed(command))

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
        self._child.kill()

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

    def ended(self, reason: str) -> None:
        """It is gone, and its ports are free; what its line may still hold is of no use."""
        self._be_quiet()
        self.owner.ended(self, reason)
