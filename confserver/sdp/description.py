"""A session description as data, and what may be asked of it (RFC 8866).

``parse`` and ``write`` (text.py) turn text into it and back. Attributes that we do not know, and lines that mean
nothing to us, stay as they are; the views below read the attributes that we do know, each from its first sound value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from confserver.sdp.direction import Direction

MOST_PORT = 65_535
NULL_HOSTS = ("0.0.0.0", "::")

_SECRET = ("crypto", "key-mgmt")

Line = tuple[str, str]
"""The letter and the value of a line."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """``a=name:value`` or ``a=name``. A key (``a=crypto``) is in no repr."""

    name: str
    value: str | None = None

    def __repr__(self) -> str:
        return f"Attribute({self.name!r}, {'(secret)' if self.name.lower() in _SECRET else repr(self.value)})"


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """``b=kind:value`` (section 5.8); kbit/s for CT and AS."""

    kind: str
    value: int


@dataclass(frozen=True, slots=True)
class Origin:
    """``o=`` (section 5.2): who made the description, and its version. Nothing is ever sent to ``host``."""

    user: str
    session_id: str
    version: str
    network: str
    family: str
    host: str


@dataclass(frozen=True, slots=True)
class Connection:
    """``c=`` (section 5.7). ``host`` is an IP address in its usual form, or a name; ``suffix`` as in ``/127``."""

    network: str
    family: str
    host: str
    suffix: str = ""

    @property
    def is_internet(self) -> bool:
        return self.network == "IN"

    @property
    def is_address(self) -> bool:
        """An IP address, not a name."""
        return self.is_internet and self.family in ("IP4", "IP6") and _is_ip(self.host)

    @property
    def is_ipv6(self) -> bool:
        return self.family == "IP6"

    @property
    def is_null(self) -> bool:
        """Nothing may be sent there: RFC 3264 section 8.4; some write ``::`` or a name under ``invalid`` (RFC 2606)."""
        return self.is_internet and (
            self.host in NULL_HOSTS or self.host.rstrip(".").lower().rpartition(".")[2] == "invalid"
        )


@dataclass(frozen=True, slots=True)
class RtpMap:
    """``a=rtpmap`` (section 6.6)."""

    encoding: str
    clock_hz: int
    channels: int = 1


@dataclass(frozen=True, slots=True)
class RtcpPlace:
    """``a=rtcp`` (RFC 3605 section 2.1); without a host: that of the media."""

    port: int
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the session and each of its media may have. ``others``: the lines that have no field here, in order."""

    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    others: tuple[Line, ...] = ()

    def has(self, name: str) -> bool:
        return any(attribute.name == name for attribute in self.attributes)

    def values(self, name: str) -> Iterator[str]:
        """The values of all attributes of this name."""
        return (a.value.strip() for a in self.attributes if a.name == name and a.value is not None)

    @property
    def direction(self) -> Direction | None:
        for attribute in self.attributes:
            if attribute.name in _DIRECTIONS:
                return _DIRECTIONS[attribute.name]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(Section):
    """An m-line (section 5.14) and the lines that belong to it."""

    kind: str
    port: int
    proto: str
    formats: tuple[str, ...]
    ports: int = 1

    def rtpmaps(self) -> dict[int, RtpMap]:
        """What the payload types mean; a map that cannot be read is passed over."""
        maps: dict[int, RtpMap] = {}
        for value in self.values("rtpmap"):
            match = _RTPMAP.fullmatch(value)
            if match is not None and int(match[1]) <= 127 and int(match[3]) > 0:
                maps.setdefault(int(match[1]), RtpMap(match[2], int(match[3]), int(match[4] or 1)))
        return maps

    def fmtps(self) -> dict[int, str]:
        """The format parameters by payload type (section 6.15)."""
        parameters: dict[int, str] = {}
        for value in self.values("fmtp"):
            text, _, rest = value.partition(" ")
            payload_type = number(text, 127)
            if payload_type is not None:
                parameters.setdefault(payload_type, rest.strip())
        return parameters

    def ptime_ms(self) -> float | None:
        """Section 6.4: what the writer would like to receive in a packet."""
        return self._milliseconds("ptime")

    def maxptime_ms(self) -> float | None:
        """Section 6.5: the most that the writer can receive in a packet."""
        return self._milliseconds("maxptime")

    def rtcp(self) -> RtcpPlace | None:
        for value in self.values("rtcp"):
            fields = value.split()
            port = number(fields[0], MOST_PORT) if fields else None
            if port is not None and len(fields) == 1:
                return RtcpPlace(port)
            if port is not None and len(fields) == 4 and fields[1].upper() == "IN" and _is_ip(fields[3]):
                return RtcpPlace(port, str(ipaddress.ip_address(fields[3])))
        return None

    def is_rtcp_mux(self) -> bool:
        """RFC 5761 section 5.1.1: RTP and RTCP on one port."""
        return self.has("rtcp-mux")

    def ssrcs(self) -> tuple[int, ...]:
        """RFC 5576 section 4.1: the sources that the writer will send, each once."""
        found: dict[int, None] = {}
        for value in self.values("ssrc"):
            ssrc = number(value.partition(" ")[0], 0xFFFF_FFFF)
            if ssrc is not None:
                found.setdefault(ssrc)
        return tuple(found)

    def _milliseconds(self, name: str) -> float | None:
        for value in self.values(name):
            if _MILLISECONDS.fullmatch(value) and float(value) > 0:
                return float(value)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description(Section):
    """A whole session description. ``others`` begins with the times (``t=``, ``r=``); they mean nothing to a call."""

    origin: Origin
    name: str = "-"
    media: tuple[Media, ...] = ()
    others: tuple[Line, ...] = (("t", "0 0"),)

    def connection_of(self, media: Media) -> Connection | None:
        """Where media goes: the m-line's own word, else the session's (section 5.7)."""
        return media.connection or self.connection

    def direction_of(self, media: Media) -> Direction:
        """The m-line's own word, else the session's, else both ways (section 6.7)."""
        return media.direction or self.direction or Direction.SENDRECV


def number(text: str, most: int) -> int | None:
    """A plain decimal number from 0 to ``most``, else None."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        return None
    value = int(text)
    return value if value <= most else None


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


_DIRECTIONS = {direction.value: direction for direction in Direction}
_RTPMAP = re.compile(r"([0-9]{1,3})\s+([^\s/]{1,64})/([0-9]{1,9})(?:/([0-9]{1,3}))?(?:[\s/].*)?")
_MILLISECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
