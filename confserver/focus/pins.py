"""What comes with a call for the room: a PIN, and how its caller wants to come in; in its URI, or in a header.

======================= ====================================================================
``sip:room*1234@host``    what a phone can dial; no room's name has a ``*``
``sip:room;pin=1234@host`` a parameter of the user part (RFC 3261 25.1: ``;`` and ``=`` may stand in it)
``sip:room@host;pin=1234`` a parameter of the URI
``sip:room:1234@host``    the password of RFC 3261 19.1.1, which it advises against and some phones can send
``X-Pin: 1234``           also as ``sip:room@host?X-Pin=1234`` in a link: the phone makes the header of it (19.1.5)
======================= ====================================================================
``sip:room@host;muted``   muted at first, by himself; ``deaf`` likewise, and both
``X-Enter: muted, deaf``  the same; in a link ``sip:room@host?X-Enter=muted``
======================= ====================================================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from confserver.sip.message import Request

HEADER = "X-Pin"
MANNER_HEADER = "X-Enter"
MANNERS = ("muted", "deaf")
MOST_MANNERS = 64
_IN_USER = re.compile(r"(?P<room>[^*;]+)(?:\*|;pin=)(?P<pin>[^*;]*)\Z", re.IGNORECASE)
MOST = 32
"""No PIN is longer; what is has been typed wrongly."""


def without_pin(user: str) -> str:
    """The room that is called."""
    found = _IN_USER.match(user)
    return found["room"] if found else user


def pin_of(request: Request) -> str:
    """The PIN that a call brings; "" for none."""
    found = _IN_USER.match(request.uri.user_decoded)
    said = (found["pin"] if found else "", request.uri.param("pin"), request.uri.password, request.headers.get(HEADER))
    return next((text.strip()[:MOST] for text in said if text), "")


def manner_of(request: Request) -> frozenset[str]:
    """How the caller wants to come in: ``muted``, ``deaf``, by parameters of the URI or a header."""
    said = request.headers.get(MANNER_HEADER) or ""
    words = {word.strip().lower() for word in said[:MOST_MANNERS].split(",")}
    return frozenset(word for word in MANNERS if word in words or request.uri.has_param(word))


def attributes_of(request: Request, headers: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What else these headers say of the caller: name in small letters, and value; each is believed as it stands."""
    said = ((name.lower(), request.headers.get(name)) for name in headers)
    return tuple((name, value) for name, value in said if value)
