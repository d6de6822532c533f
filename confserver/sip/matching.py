"""Keys by which messages find their transaction, and where an answer goes. All are dict keys: one look-up a message.

request   -> server_key  (RFC 3261 17.2.3)     response -> client_key (17.1.3)
request   -> merged_key  (8.2.2.2)             both     -> dialog_key (12)
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from confserver.sip.flow import Flow
from confserver.sip.message import Request, Response
from confserver.sip.via import Via

COOKIE = "z9hG4bK"
"""Begins every branch since RFC 3261 (8.1.1.7)."""
DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061, "WS": 80, "WSS": 443}
"""RFC 3261 18.1.1, 19.1.2; RFC 7118 section 5.2.1 with RFC 6455 section 3."""

KEEP_S = 120
"""The most that RFC 5626 section 4.4.1 recommends between pings of a connection."""

DialogKey = tuple[str, str, str]


def server_key(request: Request, method: str = "") -> Hashable:
    """The transaction of a request; an ACK's is that of its INVITE. ``method``: as if it were that (CANCEL's INVITE).

    Branches without the cookie (RFC 2543) are compared by what 17.2.3 lists. To is left out: the ACK has our tag,
    the INVITE has not, and CSeq tells apart what a dialog's two requests would have in common.
    """
    via = request.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    if via.branch.startswith(COOKIE):
        return via.branch, via.host.lower(), via.port, method
    sent_by = (via.transport, via.host.lower(), via.port, via.branch)
    return str(request.uri), request.from_.tag, request.call_id, request.cseq.number, sent_by, method


def client_key(message: Request | Response) -> Hashable:
    return message.via.branch, message.cseq.method


def merged_key(request: Request) -> Hashable:
    """The same for copies of one request that came by different ways (RFC 3261 8.2.2.2)."""
    return request.from_.tag, request.call_id, request.cseq


def dialog_key(request: Request) -> DialogKey:
    """The dialog of a request of theirs."""
    return request.call_id, request.to.tag, request.from_.tag


def note_source(request: Request, flow: Flow) -> None:
    """Write into the top Via where the request really came from (RFC 3261 18.2.1, RFC 3581 section 4).

    And, to who asks for it, that he may keep his connection alive by pings (RFC 6223 section 4.4); not by UDP, where
    that would want STUN.
    """
    via = request.via
    params = [(name, value) for name, value in via.params if name.lower() != "received"]
    asked = [index for index, (name, _) in enumerate(params) if name.lower() == "rport"]
    for index in asked:
        params[index] = ("rport", str(flow.remote[1]))
    kept = _asking_to_keep(params) if flow.is_reliable else []
    for index in kept:
        params[index] = ("keep", str(KEEP_S))
    if asked or via.host != flow.remote[0]:
        params.append(("received", flow.remote[0]))
    elif len(params) == len(via.params) and not kept:
        return
    noted = Via(via.transport, via.host, via.port, tuple(params), via.protocol)
    request.headers.replace_first("Via", str(noted))


def _asking_to_keep(params: list[tuple[str, str | None]]) -> list[int]:
    return [index for index, (name, value) in enumerate(params) if name.lower() == "keep" and not value]


def way_back(request: Request, flow: Flow) -> Flow:
    """Where the answer goes (RFC 3261 18.2.2, RFC 3581 section 4): connections back by themselves.

    Always to the address it came from; ``maddr`` is ignored, as it would let anybody aim our answers.
    """
    if flow.is_reliable or request.via.has_param("rport"):
        return flow
    port = request.via.port or DEFAULT_PORT["UDP"]
    return flow if port == flow.remote[1] else replace(flow, remote=(flow.remote[0], port))
