"""How long it has been talked, up to any moment of the last day: what minutes of calls are counted by.

A broken line: between an answer and an end the seconds grow by as many a second as there are calls. What a span holds
is the line's height now less that where the span begins, found by bisection; so it costs the same for one call and for
ten thousand. ``now`` never goes back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

KEPT_S = 86_400.0
"""So far back it can be asked."""
ROOMY = 64
"""So many points that are too old are dropped at once."""


@dataclass(slots=True)
class TalkTime:
    """Of one room, or of all."""

    _times: list[float] = field(default_factory=list)
    _seconds: list[float] = field(default_factory=list)
    """Talked up to each of these times."""
    _calls: list[int] = field(default_factory=list)
    """From each of these times on."""

    @property
    def calls(self) -> int:
        """How many are talking now."""
        return self._calls[-1] if self._calls else 0

    def add(self, talks: Sequence[tuple[float, float | None]]) -> None:
        """Those of an earlier run: from when, until when (None: they go on). Before anything else."""
        changes = [(start, 1) for start, end in talks if end is None or end > start]
        changes += [(end, -1) for start, end in talks if end is not None and end > start]
        for at, by in sorted(changes):
            self.change(by, at)

    def change(self, by: int, now: float) -> None:
        """So many calls more are talking from now on, or fewer."""
        now = max(now, self._times[-1]) if self._times else now
        seconds, calls = self._up_to(now), self.calls
        self._times.append(now)
        self._seconds.append(seconds)
        self._calls.append(calls + by)
        self._forget(now)

    def since(self, start: float, now: float) -> float:
        """Seconds talked from ``start`` to now, all calls together."""
        return max(0.0, self._up_to(now) - self._up_to(start))

    def is_over(self, now: float) -> bool:
        """Whether nobody talks, nor has within the last day."""
        return not self.calls and (not self._times or self._times[-1] <= now - KEPT_S)

    def _up_to(self, at: float) -> float:
        index = bisect_right(self._times, at) - 1
        return self._seconds[index] + (at - self._times[index]) * self._calls[index] if index >= 0 else 0.0

    def _forget(self, now: float) -> None:
        """The last point that is too old stays: the line goes on from it."""
        old = bisect_right(self._times, now - KEPT_S) - 1
        if old >= ROOMY:
            for column in (self._times, self._seconds, self._calls):
                del column[:old]
