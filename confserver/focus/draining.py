"""A server that empties itself: who is there stays, who calls is turned away, or sent to another server."""

from __future__ import annotations

from dataclasses import dataclass

from confserver.focus.answers import NoAnswer, warning
from confserver.sip.message import Request

WORDS = "the server is being emptied"


@dataclass(frozen=True, slots=True)
class Draining:
    """``elsewhere``: HOST or HOST:PORT that new calls are sent to; empty: they hear 503."""

    retry_s: int
    elsewhere: str = ""

    def answer(self, request: Request) -> NoAnswer:
        """RFC 3261 21.5.4 (503 with Retry-After), or 21.3.3 (302: the same user elsewhere).

        An OPTIONS hears 503 in any case, so that a proxy in front sends its calls to others.
        """
        if self.elsewhere and request.method == "INVITE":
            user = request.uri.user
            contact = f"<{request.uri.scheme}:{f'{user}@' if user else ''}{self.elsewhere}>"
            return NoAnswer(302, "", (("Contact", contact), warning(399, WORDS)))
        return NoAnswer(503, "", (("Retry-After", str(self.retry_s)), warning(399, WORDS)))
