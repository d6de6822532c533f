"""Carriers and exchanges through which numbers are called, and which of their hosts live.

A number goes by the trunks that serve the longest beginning of it, in the order of the settings; each by its hosts that
live, then by those of which nothing is known, and last by those that do not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from confserver.routing.dialplan import Target
from confserver.sip.account import Account
from confserver.sip.headers import NameAddr
from confserver.sip.uri import Uri, escape_user
from confserver.sip.ways import Hop


@dataclass(slots=True, eq=False)
class Host:
    """One host of a trunk. ``is_up``: None while nobody has asked."""

    hop: Hop
    is_up: bool | None = None

    def __str__(self) -> str:
        host = f"[{self.hop.host}]" if ":" in self.hop.host else self.hop.host
        return f"{host}:{self.hop.port}" if self.hop.has_port else host


@dataclass(slots=True, eq=False)
class Trunk:
    """One trunk. ``state`` of the registration is for people."""

    name: str
    hosts: tuple[Host, ...]
    domain: str
    prefixes: tuple[str, ...] = ()
    username: str = ""
    account: Account | None = field(default=None, repr=False)
    caller: str = ""
    registers: bool = False
    register_s: int = 3600
    probe_s: float = 60.0
    call_id: str = ""
    """Of all our REGISTERs there, in this run (RFC 3261 10.2)."""
    state: str = ""

    @property
    def address(self) -> NameAddr:
        """Ourselves, there."""
        return NameAddr("", Uri("sip", escape_user(self.username), host=self.domain))

    def serves(self, number: str) -> int:
        """The length of the beginning that is served, -1 for none."""
        if not self.prefixes:
            return 0
        return max((len(prefix) for prefix in self.prefixes if number.startswith(prefix)), default=-1)

    def by_health(self) -> list[Host]:
        return sorted(self.hosts, key=lambda host: {True: 0, None: 1, False: 2}[host.is_up])

    def target(self, host: Host, number: str) -> Target:
        uri = Uri("sip", escape_user(number), host=self.domain, params=(("user", "phone"),))
        caller = self.caller or (str(self.address.uri) if self.username else "")
        return Target(uri, host.hop, trunk=self.name, caller=caller, account=self.account)

    def describe(self) -> dict[str, object]:
        words = {True: "up", False: "down", None: "unknown"}
        return {
            "name": self.name,
            "hosts": {str(host): words[host.is_up] for host in self.hosts},
            "registration": self.state,
        }


class TrunkTable:
    """See ``dialplan.Trunks``."""

    def __init__(self, trunks: Sequence[Trunk]) -> None:
        self._trunks = tuple(trunks)
        self._hosts = frozenset(name for trunk in trunks for name in _names(trunk))

    def serving(self, number: str) -> list[Target]:
        served = [(length, trunk) for trunk in self._trunks if (length := trunk.serves(number)) >= 0]
        served.sort(key=lambda each: -each[0])  # stable: the order of the settings among equals
        return [trunk.target(host, number) for _, trunk in served for host in trunk.by_health()]

    def named(self, host: str) -> bool:
        return host.lower().rstrip(".") in self._hosts


def _names(trunk: Trunk) -> list[str]:
    return [name.lower().rstrip(".") for name in (trunk.domain, *(host.hop.host for host in trunk.hosts))]
