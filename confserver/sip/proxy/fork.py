"""A relayed request: its branches, their answers, and what goes back (RFC 3261 16.6 to 16.10: the response context)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confserver.sip.dialog import contact_of
from confserver.sip.matching import way_back
from confserver.sip.message import Request, Response
from confserver.sip.outputs import RelayEnded
from confserver.sip.proxy.best import best_of
from confserver.sip.proxy.branch import Branch
from confserver.sip.proxy.checks import breadth_of, count_down
from confserver.sip.proxy.plan import Relay, Target
from confserver.sip.proxy.redirects import Redirects
from confserver.sip.proxy.routes import MAKES_DIALOG, Tokens, is_hidden
from confserver.sip.timers import Timer
from confserver.sip.transaction import Input, ServerTransaction

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.flow import Flow

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
"""RFC 3326 section 3.1: a phone that hears it does not tell of a missed call."""
_UNTOLD = {503: 500, 430: 480}
"""What of downstream's troubles is not told upstream as it is (16.7, step 6; RFC 5626 section 6)."""
_TRY_ANOTHER_FLOW = (408, 430, 503)


class Fork:
    """``routes``: Route values that follow whatever target; ``mark``: of our branches, by which loops are seen."""

    def __init__(
        self, core: Core, number: int, transaction: ServerTransaction, relay: Relay, routes: tuple[str, ...], mark: str
    ) -> None:
        self._core = core
        self.number = number
        self._transaction = transaction
        self._ring_s = relay.ring_s
        self.request = transaction.request
        self.routes = routes
        self.mark = mark
        self.is_invite = self.request.method == "INVITE"
        self._breadth = breadth_of(self.request)
        self._redirects = Redirects(core, self.request, transaction.flow, relay)
        self._waiting = [part for group in relay.groups for part in _parts(group, self._breadth)]
        self._pending: list[Branch] = []
        """Of the present group."""
        self._answers: list[Response] = []
        self._is_ending = False
        """No branch is begun any more: cancelled, answered by a 2xx, or by a 6xx."""
        self._is_through = False
        transaction.user = self
        core.relays[number] = self

    @property
    def tokens(self) -> Tokens:
        return self._core.tokens

    # -------------------------------------------------------------- out
    def start(self, now: float) -> None:
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        """Begin the next group, as long as the last one is through without success; then answer."""
        while not self._pending and self._waiting and not self._is_ending:
            self._begin(self._waiting.pop(0), self._breadth, now)
        if not self._pending:
            self._conclude(now)

    def _begin(self, group: tuple[Target, ...], breadth: int, now: float) -> None:
        """A branch for each, beside those that there are."""
        share, more = divmod(breadth, len(group))
        branches = [Branch(self._core, self, each, share + (at < more)) for at, each in enumerate(group)]
        self._pending += branches
        if self._waiting and self._ring_s and self.is_invite:
            self._core.deadlines.start(self, Timer.SERIAL, now + self._ring_s)
        for branch in branches:
            if not branch.is_over:
                branch.start(now)

    def copy(self) -> Request:
        """For a branch: headers and body as they came (16.6, step 1)."""
        request = self.request
        copied = Request(request.method, request.uri, request.headers.copy(), request.body)
        count_down(copied)
        self._core.tidy(copied.headers, self._transaction.flow)
        return copied

    def have_us_remembered(self, request: Request, target: Target, flow: Flow) -> None:
        """Record-Route, for who is called and for who calls (16.6, step 4; RFC 5658; see ``routes``)."""
        if request.method not in MAKES_DIALOG or request.to.tag:
            return
        call_id, came_by = request.call_id, self._transaction.flow
        is_direct = len(self.request.headers.get_all("Via")) == 1
        theirs = came_by if is_direct and is_hidden(contact_of(self.request), came_by) else None
        called = flow if target.flow is not None and not (target.routes or self.routes) else None
        lines = [self._record_route(self.tokens.write(call_id, called), flow)]
        lines.append(self._record_route(self.tokens.write(call_id, theirs), came_by))
        lines += [value for _, value in self.request.headers.lines("Record-Route")]
        request.headers.remove("Record-Route")
        for line in lines:
            request.headers.add("Record-Route", line)

    def _record_route(self, token: str, flow: Flow) -> str:
        """By sips where the request is, and where it has come securely (16.6, step 4)."""
        is_sips = self.request.uri.scheme == "sips" and flow.is_secure
        return self._core.address(token, flow, is_sips).removesuffix(">") + ";lr>"

    # -------------------------------------------------------------- back
    def passed(self, response: Response, now: float) -> None:
        """A provisional answer goes back at once, but for 100 (16.7, step 5)."""
        if response.status > 100 and not self._transaction.is_answered:
            response.headers.remove_first("Via")
            self._transaction.respond(response, now)

    def finished(self, branch: Branch, response: Response, now: float) -> None:
        """A final answer, received or made up."""
        if branch in self._pending:
            self._pending.remove(branch)
        elif response.status >= 300:  # given up before
            self._answers.append(response)
            return
        if response.status < 300:
            self._accepted(response, now)
            return
        if response.status in _TRY_ANOTHER_FLOW and branch.target.instead is not None and not self._is_ending:
            other = Branch(self._core, self, branch.target.instead, branch.breadth)
            self._pending.append(other)
            other.start(now)
            return
        if (kept := self._redirected(branch, response, now)) is not None:
            self._answers.append(kept)
        if response.status >= 600:
            self._end(
                now, f"SIP;cause={response.status}"
            )  # 16.7, step 5: all else is cancelled; it goes back when that is done
        if not self._pending:
            self._core.deadlines.stop(self, Timer.SERIAL)
            self._go_on(now)

    def _redirected(self, branch: Branch, response: Response, now: float) -> Response | None:
        """Call at once where a 3xx leads, with the breadth of who has said it; what is left of it (16.7, step 4)."""
        if response.status >= 400 or self._is_ending:
            return response
        groups, left = self._redirects.follow(response, now)
        first, *rest = [part for group in groups for part in _parts(group, branch.breadth)] or [()]
        self._waiting[:0] = rest
        if first:
            self._begin(first, branch.breadth, now)
        return left

    def _accepted(self, response: Response, now: float) -> None:
        """Every 2xx to an INVITE goes back at once, also behind another final answer (16.7, step 5; RFC 6026 8.5)."""
        transaction = self._transaction
        if (transaction.state, Input.SUCCESS) in transaction.table:
            if self.is_invite or not transaction.is_answered:
                self._note_end(response)
                transaction.respond(response, now)
        elif self.is_invite:
            self._core.send(way_back(self.request, transaction.flow), response.encode())
        self._end(now, ELSEWHERE)
        if not self._pending:
            self._core.relays.pop(self.number, None)

    def cancelled(self, cancel: Request, now: float) -> None:
        """CANCEL from upstream; answered already (16.10). Its Reason goes along (RFC 3326)."""
        self._end(now, ", ".join(cancel.headers.get_all("Reason")))
        if not self._pending:
            self._conclude(now)

    def _end(self, now: float, why: str) -> None:
        """Nothing more is begun, and an INVITE's branches are cancelled (16.7, step 10)."""
        self._is_ending = True
        self._core.deadlines.stop(self, Timer.SERIAL)
        for branch in list(self._pending) if self.is_invite else ():
            branch.cancel(now, why)

    def fire(self, timer: Timer, now: float) -> None:
        """Timer.SERIAL: the next group's turn, whatever the answers to our CANCELs."""
        left, self._pending = self._pending, []
        for branch in left:
            branch.give_up(now)
        self._go_on(now)

    def _conclude(self, now: float) -> None:
        """All branches are through (16.7, step 6)."""
        self._core.relays.pop(self.number, None)
        if self._is_through or self._transaction.is_answered:
            return
        self._is_through = True
        best = best_of(self._answers) if self._answers else self.response(487 if self._is_ending else 480)
        if best.status in _UNTOLD:
            best = self.response(_UNTOLD[best.status])
        self._note_end(best)
        if best.status != 408 or self.is_invite:  # RFC 4320 4.1
            self._transaction.respond(best, now)

    def _note_end(self, response: Response) -> None:
        if not self._transaction.is_answered and not self.request.to.tag:
            self._core.emit(RelayEnded(self.number, response.status))

    def response(self, status: int) -> Response:
        """An answer of our own."""
        return self._core.response(self.request, status, to_tag=self._core.token())

    def acknowledged(self, ack: Request, now: float) -> None:
        """An ACK of a 2xx with the branch of its INVITE has been relayed by ``incoming``, like any other."""


def _parts(group: tuple[Target, ...], breadth: int) -> list[tuple[Target, ...]]:
    """As many at once as Max-Breadth allows (RFC 5393 5.3.3)."""
    return [group[at : at + breadth] for at in range(0, len(group), breadth)]
