"""Which requests are relayed, and how (RFC 3261 16.3 to 16.5); ACKs, which make no transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.grammar import Malformed
from confserver.sip.matching import dialog_key
from confserver.sip.message import Request
from confserver.sip.proxy.checks import count_down, mark_of
from confserver.sip.proxy.plan import Answer, Plan, Relay, Target
from confserver.sip.proxy.routes import path_of, with_routes
from confserver.sip.ways import Way, hop_of

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.flow import Flow
    from confserver.sip.proxy.routes import Path

BEYOND = "routes beyond this server are followed in dialogs only"


class Planned(NamedTuple):
    plan: Plan
    routes: tuple[str, ...]
    """Still to be followed."""
    mark: str


class Proxy:
    def __init__(self, core: Core) -> None:
        self._core = core

    def has_begun(self, request: Request) -> bool:
        """Whether a request belongs to a dialog that began with us."""
        try:
            return bool(path_of(request, self._core.tokens, self._core.settings.is_ours).sides)
        except Malformed:
            return False

    def plan(self, request: Request, flow: Flow, now: float) -> Planned | None:
        """What becomes of a request; None where it is for our own user agent. Raises Malformed.

        In a dialog that began with us it follows its routes; without To tag the planner decides, but not for those
        who are not welcome at all. A GRUU of ours may be a remote target (RFC 5627 section 5): planned as well.
        """
        core = self._core
        is_in_dialog = bool(request.to.tag)
        if is_in_dialog and dialog_key(request) in core.dialogs:
            return None
        path = path_of(request, core.tokens, core.settings.is_ours)
        ends_here = not path.routes and core.settings.is_ours(path.uri)
        if is_in_dialog and path.sides and not ends_here:
            return self._planned(Relay(((_along(path),),)), path, request)
        is_welcome = request.identity is not None or not core.settings.unwelcome(flow)
        if is_in_dialog and not (path.uri.has_param("gr") and (path.sides or is_welcome)):
            return None
        if not is_in_dialog and not is_welcome:
            return None
        plan = core.settings.planner(request, flow, now)
        if plan is None:
            return None
        if isinstance(plan, Relay) and path.routes:
            plan = Answer(403, "", (("Warning", f'399 confserver "{BEYOND}"'),))
        return self._planned(plan, path, request)

    def _planned(self, plan: Plan, path: Path, request: Request) -> Planned:
        return Planned(plan, tuple(map(str, path.routes)), mark_of(request, self._core.secret))

    def relay_ack(self, ack: Request, flow: Flow, now: float) -> None:
        """The ACK of a 2xx, end to end: sent on like a request, but nothing is kept of it (RFC 3261 16.6, 16.11)."""
        core = self._core
        path = path_of(ack, core.tokens, core.settings.is_ours)
        if not path.sides or (not path.routes and core.settings.is_ours(path.uri)) or ack.max_forwards == 0:
            core.drop("ACK of nothing")
            return
        _RelayedAck(core, ack, path, flow, now)


def _along(path: Path) -> Target:
    """The next hop of a request in a dialog; by the flow to that side where only that leads there."""
    return Target(path.uri, flow=None if path.routes else path.way_on)


class _RelayedAck:
    """Waits for its way, no longer."""

    def __init__(self, core: Core, ack: Request, path: Path, came_by: Flow, now: float) -> None:
        self._core = core
        self._ack = Request(ack.method, ack.uri, ack.headers.copy(), ack.body)
        count_down(self._ack)
        core.tidy(self._ack.headers, came_by)
        decides = with_routes(self._ack, path.uri, list(map(str, path.routes)))
        core.find(self, Way(_along(path).flow, hop_of(decides)), now)

    def found(self, flow: Flow, now: float) -> None:
        self._ack.headers.insert_first("Via", self._core.via(flow))
        self._core.send(flow, self._ack.encode())

    def not_found(self, reason: str, now: float) -> None:
        self._core.count("ACKs without a way")
