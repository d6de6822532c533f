"""Takes out of a message what nobody shall read in a trace: keys, answers to challenges, keys that were pressed.

Each secret becomes as many ``x``: lengths stay, so that Content-Length stays true.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_CREDENTIALS = (b"authorization", b"proxy-authorization")
_RESPONSE = re.compile(rb'\b(response\s*=\s*"?)([0-9A-Za-z+/=]+)', re.IGNORECASE)
_KEY = re.compile(rb"(inline:)([^|;\s]+)", re.IGNORECASE)
_PIN = re.compile(
    rb"([;?&](?:x-)?pin=|sips?:[^@\s<>*;:]+[*:](?=[^@\s<>;]+(?:;[^@\s<>]*)?@))([^;?&@>\s]+)", re.IGNORECASE
)
"""Of a room, as ``focus.pins`` finds it, and passwords in URIs (RFC 3261 19.1.1)."""
_SIGNAL = re.compile(rb"(signal\s*=\s*)(\S+)", re.IGNORECASE)


def _x(found: re.Match[bytes]) -> bytes:
    return found[1] + b"x" * len(found[2])


def blanked(data: bytes) -> bytes:
    """The same message without its secrets."""
    head, blank, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    head = b"\r\n".join(map(_blank_header, lines))
    if not body:
        return head + blank
    kinds = [
        line.partition(b":")[2].lower() for line in lines if line.lower().startswith((b"content-type", b"c:", b"c "))
    ]
    if any(b"dtmf" in kind for kind in kinds):
        return head + blank + _without_digits(body, is_plain=any(b"relay" not in kind for kind in kinds))
    return head + blank + b"\n".join(map(_blank_line, body.split(b"\n")))


def _blank_header(line: bytes) -> bytes:
    name, colon, value = line.partition(b":")
    if name.strip().lower() == b"x-pin":
        return name + colon + b"x" * len(value)
    if name.strip().lower() not in _CREDENTIALS:
        return _PIN.sub(_x, line)
    if value.strip()[:6].lower() == b"digest":
        return name + colon + _RESPONSE.sub(_x, value)
    scheme, space, token = value.strip().partition(b" ")
    return name + colon + b" " + scheme + space + b"x" * len(token)


def _blank_line(line: bytes) -> bytes:
    """SDP: keys in a=crypto (RFC 4568), a=key-mgmt (RFC 4567) and k= (RFC 8866 5.12)."""
    kind = line[:12].lower()
    if kind.startswith(b"a=crypto:"):
        return _KEY.sub(_x, line)
    for begin in (b"a=key-mgmt:", b"k="):
        if kind.startswith(begin):
            end = line.rstrip(b"\r")
            return line[: len(begin)] + b"x" * (len(end) - len(begin)) + line[len(end) :]
    return line


def _without_digits(body: bytes, *, is_plain: bool) -> bytes:
    """``application/dtmf`` is the keys alone, ``application/dtmf-relay`` has them behind Signal=."""
    blank: Callable[[bytes], bytes] = lambda text: _SIGNAL.sub(_x, text)  # noqa: E731
    return re.sub(rb"[0-9A-Da-d*#]", b"x", body) if is_plain and b"=" not in body else blank(body)
