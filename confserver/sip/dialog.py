"""Dialogs (RFC 3261 section 12): who the two sides are, what they have counted to, and where requests go.

NONE -- 1xx --> EARLY -- 2xx --> CONFIRMED -- BYE --> TERMINATED
  \\------------- 2xx ------------/  EARLY -- 300-699, BYE --> TERMINATED
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from confserver.sip.flow import Flow
from confserver.sip.grammar import Malformed
from confserver.sip.headers import Headers, NameAddr, parse_name_addrs
from confserver.sip.message import Request, Response
from confserver.sip.uri import Uri
from confserver.sip.ways import Way, hop_of, is_address, is_public, is_reachable, usual

if TYPE_CHECKING:
    from confserver.sip.account import Account
    from confserver.sip.matching import DialogKey
    from confserver.sip.ways import Hop


class DialogState(Enum):
    NONE = "none"
    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"
    __hash__ = object.__hash__


class DialogInput(Enum):
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    BYE = "BYE"
    __hash__ = object.__hash__


_S, _I = DialogState, DialogInput

DIALOG: Mapping[tuple[DialogState, DialogInput], DialogState] = {
    (_S.NONE, _I.PROVISIONAL): _S.EARLY,  # RFC 3261 12.1
    (_S.NONE, _I.SUCCESS): _S.CONFIRMED,
    (_S.NONE, _I.FAILURE): _S.TERMINATED,
    (_S.EARLY, _I.PROVISIONAL): _S.EARLY,
    (_S.EARLY, _I.SUCCESS): _S.CONFIRMED,
    (_S.EARLY, _I.FAILURE): _S.TERMINATED,  # 12.3
    (_S.EARLY, _I.BYE): _S.TERMINATED,  # 15
    (_S.CONFIRMED, _I.BYE): _S.TERMINATED,  # 15
}


Place = tuple[Uri, Flow | None, bool]


class Dialog:
    """One dialog, seen from us. Make it by ``as_uas`` or ``as_uac``."""

    __slots__ = (
        "_found", "_is_direct", "_source", "account", "call_id", "local", "local_cseq", "remote", "remote_cseq",
        "routes", "state", "target", "user_agent",
    )  # fmt: skip

    def __init__(self, call_id: str, local: NameAddr, remote: NameAddr, target: Uri, user_agent: str) -> None:
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.user_agent = user_agent
        self.routes: tuple[NameAddr, ...] = ()
        self.local_cseq = 0
        self.remote_cseq: int | None = None
        self.state = DialogState.NONE
        self.account: Account | None = None
        """Ours at the peer: it may ask for credentials in any request."""
        self._source: Flow | None = None
        """By which the peer's last target refresh came."""
        self._is_direct = False
        """It came from the peer itself, through a NAT by all we know."""
        self._found: tuple[Hop | None, Flow] | None = None
        """The last next hop we searched a flow for, and the flow."""

    @classmethod
    def as_uas(cls, request: Request, flow: Flow, local_tag: str, user_agent: str = "") -> Dialog:
        """For an INVITE of theirs (RFC 3261 12.1.1). Its Contact and Record-Route must be readable."""
        local = request.to.with_param("tag", local_tag)
        target = contact_of(request) or request.from_.uri
        dialog = cls(request.call_id, local, request.from_, target, user_agent)
        dialog.remote_cseq = request.cseq.number
        dialog.routes = tuple(parse_name_addrs(request.headers, "Record-Route"))
        dialog.came_by(request, flow)
        return dialog

    @classmethod
    def as_uac(cls, request: Request, response: Response, flow: Flow, user_agent: str = "") -> Dialog:
        """For an answer to our INVITE (RFC 3261 12.1.2)."""
        dialog = cls(request.call_id, request.from_, response.to, contact_of(response) or request.uri, user_agent)
        dialog.local_cseq = request.cseq.number
        dialog.routes = record_route(response)[::-1]
        dialog._source = flow
        dialog._is_direct = is_public(flow.remote[0]) and not is_public(dialog.target.host)
        return dialog

    @property
    def source(self) -> Flow | None:
        """By which the peer's last target refresh came."""
        return self._source

    @property
    def key(self) -> DialogKey:
        return self.call_id, self.local.tag, self.remote.tag

    def step(self, what: DialogInput) -> None:
        self.state = DIALOG.get((self.state, what), self.state)

    # -------------------------------------------------------------- what comes
    def is_in_order(self, cseq: int) -> bool:
        """Count what they send; False where it is older than what they sent before (RFC 3261 12.2.2)."""
        if self.remote_cseq is not None and cseq < self.remote_cseq:
            return False
        self.remote_cseq = cseq
        return True

    def came_by(self, request: Request, flow: Flow) -> None:
        """A request that may set the target came from there."""
        contact, host = usual(self.target.host), flow.remote[0]
        sits_there = contact == host or (usual(request.via.host) == host and is_public(contact))
        self._source = flow
        self._is_direct = len(request.headers.get_all("Via")) == 1 and not sits_there

    @property
    def place(self) -> Place:
        """Where the peer is; given back where a request that would have changed it is refused (RFC 6141 section 4)."""
        return self.target, self._source, self._is_direct

    @place.setter
    def place(self, place: Place) -> None:
        self.target, self._source, self._is_direct = place

    def refresh(self, message: Request | Response) -> None:
        """Take the new remote target of a re-INVITE or of the 2xx to one (RFC 3261 12.2.1.2, 12.2.2)."""
        self.target = contact_of(message) or self.target

    def confirm(self, response: Response) -> None:
        """A 2xx made an early dialog of ours a confirmed one: its route set counts (RFC 3261 13.2.2.4)."""
        self.step(DialogInput.SUCCESS)
        self.refresh(response)
        self.routes = record_route(response)[::-1]

    # -------------------------------------------------------------- what goes
    def request(self, method: str, *, cseq: int | None = None) -> Request:
        """A request in the dialog, without Via and Contact (RFC 3261 12.2.1.1). Counts up unless ``cseq`` is given.

        A first route without ``lr`` is a strict router: it gets the request as its own, our target comes last.
        """
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        uri, routes = self.target, [str(route) for route in self.routes]
        if self.routes and not self.routes[0].uri.has_param("lr"):
            uri, routes = as_request_uri(self.routes[0].uri), [*routes[1:], f"<{self.target}>"]
        lines = [("Max-Forwards", "70"), *[("Route", route) for route in routes]]
        lines += [("From", str(self.local)), ("To", str(self.remote)), ("Call-ID", self.call_id)]
        lines.append(("CSeq", f"{cseq} {method}"))
        if self.user_agent:
            lines.append(("User-Agent", self.user_agent))
        if self.account is not None and method != "ACK":
            lines += self.account.prepared(method, str(uri))
        return Request(method, uri, Headers.of_canonical(lines))

    def way(self) -> Way:
        """The way of the next request.

        Deviation from RFC 3261 12.2.1.1, for phones behind a NAT, which write private addresses into Contact:
        without a route set, and where the Contact is an address from which nothing ever came, requests go where
        the peer's come from. Not so where a proxy lies between, or where a public host names another public one.
        Who says ``ob`` wants it so (RFC 5626 section 4.3).
        """
        uri = self.routes[0].uri if self.routes else self.target
        hop = hop_of(uri)
        source = self._source
        if hop is None:
            return Way(fallback=source)
        if source is not None:
            if not self.routes and not is_reachable(uri):
                return Way(source, is_only=True)
            if source.remote[0] == hop.host and self._is_same(source, hop, uri):
                return Way(source, hop)
            if not self.routes and (uri.has_param("ob") or (self._is_direct and self._hides(source, hop))):
                return Way(source, hop, is_only=True)
        if self._found is not None and self._found[0] == hop:
            return Way(self._found[1], hop, None if self.routes else source)
        return Way(None, hop, None if self.routes else source)

    @staticmethod
    def _is_same(source: Flow, hop: Hop, uri: Uri) -> bool:
        """Datagrams go to the port that is named. A connection is kept whatever port the peer listens on, as
        RFC 5923 has it, and also where the URI names no transport: phones forget ``;transport=tcp``.
        """
        if source.is_reliable:
            is_better = (source.transport, hop.transport) == ("WSS", "WS")
            return source.transport == hop.transport or is_better or not uri.has_param("transport")
        return source.transport == hop.transport and source.remote[1] == hop.port

    @staticmethod
    def _hides(source: Flow, hop: Hop) -> bool:
        return hop.host != source.remote[0] and is_address(hop.host)

    def reached(self, flow: Flow) -> None:
        """The way has led to this flow; the next request need not search."""
        hop = hop_of(self.routes[0].uri if self.routes else self.target)
        self._found = (hop, flow)


