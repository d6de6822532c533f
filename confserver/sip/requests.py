"""Requests of ours on their way: they get Via and Contact when their flow is known (RFC 3261 8.1.1.7, 8.1.1.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from confserver.sip.dialog import wants_sips
from confserver.sip.flow import Flow
from confserver.sip.matching import client_key
from confserver.sip.message import Request, Response
from confserver.sip.transaction import ClientTransaction, ClientUser
from confserver.sip.ways import Hop, Search, Way

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.dialog import Dialog


MOST_UDP = 1300
"""Bytes of a request that goes by UDP where the path's MTU is unknown (RFC 3261 18.1.1)."""
TCP_S = 4.0
"""So long a large request waits for its connection; then it goes by UDP all the same."""
NO_TCP_S, MOST_WITHOUT_TCP = 600.0, 1000


CREDENTIALS = ("Authorization", "Proxy-Authorization")


class Errand:
    """A request that opens a client transaction as soon as a flow is found; another one where that is of no use.

    A target that cannot be reached, does not answer or says 503 is followed by the next one of its domain (RFC 3263
    section 4.3), unless somebody has rung already.
    """

    __slots__ = (
        "_compose", "_contact_user", "_core", "_dialog", "_flow", "_is_large", "_is_only", "_is_rung", "_is_written",
        "_large_search", "_search", "_user", "is_relayed", "request", "transaction",
    )  # fmt: skip

    def __init__(
        self,
        core: Core,
        request: Request,
        user: ClientUser,
        *,
        dialog: Dialog | None = None,
        contact_user: str | None = None,
        compose: Callable[[Flow], bytes] | None = None,
        is_relayed: bool = False,
    ) -> None:
        self._core = core
        self._user = user
        self._dialog = dialog
        self._contact_user = contact_user
        self._compose = compose
        self._search: Search | None = None
        self._large_search: Search | None = None
        self._flow: Flow | None = None
        """By which a request that turns out to be large would have gone."""
        self._is_only = self._is_large = self._is_rung = self._is_written = False
        self.request = request
        self.is_relayed = is_relayed
        """It is not our own: its answers have more Vias than ours."""
        self.transaction: ClientTransaction | None = None

    def start(self, way: Way, now: float) -> None:
        self._is_only = way.is_only
        self._search = self._core.find(self, way, now)

    def found(self, flow: Flow, now: float) -> None:
        core = self._core
        if self._is_large and flow == self._flow:
            self._note_no_tcp(flow, now)
        elif self._dialog is not None and not self._is_large:
            self._dialog.reached(flow)
        self._write(flow)
        if self._wants_tcp(flow, now):
            self._is_large, self._flow = True, flow
            self._large_search = core.find(self, Way(hop=Hop("TCP", *flow.remote), fallback=flow), now, TCP_S)
            return
        transaction = ClientTransaction(core, client_key(self.request), self.request, flow, self)
        core.clients[transaction.key] = transaction
        connection = core.connections.get(flow)
        if connection is not None:
            connection.requests.add(transaction)
        self.transaction = transaction
        transaction.start(now)

    def not_found(self, reason: str, now: float) -> None:
        self._user.unanswered(503, reason, now)

    def _write(self, flow: Flow) -> None:
        """What depends on the flow: Via with a branch of its own, Contact, and a body where it does too."""
        core, headers = self._core, self.request.headers
        if self._is_written:
            headers.replace_first("Via", core.via(flow))
        else:
            headers.insert_first("Via", core.via(flow))
        self._is_written = True
        if self._contact_user is not None:
            write = core.address if self.request.method == "REGISTER" else core.contact  # a trunk's user is no focus
            headers.set("Contact", write(self._contact_user, self._contact_flow(flow), wants_sips(self.request)))
        if self._compose is not None:
            self.request.body = self._compose(flow)

    def _contact_flow(self, flow: Flow) -> Flow:
        """A request that is only too large for UDP changes nothing about how we are reached."""
        return self._flow if self._is_large and self._flow is not None and flow.transport == "TCP" else flow

    def _wants_tcp(self, flow: Flow, now: float) -> bool:
        core = self._core
        if self._is_large or self._is_only or flow.is_reliable or not core.settings.has_tcp:
            return False
        return core.without_tcp.get(flow.remote, 0.0) <= now and len(self.request.encode()) > MOST_UDP

    def _note_no_tcp(self, flow: Flow, now: float) -> None:
        known = self._core.without_tcp
        while len(known) >= MOST_WITHOUT_TCP:
            del known[next(iter(known))]
        known[flow.remote] = now + NO_TCP_S

    # -------------------------------------------------------------- as the user of its transactions
    def answered(self, response: Response, now: float) -> None:
        if response.status == 503 and self._try_next(now):
            return
        self._is_rung = self._is_rung or response.status > 100
        self._user.answered(response, now)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        if not self._try_next(now):
            self._user.unanswered(status, reason, now)

    def _try_next(self, now: float) -> bool:
        """True where another target is being tried."""
        if self._search is None or self._is_rung:
            return False
        before = self.request  # the old transaction may still have to repeat its ACK
        self.request = Request(before.method, before.uri, before.headers.copy(), before.body)
        self.transaction, self._is_large = None, False
        return self._search.go_on(now)

    def stay(self) -> None:
        """No other target is to be tried: the request is being cancelled."""
        self._is_rung = True

    def drop(self) -> None:
        """Only before the request has left."""
        for search in (self._search, self._large_search):
            if search is not None:
                search.drop()


