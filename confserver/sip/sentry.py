"""Who is asked before a stranger's request costs anything, and told what came of it.

The stack knows no budgets and no bans: it asks for a verdict on each request that belongs to no transaction and no
dialog of ours, before it looks at what the request wants. Responses, ACKs, repeated requests and requests in our
dialogs are never asked about: they always go first.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from confserver.sip.flow import Flow
    from confserver.sip.message import Request


class Verdict(Enum):
    TAKE = "take"
    BUSY = "busy"
    """503 with Retry-After (RFC 3261 21.5.4)."""
    SILENCE = "silence"
    """No answer: it would only tell a scanner that somebody is here."""
    __hash__ = object.__hash__


class Sentry(Protocol):
    """All methods are cheap: they are called for every new request."""

    def weigh(self, request: Request, flow: Flow, now: float) -> Verdict: ...

    def refused(self, flow: Flow, status: int, now: float) -> Verdict:
        """A request from there is about to be refused. SILENCE: without an answer.

        401 and 407 are told only where credentials came and were wrong: everybody begins without any.
        """

    def proved(self, flow: Flow, now: float) -> None:
        """Who is there has heard an answer of ours: the ACK of a 2xx has come, or good credentials for our nonce."""


class Open:
    """Takes everything."""

    def weigh(self, request: Request, flow: Flow, now: float) -> Verdict:
        return Verdict.TAKE

    def refused(self, flow: Flow, status: int, now: float) -> Verdict:
        return Verdict.TAKE

    def proved(self, flow: Flow, now: float) -> None:
        """Nobody wants to know."""


OPEN = Open()
