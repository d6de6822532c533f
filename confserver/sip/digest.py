"""Digest authentication (RFC 7616, RFC 8760, RFC 3261 section 22): challenges, credentials, and their arithmetic.

::

    UAS: Challenge --> WWW-Authenticate / Proxy-Authenticate        UAC: parse_challenge -> ``sip.account``
         Authorization / Proxy-Authorization --> parse_credentials -> ``is_right``

Only ``qop=auth`` and no session keys: that is what phones do. Nonces are made in ``sip.nonces``. A password is nowhere
here: who checks knows its HA1 alone, one for each algorithm.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, replace

from confserver.sip.grammar import LWS, QUOTED, SPACE, TOKEN, Malformed, quoted, unquoted

HASHES = {"SHA-256": "sha256", "SHA-512-256": "sha512_256", "MD5": "md5"}
"""RFC 7616 section 3.2, and the names that hashlib has for them. RFC 8760 section 2.1."""
ALGORITHMS = tuple(HASHES)
"""The best first: challenges are made in this order, and the client takes the first that it knows (RFC 8760 2.4)."""
DEFAULT_ALGORITHM = "MD5"
"""Where none is named (RFC 7616 3.3)."""
MOST_PARAMS = 32

_SCHEME = re.compile(rf"({TOKEN})(?:[ \t]++|$)")
_PARAM = re.compile(rf'{LWS}({TOKEN}){LWS}={LWS}({QUOTED}|[^", \t]++){LWS}(?:,|$)', re.DOTALL)
_EMPTY = re.compile(rf"{LWS},")
_NC = re.compile(r"[0-9A-Fa-f]{8}")
_RESPONSE = re.compile(r"[0-9A-Fa-f]{32,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    realm: str
    nonce: str
    algorithm: str = DEFAULT_ALGORITHM
    qop: tuple[str, ...] = ("auth",)
    """Empty: a server of RFC 2069, that counts nothing."""
    stale: bool = False
    """The password was right, only the nonce was too old: ask nobody for another."""
    opaque: str | None = None

    def __str__(self) -> str:
        text = f"Digest realm={quoted(self.realm)}, nonce={quoted(self.nonce)}, algorithm={self.algorithm}"
        text += f', qop="{",".join(self.qop)}"' if self.qop else ""
        text += ", stale=true" if self.stale else ""
        return text if self.opaque is None else f"{text}, opaque={quoted(self.opaque)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = DEFAULT_ALGORITHM
    qop: str = ""
    nc: int = 0
    cnonce: str = ""
    opaque: str | None = None

    def __str__(self) -> str:
        text = f"Digest username={quoted(self.username)}, realm={quoted(self.realm)}, nonce={quoted(self.nonce)}"
        text += f', uri={quoted(self.uri)}, response="{self.response}", algorithm={self.algorithm}'
        if self.qop:
            text += f", qop={self.qop}, nc={self.nc:08x}, cnonce={quoted(self.cnonce)}"
        return text if self.opaque is None else f"{text}, opaque={quoted(self.opaque)}"


# ------------------------------------------------------------------ arithmetic
def hashed(algorithm: str, text: str) -> str:
    """H of RFC 7616 section 3.3, in hexadecimal."""
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.new(HASHES[algorithm], data, usedforsecurity=False).hexdigest()


def ha1(algorithm: str, username: str, realm: str, password: str) -> str:
    """H(A1), which stands for the password in this realm (RFC 7616 3.4.2)."""
    return hashed(algorithm, f"{username}:{realm}:{password}")


def response_for(credentials: Credentials, secret: str, method: str) -> str:
    """The response that whoever knows the HA1 would give (RFC 7616 3.4.1; without qop RFC 2069 section 2.1.2)."""
    algorithm = credentials.algorithm
    ha2 = hashed(algorithm, f"{method}:{credentials.uri}")
    middle = f"{credentials.nonce}:"
    if credentials.qop:
        middle += f"{credentials.nc:08x}:{credentials.cnonce}:{credentials.qop}:"
    return hashed(algorithm, f"{secret}:{middle}{ha2}")


def with_response(credentials: Credentials, secret: str, method: str) -> Credentials:
    return replace(credentials, response=response_for(credentials, secret, method))


def is_right(credentials: Credentials, secret: str, method: str) -> bool:
    """Whether they were made by somebody who knows the HA1; says nothing of the nonce. Takes as long either way."""
    if credentials.algorithm not in HASHES:
        return False
    expected = response_for(credentials, secret, method)
    return hmac.compare_digest(expected.encode(), credentials.response.lower().encode())


# ------------------------------------------------------------------ text
def parse_challenge(text: str) -> Challenge:
    """Read one WWW-Authenticate or Proxy-Authenticate. Raises Malformed, also for another scheme than Digest."""
    params = _read(text)
    qop = tuple(each for part in params.get("qop", "").split(",") if (each := part.strip(SPACE).lower()))
    return Challenge(
        realm=_needed(params, "realm"),
        nonce=_needed(params, "nonce"),
        algorithm=_algorithm(params),
        qop=qop,
        stale=params.get("stale", "").lower() == "true",
        opaque=params.get("opaque"),
    )


def parse_credentials(text: str) -> Credentials:
    """Read one Authorization or Proxy-Authorization. Raises Malformed, also for another scheme than Digest."""
    params = _read(text)
    response = _needed(params, "response")
    if _RESPONSE.fullmatch(response) is None:
        raise Malformed("a digest response that is not hexadecimal")
    qop, nc = params.get("qop", "").lower(), params.get("nc", "")
    if qop and (_NC.fullmatch(nc) is None or not params.get("cnonce")):
        raise Malformed("qop without nc and cnonce")  # RFC 7616 3.4
    return Credentials(
        username=_needed(params, "username"),
        realm=_needed(params, "realm"),
        nonce=_needed(params, "nonce"),
        uri=_needed(params, "uri"),
        response=response,
        algorithm=_algorithm(params),
        qop=qop,
        nc=int(nc, 16) if qop else 0,
        cnonce=params.get("cnonce", "") if qop else "",
        opaque=params.get("opaque"),
    )


def _read(text: str) -> dict[str, str]:
    """The parameters behind ``Digest``, by name in lower case, without quotes. One pass, nothing is looked at twice."""
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() != "digest":
        raise Malformed(f"not Digest: {text[:20]!r}")
    text = text.rstrip(SPACE)
    params: dict[str, str] = {}
    place = scheme.end()
    while place < len(text):
        if empty := _EMPTY.match(text, place):
            place = empty.end()
            continue
        found = _PARAM.match(text, place)
        if found is None or len(params) >= MOST_PARAMS:
            raise Malformed(f"bad Digest parameters: {text[place : place + 40]!r}")
        name = found[1].lower()
        if name in params:
            raise Malformed(f"Digest {name[:20]} twice")
        params[name] = unquoted(found[2])
        place = found.end()
    return params


def _needed(params: dict[str, str], name: str) -> str:
    value = params.get(name)
    if value is None:
        raise Malformed(f"Digest without {name}")
    return value


def _algorithm(params: dict[str, str]) -> str:
    """By its proper name where we know it, else as it came."""
    text = params.get("algorithm", DEFAULT_ALGORITHM)
    return text.upper() if text.upper() in HASHES else text
