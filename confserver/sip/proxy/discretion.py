"""What is nobody else's business: taken out of what is sent on."""

from __future__ import annotations

from confserver.sip.digest import parse_credentials
from confserver.sip.grammar import Malformed
from confserver.sip.headers import Headers

_CREDENTIALS = ("Proxy-Authorization", "Authorization")
_ASSERTED = "P-Asserted-Identity"


def clean(headers: Headers, realm: str, *, is_believed: bool) -> None:
    """Credentials for us go no further (RFC 3261 22.3): who is called could guess the password from them.

    Nor does an identity that was asserted by who is not believed (RFC 3325 section 5).
    """
    if not is_believed:
        headers.remove(_ASSERTED)
    for name in _CREDENTIALS:
        lines = headers.lines(name)
        kept = [value for _, value in lines if not _is_for(realm, value)]
        if len(kept) < len(lines):
            headers.remove(name)
            for value in kept:
                headers.add(name, value)


def _is_for(realm: str, value: str) -> bool:
    try:
        return bool(realm) and parse_credentials(value).realm == realm
    except Malformed:
        return False  # of another scheme, or another's to complain of
