"""Requests of ours on their way: they get Via and Contact when their flow is known (RFC 3261 8.1.1.7, 8.1.1.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from confserver.sip.dialog import wants_sips
from confserver.sip.flow import Flow
from confserver.sip.matching import client_key
from confserver.sip.message import Request
from confserver.sip.transaction import ClientTransaction, ClientUser
from confserver.sip.ways import Search, Way

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.dialog import Dialog


class Errand:
    """A request that opens a client transaction as soon as a flow is found."""

    __slots__ = ("_compose", "_contact_user", "_core", "_dialog", "_search", "_user", "request", "transaction")

    def __init__(
        self,
        core: Core,
        request: Request,
        user: ClientUser,
        *,
        dialog: Dialog | None = None,
        contact_user: str | None = None,
        compose: Callable[[Flow], bytes] | None = None,
    ) -> None:
        self._core = core
        self._user = user
        self._dialog = dialog
        self._contact_user = contact_user
        self._compose = compose
        self._search: Search | None = None
        self.request = request
        self.transaction: ClientTransaction | None = None

    def start(self, way: Way, now: float) -> None:
        self._search = self._core.find(self, way, now)

    def found(self, flow: Flow, now: float) -> None:
        core, request = self._core, self.request
        if self._dialog is not None:
            self._dialog.reached(flow)
        request.headers.insert_first("Via", core.via(flow))
        if self._contact_user is not None:
            request.headers.add("Contact", core.contact(self._contact_user, flow, wants_sips(request)))
        if self._compose is not None:
            request.body = self._compose(flow)
        transaction = ClientTransaction(core, client_key(request), request, flow, self._user)
        core.clients[transaction.key] = transaction
        connection = core.connections.get(flow)
        if connection is not None:
            connection.requests.add(transaction)
        self.transaction = transaction
        transaction.start(now)

    def not_found(self, reason: str, now: float) -> None:
        self._user.unanswered(503, reason, now)

    def drop(self) -> None:
        """Only before the request has left."""
        if self._search is not None:
            self._search.drop()


class Acknowledgement:
    """The ACK of a 2xx: no transaction, but sent again as often as the 2xx comes (RFC 3261 13.2.2.4)."""

    __slots__ = ("_core", "_data", "_dialog", "_flow", "_request")

    def __init__(self, core: Core, dialog: Dialog, cseq: int, now: float) -> None:
        self._core = core
        self._dialog = dialog
        self._request = dialog.request("ACK", cseq=cseq)
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
