"""Whether phones can find the server, and be found: addresses, NAT, names."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterable, Sequence

from confserver.doctor.finding import Finding, fault, ok, warning
from confserver.doctor.ground import Ground
from confserver.transports.addresses import attached_networks

SHARED = ipaddress.ip_network("100.64.0.0/10")
"""RFC 6598: a carrier's NAT is between."""
Resolve = Callable[[str], Sequence[str]]


def check_addresses(ground: Ground) -> list[Finding]:
    """That it listens on addresses of this machine, and on more than loopback."""
    named = ground.settings.sip.addresses
    missing = [host for host in named if host not in ground.addresses]
    if missing:
        return [fault("addresses", f"sip.addresses names {', '.join(missing)}, which this machine does not have",
                      f"use some of {', '.join(ground.addresses)}, or none for all")]  # fmt: skip
    here = [host for host in named or ground.addresses if not ipaddress.ip_address(host).is_loopback]
    if not here:
        return [warning("addresses", "only loopback addresses: phones elsewhere cannot reach the server",
                        "list an address of the network in sip.addresses, or none for all")]  # fmt: skip
    return [ok("addresses", f"phones can call {', '.join(here)}")]


def check_nat(ground: Ground) -> list[Finding]:
    """Wrong addresses are the first reason why nothing is heard."""
    sip = ground.settings.sip
    here = [ipaddress.ip_address(host) for host in sip.addresses or ground.addresses]
    outside = [each for each in here if each.is_global]
    public = sip.public_address
    if not public:
        if outside:
            return [ok("nat", f"the machine has a public address: {outside[0]}")]
        return [warning("nat", "no public address: phones outside this network will hear nothing",
                        "if the server is behind a router, set sip.public_address to the router's address and forward "
                        f"UDP {_media(ground)} and the ports of SIP to it; else nothing need be done")]  # fmt: skip
    address = ipaddress.ip_address(public)
    if address in here:
        return [ok("nat", f"sip.public_address {public} is an address of this machine")]
    if address.is_private or address in SHARED:
        return [fault("nat", f"sip.public_address {public} is not public: nobody outside reaches it",
                      "set it to the address by which the router is seen from the internet")]  # fmt: skip
    found = [ok("nat", f"peers outside are told {public}; the router must forward UDP {_media(ground)} unchanged")]
    far = [each for each in attached_networks() if each.version == 4 and not each.is_loopback]
    far = [each for each in far if not any(_holds(near, each) for near in sip.local())]
    return [*found, *(warning("nat", f"phones on {each} are told the public address",
                              f"add {each} to sip.local_networks") for each in far)]  # fmt: skip


def _holds(outer: object, network: object) -> bool:
    try:
        return bool(network.subnet_of(outer))  # type: ignore[attr-defined]
    except TypeError:
        return False


def _media(ground: Ground) -> str:
    return f"{ground.settings.rtp.port_min}-{ground.settings.rtp.port_max}"


def check_container(ground: Ground) -> list[Finding]:
    """A port range of media through a container's bridge is rewritten, or not forwarded at all."""
    is_inside = any(os.path.exists(path) for path in ("/.dockerenv", "/run/.containerenv"))
    bridged = [host for host in ground.addresses if host.startswith(("172.17.", "10.88."))]
    if not (is_inside and bridged):
        return []
    return [warning("container", f"in a container behind a bridge ({bridged[0]})",
                    "use the host's network (--network host): media ports go ill through a bridge")]  # fmt: skip


def check_names(ground: Ground, resolve: Resolve | None = None) -> list[Finding]:
    """That names which the settings have can be resolved, and that our own domains come to us."""
    from confserver.config.checks import trunk_host

    resolve = resolve or addresses_of
    trunks = {trunk_host(text)[0] for trunk in ground.settings.trunks for text in trunk.hosts}
    own = [each for each in ground.settings.users.domains if not _is_address(each)]
    names = [*sorted(each for each in trunks if not _is_address(each)), *own]
    found: list[Finding] = []
    ours = {*ground.addresses, ground.settings.sip.public_address}
    for name in names:
        addresses = resolve(name)
        if not addresses:
            found.append(fault("names", f"{name} has no address", "look at its spelling, or at the machine's DNS"))
        elif name in own and not ours & set(addresses):
            found.append(warning("names", f"the domain {name} leads to {addresses[0]}, which is not this machine",
                                 "if no proxy is there, correct the record, or SRV records of _sip._udp"))  # fmt: skip
    return found or [ok("names", f"{len(names)} names are resolved" if names else "no names to be resolved")]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def addresses_of(name: str) -> list[str]:
    try:
        found: Iterable[tuple[object, ...]] = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]) for each in found))  # type: ignore[index]
