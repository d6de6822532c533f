"""What goes beside the sound where both sides want it: header extensions and more of RTCP.

a=extmap:1/sendonly urn:...:ssrc-audio-level vad=on    how loud a packet is (RFC 8285 section 5, RFC 6464)
a=extmap:2/recvonly urn:...:csrc-audio-level           who is how loud in the mix (RFC 6465)
a=rtcp-rsize                                           RTCP may be other than compound (RFC 5506 section 5)
a=rtcp-xr:voip-metrics                                 its writer wants such reports (RFC 3611 section 5)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from confserver.sdp.description import Attribute, Description, Media
from confserver.sdp.direction import Direction

LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MIX_LEVELS = "urn:ietf:params:rtp-hdrext:csrc-audio-level"
LAST_ID = 14
"""RFC 8285 section 4.2: of headers of one byte; 15 is reserved, and larger ones need two."""
METRICS = "voip-metrics"

_EXTMAP = re.compile(r"([0-9]{1,5})(?:/([a-z]{1,8}))?[ \t]+(\S{1,200})(?:[ \t]+(\S.{0,200}))?", re.ASCII)
_DIRECTIONS = {direction.value: direction for direction in Direction}


@dataclass(frozen=True, slots=True)
class Extension:
    """``a=extmap``; the direction is that of whoever writes it."""

    id: int
    uri: str
    direction: Direction = Direction.SENDRECV
    attributes: str = ""

    @property
    def attribute(self) -> Attribute:
        way = "" if self.direction is Direction.SENDRECV else f"/{self.direction.value}"
        return Attribute("extmap", f"{self.id}{way} {self.uri} {self.attributes}".rstrip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What both sides want, or in an offer one; extensions as our own description words them."""

    extensions: tuple[Extension, ...] = ()
    reduced_rtcp: bool = False
    xr: bool = False
    """The peer wants VoIP metrics."""

    @property
    def level_id(self) -> int:
        """The extension in which the peer says how loud it is; 0: it does not."""
        return next((each.id for each in self.extensions if each.uri == LEVEL and each.direction.receives), 0)

    @property
    def mix_levels_id(self) -> int:
        """The extension in which we say who is how loud; 0: it is not wanted."""
        return next((each.id for each in self.extensions if each.uri == MIX_LEVELS and each.direction.sends), 0)


NOTHING = Extras()
OURS = Extras(
    extensions=(Extension(1, LEVEL, Direction.RECVONLY), Extension(2, MIX_LEVELS, Direction.SENDONLY)),
)
"""What a conference asks for in its offers."""

_NEEDS = {LEVEL: Direction.RECVONLY, MIX_LEVELS: Direction.SENDONLY}
"""What we want of each, at least."""


def settled(offer: Description, media: Media) -> Extras:
    """What we take of an offer; ids stay, directions are turned round (RFC 8285 section 6)."""
    taken = []
    for each in _extensions(offer, media):
        ours = Extension(each.id, each.uri, each.direction.reverse, each.attributes)
        if _is_of_use(ours):
            taken.append(ours)
    return Extras(extensions=tuple(taken), reduced_rtcp=media.has("rtcp-rsize"), xr=_wants_metrics(offer, media))


def accepted(ours: Media, answer: Description, theirs: Media) -> Extras:
    """What the answer takes of our offer; nothing that we have not offered, and no way that we have not."""
    offered = {(each.id, each.uri): each for each in _extensions(None, ours)}
    taken = []
    for each in _extensions(answer, theirs):
        mine = offered.get((each.id, each.uri))
        if mine is None:
            continue
        both = Extension(mine.id, mine.uri, mine.direction.within(each.direction.reverse), mine.attributes)
        if _is_of_use(both):
            taken.append(both)
    reduced = ours.has("rtcp-rsize") and theirs.has("rtcp-rsize")
    return Extras(extensions=tuple(taken), reduced_rtcp=reduced, xr=_wants_metrics(answer, theirs))


def attributes(extras: Extras) -> Iterator[Attribute]:
    """As our description says it."""
    if extras.reduced_rtcp:
        yield Attribute("rtcp-rsize")
    if extras.xr:
        yield Attribute("rtcp-xr", METRICS)
    yield from (each.attribute for each in extras.extensions)


def _is_of_use(ours: Extension) -> bool:
    needed = _NEEDS[ours.uri]
    return ours.direction.within(needed) is needed


def _extensions(description: Description | None, media: Media) -> tuple[Extension, ...]:
    """Those that we know, by the m-line, else by the session; each id and each name counts once, the first time."""
    found: dict[str, Extension] = {}
    ids: set[int] = set()
    for value in (*media.values("extmap"), *(description.values("extmap") if description else ())):
        match = _EXTMAP.fullmatch(value)
        direction = _DIRECTIONS.get(match[2] or "sendrecv") if match else None
        if match is None or direction is None or not 1 <= int(match[1]) <= LAST_ID:
            continue
        if int(match[1]) not in ids and match[3] not in found:
            found[match[3]] = Extension(int(match[1]), match[3], direction, match[4] or "")
        ids.add(int(match[1]))
    return tuple(each for uri, each in found.items() if uri in _NEEDS)


def _wants_metrics(description: Description, media: Media) -> bool:
    """By the m-line, else by the session (RFC 3611 section 5.1)."""
    lists = list(media.values("rtcp-xr")) or list(description.values("rtcp-xr"))
    return any(METRICS in value.lower().split() for value in lists)
