"""The trunks of the settings, as the dial plan and the focus want them."""

from __future__ import annotations

import ipaddress
import secrets

from confserver.config import Settings
from confserver.config.checks import trunk_host
from confserver.config.sip import IPNetwork
from confserver.config.trunks import Trunk as Row
from confserver.routing.trunks import Host, Trunk
from confserver.sip.account import Account
from confserver.sip.matching import DEFAULT_PORT
from confserver.sip.ways import Hop


def trunks_of(settings: Settings) -> tuple[Trunk, ...]:
    return tuple(_trunk(row) for row in settings.trunks)


def _trunk(row: Row) -> Trunk:
    transport = row.transport.upper()
    hosts = tuple(_host(text, transport) for text in row.hosts)
    account = Account(row.username, row.password, lambda: secrets.token_hex(8)) if row.username else None
    return Trunk(
        name=row.name, hosts=hosts, domain=row.domain or hosts[0].hop.host, prefixes=row.prefixes,
        username=row.username, account=account, caller=row.caller, registers=row.register,
        register_s=row.register_s, probe_s=float(row.probe_s), call_id=secrets.token_hex(12),
    )  # fmt: skip


def _host(text: str, transport: str) -> Host:
    """Without a port the records of a name say where to go (RFC 3263 section 4.2)."""
    host, port = trunk_host(text)
    return Host(Hop(transport, host, port or DEFAULT_PORT.get(transport, 5060), has_port=port is not None))


def networks_of(settings: Settings) -> tuple[IPNetwork, ...]:
    """Trunks that are named by their addresses may call, and are believed who calls."""
    found = []
    for row in settings.trunks:
        for text in row.hosts:
            try:
                found.append(ipaddress.ip_network(trunk_host(text)[0]))
            except ValueError:
                continue
    return tuple(found)
