"""Who may call before credentials exist: loopback, the networks this machine is attached to, and those listed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@lru_cache(4096)
def address_in(host: str) -> IPAddress | None:
    """The IP address a host is written as (zone and brackets aside, IPv4 in IPv6 unpacked), None for a name."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


class Guard:
    """Tells inside from outside. ``attached`` may change while the server runs."""

    def __init__(
        self,
        trusted: Iterable[IPNetwork] = (),
        attached: Iterable[IPNetwork] = (),
        believed: Iterable[IPNetwork] = (),
        outside: Iterable[IPNetwork] = (),
    ) -> None:
        """``believed``: whose word on a caller's identity counts (RFC 3325 section 7).

        ``outside``: networks that count as outside though they are attached, or are loopback (for trials).
        """
        self._trusted = tuple(trusted)
        self._believed = tuple(believed)
        self._outside = tuple(outside)
        self.attached = tuple(attached)

    def is_loopback(self, host: str) -> bool:
        address = address_in(host)
        return address is not None and address.is_loopback and not _is_in(address, self._outside)

    def is_inside(self, host: str) -> bool:
        """Loopback, or a network that this machine is attached to."""
        address = address_in(host)
        if address is None or _is_in(address, self._outside):
            return False
        return address.is_loopback or _is_in(address, self.attached)

    def is_believed(self, host: str) -> bool:
        """Whether a P-Asserted-Identity from there is taken for true."""
        address = address_in(host)
        return address is not None and _is_in(address, self._believed)

    def may_call(self, host: str) -> bool:
        address = address_in(host)
        return address is not None and (self.is_inside(host) or _is_in(address, self._trusted))


def _is_in(address: IPAddress, networks: tuple[IPNetwork, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
