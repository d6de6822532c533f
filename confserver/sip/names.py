"""Header names: their proper spelling, compact forms, and which hold lists or may come only once."""

from __future__ import annotations

from confserver.sip.grammar import SPACE, Malformed, is_token

# RFC 3261 section 7.3.3, RFC 3265 (o, u), RFC 3515 (r), RFC 3841 (a, j, d), RFC 3892 (b), RFC 4028 (x),
# RFC 8224 (y); RFC 3840 made no new ones.
COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

LISTS = frozenset((
    "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
    "Call-Info", "Contact", "Content-Encoding", "Content-Language", "Diversion", "Error-Info", "Geolocation",
    "History-Info", "In-Reply-To", "P-Asserted-Identity", "P-Associated-URI", "P-Preferred-Identity", "Path",
    "Proxy-Require", "Reason", "Record-Route", "Recv-Info", "Reject-Contact", "Request-Disposition", "Require",
    "Route", "Security-Client", "Security-Server", "Security-Verify", "Service-Route", "Supported", "Unsupported",
    "Via", "Warning",
))  # fmt: skip
"""Several values may stand in one line, with commas between (RFC 3261 section 7.3.1); no credentials, no dates."""

SINGLE = frozenset((
    "Call-ID", "Content-Disposition", "Content-Length", "Content-Type", "CSeq", "Date", "Event", "Expires", "From",
    "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE", "RAck", "Refer-To", "Referred-By", "Replaces", "RSeq",
    "Session-Expires", "SIP-ETag", "SIP-If-Match", "Subscription-State", "To",
))  # fmt: skip
"""Two of these that differ make a message ambiguous."""

_OTHERS = (
    "Authentication-Info", "Authorization", "Content-Transfer-Encoding", "Identity", "Info-Package", "Join",
    "Organization", "Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Refer-Sub",
    "Remote-Party-ID", "Reply-To", "Retry-After", "Server", "Subject", "Target-Dialog", "Timestamp", "User-Agent",
    "User-to-User", "WWW-Authenticate",
)  # fmt: skip

_KNOWN: dict[str, str] = {}
for _name in (*LISTS, *SINGLE, *_OTHERS):
    _KNOWN[_name] = _KNOWN[_name.lower()] = _name
for _letter, _name in COMPACT.items():
    _KNOWN[_letter] = _KNOWN[_letter.upper()] = _name


def canonical(name: str) -> str:
    """The proper spelling of a header name; unknown ones get capitals as in ``X-My-Header``.

    Spaces behind it are passed over (RFC 3261 7.3.1 allows them before the colon). Raises Malformed.
    """
    known = _KNOWN.get(name)
    if known is not None:
        return known
    name = name.rstrip(SPACE)
    if not is_token(name):
        raise Malformed(f"not a header name: {name[:40]!r}")
    return _KNOWN.get(name.lower()) or name.title()
