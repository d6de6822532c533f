"""What the stack asks of the router; its table, of rows that were made and of those of the settings; explained."""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlite_utils import Database

from confserver.app.made_routes import MadeRoutes
from confserver.app.orders import Done, Orders
from confserver.app.route_table import SETTINGS, table_of, together
from confserver.config import Settings
from confserver.config.route_rows import Known, Made
from confserver.routing.commands import ExplainRoute
from confserver.routing.domains import Domains
from confserver.routing.guard import Guard
from confserver.routing.refusals import Invalid
from confserver.routing.router import Router, through
from confserver.routing.table import Facts
from confserver.routing.trunks import Trunk
from confserver.routing.user_store import kept_key
from confserver.sip.flow import Flow
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request
from confserver.sip.proxy.plan import Answer, Plan, Relay
from confserver.sip.uri import Uri, parse_uri
from confserver.sip.ways import hop_of
from confserver.transports.addresses import attached_networks


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
        self._of_settings = router.table
        self._trunks: frozenset[str] = frozenset()
        self._made = MadeRoutes(self._renew)
        self._learn()
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
        self._trunks = frozenset(trunk.name for trunk in trunks)
        self._learn()

    def restore(self, made: Made) -> None:
        """What administrators have made before."""
        self._made.restore(made)

    def _learn(self) -> None:
        self._made.know(Known(frozenset(self._of_settings.groups), self._trunks))

    def _renew(self) -> None:
        self._router.table = together(self._made.made, self._made.off, self._of_settings)

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
        orders.answers["route list"] = lambda _, now: self._router.table.describe()
        orders.answers["group list"] = lambda _, now: self._groups()
        self._made.join(orders)

    def use_settings(self, settings: Settings) -> None:
        """Other rows from now on; those that were made stay before them."""
        self._of_settings = table_of(settings)
        self._learn()

    def _groups(self) -> list[dict[str, object]]:
        theirs: list[dict[str, object]] = [
            {"group": name, "members": [str(each) for each in members], "source": SETTINGS, "off": ""}
            for name, members in self._of_settings.groups.items()
        ]
        return sorted([*self._made.groups(), *theirs], key=lambda row: (str(row["group"]), row["source"] == SETTINGS))

    def know_rooms(self, named: Callable[[str], str]) -> None:
        """``named``: the room of a number."""
        self._router.room_named = named

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
