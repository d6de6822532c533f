"""The next hop of a request, and the search for a flow to it.

URI -> Hop -- a name --> Resolve -> targets --+
          \\- an address --------------------->+-> OpenFlow -> flow | next target | the fallback | none
                                                   flow, but no answer -- go_on --> next target
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from confserver.sip.flow import SECURE, WEBSOCKET, Flow
from confserver.sip.locating import Question, Target
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
    has_transport: bool = field(default=True, compare=False)
    has_port: bool = field(default=True, compare=False)
    """Named; else the domain's records say (RFC 3263 section 4)."""

    @property
    def question(self) -> Question:
        """Where its domain is, as far as that is not named."""
        transport, port = self.transport if self.has_transport else "", self.port if self.has_port else 0
        return Question(self.host, transport, port, self.transport in SECURE)

    @property
    def name(self) -> str:
        """What is looked for: the domain, or the host itself; "" for an address."""
        return self.domain or ("" if is_address(self.host) else self.host)


@dataclass(frozen=True, slots=True)
class Way:
    """``flow`` at once where it is there; else a search for ``hop``; else ``fallback``.

    ``is_only``: nothing but ``flow`` leads there, whatever the size of the request.
    """

    flow: Flow | None = None
    hop: Hop | None = None
    fallback: Flow | None = None
    is_only: bool = False


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
    """Where a request to this URI goes next (RFC 3263 section 4); None for tel and others.

    Transport and port are those that count where no record of the domain says anything else.
    """
    if not uri.is_sip:
        return None
    named = uri.param("transport")
    transport = (named or "UDP").upper()
    if uri.scheme == "sips":  # RFC 3263 section 4.1: TLS over what is named
        transport = "WSS" if transport in WEBSOCKET else "TLS"
    port = uri.port or DEFAULT_PORT.get(transport, 5060)
    return Hop(transport, usual(uri.host), port, has_transport=named is not None, has_port=uri.port is not None)


class Search:
    """For one seeker; known to the transports by its token, another one for each target that is tried.

    Each search for a flow ends by itself after Timer.WAY, or ``within_s``. Where the flow that was found is of no use
    after all, ``go_on`` tries the targets that are left (RFC 3263 section 4.3).
    """

    __slots__ = ("_core", "_fallback", "_hop", "_seeker", "_targets", "_within_s", "token")

    def __init__(
        self, core: Core, seeker: Seeker, hop: Hop, fallback: Flow | None, within_s: float | None = None
    ) -> None:
        self._core = core
        self._seeker = seeker
        self._hop = hop
        self._fallback = fallback
        self._within_s = within_s or TIMINGS[Timer.WAY].first
        self._targets: list[Target] = []
        self.token = 0

    def start(self, now: float) -> None:
        hop = self._hop
        self._ask(now)
        if is_address(hop.host):
            self.resolved([hop.host], now)
        else:
            asked = hop.question
            self._core.emit(Resolve(self.token, asked.host, asked.transport, asked.port, asked.is_secure))

    def _ask(self, now: float) -> None:
        """A question to the transports, under a number of its own: late answers to another are no answers."""
        core = self._core
        core.searches.pop(self.token, None)
        self.token = core.next_number()
        core.searches[self.token] = self
        if not core.deadlines.is_running(self, Timer.WAY):
            core.deadlines.start(self, Timer.WAY, now + self._within_s)

    def resolved(self, targets: Sequence[Target | str], now: float) -> None:
        hop = self._hop
        self._targets = [Target(hop.transport, one, hop.port) if isinstance(one, str) else one for one in targets]
        self._try_next(f"{hop.host} has no address", now)

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

    def go_on(self, now: float) -> bool:
        """What was found did not help: try the next target. False where there is none."""
        if not self._targets:
            return False
        self._try_next("", now)
        return True

    def _try_next(self, reason: str, now: float) -> None:
        if self._targets:
            target = self._targets.pop(0)
            remote = target.host, target.port
            alias = self._core.alias_of(target.transport, remote, self._hop.name or target.host)
            if alias is not None:
                self.opened(alias, now)
                return
            self._ask(now)
            self._core.emit(OpenFlow(self.token, target.transport, remote, self._hop.name))
        else:
            self._give_up(reason, now)

    def _give_up(self, reason: str, now: float) -> None:
        self.drop()
        self._targets.clear()
        if self._fallback is not None and self._core.is_alive(self._fallback):
            self._seeker.found(self._fallback, now)
        else:
            self._seeker.not_found(reason, now)
