"""Where a request goes: by the table, else to the user whom it names, else to a room. What the stack asks.

Facts -> Table -> Row ----> room | user | trunk | address | redirect | reject
               `- none ---> user of ours -> his phones, by q | 480
                            any other -> room | the server itself (no user part)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Protocol

from confserver.routing.guard import Guard
from confserver.routing.location import Binding
from confserver.routing.reach import Reached
from confserver.routing.table import Facts, Row, Table
from confserver.routing.trunks import Trunk
from confserver.sip.dialog import as_request_uri
from confserver.sip.flow import Flow
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request
from confserver.sip.proxy.plan import Answer, Here, Plan, Relay, Target
from confserver.sip.proxy.routes import is_hidden
from confserver.sip.uri import Uri, escape_user, parse_uri


class Finder(Protocol):
    """Who is meant by an address (``reach.Reach``)."""

    def find(self, uri: Uri, now: float) -> Reached | None: ...


TrunkTargets = Callable[[str, str], Sequence[Target]]
"""The ways through a trunk, by its name, to a number; none: there is no such trunk, or it is down."""


def no_trunks(_: str, __: str) -> Sequence[Target]:
    return ()


def through(trunks: Sequence[Trunk]) -> TrunkTargets:
    """Each by its hosts, those that live first."""

    def targets(name: str, number: str) -> Sequence[Target]:
        found = next((trunk for trunk in trunks if trunk.name == name), None)
        ways = [found.target(host, number) for host in found.by_health()] if found is not None else []
        return [Target(way.uri, way.routes, hop=way.hop) for way in ways]

    return targets


@dataclass(slots=True)
class Decision:
    """``plan``: what the stack does; None: our own user agent takes it as it is. ``said``: why, in words."""

    plan: Plan | None
    said: list[str] = field(default_factory=list)


class Router:
    """``table`` may be replaced at any time. ``ring_s``: so long phones of one q ring, before those of a lower one."""

    def __init__(
        self, finder: Finder, guard: Guard, table: Table, ring_s: float = 20.0, trunks: TrunkTargets = no_trunks
    ) -> None:
        self._finder = finder
        self._guard = guard
        self.table = table
        self._ring_s = ring_s
        self.trunks = trunks
        self.room_named: Callable[[str], str] = str
        """Which room has this number or other name; what no room has stays as it is."""

    def plan(self, request: Request, flow: Flow, now: float) -> Plan | None:
        """See ``sip.proxy.plan.Planner``. REGISTER is the registrar's, whatever the table says."""
        if request.method == "REGISTER":
            return None
        identity = request.identity.user if request.identity else ""
        facts = Facts(request.method, request.uri, flow.remote[0], identity, now)
        return self._decide(self.table.find(facts), facts).plan

    def explain(self, facts: Facts) -> list[str]:
        """What would happen to such a request, and why."""
        said = [self._trust(facts)]
        if facts.method == "REGISTER":
            return [*said, "REGISTER is for the registrar; the table is not asked"]
        row = self.table.find(facts)
        return [*said, *self.table.explain(facts), *self._decide(row, facts).said]

    def _trust(self, facts: Facts) -> str:
        if facts.identity:
            return f"{facts.identity} has shown the password, so the call is taken from anywhere"
        if self._guard.is_inside(facts.source):
            return f"{facts.source} is inside: no password is asked for"
        if self._guard.may_call(facts.source):
            return f"{facts.source} is in sip.trusted_networks: no password is asked for"
        return f"{facts.source} is outside: without the password of a user it is turned away (401, 403)"

    # ------------------------------------------------------------------ by a row
    def _decide(self, row: Row | None, facts: Facts) -> Decision:
        if row is None:
            return self._by_default(facts)
        filled = row.filled(facts.user)
        match row.to:
            case "reject":
                return Decision(Answer(row.status, row.reason), [f"it is refused: {row.status} {row.reason}".rstrip()])
            case "redirect":
                uris = row.filled_uris(facts.user)
                contacts = tuple(("Contact", f"<{uri}>") for uri in uris)
                return Decision(Answer(row.status, row.reason, contacts), [f"{row.status}: call {' or '.join(uris)}"])
            case "room":
                return self._to_room(filled[0], facts)
            case "user":
                return self._to_user(facts.uri.replace(user=escape_user(filled[0])), facts)
            case "trunk":
                return self._to_trunk(row.targets[0], row.rewritten(facts.user))
        return self._to_addresses(row.filled_uris(facts.user))

    def _to_addresses(self, filled: Sequence[str]) -> Decision:
        targets = []
        for text in filled:
            try:
                uri = parse_uri(text)
            except Malformed as fault:
                return Decision(Answer(404, ""), [f"404: {fault.reason}"])
            targets.append(Target(as_request_uri(uri)))
        return Decision(Relay((tuple(targets),)), [f"it is sent to {' and '.join(filled)}"])

    def _to_trunk(self, name: str, number: str) -> Decision:
        """By its first host; another one where that cannot be reached, not where it refuses."""
        targets = self.trunks(name, number)
        if not targets:
            return Decision(Answer(503, "Trunk Not Available"), [f"503: trunk {name} is not there, or down"])
        way: Target | None = None
        for target in reversed(targets):
            way = replace(target, instead=way)
        assert way is not None
        return Decision(Relay(((way,),)), [f"it goes through trunk {name} as {number}"])

    def _to_room(self, name: str, facts: Facts) -> Decision:
        room = self.room_named(name)
        said = [f"it is for the room {room}" + (f", whose number {name} is" if room != name else "")]
        if not name:
            return Decision(None, ["it is for the server itself: its address has no user part"])
        if name == facts.user:
            return Decision(None, said)
        uri = facts.uri if facts.uri.is_sip else Uri("sip", host=facts.uri.host or "localhost")
        return Decision(Here(uri.replace(user=escape_user(name), password=None)), said)

    # ------------------------------------------------------------------ by whom it names
    def _by_default(self, facts: Facts) -> Decision:
        reached = self._finder.find(facts.uri, facts.now) if facts.user else None
        if reached is None and facts.uri.has_param("gr"):
            return Decision(Answer(404), ["404: no phone of ours has this GRUU (RFC 5627)"])
        return self._to_room(facts.user, facts) if reached is None else self._to_phones(reached, facts)

    def _to_user(self, uri: Uri, facts: Facts) -> Decision:
        reached = self._finder.find(uri, facts.now)
        if reached is None:
            return Decision(Answer(404), [f"404: there is no user {uri.user_decoded}"])
        return self._to_phones(reached, facts)

    def _to_phones(self, reached: Reached, facts: Facts) -> Decision:
        """A sips URI goes to who can be reached securely alone (RFC 3261 26.2.2, RFC 5630 5.3)."""
        name, is_sips = reached.user.name, facts.uri.scheme == "sips"
        groups = groups_of([each for each in reached.bindings if not is_sips or _is_secure(each)])
        if not groups and is_sips and reached.bindings:
            warning = ("Warning", '380 confserver "SIPS Not Allowed"')
            return Decision(Answer(480, "", (warning,)), [f"480: no phone of user {name} is registered by sips or TLS"])
        if not groups:
            return Decision(Answer(480), [f"480: no phone of user {name} is registered"])
        phones = [[str(target.uri) for target in group] for group in groups]
        said = [f"it rings at user {name}: {', then '.join(' and '.join(group) for group in phones)}"]
        return Decision(Relay(groups, self._ring_s), said)


