"""Session descriptions, bytes to data and back (RFC 8866 section 9).

Strict in what no call can do without: the version, the origin, sound m-lines and addresses. Tolerant where phones
err: bare line feeds, empty lines, no ``s=`` or ``t=``, lines out of order, spaces at ends of lines, spaces in the
user name of ``o=``, lines of a letter that nobody knows. Linear time; every count has a limit.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from itertools import pairwise

from confserver.sdp.description import (
    MOST_PORT,
    Attribute,
    Bandwidth,
    Connection,
    Description,
    Line,
    Media,
    Origin,
    number,
)

MOST_BYTES = 65_536
MOST_LINES = 2_048
MOST_LINE = 8_192
MOST_MEDIA = 32
MOST_FORMATS = 256
MOST_ATTRIBUTES = 512
"""In one section: the session's, or one m-line's."""
MOST_PORTS = 32
MOST_NAME = 253

_BEFORE_CONNECTION = "iuep"
_POSITIONS = {
    letter: position for position, letters in enumerate(("i", "u", "e", "p", "tr", "z", "k")) for letter in letters
}
_LAST = len(_POSITIONS)
_FAMILIES = {"IP4": 4, "IP6": 6}
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
_SUFFIX = re.compile(r"(?:/[0-9]{1,5}){0,2}")


class Bad(ValueError):
    """Not a session description that we could use; the text says why."""


# ------------------------------------------------------------------ reading
def parse(body: bytes) -> Description:
    """Read a description. Raises Bad with a reason in words."""
    lines = _lines(body)
    starts = [index for index, (letter, _) in enumerate(lines) if letter == "m"]
    if len(starts) > MOST_MEDIA:
        raise Bad(f"more than {MOST_MEDIA} m= lines")
    session = lines[: starts[0]] if starts else lines
    if _only("v", session) != "0":
        raise Bad("v= is not 0")
    connection, bandwidths, attributes, others = _common(session, but="vos")
    if not any(letter == "t" for letter, _ in others):
        others = _sorted((*others, ("t", "0 0")))
    return Description(
        origin=_origin(_only("o", session)),
        name=next((value for letter, value in session if letter == "s" and value), "-"),
        connection=connection,
        bandwidths=bandwidths,
        attributes=attributes,
        others=others,
        media=tuple(_media(lines[start:end]) for start, end in pairwise([*starts, len(lines)])),
    )


def _lines(body: bytes) -> list[Line]:
    if len(body) > MOST_BYTES:
        raise Bad(f"more than {MOST_BYTES} bytes")
    lines: list[Line] = []
    for index, raw in enumerate(body.decode("utf-8", "replace").split("\n"), start=1):
        text = raw.rstrip()
        if not text:
            continue
        if len(lines) == MOST_LINES:
            raise Bad(f"more than {MOST_LINES} lines")
        if len(text) > MOST_LINE:
            raise Bad(f"line {index} is longer than {MOST_LINE} characters")
        if text[1:2] != "=" or not (text[0].isascii() and text[0].isalpha()):
            raise Bad(f"line {index} is not of the form x=...")
        if "\r" in text or "\0" in text:
            raise Bad(f"line {index} has a control character in it")
        lines.append((text[0], text[2:]))
    return lines


def _only(letter: str, session: list[Line]) -> str:
    values = [value for each, value in session if each == letter]
    if len(values) != 1:
        raise Bad(f"no {letter}= line" if not values else f"more than one {letter}= line")
    return values[0].strip()


def _origin(value: str) -> Origin:
    fields = value.rsplit(None, 5)
    if len(fields) != 6:
        raise Bad("o= has less than six fields")
    return Origin(*fields)


def _common(
    lines: list[Line], but: str
) -> tuple[Connection | None, tuple[Bandwidth, ...], tuple[Attribute, ...], tuple[Line, ...]]:
    """What the session and each of its media may have. Of several c= lines (layers, section 5.7) the first counts."""
    connections = [_connection(value) for letter, value in lines if letter == "c"]
    bandwidths = [_bandwidth(value) for letter, value in lines if letter == "b"]
    attributes = [_attribute(value) for letter, value in lines if letter == "a" and value.partition(":")[0].strip()]
    if len(attributes) > MOST_ATTRIBUTES:
        raise Bad(f"more than {MOST_ATTRIBUTES} attributes in one section")
    return (
        connections[0] if connections else None,
        tuple(bandwidth for bandwidth in bandwidths if bandwidth is not None),
        tuple(attributes),
        _sorted(line for line in lines if line[0] not in "cba" + but),
    )


def _sorted(lines: Iterable[Line]) -> tuple[Line, ...]:
    """In the order of section 5, which is also that in which they are written."""
    return tuple(sorted(lines, key=lambda line: _POSITIONS.get(line[0], _LAST)))


def _connection(value: str) -> Connection:
    fields = value.split()
    if len(fields) != 3:
        raise Bad("c= does not have three fields")
    network, family = fields[0].upper(), fields[1].upper()
    if network != "IN" or family not in _FAMILIES:
        return Connection(network, family, fields[2])
    host, slash, rest = fields[2].partition("/")
    if not _SUFFIX.fullmatch(slash + rest):
        raise Bad(f"c= has no address: {fields[2][:60]}")
    return Connection(network, family, _host(host, _FAMILIES[family]), slash + rest)


def _host(text: str, version: int) -> str:
    """An IP address of this version in its usual form, or a host name."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if not _is_name(text):
            raise Bad(f"c= has no address: {text[:60]}") from None
        return text
    if address.version != version or "%" in text:
        raise Bad(f"c= has no IPv{version} address: {text[:60]}")
    return str(address)


