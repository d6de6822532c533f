"""Whether the signalling process keeps up, judged by how late its timer comes.

A timer that is late has waited behind messages. New requests are then turned away with 503, which costs a tenth of
taking them, until the process has been in time again for a while; what belongs to calls in progress never is.
"""

from __future__ import annotations

AT_EASE = 0.25
"""Of the bound: below that it may take new requests again."""
REST_S = 1.0
SMOOTHING = 0.3
"""Weight of the newest look."""


MOST_COUNTED = 1.5
"""So many times the bound counts of one lateness: it takes four in a row, for a machine may stand still once."""


class Overload:
    def __init__(self, most_s: float) -> None:
        """``most_s``: how late is too late; 0: nothing is."""
        self._most_s = most_s
        self._lateness = 0.0
        self._is_over = False
        self._since = 0.0

    def late(self, seconds: float, now: float) -> None:
        """The timer has come so late."""
        seconds = min(max(seconds, 0.0), MOST_COUNTED * self._most_s)
        self._lateness += SMOOTHING * (seconds - self._lateness)
        if self._most_s and self._lateness > self._most_s:
            self._is_over, self._since = True, now
        elif self._is_over and self._lateness < AT_EASE * self._most_s and now - self._since > REST_S:
            self._is_over = False

    @property
    def is_over(self) -> bool:
        return self._is_over

    def describe(self) -> dict[str, object]:
        return {"late_ms": round(self._lateness * 1000, 1), "overloaded": self._is_over}
