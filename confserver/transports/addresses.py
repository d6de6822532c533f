"""The addresses of this machine, and which of them a peer reaches."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import ifaddr

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def interfaces() -> list[tuple[str, IPNetwork]]:
    """All local addresses with the network each is attached to; link-local IPv6 ones carry their zone."""
    found: list[tuple[str, IPNetwork]] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            host, zone = (ip.ip[0], ip.ip[2]) if isinstance(ip.ip, tuple) else (ip.ip, 0)
            network = ipaddress.ip_network(f"{host}/{ip.network_prefix}", strict=False)
            found.append((f"{host}%{adapter.name}" if zone and network.is_link_local else host, network))
    return found


def local_addresses() -> list[str]:
    """Every address that phones could use; not link-local IPv6, for no SIP URI holds a zone (RFC 5118 4.5)."""
    return [host for host, network in interfaces() if "%" not in host]


def attached_networks() -> list[IPNetwork]:
    return [network for _, network in interfaces()]


def broadcasts(networks: Iterable[IPNetwork]) -> list[str]:
    """The addresses by which one packet reaches a whole network; only IPv4 has them."""
    return [str(each.broadcast_address) for each in networks if each.version == 4 and each.prefixlen < 31]


def route_to(host: str, listening: Iterable[str]) -> str | None:
    """The local address from which the kernel would reach ``host``: one that we listen on, else None."""
    here = sorted(listening)
    try:
        is_loopback = ipaddress.ip_address(host.partition("%")[0]).is_loopback
        local = _source_for(host)
    except (OSError, ValueError):
        return None
    if local in here:
        return local
    same_family = [each for each in here if (":" in each) == (":" in host)]
    return next((each for each in same_family if ipaddress.ip_address(each).is_loopback == is_loopback), None)


def _source_for(host: str) -> str:
    """Ask the kernel by connecting a datagram socket to an IP address, which sends nothing. Raises OSError."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return str(probe.getsockname()[0])
