"""For receivers of webhooks: whether a delivery is from the server that knows the secret, and fresh."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-Confserver-Signature"
TOLERANCE_S = 300.0


def is_signed(secret: str, header: str, body: bytes, now: float, *, tolerance_s: float = TOLERANCE_S) -> bool:
    """``header``: what came as X-Confserver-Signature; ``body``: the very bytes that came; ``now``: time.time().

    One that is too old may have been heard and sent again by somebody else.
    """
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    at, given = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdigit()) or len(at) > 12 or abs(now - int(at)) > tolerance_s:
        return False
    wanted = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), given.encode(errors="replace"))
