"""Why a call ends, in BYE and CANCEL of both sides (RFC 3326): ``Reason: Q.850;cause=16;text="kicked"``."""

from __future__ import annotations

from typing import NamedTuple

from confserver.sip.grammar import SPACE, Malformed, param, printable, quoted, read_params, unquoted
from confserver.sip.message import Request

NORMAL, NO_USER, TIMER = 16, 19, 102
"""ITU-T Q.850: normal call clearing; no answer from the user; recovery on timer expiry."""
CAUSES = {"no answer": NO_USER, "no ACK": TIMER, "no PRACK": TIMER, "session expired": TIMER}
MOST_TEXT = 80


def of_cause(cause: str) -> tuple[str, str]:
    """The header of a BYE or CANCEL of ours."""
    text = "".join(char for char in cause if " " <= char <= "~")[:MOST_TEXT]
    return "Reason", f"Q.850;cause={CAUSES.get(cause, NORMAL)};text={quoted(text)}"


ELSEWHERE = "Reason", 'SIP;cause=200;text="Call completed elsewhere"'
"""To whoever answers second, or rings on."""


class Said(NamedTuple):
    """One value of Reason."""

    protocol: str
    cause: str
    text: str

    @property
    def words(self) -> str:
        """``User busy (Q.850 17)``; normal clearing needs no number."""
        number = f"{self.protocol} {self.cause}".strip()
        if number == f"Q.850 {NORMAL}":
            return self.text
        return f"{self.text} ({number})" if self.text else number


def read(value: str) -> Said | None:
    """None where it cannot be read."""
    protocol = value.partition(";")[0]
    try:
        params = read_params(value, len(protocol))
    except Malformed:
        return None
    text = printable(unquoted(param(params, "text") or ""))[:MOST_TEXT]
    return Said(printable(protocol.strip(SPACE))[:20], printable(param(params, "cause") or "")[:5], text)


def with_reason(cause: str, request: Request) -> str:
    """A cause of ours, and what the peer has said of it: ``hung up: User busy (Q.850 17)``."""
    said = [read(value) for value in request.headers.get_all("Reason")[:4]]
    words = next((each.words for each in said if each is not None and each.words), "")
    return f"{cause}: {words}" if words and words.lower() != cause else cause