class Acknowledgement:
    """The ACK of a 2xx: no transaction, but sent again as often as the 2xx comes (RFC 3261 13.2.2.4)."""

    __slots__ = ("_core", "_data", "_dialog", "_flow", "_request")

    def __init__(self, core: Core, dialog: Dialog, cseq: int, now: float, invite: Request | None = None) -> None:
        """``invite``: whose credentials go along (RFC 3261 13.2.2.4)."""
        self._core = core
        self._dialog = dialog
        self._request = dialog.request("ACK", cseq=cseq)
        for name in CREDENTIALS if invite is not None else ():
            for line in invite.headers.lines(name) if invite is not None else ():
                self._request.headers.add(*line)
        self._data = b""
        self._flow: Flow | None = None
        core.find(self, dialog.way(), now)

    def found(self, flow: Flow, now: float) -> None:
        self._dialog.reached(flow)
        self._request.headers.insert_first("Via", self._core.via(flow))
        self._data = self._request.encode()
        self._flow = flow
        self._core.send(flow, self._data)

    def not_found(self, reason: str, now: float) -> None:
        self._core.count("ACKs without a way")

    def repeat(self) -> None:
        if self._flow is not None:
            self._core.send(self._flow, self._data)


class Unattended:
    """Sends a request and asks no more: BYE, CANCEL. Whatever comes back, for us it is over."""

    __slots__ = ()

    def answered(self, response: object, now: float) -> None:
        pass

    def unanswered(self, status: int, reason: str, now: float) -> None:
        pass


UNATTENDED = Unattended()


def cancel(core: Core, invite: ClientTransaction, now: float, why: tuple[str, str] | None = None) -> None:
    """Send CANCEL for an INVITE that has had a provisional answer (RFC 3261 9.1), by the same way."""
    headers = invite.request.headers.copy()
    for name in ("Contact", "Content-Type", "Allow", "Accept", "Supported", "Require", "Proxy-Require"):
        headers.remove(name)
    via = headers.get("Via")
    headers.remove("Via")
    headers.insert_first("Via", via or "")
    headers.set("CSeq", f"{invite.request.cseq.number} CANCEL")
    if why is not None:
        headers.set(*why)
    request = Request("CANCEL", invite.request.uri, headers)
    transaction = ClientTransaction(core, client_key(request), request, invite.flow, UNATTENDED)
    core.clients[transaction.key] = transaction
    transaction.start(now)
    invite.cancelled(now)
