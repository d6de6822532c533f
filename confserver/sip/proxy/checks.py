"""What a proxy looks at before it sends a request on (RFC 3261 16.3; RFC 5393)."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from confserver.sip.grammar import Malformed, number
from confserver.sip.message import Request

MOST_BREADTH = 60
"""RFC 5393 5.3.3: what a request without Max-Breadth has."""
DEFAULT_FORWARDS = 70
"""RFC 3261 16.6, step 3."""
_DIGITS = 16


class Refused(NamedTuple):
    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def refusal_of(request: Request, mark: str) -> Refused | None:
    """None where the request may be sent on; ``mark`` is its own (see ``mark_of``).

    Proxy-Require may name nothing: no extension that we know asks anything of a proxy.
    """
    if request.max_forwards == 0:
        return Refused(483)
    if any(via.branch.endswith(f".{mark}") for via in request.vias):
        return Refused(482)  # RFC 5393 4.2.2; with the Request-URI changed it would be a spiral
    unknown = request.headers.get_all("Proxy-Require")
    if unknown:
        return Refused(420, "", (("Unsupported", ", ".join(unknown)),))
    return Refused(440) if breadth_of(request) < 1 else None  # RFC 5393 5.3.3


def mark_of(request: Request, secret: str) -> str:
    """The second part of our branches: the same where a request comes again in a loop (RFC 5393 4.2.1).

    Over all that decides where it goes, and nothing that changes on the way (Via, Max-Forwards, Record-Route).
    """
    headers = request.headers
    parts = [str(request.uri), *headers.get_all("Route"), request.from_.tag, request.to.tag, request.call_id]
    parts += [str(request.cseq), *headers.get_all("Proxy-Require"), *headers.get_all("Proxy-Authorization")]
    text = "\0".join((secret, *parts)).encode("utf-8", "surrogateescape")
    return hashlib.blake2s(text, digest_size=_DIGITS // 2).hexdigest()


def breadth_of(request: Request) -> int:
    """Max-Breadth; never more than the usual, whoever asks for it. Raises Malformed."""
    text = request.headers.get("Max-Breadth")
    if text is None:
        return MOST_BREADTH
    try:
        return min(number(text, 0x7FFFFFFF), MOST_BREADTH)
    except Malformed:
        raise Malformed("bad Max-Breadth") from None


def count_down(request: Request) -> None:
    """RFC 3261 16.6, step 3."""
    left = request.max_forwards
    request.headers.set("Max-Forwards", str(DEFAULT_FORWARDS if left is None else left - 1))
