"""The scribe's process: started, asked whether it lives, started again where it is lost, ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

import structlog
from twisted.internet.task import LoopingCall

from confserver.contract import (
    VERSION,
    AskScribe,
    FromScribe,
    ScribeAnswers,
    ScribeEvent,
    ScribeReady,
    StopScribe,
    ToScribe,
    packed,
    scribe_event_unpacker,
)  # fmt: skip
from confserver.transports.child import CHANNEL_FD, Child, Reactor

log = structlog.get_logger("scribe")
ASK_S = 2.0
LOST_S = 30.0
"""So long it may owe an answer. It is the last to get the processor, and a disk may keep it waiting."""
STEADY_S = 60.0
"""A scribe that stood so long is started again at once; others after a while, longer each time."""
MOST_DELAY_S = 30.0


class Hearer(Protocol):
    """Who hears what the scribe says."""

    def heard_scribe(self, event: FromScribe) -> None: ...

    def scribe_lost(self) -> None:
        """All that it had in hand is lost; what is said until ScribeReady comes again is not."""
        ...


class ScribeLink:
    """The scribe, whichever process that is. What is said before it stands waits for it."""

    def __init__(self, reactor: Reactor, arguments: list[str], hearer: Callable[[], Hearer]) -> None:
        """``arguments``: see ``scribe.__main__``."""
        self._reactor = reactor
        self._words = [sys.executable, "-m", "confserver.scribe", "--fd", str(CHANNEL_FD), *arguments]
        self._hearer = hearer
        self._child: Child[ScribeEvent] | None = None
        self._waiting: list[ToScribe] = []
        self._is_ready = self._is_stopping = False
        self._began = self._answered = 0.0
        self._failures = 0
        """One after another, without standing for long in between."""
        self._restarts = -1
        self._counts: dict[str, float] = {}
        self._asking = LoopingCall(self._ask)
        self._asking.clock = reactor

    def start(self) -> None:
        """Spawn the process; where that cannot be now, later."""
        if self._is_stopping:
            return
        self._began = self._answered = self._reactor.seconds()
        self._restarts += 1
        try:
            self._child = Child(self._reactor, self._words, scribe_event_unpacker(), self)
        except OSError as error:
            self.ended(str(error))
        if not self._asking.running:
            self._asking.start(ASK_S, now=False)

    def send(self, command: ToScribe) -> None:
        if self._child and self._is_ready:
            self._child.send(packed(command))
        elif not self._is_stopping:
            self._waiting.append(command)

    def stop(self) -> None:
        """Ask it to end; ``kill`` where that is not enough."""
        self._is_stopping = True
        if self._asking.running:
            self._asking.stop()
        if self._child:
            self._child.send(packed(StopScribe()))

    def kill(self) -> None:
        if self._child:
            self._child.kill()

    @property
    def is_alive(self) -> bool:
        return self._child is not None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def describe(self) -> dict[str, object]:
        return {"pid": self.pid, "ready": self._is_ready, "restarts": max(self._restarts, 0), **self._counts}

    def _ask(self) -> None:
        """One that hangs is killed, and its end is what counts."""
        if self._child is None:
            return
        owed = self._reactor.seconds() - self._answered
        if owed > LOST_S:
            log.error("scribe hangs", pid=self.pid, seconds=round(owed, 1))
            self._child.kill()
            return
        self._child.send(packed(AskScribe(token=0)))

    # ---------------------------------------------------------------- its process
    def took(self, event: FromScribe) -> None:
        self._answered = self._reactor.seconds()
        match event:
            case ScribeAnswers(counts=counts):
                self._counts = counts
                return
            case ScribeReady(version=version) if version != VERSION:
                log.error("scribe of another version", pid=self.pid, version=version)
                self.kill()
                return
            case ScribeReady(pid=pid):
                log.info("scribe ready", pid=pid)
                self._is_ready = True
                waiting, self._waiting = self._waiting, []
                self._hearer().heard_scribe(event)
                for command in waiting:
                    self.send(command)
                return
        self._hearer().heard_scribe(event)

    def ended(self, reason: str) -> None:
        was_ready, self._is_ready, self._child = self._is_ready, False, None
        self._counts = {}
        if self._is_stopping:
            return
        log.error("scribe lost", why=reason)
        stood = self._reactor.seconds() - self._began
        self._failures = 0 if stood > STEADY_S else self._failures + 1
        delay = 0.0 if stood > STEADY_S else min(2.0 ** (self._failures - 1) - 1, MOST_DELAY_S)
        self._reactor.callLater(delay, self.start)
        if was_ready:
            self._hearer().scribe_lost()
