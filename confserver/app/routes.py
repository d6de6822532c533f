"""The route table of the settings, as the router reads it; read again while the server runs; explained."""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlite_utils import Database

from confserver.app.orders import Done, Orders
from confserver.config import Settings
from confserver.config.routes import Route
from confserver.routing.commands import ExplainRoute
from confserver.routing.domains import Domains
from confserver.routing.guard import Guard
from confserver.routing.patterns import Pattern
from confserver.routing.refusals import Invalid
from confserver.routing.router import Router, through
from confserver.routing.table import ANY_USER, Facts, Row, Table, minutes, network
from confserver.routing.trunks import Trunk
from confserver.routing.user_store import kept_key
from confserver.sip.flow import Flow
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request
from confserver.sip.proxy.plan import Answer, Plan, Relay
from confserver.sip.uri import Uri, parse_uri
from confserver.sip.ways import hop_of
from confserver.transports.addresses import attached_networks

STATUS = {"redirect": 302, "reject": 403}


def table_of(settings: Settings) -> Table:
    """``config.checks`` has looked at every row."""
    groups = {group.name: tuple(map(Pattern, group.members)) for group in settings.groups}
    return Table(tuple(map(_row, settings.routes)), groups)


def _row(route: Route) -> Row:
    return Row(
        name=route.name,
        methods=route.method,
        domains=tuple(map(Pattern, route.domain)),
        users=tuple(map(Pattern, route.user)),
        sources=tuple(map(network, route.source)),
        identities=tuple(map(Pattern, route.identity)),
        groups=route.group,
        days=route.days,
        hours=minutes(route.hours) if route.hours else None,
        to=route.to,
        targets=route.target or (ANY_USER,),
        strip=route.strip,
        prepend=route.prepend,
        status=route.status or STATUS.get(route.to, 0),
        reason=route.reason,
    )


def facts_of(uri: str, caller: str, source: str, request: str, at: str, now: float) -> Facts:
    """What an administrator asks about. Raises Invalid."""
    try:
        text = uri if "@" in uri or ":" in uri else f"{uri}@localhost"
        called = parse_uri(text if ":" in text.partition("@")[0] else f"sip:{text}")
    except Malformed as fault:
        raise Invalid(f"{uri[:80]!r} is no address such as sip:bob@example.com: {fault.reason}") from None
    try:
        host = str(ipaddress.ip_address(source))
    except ValueError:
        raise Invalid(f"{source[:64]!r} is not an IP address") from None
    if not request.isalpha() or not request.isascii() or len(request) > 32:
        raise Invalid(f"{request[:32]!r} is no method of SIP")
    return Facts(request.upper(), called, host, caller, _time(at) if at else now)


def _time(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise Invalid(f"{text[:40]!r} is not a time such as 2026-12-31T18:00") from None


class Routes:
    """Answers the stack, and keeps the table up to date.

    ``hosts``: our addresses.
    """

    def __init__(
        self,
        router: Router,
        hosts: Callable[[], Sequence[str]],
        domains: Domains,
    ) -> None:
        self._router = router
        self._hosts = hosts
        self._domains = domains
        self.port_of: Callable[[str], int] = lambda _: 0
        """Where we listen, by transport; 0: nowhere."""
        self.is_closed = False
        """The server stops: nothing new is sent on."""
        self.is_drained: Callable[[], bool] = bool
        """Nor are new calls."""

    def use(self, trunks: Sequence[Trunk]) -> None:
        """From now on rows may send calls through these."""
        self._router.trunks = through(trunks)

    def plan(self, request: Request, flow: Flow, now: float) -> Plan | None:
        """See ``StackSettings.planner``."""
        plan = self._router.plan(request, flow, now)
        is_closed = self.is_closed or (request.method == "INVITE" and self.is_drained())
        return Answer(503, "", (("Retry-After", "10"),)) if is_closed and isinstance(plan, Relay) else plan

    def names_us(self, uri: Uri) -> bool:
        """By an address or a listed domain, and a port of ours; a phone on this machine has another."""
        hop = hop_of(uri)
        if hop is None or not (hop.host in self._hosts() or self._domains.is_listed(hop.host.lower().rstrip("."))):
            return False
        return hop.port == self.port_of(hop.transport)

    def join(self, orders: Orders) -> None:
        orders.handlers[ExplainRoute] = self._explain
        orders.answers["route list"] = lambda _, now: [row.describe() for row in self._router.table.rows]

    def use_settings(self, settings: Settings) -> None:
        """Other rows from now on."""
        self._router.table = table_of(settings)

    def _explain(self, order: ExplainRoute, now: float) -> Done:
        facts = facts_of(order.uri, order.caller, order.source, order.request, order.at, now)
        return Done({"uri": str(facts.uri), "method": facts.method, "reasons": self._router.explain(facts)})


def kept_secret(db: Database) -> str:
    """By which our Record-Routes are signed; the same after a restart. Raises StoreError."""
    return kept_key(db, "record-route", secrets.token_bytes(32)).hex()


class _Nobody:
    """Knows no users."""

    def find(self, uri: Uri, now: float) -> None:
        return None


def explain_offline(settings: Settings, asked: Mapping[str, str]) -> Mapping[str, object]:
    """The same without a server: what the settings alone say. Raises ValueError."""
    given = {"caller": "", "source": "127.0.0.1", "request": "INVITE", "at": "", **asked}
    try:
        facts = facts_of(**given, now=time.time())
    except Invalid as refused:
        raise ValueError(refused.reason) from None
    router = Router(_Nobody(), Guard(settings.sip.trusted(), attached_networks()), table_of(settings))
    return {"uri": str(facts.uri), "method": facts.method, "reasons": router.explain(facts)}
