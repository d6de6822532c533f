"""Guards the server against what comes from outside: the stack's sentry, with budgets and bans.

::

    datagram, bytes of a connection -> hears: banned? messages left? ------------------> nothing, without reading it
       -> parse, transaction, dialog
       -> weigh: a scanner's name? requests, calls of this source left? of strangers? -> silence
                 does the server keep up? ------------------------------------------- -> 503, Retry-After
       -> refused: each refusal counts; too many in too short a time ----------------> a ban

Loopback is never silenced or banned; under overload it too gets 503. A source with an answered call or a good password
is known as good for a day: it gets ten times the budget, and is silenced, never banned, where that is used up, since
who sends datagrams can write any address upon them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from confserver.routing.bans import BanEvent, BanLifted, Bans, BanSet
from confserver.routing.budgets import INSIDE_FACTOR, Bucket, Kind, Rate, Rates, Recent, Source, key_of
from confserver.routing.guard import Guard, address_in
from confserver.routing.overload import Overload
from confserver.routing.scanners import scanner_of
from confserver.sip.flow import Flow
from confserver.sip.message import Request
from confserver.sip.sentry import Verdict

GOOD_S = 86_400.0
TOLD_S = 600.0
OFFENCES = {
    400: "requests that cannot be read",
    401: "wrong passwords",
    403: "calls that are not allowed",
    404: "requests for rooms and users that are not there",
    405: "methods that are not served",
    407: "wrong passwords",
    416: "unusable addresses",
    505: "unknown versions of SIP",
    604: "requests for rooms and users that are not there",
}
"""Refusals that count, and what a ban says of them."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """A source has used up its budget; told once in TOLD_S."""

    source: str
    what: str


BarrierEvent = BanEvent | Silenced


class Barrier:
    """Give ``strangers``, the rate of new requests of all unknown outside sources together."""

    def __init__(self, guard: Guard, bans: Bans, rates: Rates, strangers: Rate, overload: Overload) -> None:
        self._guard = guard
        self._bans = bans
        self._rates = rates
        self._strangers_rate = strangers
        self._strangers = Bucket()
        self._overload = overload
        self._hosts: Recent[Source] = Recent()
        self._sources: Recent[Source] = Recent()
        self._good: Recent[float] = Recent()
        """Until when a source counts as good; outlives the source's record."""
        self._networks = 0
        self._events: list[BarrierEvent] = []
        self._counts: Counter[str] = Counter()

    def use_rates(self, rates: Rates, strangers: Rate) -> None:
        self._rates, self._strangers_rate = rates, strangers

    def taken(self) -> list[BarrierEvent]:
        """What has happened since the last time."""
        if not self._events:
            return []
        events, self._events = self._events, []
        return events

    def look_again(self) -> None:
        """The machine's networks may have changed."""
        self._networks += 1

    # ------------------------------------------------------------------ before anything is read
    def hears(self, host: str, now: float) -> bool:
        """Whether what has come from there is to be read at all."""
        return self._admits(host, Kind.MESSAGES, "too many messages", now)

    def connects(self, host: str, now: float) -> bool:
        """Whether a connection from there may stay."""
        return self._admits(host, Kind.CONNECTIONS, "too many connections", now)

    def _admits(self, host: str, kind: Kind, otherwise: str, now: float) -> bool:
        source = self._source(host, now)
        if source.is_exempt:
            return True
        if source.banned_until > now:
            self._counts["from the banned"] += 1
            return False
        return source.take(kind, self._rates, now) or self._overdrawn(source, otherwise, now)

    # ------------------------------------------------------------------ the stack's sentry
    def weigh(self, request: Request, flow: Flow, now: float) -> Verdict:
        source = self._source(flow.remote[0], now)
        if not source.is_exempt:
            if name := scanner_of(request):
                self._ban(source, f"calls itself {name}, a scanner", now)
                return Verdict.SILENCE
            if not self._has_budget(source, request, now):
                return Verdict.SILENCE
            if source.factor == 1.0 and source.good_until < now and not self._strangers.take(self._strangers_rate, now):
                self._counts["strangers turned away"] += 1
                return Verdict.BUSY
        if self._overload.is_over:
            self._counts["turned away for load"] += 1
            return Verdict.BUSY
        return Verdict.TAKE

    def refused(self, flow: Flow, status: int, now: float) -> Verdict:
        source = self._source(flow.remote[0], now)
        if source.is_exempt or status not in OFFENCES:
            return Verdict.TAKE
        if source.take(Kind.FAILURES, self._rates, now):
            return Verdict.TAKE
        self._ban(source, f"too many {OFFENCES[status]}", now)
        return Verdict.SILENCE

    def proved(self, flow: Flow, now: float) -> None:
        source = self._source(flow.remote[0], now)
        if not source.is_exempt:
            source.good_until = now + GOOD_S
            self._good.put(source.key, source.good_until)

    def late(self, seconds: float, now: float) -> None:
        self._overload.late(seconds, now)

    # ------------------------------------------------------------------ bans
    def ended(self, now: float) -> None:
        """Bans that have come to their end are told."""
        self._events += [BanLifted(ban, "server") for ban in self._bans.end(now)]

    def _ban(self, source: Source, reason: str, now: float) -> None:
        """Who is known as good is only silenced: it may be another who writes its address."""
        if source.good_until >= now:
            self._tell(source, reason, now)
            return
        self._counts["bans"] += 1
        self._events.append(BanSet(self._bans.strike(source.key, reason, now)))

    def _overdrawn(self, source: Source, what: str, now: float) -> bool:
        self._counts["silenced"] += 1
        if not source.take(Kind.PATIENCE, self._rates, now):
            self._ban(source, f"{what}, on and on", now)
        else:
            self._tell(source, what, now)
        return False

    def _tell(self, source: Source, what: str, now: float) -> None:
        if source.told_until < now:
            source.told_until = now + TOLD_S
            self._events.append(Silenced(source.key, what))

    def _has_budget(self, source: Source, request: Request, now: float) -> bool:
        if not source.take(Kind.REQUESTS, self._rates, now):
            return self._overdrawn(source, "too many requests", now)
        is_anonymous = "Authorization" not in request.headers and "Proxy-Authorization" not in request.headers
        if request.method == "INVITE" and is_anonymous and not source.take(Kind.CALLS, self._rates, now):
            return self._overdrawn(source, "too many calls without credentials", now)
        return True

    # ------------------------------------------------------------------ sources
    def _source(self, host: str, now: float) -> Source:
        source = self._hosts.get(host)
        if source is None:
            source = self._new(host)
        version = self._bans.version + self._networks
        if source.version != version:
            self._judge(source, host, now)
            source.version = version
        return source

    def _new(self, host: str) -> Source:
        address = address_in(host)
        key = key_of(address) if address is not None else host
        source = self._sources.get(key)
        if source is None:
            source = Source(key)
            source.good_until = self._good.get(key) or 0.0
            self._sources.put(key, source)
        self._hosts.put(host, source)
        return source

    def _judge(self, source: Source, host: str, now: float) -> None:
        """Where it is, and whether it is banned. All hosts of an IPv6 /64 are judged by the one that came last."""
        address = address_in(host)
        source.is_exempt = self._guard.is_loopback(host)
        source.factor = float(INSIDE_FACTOR) if self._guard.may_call(host) else 1.0
        source.banned_until = self._bans.until(address, now) if address is not None else 0.0

    def describe(self) -> dict[str, object]:
        return {
            "sources": len(self._sources), "bans": len(self._bans), **self._counts, **self._overload.describe(),
        }  # fmt: skip
