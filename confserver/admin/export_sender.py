# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""Sends long lists as fast as they are taken: a piece is read when the one before has gone out, and not before.

::

    the first piece -> 200, the head, the piece -> the next piece ... -> the end
                    -> refused: the problem      reader is slow: no piece is read until he has taken what there is
                                                 he takes nothing for STALL_S, or the store fails: broken off

A text that is broken off has no last chunk (RFC 9112 7.1), so nobody takes it for the whole.
"""

from __future__ import annotations

from typing import Any

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from confserver.admin.answers import exception, refusal, write
from confserver.admin.exporting import Export, Piece
from confserver.admin.problems import Problem

log = structlog.get_logger("http")
MOST = 4
"""At once: each has a piece of the reading thread's time in turn."""
RETRY_S = 5
STALL_S = 60.0


class ExportSender:
    """Those of one interface."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._running: set[_Sending] = set()

    def send(self, request: Request, export: Export) -> int | bytes:
        """Raises Problem 503."""
        if request.method == b"HEAD":
            _head(request, export)
            return b""
        if len(self._running) >= MOST:
            retry = {"Retry-After": str(RETRY_S)}
            raise Problem(503, f"{MOST} lists are being sent already; try again soon", headers=retry)
        sending = _Sending(request, export, self._clock, self._running.discard)
        self._running.add(sending)
        sending.begin()
        return NOT_DONE_YET

    def __len__(self) -> int:
        return len(self._running)


@implementer(IPushProducer)
class _Sending:
    """One list on its way to one client."""

    def __init__(self, request: Request, export: Export, clock: IReactorTime, gone: Any) -> None:
        self._request = request
        self._channel = request.channel
        self._export = export
        self._clock = clock
        self._gone = gone
        self._before: int | None = None
        self._has_begun = self._is_over = self._is_paused = self._is_reading = False
        self._stall: IDelayedCall | None = None

    def begin(self) -> None:
        self._request.notifyFinish().addBoth(lambda _: self._end())
        self._read()

    def _read(self) -> None:
        self._is_reading = True
        found: Deferred[Piece] = self._export.read(self._before)
        found.addBoth(self._take)

    def _take(self, found: Piece | Failure) -> None:
        self._is_reading = False
        if self._is_over:
            return
        try:
            if isinstance(found, Failure):
                raise exception(found)
            self._write(found)
        except Exception as error:
            self._fail(error)

    def _write(self, piece: Piece) -> None:
        if not self._has_begun:
            self._has_begun = True
            _head(self._request, self._export)
            self._request.registerProducer(self, True)
        self._before = piece.before
        if piece.text:
            self._request.write(piece.text)
        if self._is_over:
            return
        if piece.before is None:
            self._request.unregisterProducer()
            self._request.finish()
        elif not self._is_paused:
            self._read()

    def _fail(self, error: Exception) -> None:
        if not self._has_begun:
            self._request.write(write(self._request, refusal(self._request, error)))
            self._request.finish()
            return
        log.error("a list was broken off", name=self._export.name, why=str(error))
        self._abort()

    def _abort(self) -> None:
        transport: Any = self._channel.transport if self._channel is not None else None
        if transport is not None:
            transport.abortConnection()

    def _end(self) -> None:
        self._is_over = True
        self._settle()
        self._gone(self)

    def _settle(self) -> None:
        if self._stall is not None and self._stall.active():
            self._stall.cancel()
        self._stall = None

    # ------------------------------------------------------------------ what the connection says
    def pauseProducing(self) -> None:
        """It has more than it can send."""
        self._is_paused = True
        self._settle()
        if not self._is_over:
            self._stall = self._clock.callLater(STALL_S, self._abort)

    def resumeProducing(self) -> None:
        self._is_paused = False
        self._settle()
        if not (self._is_reading or self._is_over) and self._before is not None:
            self._read()

    def stopProducing(self) -> None:
        """The client is gone; ``notifyFinish`` says so, too."""
        self._is_over = True


def _head(request: Request, export: Export) -> None:
    request.setResponseCode(200)
    for name, value in (
        ("Content-Type", export.content_type), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
        ("Content-Disposition", f'attachment; filename="{export.name}.{export.format}"'), ("Vary", "Accept"),
    ):  # fmt: skip
        request.setHeader(name, value)
