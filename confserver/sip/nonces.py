"""Nonces of the server's side (RFC 7616 sections 3.3 and 5): made without a memory, remembered only when used rightly.

::

    nonce = time of making, number, HMAC of both       a stranger who asks costs nothing to keep
    used  = nonce -> the counts (nc) that have come    only after the right password; bounded; the oldest go first

Of a nonce that was let go, or that could have been, nobody knows which counts it had: it is stale.
"""

from __future__ import annotations

import enum
import hashlib
import hmac

NONCE_S = 300.0
"""So long a nonce may be used; then the client hears ``stale`` and goes on with the next one by itself."""
MOST_USED = 10_000
WINDOW = 64
"""So far behind the highest count another may be: requests cross each other on the way."""

_HEAD = 16 + 8
"""Hexadecimal digits before the HMAC: milliseconds and number."""


class Freshness(enum.Enum):
    FRESH = "fresh"
    OLD = "old"
    """Not ours, of an earlier start, too old, or forgotten."""
    REPLAYED = "replayed"
    """This count has come with it before."""


class _Counts:
    """Which counts of one nonce have come: the highest, and a bit for each of those before it."""

    __slots__ = ("highest", "seen")

    def __init__(self) -> None:
        self.highest = 0
        self.seen = 0

    def take(self, nc: int) -> bool:
        """False where the count has come before, or is too far behind to be known."""
        if nc > self.highest:
            shift = nc - self.highest
            self.seen = ((self.seen << shift) | 1) & ((1 << WINDOW) - 1) if shift < WINDOW else 1
            self.highest = nc
            return True
        bit = self.highest - nc
        if nc < 1 or bit >= WINDOW or self.seen >> bit & 1:
            return False
        self.seen |= 1 << bit
        return True


class Nonces:
    """``secret``: random bytes; with another one all nonces are old."""

    def __init__(self, secret: bytes, lasts_s: float = NONCE_S, most_used: int = MOST_USED) -> None:
        self._secret = secret
        self._lasts_s = lasts_s
        self._most_used = most_used
        self._number = 0
        self._used: dict[str, _Counts] = {}
        self._made: dict[str, tuple[int, int]] = {}
        self._floor = (0, 0)
        """Nonces made up to this moment, and not known to be used, may have been used and forgotten."""

    def make(self, now: float) -> str:
        """No two are the same."""
        self._number = (self._number + 1) & 0xFFFFFFFF
        head = f"{int(now * 1000):016x}{self._number:08x}"
        return head + self._seal(head)

    def take(self, nonce: str, nc: int, now: float) -> Freshness:
        """Note that a nonce was used with the right password, for the ``nc``-th time."""
        counts = self._used.get(nonce)
        made = self._made[nonce] if counts is not None else self._read(nonce)
        if made is None or not made[0] <= now * 1000 <= made[0] + self._lasts_s * 1000:
            self._forget(nonce)
            return Freshness.OLD
        if counts is None:
            if made <= self._floor:
                return Freshness.OLD
            self._make_room(now)
            counts = self._used[nonce] = _Counts()
            self._made[nonce] = made
        return Freshness.FRESH if counts.take(nc) else Freshness.REPLAYED

    def _read(self, nonce: str) -> tuple[int, int] | None:
        """When it was made, and its number; None where we have not made it."""
        head, seal = nonce[:_HEAD], nonce[_HEAD:]
        if not nonce.isascii() or not hmac.compare_digest(seal, self._seal(head)):
            return None
        return int(head[:16], 16), int(head[16:], 16)

    def _seal(self, head: str) -> str:
        return hmac.new(self._secret, head.encode(), hashlib.sha256).hexdigest()[:32]

    def _make_room(self, now: float) -> None:
        """Let go what is over; where that is not enough, the one that was used first, and all that are older."""
        while self._used:
            first = next(iter(self._used))
            made = self._made[first]
            if made[0] + self._lasts_s * 1000 >= now * 1000 and len(self._used) < self._most_used:
                return
            self._floor = max(self._floor, made)
            self._forget(first)

    def _forget(self, nonce: str) -> None:
        self._used.pop(nonce, None)
        self._made.pop(nonce, None)

    def __len__(self) -> int:
        return len(self._used)