def _is_secure(binding: Binding) -> bool:
    return binding.contact.scheme == "sips" or (binding.flow is not None and binding.flow.is_secure)


def groups_of(bindings: Sequence[Binding]) -> tuple[tuple[Target, ...], ...]:
    """By q, the highest first (RFC 3261 16.6). Flows of one phone never ring together (RFC 5626 section 6)."""
    usable = [each for each in bindings if each.flow is not None or not each.is_outbound]
    groups: list[tuple[Target, ...]] = []
    seen: set[str] = set()
    for _, same_q in groupby(usable, key=lambda each: each.q):
        group = []
        for binding in same_q:
            if binding.instance and binding.instance in seen:
                continue
            seen.add(binding.instance)
            flows = [each for each in usable if binding.instance and each.instance == binding.instance]
            group.append(_target(flows or [binding]))
        if group:
            groups.append(tuple(group))
    return tuple(groups)


def _target(flows: Sequence[Binding]) -> Target:
    """The first flow, with those that are left in its stead."""
    binding, *rest = flows
    flow = binding.flow
    if flow is not None and not (binding.is_outbound or is_hidden(binding.contact, flow)):
        flow = None  # it can be called where it says
    return Target(
        as_request_uri(binding.contact), binding.path, flow, instead=_target(rest) if rest else None
    )  # fmt: skip
