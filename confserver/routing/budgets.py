"""What each source may cost us, and all strangers together: buckets that fill with time.

A source is an IPv4 address or an IPv6 /64, the least that one customer is given (RFC 6177). Inside (attached and
trusted networks) and to sources that have proved themselves ten times the budget is given; loopback has no bounds.
Memory is bounded: sources that have not been heard for long are forgotten, first of all.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from confserver.routing.guard import IPAddress

INSIDE_FACTOR = 10
MOST_SOURCES = 8000
"""In each of two generations."""
IPV6_SOURCE_BITS = 64


class Kind(IntEnum):
    """What is counted; each has a bucket of its own in every source."""

    MESSAGES = 0
    """Datagrams, or what a connection gives at once: counted before anything is read."""
    REQUESTS = 1
    """That belong to nothing we know."""
    CALLS = 2
    """INVITEs without credentials."""
    FAILURES = 3
    """Refused requests, and wrong passwords."""
    CONNECTIONS = 4
    PATIENCE = 5
    """What still came after a budget was used up."""


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` at once, then ``a_second``; 0 of these stands for no bound."""

    a_second: float
    burst: float


Rates = tuple[Rate, ...]
"""By Kind."""


def bounds(
    *, messages: float, requests: float, calls_a_minute: float, failures_a_minute: float, connections_a_minute: float
) -> Rates:
    """A source's budget outside. Bursts are what one phone may need that starts with twenty lines."""
    return (
        Rate(messages, 2 * messages),
        Rate(requests, 5 * requests),
        Rate(calls_a_minute / 60, calls_a_minute),
        Rate(failures_a_minute / 60, failures_a_minute),
        Rate(connections_a_minute / 60, connections_a_minute),
        Rate(1.0, 500.0),
    )


class Bucket:
    """Full at first."""

    __slots__ = ("at", "tokens")

    def __init__(self) -> None:
        self.tokens = -1.0
        """Below zero: nothing has been taken yet."""
        self.at = 0.0

    def take(self, rate: Rate, now: float, factor: float = 1.0) -> bool:
        """Take one; False where there is none."""
        burst = rate.burst * factor
        if not burst:
            return True
        tokens = self.tokens
        tokens = burst if tokens < 0.0 else tokens + (now - self.at) * rate.a_second * factor
        self.at = now
        if tokens > burst:
            tokens = burst
        if tokens < 1.0:
            self.tokens = tokens if tokens > 0.0 else 0.0
            return False
        self.tokens = tokens - 1.0
        return True


class Source:
    """What is known of one source."""

    __slots__ = ("_buckets", "banned_until", "factor", "good_until", "is_exempt", "key", "told_until", "version")

    def __init__(self, key: str) -> None:
        self.key = key
        self._buckets: list[Bucket | None] = [None] * len(Kind)
        self.version = -1
        """Of networks and bans, by which what follows was found."""
        self.is_exempt = False
        self.factor = 1.0
        self.banned_until = 0.0
        self.good_until = 0.0
        self.told_until = 0.0
        """The log has heard that its budget is used up, and need not hear it again before."""

    def take(self, kind: Kind, rates: Rates, now: float) -> bool:
        bucket = self._buckets[kind]
        if bucket is None:
            bucket = self._buckets[kind] = Bucket()
        factor = self.factor if self.good_until < now else max(self.factor, INSIDE_FACTOR)
        return bucket.take(rates[kind], now, factor)


def key_of(address: IPAddress) -> str:
    """The source that an address belongs to: ``192.0.2.7``, ``2001:db8::/64``."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, IPV6_SOURCE_BITS)))


V = TypeVar("V")


class Recent(Generic[V]):
    """A dict that forgets whom nobody has asked for: when the young generation is full, the old one goes.

    At most ``2 * most`` values, and no step takes longer than any other.
    """

    __slots__ = ("_most", "_old", "_young")

    def __init__(self, most: int = MOST_SOURCES) -> None:
        self._most = most
        self._young: dict[str, V] = {}
        self._old: dict[str, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: str) -> V | None:
        value = self._young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: str, value: V) -> None:
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._old.pop(key, None)
        self._young[key] = value
