"""From whom nothing is taken: networks, each with a reason in words and an end.

Made by the server for a source that asks for it, longer each time, or by an administrator for any network, also for
good. What changes is told as ``BanSet`` and ``BanLifted``; the store keeps it over a restart.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from confserver.routing.budgets import IPV6_SOURCE_BITS, Recent, key_of
from confserver.routing.guard import IPAddress, IPNetwork, address_in
from confserver.routing.refusals import Conflict, Invalid, NotFound

MOST_BANS = 10_000
"""Made by the server; beyond, the one that has stood longest goes."""
MOST_NAMED = 1000
"""Made by administrators."""
FOR_GOOD = float("inf")
LONGER = 6.0
"""Each further ban of a source lasts so many times longer,"""
LONGEST_S = 86_400.0
"""up to a day."""
FORGIVEN_S = 7 * 86_400.0
SERVER, ADMINISTRATOR = "server", "administrator"
MOST_REASON = 200
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::/64"))
"""The /64 of ::1 holds nobody else."""


@dataclass(frozen=True, slots=True)
class Ban:
    network: str
    """``192.0.2.7``, ``198.51.100.0/24``, ``2001:db8::/64``."""
    reason: str
    since: float
    until: float
    """FOR_GOOD: until it is lifted."""
    by: str = SERVER

    def describe(self) -> dict[str, object]:
        """``until`` is None where it has no end."""
        return asdict(self) | {"until": None if self.until == FOR_GOOD else self.until}


@dataclass(frozen=True, slots=True)
class BanSet:
    ban: Ban


@dataclass(frozen=True, slots=True)
class BanLifted:
    ban: Ban
    by: str
    """``server``: it has come to its end."""


BanEvent = BanSet | BanLifted


class Bans:
    """All bans in force. ``version`` changes with them."""

    def __init__(self, first_s: float = 600.0) -> None:
        self._first_s = first_s
        self._bans: dict[str, Ban] = {}
        self._wide: dict[str, IPNetwork] = {}
        """Networks that hold more than one source."""
        self._strikes: Recent[tuple[int, float]] = Recent()
        """How often a source was banned, and when last."""
        self.version = 0

    def __len__(self) -> int:
        return len(self._bans)

    def restore(self, bans: Iterable[Ban], now: float) -> None:
        """Those of the last run."""
        for ban in bans:
            if ban.until > now:
                self._put(ban)

    def until(self, address: IPAddress, now: float) -> float:
        """When the ban of an address ends; 0 where there is none."""
        ban = self._bans.get(key_of(address))
        ends = [ban.until] if ban is not None else []
        ends += [self._bans[name].until for name, net in self._wide.items() if net.version == address.version
                 and address in net]  # fmt: skip
        return max((end for end in ends if end > now), default=0.0)

    def strike(self, key: str, reason: str, now: float) -> Ban:
        """Ban a source; for longer than last time."""
        count, last = self._strikes.get(key) or (0, now)
        count = 0 if now - last > FORGIVEN_S else count
        self._strikes.put(key, (count + 1, now))
        ban = Ban(key, reason[:MOST_REASON], now, now + min(self._first_s * LONGER**count, LONGEST_S))
        self._put(ban)
        return ban

    def add(self, network: str, reason: str, seconds: float | None, now: float, by: str = ADMINISTRATOR) -> Ban:
        """An administrator's ban, in place of any there is. Raises Refused."""
        if seconds is not None and not 0 < seconds < 100 * 365 * 86_400:
            raise Invalid("a ban lasts more than 0 seconds; without --seconds it has no end")
        name = name_of(network)
        _spare_loopback(name)
        named = sum(ban.by != SERVER for ban in self._bans.values())
        if named >= MOST_NAMED and name not in self._bans:
            raise Conflict(f"there are {named} bans by administrators already; lift some, or ban wider networks")
        reason = "".join(c if c.isprintable() else "?" for c in reason)[:MOST_REASON]
        ban = Ban(name, reason, now, FOR_GOOD if seconds is None else now + seconds, by)
        self._put(ban)
        return ban

    def lift(self, network: str) -> Ban:
        """Raises Refused."""
        name = name_of(network)
        ban = self._bans.get(name)
        if ban is None:
            raise NotFound(f"{name} is not banned")
        self._drop(name)
        self._strikes.put(name, (0, 0.0))
        return ban

    def end(self, now: float) -> list[Ban]:
        """Take away those whose time is over."""
        over = [ban for ban in self._bans.values() if ban.until <= now]
        for ban in over:
            self._drop(ban.network)
        return over

    def list(self, now: float) -> list[Ban]:
        return sorted((ban for ban in self._bans.values() if ban.until > now), key=lambda ban: -ban.since)

    def _put(self, ban: Ban) -> None:
        self.version += 1
        self._bans.pop(ban.network, None)
        if ban.by == SERVER and len(self._bans) >= MOST_BANS + MOST_NAMED:
            self._drop(next(name for name, each in self._bans.items() if each.by == SERVER))
        self._bans[ban.network] = ban
        network = ipaddress.ip_network(ban.network)
        if not _is_one_source(network):
            self._wide[ban.network] = network

    def _drop(self, name: str) -> None:
        self.version += 1
        del self._bans[name]
        self._wide.pop(name, None)


def _is_one_source(network: IPNetwork) -> bool:
    return network.prefixlen == (32 if network.version == 4 else IPV6_SOURCE_BITS)


def name_of(text: str) -> str:
    """How a ban of this address or network is called; an IPv6 address stands for its /64. Raises Invalid."""
    address = address_in(text.strip())
    if address is not None:
        return key_of(address)
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise Invalid(f"{text[:64]!r} is neither an IP address nor a network such as 198.51.100.0/24") from None
    if network.version == 6 and network.prefixlen > IPV6_SOURCE_BITS:
        network = network.supernet(new_prefix=IPV6_SOURCE_BITS)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _spare_loopback(name: str) -> None:
    """It is how an administrator comes in. Raises Invalid."""
    network = ipaddress.ip_network(name)
    if any(own.version == network.version and own.overlaps(network) for own in LOOPBACK):
        raise Invalid(f"{name} holds loopback addresses, which are never banned")
