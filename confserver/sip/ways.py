"""The next hop of a request, and the search for a flow to it.

URI -> Hop -- a name --> Resolve -> addresses --+
          \\- an address ----------------------->+-> OpenFlow -> flow | next address | the fallback | none
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from confserver.sip.flow import WEBSOCKET, Address, Flow
from confserver.sip.matching import DEFAULT_PORT
from confserver.sip.outputs import OpenFlow, Resolve
from confserver.sip.timers import TIMINGS, Timer
from confserver.sip.uri import Uri

if TYPE_CHECKING:
    from confserver.sip.core import Core


@dataclass(frozen=True, slots=True)
class Hop:
    """``domain``: the name that a certificate must have, where ``host`` is one of its addresses (RFC 5922 7.3)."""

    transport: str
    host: str
    port: int
    domain: str = ""

    @property
    def name(self) -> str:
        """What is looked for: the domain, or the host itself; "" for an address."""
        return self.domain or ("" if is_address(self.host) else self.host)


@dataclass(frozen=True, slots=True)
class Way:
    """``flow`` at once where it is there; else a search for ``hop``; else ``fallback``."""

    flow: Flow | None = None
    hop: Hop | None = None
    fallback: Flow | None = None


class Seeker(Protocol):
    """Who wants a flow. One of the two is called, once."""

    def found(self, flow: Flow, now: float) -> None: ...
    def not_found(self, reason: str, now: float) -> None: ...


@lru_cache(4096)
def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def usual(host: str) -> str:
    """The one usual spelling of an IPv6 address (RFC 5952); any other host as it is."""
    try:
        return str(ipaddress.ip_address(host)) if ":" in host else host
    except ValueError:
        return host


@lru_cache(4096)
def is_public(host: str) -> bool:
    """An IP address of the open Internet."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def is_reachable(uri: Uri) -> bool:
    """Whether a connection to it can be made at all.

    Not to who came by a WebSocket, whose host is made up (RFC 7118 section 5 and appendix B.1).
    """
    host, transport = uri.host.lower().rstrip("."), (uri.param("transport") or "").upper()
    return not (transport in WEBSOCKET or host.endswith(".invalid"))


def hop_of(uri: Uri) -> Hop | None:
    """Where a request to this URI goes next (RFC 3263 section 4, without NAPTR and SRV); None for tel and others."""
    if not uri.is_sip:
        return None
    transport = (uri.param("transport") or "UDP").upper()
    if uri.scheme == "sips":  # RFC 3263 section 4.1: TLS over what is named
        transport = "WSS" if transport in WEBSOCKET else "TLS"
    return Hop(transport, usual(uri.host), uri.port or DEFAULT_PORT.get(transport, 5060))


class Search:
    """For one seeker; known to the transports by its token. Ends by itself after Timer.WAY."""

    __slots__ = ("_addresses", "_core", "_fallback", "_hop", "_seeker", "token")

    def __init__(self, core: Core, token: int, seeker: Seeker, hop: Hop, fallback: Flow | None) -> None:
        self._core = core
        self._seeker = seeker
        self._hop = hop
        self._fallback = fallback
        self._addresses: list[str] = []
        self.token = token

    def start(self, now: float) -> None:
        self._core.deadlines.start(self, Timer.WAY, now + TIMINGS[Timer.WAY].first)
        if is_address(self._hop.host):
            self.resolved([self._hop.host], now)
        else:
            self._core.emit(Resolve(self.token, self._hop.host))

    def resolved(self, addresses: list[str], now: float) -> None:
        self._addresses = list(addresses)
        self._try_next(f"{self._hop.host} has no address", now)

    def opened(self, flow: Flow, now: float) -> None:
        self.drop()
        self._seeker.found(flow, now)

    def failed(self, reason: str, now: float) -> None:
        self._try_next(reason, now)

    def fire(self, timer: Timer, now: float) -> None:
        self._give_up("no way found in time", now)

    def drop(self) -> None:
        """Nobody wants it any more."""
        self._core.deadlines.stop(self, Timer.WAY)
        self._core.searches.pop(self.token, None)

    def _try_next(self, reason: str, now: float) -> None:
        if self._addresses:
            remote: Address = (self._addresses.pop(0), self._hop.port)
            self._core.emit(OpenFlow(self.token, self._hop.transport, remote, self._hop.name))
        else:
            self._give_up(reason, now)

    def _give_up(self, reason: str, now: float) -> None:
        self.drop()
        if self._fallback is not None and self._core.is_alive(self._fallback):
            self._seeker.found(self._fallback, now)
        else:
            self._seeker.not_found(reason, now)
