"""SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966); of any other scheme only the scheme is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypedDict, Unpack
from urllib.parse import quote, unquote_to_bytes

from confserver.sip.grammar import (
    HOST,
    Malformed,
    Params,
    has_param,
    number,
    param,
    printable,
    with_param,
    write_params,
)

SIP_SCHEMES = ("sip", "sips")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+")
_USER = r'[^\x00-\x20"<>@:\x7f]++'
_PASSWORD = r'[^\x00-\x20"<>@:\x7f]*+'
_REST = r'[^\x00-\x20"<>?\x7f]*+'
_SIP = re.compile(
    rf'(?:({_USER})(?::({_PASSWORD}))?+@)?+{HOST}(?::([0-9]++))?+(;{_REST})?+(?:\?([^\x00-\x20"<>\x7f]++))?+'
)
_TEL = re.compile(rf"([0-9A-Fa-f*#+().\-]++)(;{_REST})?+")
_OPAQUE = re.compile(r'[^\x00-\x20"<>\x7f]++')

_LONGEST_REMEMBERED = 200

_NEVER_IGNORED = ("user", "ttl", "method", "maddr", "transport")
"""Must be in both URIs or in none (19.1.4). The text there leaves out transport, its examples do not."""


class UriChanges(TypedDict, total=False):
    scheme: str
    user: str
    password: str | None
    host: str
    port: int | None
    params: Params
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Uri:
    """One URI, its parts as written: percent escapes stay, so that it is written back unchanged.

    ``user`` is "" where there is none. tel: the number is in ``user``. Other schemes: all after the colon is
    in ``user``. Only sip and sips have a ``host``; an IPv6 address has no brackets here.
    """

    scheme: str
    user: str = ""
    password: str | None = None
    host: str = ""
    port: int | None = None
    params: Params = ()
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def is_sip(self) -> bool:
        return self.scheme in SIP_SCHEMES

    @property
    def user_decoded(self) -> str:
        """The user without percent escapes, fit for people and look-ups."""
        return _decoded(self.user)

    def param(self, name: str) -> str | None:
        """The value of a URI parameter without percent escapes; None where absent or a flag."""
        value = param(self.params, name)
        return value if value is None else _decoded(value)

    def has_param(self, name: str) -> bool:
        return has_param(self.params, name)

    def with_param(self, name: str, value: str | None) -> Uri:
        return replace(self, params=with_param(self.params, name, value))

    def header(self, name: str) -> str | None:
        """The value of a URI header (``?Replaces=...``) without percent escapes."""
        value = param(self.headers, name)
        return value if value is None else _decoded(value)

    def replace(self, **changes: Unpack[UriChanges]) -> Uri:
        return replace(self, **changes)

    def matches(self, other: Uri) -> bool:
        """Equal by RFC 3261 19.1.4."""
        return (
            self.scheme == other.scheme
            and _unescaped(self.user) == _unescaped(other.user)
            and _unescaped(self.password or "") == _unescaped(other.password or "")
            and self.host.lower() == other.host.lower()
            and self.port == other.port
            and _params_match(self.params, other.params)
            and _folded(self.headers) == _folded(other.headers)
        )

    def __str__(self) -> str:
        if self.scheme not in SIP_SCHEMES:
            return f"{self.scheme}:{self.user}{write_params(self.params)}"
        text = f"{self.scheme}:"
        if self.user:
            text += f"{self.user}@" if self.password is None else f"{self.user}:{self.password}@"
        text += f"[{self.host}]" if ":" in self.host else self.host
        if self.port is not None:
            text += f":{self.port}"
        if self.params:
            text += write_params(self.params)
        if self.headers:
            text += "?" + "&".join([f"{name}={value}" for name, value in self.headers])
        return text


def parse_uri(text: str) -> Uri:
    """Read one URI, without angle brackets or spaces around it. Raises Malformed.

    The last ones are remembered: those of a call come again with each of its messages.
    """
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _parse(text)


def _parse(text: str) -> Uri:
    scheme, colon, rest = text.partition(":")
    if scheme not in SIP_SCHEMES:
        if not colon or _SCHEME.fullmatch(scheme) is None:
            raise Malformed(f"not a URI: {text[:40]!r}")
        scheme = scheme.lower()
        if scheme not in SIP_SCHEMES:
            return _parse_other(scheme, rest)
    found = _SIP.fullmatch(rest)
    if found is None:
        raise Malformed(f"bad SIP URI: {text[:80]!r}")
    user, password, ipv6, host, port, params, headers = found.groups()
    return Uri(
        scheme,
        user or "",
        password,
        host or ipv6,
        None if port is None else number(port, 65535),
        _read_params(params) if params else (),
        _read_headers(headers) if headers else (),
    )


_remembered = lru_cache(maxsize=1024)(_parse)


def _parse_other(scheme: str, rest: str) -> Uri:
    if scheme == "tel" and (found := _TEL.fullmatch(rest)):
        return Uri(scheme, found[1], params=_read_params(found[2]) if found[2] else ())
    if scheme == "tel" or _OPAQUE.fullmatch(rest) is None:
        raise Malformed(f"bad {scheme[:20]} URI: {rest[:40]!r}")
    return Uri(scheme, rest)


def _read_params(text: str) -> Params:
    """``;name=value;flag`` of a URI; a semicolon at the end is forgiven (some phones write it)."""
    pieces = text.removesuffix(";").split(";")[1:]
    params: list[tuple[str, str | None]] = []
    for piece in pieces:
        name, equals, value = piece.partition("=")
        if not name:
            raise Malformed("a URI parameter without a name")
        params.append((name, value if equals else None))
    return tuple(params)


def _read_headers(text: str) -> tuple[tuple[str, str], ...]:
    headers = [(name, value) for name, _, value in [piece.partition("=") for piece in text.split("&")]]
    if not all(name for name, _ in headers):
        raise Malformed("a URI header without a name")
    return tuple(headers)


def escape_user(text: str) -> str:
    """Write any text as the user part of a URI (25.1: unreserved and user-unreserved stay)."""
    return quote(text, safe="-_.!~*'()&=+$,;?/")


def _decoded(text: str) -> str:
    return text if "%" not in text and text.isascii() else printable(_unescaped(text).decode("utf-8", "replace"))


def _unescaped(text: str) -> bytes:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape"))


def _folded(pairs: Params | tuple[tuple[str, str], ...]) -> dict[str, bytes | None]:
    return {name.lower(): None if value is None else _unescaped(value).lower() for name, value in pairs}


def _params_match(ours: Params, theirs: Params) -> bool:
    if not ours and not theirs:
        return True
    left, right = _folded(ours), _folded(theirs)
    if any((name in left) != (name in right) for name in _NEVER_IGNORED):
        return False
    return all(left[name] == right[name] for name in left.keys() & right.keys())
