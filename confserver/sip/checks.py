"""What a UAS looks at before anybody hears of a request (RFC 3261 section 8.2), in the RFC's order.

The grammar has refused before: versions (505), URI schemes (416), Request-URIs that are too long (414), messages that
are (513), what is missing or unreadable (400).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.events import event_of, expires_of
from confserver.sip.extensions import METHODS
from confserver.sip.extensions.session_timer import is_too_short
from confserver.sip.grammar import Malformed
from confserver.sip.headers import parse_name_addrs
from confserver.sip.matching import COOKIE
from confserver.sip.message import Request

if TYPE_CHECKING:
    from confserver.sip.core import Extra
    from confserver.sip.flow import Flow
    from confserver.sip.settings import StackSettings


class Refusal(NamedTuple):
    status: int
    reason: str = ""
    headers: Extra = ()


def refusal_of(request: Request, settings: StackSettings) -> Refusal | None:
    """None where the request may go on. An INVITE's body that need not be understood is taken away."""
    if len(request.body) > settings.most_body:
        return Refusal(413)  # 21.4.11
    if request.method not in settings.allow:
        return Refusal(405, "", (("Allow", ", ".join(settings.allow)),))  # 8.2.1
    known = settings.option_tags + (settings.register_tags if request.method == "REGISTER" else ())
    unknown = [tag for tag in request.headers.get_all("Require") if tag not in known]
    if unknown:
        return Refusal(420, "", (("Unsupported", ", ".join(unknown)),))  # 8.2.2.3
    if request.method == "SUBSCRIBE":
        return _subscription_refusal(request, settings) or _unreadable(request)
    if request.method not in ("INVITE", *METHODS):
        return None
    refusal = _content_refusal(request, settings) or _interval_refusal(request, settings)
    if refusal is not None or request.method != "INVITE":
        return refusal
    return _unreadable(request) or _unanswerable(request, settings) or _lack_of_extensions(request, settings)


def in_the_open(request: Request, flow: Flow) -> Refusal | None:
    """Who calls a sips URI wants every hop secured: one that is not has broken that already (RFC 3261 26.2.2).

    Within a dialog nothing is asked: a BYE must come through, whatever way a phone takes.
    """
    if request.uri.scheme != "sips" or flow.is_secure or request.to.tag:
        return None
    return Refusal(403, "SIPS Needs TLS", (("Warning", '399 confserver "a sips URI, but not by TLS or WSS"'),))


def _subscription_refusal(request: Request, settings: StackSettings) -> Refusal | None:
    """RFC 6665 4.2.1.1; a missing Event is like an unknown one (as RFC 3903 section 6 has it)."""
    try:
        event, expires_s = event_of(request), expires_of(request, settings.min_subscription_s)
    except Malformed as fault:
        return Refusal(400, fit(fault.reason))
    if event is None or event.package not in settings.events:
        return Refusal(489, "", (("Allow-Events", ", ".join(settings.events)),))
    if 0 < expires_s < settings.min_subscription_s:
        return Refusal(423, "", (("Min-Expires", str(settings.min_subscription_s)),))
    return None


def _interval_refusal(request: Request, settings: StackSettings) -> Refusal | None:
    """RFC 4028 section 9."""
    try:
        too_short = is_too_short(request, settings.min_se_s)
    except Malformed as fault:
        return Refusal(400, fit(fault.reason))
    return Refusal(422, "", (("Min-SE", str(settings.min_se_s)),)) if too_short else None


def _content_refusal(request: Request, settings: StackSettings) -> Refusal | None:
    """8.2.3."""
    if not request.body:
        return None
    encodings = [value.lower() for value in request.headers.get_all("Content-Encoding")]
    is_known_type = request.content_type in settings.content_types
    if is_known_type and all(encoding == "identity" for encoding in encodings):
        return None
    if _is_optional(request):
        request.body = b""
        request.headers.remove("Content-Type")
        request.headers.remove("Content-Encoding")
        return None
    accept = ("Accept", ", ".join(settings.content_types))
    return Refusal(415, "", (accept, ("Accept-Encoding", "identity")))


def _is_optional(request: Request) -> bool:
    """Content-Disposition with handling=optional (20.11)."""
    params = (request.headers.get("Content-Disposition") or "").lower().split(";")[1:]
    return "handling=optional" in ["".join(param.split()).replace('"', "") for param in params]


def _unreadable(request: Request) -> Refusal | None:
    """What a dialog is made of (12.1.1): Contact (8.1.1.8) and Record-Route."""
    try:
        contacts = request.contacts
        parse_name_addrs(request.headers, "Record-Route")
    except Malformed as fault:
        return Refusal(400, fit(fault.reason))
    if not contacts and not request.via.branch.startswith(COOKIE):
        return None  # from before RFC 3261, where nobody had to name one (RFC 4475 3.4.1)
    if contacts == "*" or len(contacts) != 1:
        return Refusal(400, "One Contact Needed")
    return None


def _unanswerable(request: Request, settings: StackSettings) -> Refusal | None:
    """Who asks for other answers than we can give (20.1, 21.4.7; RFC 4475 3.3.15)."""
    if "Accept" not in request.headers:
        return None
    ranges = {value.partition(";")[0].strip().lower() for value in request.headers.get_all("Accept")}
    kinds = settings.content_types
    if ranges & {"*/*", *kinds, *(f"{kind.partition('/')[0]}/*" for kind in kinds)}:
        return None
    return Refusal(406, headers=(("Warning", '399 confserver "answers are application/sdp"'),))


def _lack_of_extensions(request: Request, settings: StackSettings) -> Refusal | None:
    """What the house cannot do without (21.4.16). Not asked within a call: it stands already."""
    if not settings.needed_tags or request.to.tag:
        return None
    known = {*request.headers.get_all("Supported"), *request.headers.get_all("Require")}
    lacking = [tag for tag in settings.needed_tags if tag not in known]
    return Refusal(421, headers=(("Require", ", ".join(lacking)),)) if lacking else None


def fit(reason: str) -> str:
    """For a status line: printable ASCII, short."""
    return "".join(char if " " <= char <= "~" else "?" for char in reason)[:80]
