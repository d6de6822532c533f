"""Media workers by number: started, replaced where they are lost, ended.

A worker whose process or line ends, or that hangs (see ``pulse``), is lost: it is killed first, so that its ports are
free; then a spare that stands ready takes its number and its ports, or a new process where there is no spare.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from confserver.contract import VERSION, EngineReady, FromWorker, Serve, ToWorker
from confserver.transports.child import CHANNEL_FD, Reactor
from confserver.transports.media_process import MediaProcess

log = structlog.get_logger("workers")
STEADY_S = 10.0
"""A worker that stood so long is started again at once; others after a while, longer each time."""
MOST_DELAY_S = 5.0
NEXT_SPARE_S = 1.0
"""Let the calls go on first; then the next spare may use the processor to start."""


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
    opus_complexity: int = 5
    most_delay_ms: int = 120
    trail_mb: int = 0

    def arguments(self) -> list[str]:
        post = ["--first-port", str(self.first_port), "--last-port", str(self.last_port), "--cname", self.cname]
        return [*self._common(), *post]

    def spare_arguments(self) -> list[str]:
        """Without a post, which comes by ``post``."""
        return [*self._common(), "--spare"]

    def post(self) -> Serve:
        return Serve(first_port=self.first_port, last_port=self.last_port, cname=self.cname)

    def _common(self) -> list[str]:
        words = [sys.executable, "-m", "confserver.worker", "--fd", str(CHANNEL_FD), "--realtime"]
        words += [word for address in self.addresses for word in ("--address", address)]
        words += ["--io", self.packet_io, "--epoch", repr(self.epoch), "--silence", repr(self.silence_s)]
        words += ["--trail", str(self.trail_mb)]
        return [*words, "--complexity", str(self.opus_complexity), "--most-delay", str(self.most_delay_ms)]


class Post:
    """Where one media process serves, or none just now."""

    def __init__(self) -> None:
        self._process: MediaProcess | None = None
        self._is_stopping = False

    def stop(self) -> None:
        """Ask it to end; ``kill`` where that is not enough."""
        self._is_stopping = True
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    @property
    def is_alive(self) -> bool:
        return self._process is not None


class Spares(Post):
    """Keeps one process that stands ready for any number's post."""

    def __init__(self, reactor: Reactor, settings: WorkerSettings) -> None:
        super().__init__()
        self._reactor = reactor
        self._settings = settings

    def start(self) -> None:
        if self._is_stopping:
            return
        try:
            self._process = MediaProcess(self._reactor, self._settings.spare_arguments(), self)
        except OSError as error:
            log.error("cannot start a spare worker", why=str(error))
            self._reactor.callLater(MOST_DELAY_S, self.start)

    def take(self) -> MediaProcess | None:
        """Give the spare, if one stands; another is started."""
        process = self._process
        if process is None or not process.is_ready:
            return None
        self._process = None
        self._reactor.callLater(NEXT_SPARE_S, self.start)
        return process

    def took(self, event: FromWorker) -> None:
        """It has nothing to say but that it stands."""

    def ended(self, process: MediaProcess, reason: str) -> None:
        if process is not self._process:
            return
        self._process = None
        if not self._is_stopping:
            log.warning("spare worker lost", why=reason)
            self._reactor.callLater(MOST_DELAY_S, self.start)

    def describe(self) -> dict[str, object]:
        process = self._process
        return {"pid": process.pid if process else None, "ready": bool(process and process.is_ready)}


class WorkerLink(Post):
    """The worker of one number, whichever process that is."""

    def __init__(
        self,
        reactor: Reactor,
        number: int,
        settings: WorkerSettings,
        heard: Callable[[int, FromWorker], None],
        lost: Callable[[int], None],
        spares: Spares | None = None,
    ) -> None:
        super().__init__()
        self._reactor = reactor
        self.number = number
        self._settings = settings
        self._heard = heard
        self._lost = lost
        self._spares = spares
        self._began = 0.0
        self._failures = 0
        """One after another, without standing for long in between."""
        self.restarts = -1

    def start(self) -> None:
        """Spawn the process; ``heard`` gets EngineReady when it stands. Raises OSError where there is no more room."""
        self.restarts += 1
        self._began = self._reactor.seconds()
        self._process = MediaProcess(self._reactor, self._settings.arguments(), self)

    def send(self, command: ToWorker) -> None:
        """What is said to a worker that is gone is lost; ``lost`` has told or will tell."""
        if self._process:
            self._process.send(command)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def counts(self) -> dict[str, float]:
        return self._process.counts if self._process else {}

    def describe(self) -> dict[str, object]:
        return {"pid": self.pid, "restarts": max(self.restarts, 0), **self.counts}

    # ---------------------------------------------------------------- its process
    def took(self, event: FromWorker) -> None:
        self._heard(self.number, event)

    def ended(self, process: MediaProcess, reason: str) -> None:
        if process is not self._process:
            return
        self._process = None
        if self._is_stopping:
            return
        log.error("worker lost", worker=self.number, why=reason)
        if process.is_ready:
            self._lost(self.number)
        spare = self._spares.take() if self._spares else None
        if spare:
            self._appoint(spare)
        else:
            self._start_later()

    def _appoint(self, spare: MediaProcess) -> None:
        self.restarts += 1
        self._began = self._reactor.seconds()
        self._process = spare
        spare.appoint(self, self._settings.post())
        self._heard(self.number, EngineReady(version=VERSION, pid=spare.pid or 0))

    def _start_later(self) -> None:
        stood = self._reactor.seconds() - self._began
        delay = 0.0 if stood > STEADY_S else min(float(self._failures), MOST_DELAY_S)
        self._failures = 0 if stood > STEADY_S else self._failures + 1
        self._reactor.callLater(delay, self._start_again)

    def _start_again(self) -> None:
        if self._is_stopping:
            return
        try:
            self.start()
        except OSError as error:
            log.error("cannot start a worker", worker=self.number, why=str(error))
            self._reactor.callLater(MOST_DELAY_S, self._start_again)
