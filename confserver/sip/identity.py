"""Who calls, by what the headers say and by whom they may be believed.

==================== ============================================================================================
credentials          RFC 3261 22: whoever has shown a user's password is that user, whatever else is said
P-Asserted-Identity  RFC 3325: counts before From, but only from a peer that is trusted to assert (section 7)
Privacy              RFC 3323 (id: RFC 3325, history: RFC 7044): whoever asks for it is shown to nobody
Diversion            RFC 5806, and History-Info (RFC 7044): who was called first, and has sent the call on to us
User-Agent           RFC 3261 20.41
Referred-By          RFC 3892: on whose wish the call is made
==================== ============================================================================================

What cannot be read counts as not said: no call fails for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from confserver.sip.address import NameAddr, parse_name_addr
from confserver.sip.doorkeeper import Identity
from confserver.sip.grammar import Malformed, printable
from confserver.sip.message import Request, Response
from confserver.sip.uri import Uri

ANONYMOUS = NameAddr("Anonymous", Uri("sip", "anonymous", host="anonymous.invalid"))
"""RFC 3323 4.1.1.3."""
_HIDES = frozenset(("id", "user", "header", "session"))
"""Values of Privacy that ask for the caller's name to be kept back."""
MOST_AGENT = 100


@dataclass(frozen=True, slots=True)
class CallerId:
    """``address`` is for everybody's eyes: ``ANONYMOUS`` where the caller wishes so."""

    address: NameAddr
    is_asserted: bool = False
    """By a peer that is trusted to, or by the caller's own password."""
    user: str = ""
    """The user of ours whose password the caller has shown."""
    is_anonymous: bool = False
    diverted_by: str = ""
    """The address that was called first."""
    referred_by: str = ""
    agent: str = ""


def caller_id(request: Request, *, is_believed: bool) -> CallerId:
    """``is_believed``: whether it came from a peer that is trusted to assert identities."""
    known = request.identity
    asserted = _own(request, known) if known else _first(request, "P-Asserted-Identity") if is_believed else None
    is_anonymous = wants_privacy(request) or ((known or asserted is None) and _is_nobody(request.from_))
    address = ANONYMOUS if is_anonymous else asserted or request.from_
    if asserted and not asserted.display and not is_anonymous and asserted.uri.matches(request.from_.uri):
        address = NameAddr(request.from_.display, asserted.uri)
    return CallerId(
        address=address,
        is_asserted=asserted is not None,
        is_anonymous=is_anonymous,
        user=known.user if known and not is_anonymous else "",
        diverted_by=diverted_by(request),
        referred_by=_uri_of(_first(request, "Referred-By")),
        agent=agent_of(request),
    )


def _own(request: Request, known: Identity) -> NameAddr:
    """The user's name, and the display name that the administrator has given, before anything that From says."""
    uri = request.from_.uri
    host = uri.host if uri.is_sip and not _is_nobody(request.from_) else request.uri.host
    return NameAddr(known.display or request.from_.display, Uri("sip", known.user, host=host))


def wants_privacy(request: Request) -> bool:
    """``none`` beside others makes no sense, and the wish for privacy wins (RFC 3323 4.2)."""
    values = {word.strip().lower() for line in request.headers.get_all("Privacy") for word in line.split(";")}
    return bool(values & _HIDES)


def agent_of(message: Request | Response) -> str:
    """User-Agent of a request, Server of an answer (RFC 3261 20.35, 20.41)."""
    text = message.headers.get("User-Agent" if isinstance(message, Request) else "Server")
    return printable(text or message.headers.get("User-Agent") or "")[:MOST_AGENT]


def diverted_by(request: Request) -> str:
    """Who was called first: the last Diversion (RFC 5806 5: the newest is on top), or the first of History-Info.

    An entry whose target has asked for privacy is not told (RFC 7044 10.1.2); one that is alone, or our own, says that
    nothing has been diverted.
    """
    diversions = _all(request, "Diversion", parse_name_addr)
    if diversions:
        return "" if diversions[-1].param("privacy") not in (None, "off") else _uri_of(diversions[-1])
    history = _all(request, "History-Info", parse_name_addr)
    if len(history) < 2 or (history[0].uri.header("Privacy") or "").lower() in ("history", "session", "header"):
        return ""
    first = history[0].uri.replace(headers=())
    return "" if first.matches(history[-1].uri.replace(headers=())) else str(first)


def _first(request: Request, name: str) -> NameAddr | None:
    found = _all(request, name, parse_name_addr)
    return found[0] if found else None


def _all(request: Request, name: str, read: Callable[[str], NameAddr]) -> list[NameAddr]:
    try:
        return [read(value) for value in request.headers.get_all(name)]
    except Malformed:
        return []


def _uri_of(address: NameAddr | None) -> str:
    return "" if address is None else str(address.uri)


def _is_nobody(address: NameAddr) -> bool:
    return address.uri.host.lower() == "anonymous.invalid"
