"""How often somebody may ask: token buckets by name, of which the latest used are kept."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field

MOST_KEYS = 4096
MOST_WAIT_S = 3600.0


@dataclass(slots=True)
class Pace:
    """``rate`` a second, ``burst`` at once, for each key; a rate of 0: no bound."""

    rate: float
    burst: float
    _levels: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """What is left, and when that was so; the latest used last."""

    def take(self, key: str, now: float) -> float:
        """Take one; 0, or the seconds until there is one."""
        wait = self.wait(key, now)
        if wait == 0.0 and self.rate > 0:
            self._levels[key] = (self._level(key, now) - 1.0, now)
            self._levels.move_to_end(key)
            if len(self._levels) > MOST_KEYS:
                self._levels.popitem(last=False)
        return wait

    def wait(self, key: str, now: float) -> float:
        """Seconds until there is one; 0: there is."""
        if self.rate <= 0:
            return 0.0
        missing = 1.0 - self._level(key, now)
        return min(missing / self.rate, MOST_WAIT_S) if missing > 1e-9 else 0.0

    def _level(self, key: str, now: float) -> float:
        left, since = self._levels.get(key, (self.burst, now))
        return min(self.burst, left + max(0.0, now - since) * self.rate)

    def __len__(self) -> int:
        return len(self._levels)


def retry_after(wait: float) -> str:
    """Whole seconds, as RFC 9110 10.2.3 has them, and never too few."""
    return str(max(1, math.ceil(wait)))