def contact_of(message: Request | Response) -> Uri | None:
    """The first Contact, as a target of requests; None where there is none that can be read."""
    try:
        contacts = message.contacts
    except Malformed:
        return None
    return None if contacts == "*" or not contacts else as_request_uri(contacts[0].uri)


def as_request_uri(uri: Uri) -> Uri:
    """Without what has no place in a Request-URI: headers and ``method`` (RFC 3261 19.1.1, 12.2.1.1)."""
    if not uri.headers and not uri.has_param("method"):
        return uri
    return uri.replace(headers=(), params=tuple(param for param in uri.params if param[0].lower() != "method"))


def wants_sips(request: Request) -> bool:
    """Whether our Contact must be a sips URI in what we answer, or send (RFC 3261 12.1.1, 8.1.1.8)."""
    if request.uri.scheme == "sips":
        return True
    headers = request.headers
    try:
        routes = parse_name_addrs(headers, "Record-Route") or parse_name_addrs(headers, "Route")
    except Malformed:
        return False
    first = routes[0].uri if routes else contact_of(request)
    return first is not None and first.scheme == "sips"


def record_route(response: Response) -> tuple[NameAddr, ...]:
    """Empty where it cannot be read: an answer cannot be refused."""
    try:
        return tuple(parse_name_addrs(response.headers, "Record-Route"))
    except Malformed:
        return ()
