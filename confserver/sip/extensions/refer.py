"""REFER (RFC 3515), with RFC 4488 (Refer-Sub), RFC 7614 (nosub, explicitsub), RFC 3892 (Referred-By) and RFC 3420
(sipfrag): what it says, as data. What is done about it is the user's matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from confserver.sip.address import NameAddr, parse_name_addr
from confserver.sip.extensions.replaces import Named, parse_named
from confserver.sip.grammar import Malformed
from confserver.sip.message import REASONS, Request
from confserver.sip.uri import Uri

EVENT = "refer"
SIPFRAG = "message/sipfrag"
NO_SUB, EXPLICIT_SUB, NO_REFER_SUB = "nosub", "explicitsub", "norefersub"
"""Option tags (RFC 7614 sections 4 and 5, RFC 4488 section 6)."""
_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: ([^\r\n]*))?")


@dataclass(frozen=True, slots=True)
class Refer:
    """``target`` is without headers and ``method``."""

    target: Uri
    name: str
    method: str = "INVITE"
    replaces: Named | None = None
    referred_by: str = ""
    wants_news: bool = True
    """False: no subscription (Refer-Sub: false, or Require: nosub)."""
    is_explicit: bool = False
    """News are for who subscribes to them by a SUBSCRIBE (Require: explicitsub)."""
    is_told_so: bool = False
    """Refer-Sub was there: the answer must have one (RFC 4488 section 4)."""


def refer_of(request: Request) -> Refer:
    """Raises Malformed: there must be one Refer-To, neither none nor several (RFC 3515 section 2.4.2)."""
    values = request.headers.lines("Refer-To")
    if len(values) != 1:
        raise Malformed("one Refer-To is needed")
    to = parse_name_addr(values[0][1])
    replaces = to.uri.header("Replaces")
    refer_sub = (request.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower()
    required = request.headers.get_all("Require")
    is_explicit = EXPLICIT_SUB in required
    is_unwanted = (refer_sub == "false" or NO_SUB in required) and not is_explicit
    return Refer(
        target=_plain(to.uri),
        name=to.display,
        method=(to.uri.param("method") or "INVITE").upper(),
        replaces=parse_named(replaces) if replaces is not None else None,
        referred_by=_referred_by(request),
        wants_news=not is_unwanted,
        is_explicit=is_explicit,
        is_told_so="Refer-Sub" in request.headers,
    )


def _plain(uri: Uri) -> Uri:
    if not uri.is_sip:
        return uri
    return uri.replace(headers=(), params=tuple(each for each in uri.params if each[0].lower() != "method"))


def _referred_by(request: Request) -> str:
    """As it stands, to be passed on (RFC 3892 section 2.2); else who sends the REFER."""
    said = request.headers.get("Referred-By")
    try:
        address = parse_name_addr(said) if said else request.from_
    except Malformed:
        address = request.from_
    return str(NameAddr(address.display, address.uri))


def write_sipfrag(status: int, reason: str = "") -> bytes:
    """How far it has come (RFC 3515 section 2.4.5): a status line at least."""
    text = "".join(char for char in reason if " " <= char <= "~")[:80]
    return f"SIP/2.0 {status} {text or REASONS.get(status, 'Progress')}\r\n".encode()


def read_sipfrag(body: bytes) -> tuple[int, str]:
    """Status and reason of a NOTIFY's body. Raises Malformed."""
    found = _STATUS_LINE.match(body)
    if found is None:
        raise Malformed("no status line in a sipfrag")
    return int(found[1]), (found[2] or b"").decode("utf-8", "replace").strip()
