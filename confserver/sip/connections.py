"""A stream or WebSocket to one peer, as the stack knows it: what waits for answers by it, whom it serves, if it lives.

Keep-alive, where both sides want it (RFC 6223): a connection that we opened says ``keep`` in its Vias; a peer that puts
a number of seconds to it gets a ping (RFC 5626 section 4.4.1) about that often, and has Timer.PONG for its pong.

    keep=N in an answer -> KEEP runs -> ping, PONG runs -> anything comes -> KEEP ...
                                                        \\- nothing -------> CloseFlow

Reuse (RFC 5923): a peer that says ``alias`` wants requests to where its Via says it listens by this very connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from confserver.sip.flow import Address, Flow
from confserver.sip.framing import StreamFramer
from confserver.sip.grammar import Malformed, number
from confserver.sip.matching import DEFAULT_PORT
from confserver.sip.message import Request, Response
from confserver.sip.outputs import CloseFlow
from confserver.sip.timers import TIMINGS, Timer

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.transaction import ClientTransaction

PING, PONG = b"\r\n\r\n", b"\r\n"
"""RFC 5626 section 4.4.1."""
LEAST_S, USUAL_S, MOST_S = 10, 120, 840
"""Of the seconds that a peer names; 0 leaves it to us (RFC 6223 section 4.4, RFC 5626 section 4.4.1)."""
EARLY = 0.8
"""Pings go after 80 to 100 % of the time, by lot, lest all peers of a server do so at once (RFC 5626 section 4.4)."""
KEEP_FOR_S = 3600.0
"""So long after the last answer that wanted it; a connection that serves nobody may then end."""
MOST_ALIASES = 4

Alias = tuple[str, Address]
"""Transport, and the address that the peer listens on."""


class Connection:
    """``is_ours``: we have opened it."""

    __slots__ = ("_core", "_every_s", "_until", "aliases", "flow", "framer", "is_closing", "is_ours", "requests")

    def __init__(self, core: Core, flow: Flow, is_ours: bool = False) -> None:
        self._core = core
        self._every_s = 0
        self._until = 0.0
        self.flow = flow
        self.is_ours = is_ours
        self.framer = StreamFramer()
        self.is_closing = False
        """CloseFlow has been said: further bytes are not looked at, and nothing is sent."""
        self.requests: set[ClientTransaction] = set()
        self.aliases: list[Alias] = []

    def close(self, reason: str) -> None:
        self.is_closing = True
        self._stop_timers()
        self._core.emit(CloseFlow(self.flow, reason))

    def lost(self, now: float) -> None:
        """It is no more: what waits for answers by it has failed."""
        self._stop_timers()
        for alias in self.aliases:
            if self._core.aliases.get(alias) == self.flow:
                del self._core.aliases[alias]
        for transaction in sorted(self.requests, key=lambda one: str(one.key)):
            transaction.fail(now)

    # -------------------------------------------------------------- keep-alive
    @property
    def wishes(self) -> str:
        """What our Vias say by it: that it may be used again, and kept alive."""
        if not self.is_ours or self.flow.is_websocket:
            return ""
        return ";alias;keep" if self._core.settings.keeps_alive else ""

    def answered(self, response: Response, now: float) -> None:
        """An answer came: it may say how often the peer wants a ping."""
        text = response.via.param("keep") if self.is_ours and self._core.settings.keeps_alive else None
        if text is None or self.is_closing:
            return
        try:
            seconds = number(text, 1 << 31)
        except Malformed:
            return
        self._until = now + KEEP_FOR_S
        self._every_s = min(max(seconds or USUAL_S, LEAST_S), MOST_S)
        if not self._core.deadlines.is_running(self, Timer.KEEP):
            self._start(now)

    def heard(self) -> None:
        """Anything at all: it lives."""
        self._core.deadlines.stop(self, Timer.PONG)

    def _start(self, now: float) -> None:
        share = EARLY + (1 - EARLY) * self._core.random.random()
        self._core.deadlines.start(self, Timer.KEEP, now + self._every_s * share)

    def fire(self, timer: Timer, now: float) -> None:
        if timer is Timer.PONG:
            self._core.count("connections without a pong")
            self.close("no pong")
        elif now < self._until:
            self.framer.forget_half_ping()  # what comes next is a pong
            self._core.send(self.flow, PING)
            self._core.deadlines.start(self, Timer.PONG, now + TIMINGS[Timer.PONG].first)
            self._start(now)

    def _stop_timers(self) -> None:
        for timer in (Timer.KEEP, Timer.PONG):
            self._core.deadlines.stop(self, timer)

    # -------------------------------------------------------------- reuse
    def note_alias(self, request: Request) -> None:
        """Where the peer says it listens, by the address it comes from (RFC 5923 section 8.1)."""
        via, flow = request.via, self.flow
        if not via.has_param("alias") or flow.is_websocket or via.transport != flow.transport or self.is_ours:
            return
        alias = flow.transport, (flow.remote[0], via.port or DEFAULT_PORT.get(flow.transport, 5060))
        if alias not in self.aliases:
            if len(self.aliases) >= MOST_ALIASES:
                return
            self.aliases.append(alias)
        self._core.aliases[alias] = flow