def _is_name(text: str) -> bool:
    """A host name; one that ends in digits would be a broken IP address."""
    labels = text.removesuffix(".").split(".")
    return len(text) <= MOST_NAME and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def _bandwidth(value: str) -> Bandwidth | None:
    kind, _, text = value.partition(":")
    amount = number(text.strip(), 2**63)
    return Bandwidth(kind.strip(), amount) if amount is not None and kind.strip() else None


def _attribute(value: str) -> Attribute:
    name, colon, text = value.partition(":")
    return Attribute(name.strip(), text if colon else None)


def _media(lines: list[Line]) -> Media:
    fields = lines[0][1].split()
    if len(fields) < 3:
        raise Bad("m= has less than four fields")
    kind, place, proto, *formats = fields
    port_text, slash, ports_text = place.partition("/")
    port, ports = number(port_text, MOST_PORT), number(ports_text, MOST_PORTS) if slash else 1
    if port is None:
        raise Bad(f"m= has no port from 0 to {MOST_PORT}: {port_text[:20]}")
    if not ports:
        raise Bad(f"m= has no number of ports from 1 to {MOST_PORTS}: {ports_text[:20]}")
    if port and not formats:
        raise Bad("m= has less than four fields")
    if len(formats) > MOST_FORMATS:
        raise Bad(f"more than {MOST_FORMATS} formats in one m= line")
    connection, bandwidths, attributes, others = _common(lines[1:], but="")
    return Media(
        kind=kind,
        port=port,
        ports=ports,
        proto=proto,
        formats=tuple(formats),
        connection=connection,
        bandwidths=bandwidths,
        attributes=attributes,
        others=others,
    )


# ------------------------------------------------------------------ writing
def write(description: Description) -> bytes:
    """The description as it goes into a body; lines in the order of RFC 8866 section 5."""
    o = description.origin
    lines = [
        "v=0",
        f"o={o.user} {o.session_id} {o.version} {o.network} {o.family} {o.host}",
        f"s={description.name}",
        *_section(description),
    ]
    for media in description.media:
        ports = f"/{media.ports}" if media.ports != 1 else ""
        lines.append(f"m={' '.join((media.kind, f'{media.port}{ports}', media.proto, *media.formats))}")
        lines += _section(media)
    return "".join(line + "\r\n" for line in lines).encode()


def _section(section: Description | Media) -> list[str]:
    lines = [f"{letter}={value}" for letter, value in section.others if letter in _BEFORE_CONNECTION]
    if section.connection is not None:
        c = section.connection
        lines.append(f"c={c.network} {c.family} {c.host}{c.suffix}")
    lines += [f"b={bandwidth.kind}:{bandwidth.value}" for bandwidth in section.bandwidths]
    lines += [f"{letter}={value}" for letter, value in section.others if letter not in _BEFORE_CONNECTION]
    lines += [f"a={a.name}" if a.value is None else f"a={a.name}:{a.value}" for a in section.attributes]
    return lines
