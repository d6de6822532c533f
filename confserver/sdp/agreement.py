"""What offer/answer settles for a leg, what we say of ourselves, and why an offer is refused."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from confserver.formats import Format
from confserver.sdp.crypto import Crypto
from confserver.sdp.description import Media
from confserver.sdp.direction import Before, Direction
from confserver.sdp.extras import NOTHING, Extras

Address = tuple[str, int]
Numbered = tuple[int, Format]
"""A payload type, and what it means."""

PTIME_MS = 20
"""RFC 3551 section 4.2: of most audio."""
LONGEST_MS = 60
"""The longest packets that we send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The settled state of one call's audio. Directions and addresses without a word of their own are the peer's."""

    media_index: int
    """Which m-line is the audio."""
    lines: tuple[Media, ...]
    """All m-lines of the call, as refused ones: later offers must repeat them (RFC 3264 section 8)."""
    remote: Address | None
    """Where to send; None while the peer gives no address (c=0.0.0.0)."""
    remote_rtcp: Address | None
    """Where to send RTCP; None without ``remote``, and where the peer wants none (``a=rtcp:0``)."""
    is_ipv6: bool
    """The answer must use the family of the offer (RFC 6157 section 4.1)."""
    rtcp_mux: bool
    incoming: tuple[Numbered, ...]
    """What the peer may send, in the order of the answer."""
    outgoing: Numbered
    telephone_event: int | None
    """The payload type for events that we send."""
    ptime_ms: int = PTIME_MS
    """How much sound goes into each of our packets: 10 to 60, a multiple of 10, what the outgoing format can."""
    maxptime_ms: float | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    """What the peer states (``a=fmtp``) of formats whose parameters are declarations, by the name of the format."""
    stated: Direction = Direction.SENDRECV
    """The peer's own direction."""
    direction: Direction = Direction.SENDRECV
    """Ours."""
    held: bool = False
    """The peer has put us on hold: what still comes is music, not speech."""
    crypto: Crypto | None = None
    """What protects the media (RTP/SAVP), None for plain RTP."""
    extras: Extras = NOTHING

    def stated_of(self, format: Format) -> str:
        """The peer's ``a=fmtp`` of a format whose parameters are declarations; "" where it says nothing."""
        return dict(self.parameters).get(format.name, "")

    @property
    def receives(self) -> bool:
        """The peer may send to us."""
        return self.direction.receives

    @property
    def sends(self) -> bool:
        """We send to the peer."""
        return self.direction.sends and self.remote is not None

    @property
    def before(self) -> Before:
        """What the peer is, before whatever comes next."""
        if self.held:
            return Before.HELD
        return Before.BROADCASTING if self.stated is Direction.SENDONLY else Before.HEARING


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """Ourselves, for one call: the address that this peer can reach, the leg's port, and who describes."""

    host: str
    """An IP address in text."""
    port: int
    rtcp_port: int | None = None
    """None: ``port`` + 1."""
    session_id: int
    session_version: int = 0
    """Of the first description; later ones count on (``negotiation.next_version``)."""
    ptime_ms: int = PTIME_MS
    """What we would like to receive."""
    allow: Direction = Direction.SENDRECV
    """The most that our offers ask for; for answers it is given to ``negotiate``."""
    rtcp_mux: bool = False
    """Whether first offers ask for RTP and RTCP on one port."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What we state of formats whose parameters are declarations, by name; else what the format says."""
    extras: Extras = NOTHING
    """What first offers ask for beside sound."""


class Warn(enum.IntEnum):
    """Warning codes (RFC 3261 section 20.43), those that we use, from the first look at an m-line to the last."""

    NETWORK = 300
    ADDRESS = 301
    TRANSPORT = 302
    MEDIA = 304
    FORMAT = 305
    OTHER = 399


class Rejected(Exception):
    """No agreement. ``status``: 400 where the description contradicts itself, else 488; ``reason`` for the Warning."""

    def __init__(self, warning: Warn, reason: str, status: int = 488) -> None:
        super().__init__(reason)
        self.status = status
        self.warning_code = int(warning)
        self.reason = reason
