"""Route and Record-Route of a proxy (RFC 3261 16.4, 16.6; RFC 5626 section 5; RFC 5658).

We write two Record-Routes into each request that makes a dialog, one for either side, so that a request in the dialog
carries both: the first that of its sender, the second that of whom it goes to.

    <sip:MAC-FLOW@us;lr>    MAC: over Call-ID and FLOW, by a secret. FLOW: the flow to that side, where it can be
    <sip:MAC@us;lr>         reached by no other way (a connection, a NAT).

So nothing need be kept of a relayed dialog, and nobody can have requests sent whose dialog did not begin with us.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

from confserver.sip.flow import Flow
from confserver.sip.headers import NameAddr, parse_name_addr, parse_name_addrs
from confserver.sip.message import Request
from confserver.sip.uri import Uri

MAC_DIGITS = 24
MAKES_DIALOG = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY"))


class Side(NamedTuple):
    """What a Record-Route of ours says of one side."""

    flow: Flow | None


class Tokens:
    """Makes and reads the users of our Record-Routes."""

    def __init__(self, secret: str) -> None:
        self._secret = hashlib.blake2s(secret.encode()).digest()

    def write(self, call_id: str, flow: Flow | None) -> str:
        text = _packed(flow) if flow is not None else ""
        mac = self._mac(call_id, text)
        return f"{mac}-{text}" if text else mac

    def read(self, call_id: str, user: str) -> Side | None:
        """None where it is none of ours, or of another call."""
        mac, text = user[:MAC_DIGITS], user[MAC_DIGITS + 1 :]
        if user[MAC_DIGITS : MAC_DIGITS + 1] not in ("", "-") or not user.isascii():
            return None
        if not hmac.compare_digest(mac, self._mac(call_id, text)):
            return None
        return Side(_unpacked(text) if text else None)

    def _mac(self, call_id: str, text: str) -> str:
        data = f"{call_id} {text}".encode("utf-8", "surrogateescape")
        return hashlib.blake2s(data, key=self._secret, digest_size=MAC_DIGITS // 2).hexdigest()


def _packed(flow: Flow) -> str:
    words = (flow.transport, *flow.local, *flow.remote, flow.id)
    return base64.urlsafe_b64encode(" ".join(map(str, words)).encode()).decode().rstrip("=")


def _unpacked(text: str) -> Flow | None:
    """What we have written ourselves: the MAC fits."""
    try:
        words = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
        transport, local, local_port, remote, remote_port, number = words
        return Flow(transport, (local, int(local_port)), (remote, int(remote_port)), int(number))
    except (binascii.Error, ValueError):
        return None


class Path(NamedTuple):
    """A request after route preprocessing."""

    uri: Uri
    """The Request-URI, mended where a strict router has been on the way."""
    routes: tuple[NameAddr, ...]
    """Without ours."""
    sides: tuple[Side, ...]
    """Of our Record-Routes that were among them, in their order; none where the dialog did not begin with us."""

    @property
    def way_on(self) -> Flow | None:
        """The flow to whom the request goes."""
        return self.sides[-1].flow if len(self.sides) > 1 else None


def path_of(request: Request, tokens: Tokens, is_ours: Callable[[Uri], bool]) -> Path:
    """RFC 3261 16.4. Raises Malformed.

    ``maddr`` is ignored, as everywhere: it would let anybody aim our requests.
    """
    uri, call_id = request.uri, request.call_id
    routes = parse_name_addrs(request.headers, "Route")
    sides: list[Side] = []
    mended = tokens.read(call_id, uri.user) if routes else None
    if mended is not None:  # a strict router has put our Record-Route where the target was
        sides.append(mended)
        uri = routes.pop().uri
    while routes:
        side = tokens.read(call_id, routes[0].uri.user)
        if side is not None:
            sides.append(side)
        elif not is_ours(routes[0].uri):
            break
        del routes[0]
    return Path(uri, tuple(routes), tuple(sides))


def with_routes(request: Request, uri: Uri, routes: list[str]) -> Uri:
    """Write Request-URI and Route for the next hop, in the old way where that is a strict router (16.6, step 6).

    Gives the URI that decides where the request goes. Raises Malformed.
    """
    request.headers.remove("Route")
    request.uri = uri
    if not routes:
        return uri
    first = parse_name_addr(routes[0])
    if not first.uri.has_param("lr"):
        request.uri = first.uri
        routes = [*routes[1:], f"<{uri}>"]
    for route in reversed(routes):
        request.headers.insert_first("Route", route)
    return first.uri


def is_hidden(contact: Uri | None, flow: Flow) -> bool:
    """Whether who sent this by a flow is to be reached by that alone: it is a connection, or a NAT lies between."""
    if flow.is_reliable or contact is None:
        return True
    return contact.host.strip("[]") != flow.remote[0] or (contact.port or 5060) != flow.remote[1]
