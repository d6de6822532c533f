"""What offer/answer settles for a leg, what we say of ourselves, and why an offer is refused."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from confserver.formats import Format
from confserver.sdp.crypto import Crypto
from confserver.sdp.description import Media
from confserver.sdp.direction import Before, Direction

Address = tuple[str, int]
Numbered = tuple[int, Format]
"""A payload type, and what it means."""

PTIME_MS = 20
"""RFC 3551 section 4.2: of most audio."""
SHORTEST_MS, LONGEST_MS, STEP_MS = 10, 60, 10
"""The packets that we can send."""


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
    """How much sound the peer would like in each of our packets: 10 to 60, a multiple of 10."""
    maxptime_ms: float | None = None
    stated: Direction = Direction.SENDRECV
    """The peer's own direction."""
    direction: Direction = Direction.SENDRECV
    """Ours."""
    held: bool = False
    """The peer has put us on hold: what still comes is music, not speech."""
    crypto: Crypto | None = None
    """What protects the media (RTP/SAVP), None for plain RTP."""

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
