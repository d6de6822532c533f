"""The words of RFC 3261 section 25: tokens, quoted strings, parameters, lists, numbers.

Every repeat in a pattern is possessive (``*+``, ``++``), so nothing backtracks: all is linear in the text.

    ValueError
      Malformed     remote fault: what came is not SIP; knows how it may be answered
      Unwritable    local fault: a value of ours that would break out of its place
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confserver.sip.message import Request

Params = tuple[tuple[str, str | None], ...]
"""Parameters in order, as written: a quoted value keeps its quotes, a flag has None."""

SPACE = " \t"
LWS = r"[ \t]*+"
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"
QUOTED = r'"(?:[^"\\]++|\\.)*+"'
HOST = r"(?:\[([0-9A-Fa-f:.]++)\]|([A-Za-z0-9._\-]++))"
"""Two groups: an IPv6 address without its brackets, or any other host. ``_`` is not in RFC 3261, but in many LANs."""

MOST_VALUES = 64
"""So many values may one header line hold."""

_TOKEN = re.compile(TOKEN)
_PARAM = re.compile(rf';{LWS}({TOKEN}){LWS}(?:={LWS}({QUOTED}|[^;,"<> \t]*+){LWS})?+', re.DOTALL)
_STOP = re.compile(r'[",<]')
_QUOTED = re.compile(QUOTED, re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'[\x00-\x08\x0b\x0c\x0e-\x1f\x7f"\\]')
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Malformed(ValueError):
    """What came breaks the grammar or a limit.

    ``status`` is the answer it deserves. ``remains`` is the request as far as it is needed to answer it
    (Via, and what there is of From, To, Call-ID, CSeq); None where nothing may or can be answered.
    """

    def __init__(self, reason: str, status: int = 400, remains: Request | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.remains = remains


class Unwritable(ValueError):
    """A value of our own that must not go on the wire."""


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def number(text: str, most: int) -> int:
    """Read 1*DIGIT; nothing else that Python would take for a number. Raises Malformed above ``most``."""
    if not (text.isascii() and text.isdigit()):
        raise Malformed(f"not a number: {text[:40]!r}")
    value = int(text if len(text) < 20 else text.lstrip("0")[:20] or "0")
    if value > most:
        raise Malformed(f"a number too large: {text[:40]}")
    return value


def quoted(text: str) -> str:
    """Write a quoted-string (25.1), with control characters as quoted-pairs."""
    return f'"{_TO_ESCAPE.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    return "\\" + found[0]


def unquoted(text: str) -> str:
    """The meaning of a token or quoted-string."""
    if not text.startswith('"'):
        return text
    inner = text[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def printable(text: str) -> str:
    """Text for people and for UTF-8: control characters become spaces, undecodable bytes U+FFFD."""
    if text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda found: " " if found[0] < "\ud800" else "\ufffd", text).strip()


def split_commas(text: str) -> list[str]:
    """Split a header of several values (7.3.1), not at commas in quotes or angle brackets. Empty values are left out.

    After an unbalanced quote or bracket all is one value: whoever reads it finds it malformed.
    """
    if '"' not in text and "<" not in text:
        pieces = text.split(",")
    else:
        pieces = []
        start = 0
        for comma in _commas(text):
            pieces.append(text[start:comma])
            start = comma + 1
        pieces.append(text[start:])
    return [value for piece in pieces if (value := piece.strip(SPACE))]


def _commas(text: str) -> list[int]:
    """Where commas separate values."""
    commas: list[int] = []
    position = 0
    while stop := _STOP.search(text, position):
        position = stop.end()
        if stop[0] == ",":
            commas.append(stop.start())
        elif stop[0] == "<":
            position = text.find(">", position) + 1
            if not position:
                break
        else:
            string = _QUOTED.match(text, stop.start())
            if string is None:
                break
            position = string.end()
    return commas


def read_params(text: str, start: int = 0) -> Params:
    """Read ``;name=value;flag`` from ``start`` to the end. One lonely semicolon at the end is forgiven."""
    params: list[tuple[str, str | None]] = []
    end = len(text)
    while start < end:
        found = _PARAM.match(text, start)
        if found is None:
            if text[start:].strip(SPACE) == ";":
                break
            raise Malformed(f"bad parameters: {text[start : start + 40]!r}")
        params.append((found[1], found[2]))
        start = found.end()
    return tuple(params)


def write_params(params: Params) -> str:
    return "".join([f";{name}" if value is None else f";{name}={value}" for name, value in params])


def param(params: Params, name: str) -> str | None:
    """The value as written of the first parameter of that name (case does not count); None also for a flag."""
    for key, value in params:
        if key == name:
            return value
    lowered = name.lower()
    for key, value in params:
        if key.lower() == lowered:
            return value
    return None


def has_param(params: Params, name: str) -> bool:
    name = name.lower()
    return any(key == name or key.lower() == name for key, _ in params)


def with_param(params: Params, name: str, value: str | None) -> Params:
    """Set a parameter where it stands, or at the end."""
    if not has_param(params, name):
        return (*params, (name, value))
    lowered = name.lower()
    return tuple((key, value) if key.lower() == lowered else (key, old) for key, old in params)
