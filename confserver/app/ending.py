"""Waiting, but not for ever, for what has to end before the server does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.task import deferLater

LOOK_S = 0.05
PROCESS_S = 2.0
"""So long a process may take to end by itself."""


class Part(Protocol):
    """A process of ours (``transports.links``, ``transports.scribe_link``)."""

    @property
    def is_alive(self) -> bool: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class Ending:
    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    async def until(self, is_so: Callable[[], bool], most_s: float) -> None:
        ends = time.monotonic() + most_s
        while not is_so() and time.monotonic() < ends:
            await deferLater(self._reactor, LOOK_S, lambda: None)

    async def stop_all(self, parts: Sequence[Part]) -> None:
        for each in parts:
            each.stop()
        await self.until(lambda: not any(each.is_alive for each in parts), PROCESS_S)
        for each in parts:
            each.kill()
