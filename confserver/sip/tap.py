"""Who is told of each message that could be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from confserver.sip.flow import Flow


class Tap(Protocol):
    """Called for every message: it must cost next to nothing."""

    def heard(self, call_id: str, data: bytes, flow: Flow, now: float) -> None: ...


class NoTap:
    def heard(self, call_id: str, data: bytes, flow: Flow, now: float) -> None:
        """Nobody listens."""


NO_TAP = NoTap()
