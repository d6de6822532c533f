"""Requests whose matter is our user's: theirs in a call that he answers, and ours whose answer he is told.

their INFO, MESSAGE, REFER ... in a call -> RequestInCall -- respond --> the answer
                                                          \\- the call ends --> 487
ours: ask (in a call), send (outside of any dialog) -> Errand -> RequestAnswered, once
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from confserver.sip.dialog import DialogState
from confserver.sip.headers import Headers, NameAddr
from confserver.sip.message import Request, Response
from confserver.sip.outputs import RequestAnswered, RequestInCall
from confserver.sip.requests import CREDENTIALS, Errand
from confserver.sip.transaction import WrongMoment
from confserver.sip.ways import Hop, Way, hop_of

if TYPE_CHECKING:
    from confserver.sip.account import Account
    from confserver.sip.call import Call
    from confserver.sip.core import Core, Extra
    from confserver.sip.flow import Address, Flow
    from confserver.sip.transaction import ServerTransaction
    from confserver.sip.uri import Uri

MOST_CHALLENGES = 3
"""So often are credentials given for one request."""
MOST_ASKED = 16
"""Requests in one call that wait for our user at once; above it 500 with Retry-After (RFC 3261 21.5.1)."""
OUTSIDE = ("REGISTER", "PUBLISH")
"""Methods that have no meaning in a dialog (RFC 3261 10.2, RFC 3903 section 4)."""
SPARES = {"NOTIFY": (408, 481), "MESSAGE": (408,)}
"""By method: answers that do not end the call. A subscription beside it is over (RFC 5057 5.1); text was let fall."""
WITH_CONTACT = ("OPTIONS", "SUBSCRIBE", "NOTIFY", "REFER", "UPDATE", "PUBLISH", "REGISTER")
"""Methods whose requests may name where we are (RFC 3261 table 2, RFC 6665 3.1.1, RFC 3515 section 2); a MESSAGE must
not (RFC 3428 section 4).
"""


class Asked:
    """Their requests in one call that wait for our user."""

    __slots__ = ("_call", "_waiting")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._waiting: list[ServerTransaction] = []

    def hand_over(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        core = self._call.core
        if transaction.request.method in OUTSIDE:
            self._call.answer(transaction, 405, now, headers=(("Allow", ", ".join(core.settings.allow)),))
            return
        self._waiting = [each for each in self._waiting if not each.is_answered]
        if len(self._waiting) >= MOST_ASKED:
            later = ("Retry-After", str(core.random.randint(0, 10)))
            self._call.answer(transaction, 500, now, headers=(later,))
            return
        self._waiting.append(transaction)
        number = core.let_wait(transaction)
        core.emit(RequestInCall(self._call.number, number, transaction.request, flow))

    def close(self, now: float) -> None:
        """The call ends: what waits for an answer gets it (RFC 3261 15.1.2)."""
        for transaction in self._waiting:
            if not transaction.is_answered:
                self._call.answer(transaction, 487, now)
        self._waiting.clear()


class Asking:
    """The user of a request of ours: tells the final answer, once."""

    __slots__ = ("_again", "_call", "_core", "_ends", "_number")

    def __init__(
        self,
        core: Core,
        number: int,
        call: Call | None = None,
        method: str = "",
        again: Callable[[Response, float], bool] | None = None,
    ) -> None:
        """``again``: asked where credentials are wanted, whether the request is sent once more with them."""
        self._core = core
        self._number = number
        self._call = call
        self._again = again
        self._ends = [status for status in (408, 481) if status not in SPARES.get(method, ())]

    def answered(self, response: Response, now: float) -> None:
        if response.status in (401, 407) and self._again is not None and self._again(response, now):
            return
        if response.status >= 200:
            self._told(response, now)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        self._told(Response(status, reason, Headers()), now)

    def _told(self, response: Response, now: float) -> None:
        self._core.emit(RequestAnswered(self._number, response))
        call = self._call
        if call is not None and not call.is_over and response.status in self._ends:
            call.gone(response.status, now)


def ask(call: Call, method: str, headers: Extra, body: bytes, content_type: str, now: float) -> int:
    """Send a request in the dialog of a call. Raises WrongMoment where it has none."""
    core, dialog = call.core, call.dialog
    if dialog is None or dialog.state not in (DialogState.EARLY, DialogState.CONFIRMED):
        raise WrongMoment(f"{method} in a call that is {call.state.value}")
    number = core.next_number()
    fill(Request(method, dialog.target, Headers()), headers, body, content_type).encode()  # raises Unwritable
    request = fill(dialog.request(method), headers, body, content_type)
    user = call.contact_user if method in WITH_CONTACT else None
    Errand(core, request, Asking(core, number, call, method), dialog=dialog, contact_user=user).start(dialog.way(), now)
    return number


def send(core: Core, request: Request, contact_user: str, way: Way, now: float, account: Account | None = None) -> int:
    """Send a request outside of any dialog. ``account``: ours, where credentials are asked for (RFC 3261 22.2)."""
    number = core.next_number()
    user = contact_user if request.method in WITH_CONTACT else None
    errand: Errand | None = None
    body, challenges = request.body, 0

    def again(response: Response, later: float) -> bool:
        nonlocal request, way, challenges
        challenges += 1
        lines = account.answer(response, request) if account and challenges <= MOST_CHALLENGES else None
        if not lines:
            return False
        headers = Headers([line for line in request.headers if line[0] not in ("Via", "Contact", *CREDENTIALS)])
        headers.set("CSeq", f"{request.cseq.number + 1} {request.method}")
        request = fill(Request(request.method, request.uri, headers), lines, b"", "")
        request.body = body
        if errand is not None and errand.transaction is not None:
            way = replace(way, flow=errand.transaction.flow)
        start(later)
        return True

    def start(at: float) -> None:
        nonlocal errand
        errand = Errand(core, request, Asking(core, number, again=again), contact_user=user)
        errand.start(way, at)

    if account is not None:
        fill(request, account.prepared(request.method, str(request.uri)), b"", "")
    start(now)
    return number


def fill(request: Request, headers: Extra, body: bytes, content_type: str) -> Request:
    """Add what the user gives."""
    for name, value in headers:
        request.headers.add(name, value)
    if body:
        request.headers.add("Content-Type", content_type)
        request.body = body
    return request


def opening(core: Core, method: str, target: Uri, from_: NameAddr, to: NameAddr | None = None) -> Request:
    """A request outside a dialog (RFC 3261 8.1.1), without Via and Contact."""
    lines = [
        ("Max-Forwards", "70"),
        ("From", str(from_.with_param("tag", core.token()))),
        ("To", str(to or NameAddr("", target))),
    ]
    lines += [("Call-ID", core.token()), ("CSeq", f"1 {method}")]
    if core.settings.user_agent:
        lines.append(("User-Agent", core.settings.user_agent))
    return Request(method, target, Headers(lines))


def way_to(target: Uri, transport: str, via: Address | Hop | None) -> Way:
    """To ``via``, else to the target; by ``transport`` if the target names none ("": as its domain says)."""
    if via is not None:
        return Way(hop=via if isinstance(via, Hop) else Hop(transport or "UDP", *via))
    if transport and not target.has_param("transport"):
        target = target.with_param("transport", transport)
    return Way(hop=hop_of(target))
