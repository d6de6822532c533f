# mypy: allow-untyped-calls
"""Which web pages a browser lets ask (CORS, the Fetch standard 3.2): those of listed origins, no others."""

from __future__ import annotations

from collections.abc import Set

from twisted.web.server import Request

from confserver.admin.answers import header, text
from confserver.admin.replays import Answer

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
TAKEN = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID"
SHOWN = "ETag, Link, Location, Retry-After, Idempotency-Replayed, WWW-Authenticate"
KEPT_S = "600"


def answer(request: Request, origins: Set[str]) -> Answer | None:
    """Allow the origin, where it is listed; the answer to what a browser asks beforehand, which carries no token."""
    if not origins:
        return None
    request.responseHeaders.addRawHeader("Vary", "Origin")
    origin = header(request, b"origin")
    if origin is None or origin.lower() not in origins:
        return None
    request.setHeader("Access-Control-Allow-Origin", origin)
    request.setHeader("Access-Control-Expose-Headers", SHOWN)
    if text(request.method) != "OPTIONS" or header(request, b"access-control-request-method") is None:
        return None
    return Answer(
        204, b"",
        (
            ("Access-Control-Allow-Methods", METHODS), ("Access-Control-Allow-Headers", TAKEN),
            ("Access-Control-Max-Age", KEPT_S),
        ),
    )  # fmt: skip
