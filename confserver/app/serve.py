"""Runs a server in Twisted's reactor until SIGINT or SIGTERM; SIGHUP reads again what may change meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred
from twisted.logger import STDLibLogObserver, globalLogPublisher

from confserver.app.notify import Notifier
from confserver.config import Settings
from confserver.log import set_up

if TYPE_CHECKING:
    from confserver.app.server import Server

log = structlog.get_logger("server")


def serve(settings: Settings, reread: Callable[[], Settings] | None = None, config: Path | None = None) -> int:
    """Run until told to stop. Gives the exit status: 0, or 2 where the server could not start.

    ``reread`` gives the settings as they are when it is asked; raises ConfigError. ``config``: where they stand.
    """
    try:
        set_up(settings.log.level, settings.log.format, settings.log.path())
    except OSError as error:
        return _complain(f"{settings.log.path()}: the log cannot be written: {error.strerror or error}")
    logging.getLogger("twisted").setLevel(logging.WARNING)  # what it starts and stops, the server says itself
    globalLogPublisher.addObserver(STDLibLogObserver("twisted"))
    _allow_many_files()
    trouble = _run(_reactor(), settings, reread, config)
    return _complain(trouble) if trouble else 0


def _reactor() -> Any:
    """Twisted's reactor on asyncio's loop, so that asyncio libraries can run beside it."""
    asyncioreactor.install(asyncio.new_event_loop())  # type: ignore[no-untyped-call]
    from twisted.internet import reactor

    return reactor


COLLECTIONS = 20_000, 50, 100
"""A call makes some thousands of objects, nearly all of them gone with it: looking for circles as often as Python
does by itself costs one part in fifteen of it."""


def _run(
    reactor: Any, settings: Settings, reread: Callable[[], Settings] | None = None, config: Path | None = None
) -> str:
    """Gives why the server could not start, "" where it ran."""
    from confserver.app.server import Server, StartError

    server = Server(reactor, settings, reread, config)
    trouble = ""
    notifier = Notifier()

    async def start() -> None:
        nonlocal trouble
        try:
            await server.start()
            gc.freeze()  # what stands by now stays: no full collection shall look at it again
            gc.set_threshold(*COLLECTIONS)
            if not server.is_stopping:
                print(server.banner(), flush=True)
                notifier.stands(reactor)
        except StartError as error:
            trouble = str(error)
        except Exception as error:
            log.exception("cannot start")
            trouble = f"cannot start: {error}"
        if server.is_stopping:
            trouble = ""  # told to stop before it stood
        elif trouble:
            reactor.stop()

    _on_hangup(lambda: reactor.callFromThread(server.reload))
    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(start()))
    reactor.addSystemEventTrigger("before", "shutdown", lambda: _ended(notifier, server))
    reactor.run()
    return trouble


def _ended(notifier: Notifier, server: Server) -> Deferred[None]:
    notifier.ends()
    return Deferred.fromCoroutine(server.stop())


def _on_hangup(what: Callable[[], None]) -> None:
    """At SIGHUP, as daemons do: read again what may change while the server runs."""
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: what())


def _complain(line: str) -> int:
    print(f"confserver: {line}", file=sys.stderr)
    return 2


def _allow_many_files() -> None:
    """A socket for each port and connection: take all file descriptors that the system lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
