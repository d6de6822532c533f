"""A bad network for datagrams: loses, delays, reorders and doubles them, the same way for the same seed. No sockets.

``send(datagram, now)`` puts one in; ``due(now)`` gives out those that have arrived by then, in order of arrival.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Conditions:
    """Shares are 0 to 1; times in milliseconds. A reordered datagram comes ``reorder_ms`` late, after its followers."""

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 50.0
    duplicate: float = 0.0


@dataclass
class BadNetwork:
    conditions: Conditions
    seed: int = 1
    sent: int = 0
    lost: int = 0
    reordered: int = 0
    doubled: int = 0
    _chance: random.Random = field(init=False)
    _under_way: list[tuple[float, int, bytes]] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def send(self, datagram: bytes, now: float) -> None:
        self.sent += 1
        if self._chance.random() < self.conditions.loss:
            self.lost += 1
            return
        self._put(datagram, now)
        if self._chance.random() < self.conditions.duplicate:
            self.doubled += 1
            self._put(datagram, now)

    def _put(self, datagram: bytes, now: float) -> None:
        delay = self.conditions.delay_ms + self._chance.uniform(0.0, self.conditions.jitter_ms)
        if self._chance.random() < self.conditions.reorder:
            self.reordered += 1
            delay += self.conditions.reorder_ms
        self._number += 1
        heapq.heappush(self._under_way, (now + delay / 1000, self._number, datagram))

    def due(self, now: float) -> list[bytes]:
        arrived = []
        while self._under_way and self._under_way[0][0] <= now:
            arrived.append(heapq.heappop(self._under_way)[2])
        return arrived

    def next_arrival(self) -> float | None:
        return self._under_way[0][0] if self._under_way else None
