"""Keys in the description: ``a=crypto`` (RFC 4568), for the suites of RFC 4568 section 6.2 and RFC 7714 section 14.2.

    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<base64 of key and salt>[|lifetime] [session parameters]

A line is *acceptable* where we know its suite, its key is of that suite's length, and it wants nothing else of us: no
MKI (so only one key), no session parameter but the window hint. Others are passed over (section 6.3: whoever does not
know a parameter must not take the line). Lifetimes are the key owner's to watch: he re-keys by a new offer.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from confserver.sdp.description import Attribute, Media

PLAIN, PROTECTED = "RTP/AVP", "RTP/SAVP"

Secrets = Callable[[int], bytes]
"""Gives so many random octets that nobody can guess."""

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": 16 + 14,  # RFC 4568 section 6.2.1
    "AES_CM_128_HMAC_SHA1_32": 16 + 14,  # section 6.2.2
    "AEAD_AES_128_GCM": 16 + 12,  # RFC 7714 sections 12 and 14.2
    "AEAD_AES_256_GCM": 32 + 12,
}
"""The octets of key and salt together."""

_LINE = re.compile(r"([0-9]{1,9})[ \t]+([A-Za-z0-9_]{1,64})[ \t]+(\S{1,400})((?:[ \t]+\S{1,100}){0,16})", re.ASCII)
_INLINE = re.compile(r"inline:([A-Za-z0-9+/]{1,128}={0,2})(?:\|([^|;]{1,24}))?", re.ASCII | re.IGNORECASE)
_LIFETIME = re.compile(r"2\^([0-9]{1,2})|([0-9]{1,15})", re.ASCII)
_MOST_PACKETS = 2**48
"""RFC 3711 section 9.2: with no master key more."""
_HARMLESS = re.compile(r"WSH=[0-9]{2,9}|-\S+", re.ASCII)
"""Section 6.3.6: the window is only a hint; section 6.3.7: what begins with a hyphen may be ignored."""


@dataclass(frozen=True, slots=True)
class Line:
    """An acceptable ``a=crypto``. The key is in no repr."""

    tag: int
    suite: str
    key: bytes = field(repr=False)
    """Master key and salt."""

    @property
    def attribute(self) -> Attribute:
        return Attribute("crypto", f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}")


@dataclass(frozen=True, slots=True)
class Crypto:
    """What protects the media of a call, each way. The keys are in no repr."""

    tag: int
    suite: str
    theirs: bytes = field(repr=False)
    """With which the peer protects what it sends."""
    ours: bytes = field(repr=False)
    is_best_effort: bool = False
    """Agreed beside RTP/AVP (RFC 8643): a side that knows no keys would have gone on without."""

    @property
    def proto(self) -> str:
        return PLAIN if self.is_best_effort else PROTECTED

    @property
    def line(self) -> Line:
        return Line(self.tag, self.suite, self.ours)


def lines(media: Media) -> Iterator[Line]:
    """The acceptable lines in their order; a tag that comes again is passed over (section 4: tags are unique)."""
    seen: set[int] = set()
    for value in media.values("crypto"):
        match = _LINE.fullmatch(value)
        if match is None or int(match[1]) in seen:
            continue
        seen.add(int(match[1]))
        suite, key = match[2].upper(), _key(match[3])
        if key is None or len(key) != SUITES.get(suite) or not all(map(_HARMLESS.fullmatch, match[4].split())):
            continue
        yield Line(int(match[1]), suite, key)


def is_protected(media: Media) -> bool:
    return media.proto.upper() == PROTECTED


def _key(parameters: str) -> bytes | None:
    """Key and salt of ``inline:...``; None for an MKI, several keys, and what is no key."""
    match = _INLINE.fullmatch(parameters)
    if match is None or not (match[2] is None or _is_lifetime(match[2])):
        return None
    text = match[1].rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return None


def _is_lifetime(text: str) -> bool:
    """Section 6.1: a number of packets, plain or as a power of two."""
    match = _LIFETIME.fullmatch(text)
    if match is None:
        return False
    return 0 < (2 ** int(match[1]) if match[1] else int(match[2])) <= _MOST_PACKETS
