"""Which way sound may go, and what an offer's direction means for the answer and for the participant.

A direction is always that of whoever wrote it: ``sendonly`` in an offer is the peer's, in our answer ours.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Direction(enum.Enum):
    """RFC 8866 section 6.7; the value is the name of the attribute."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @property
    def reverse(self) -> Direction:
        """The same, as the other side would put it."""
        return _BY_WAYS[self.receives, self.sends]

    def within(self, other: Direction) -> Direction:
        """What both directions allow."""
        return _BY_WAYS[self.sends and other.sends, self.receives and other.receives]


_BY_WAYS = {
    (True, True): Direction.SENDRECV,
    (True, False): Direction.SENDONLY,
    (False, True): Direction.RECVONLY,
    (False, False): Direction.INACTIVE,
}


class Before(enum.Enum):
    """What the peer was before this offer or answer."""

    NEW = "new"
    HEARING = "hearing"
    """It received, with or without sending."""
    BROADCASTING = "broadcasting"
    """It has only sent, from the first, and has not put us on hold."""
    HELD = "held"
    """It had us on hold."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """``answer``: our direction. ``held``: the peer has put us on hold: what it sends is music, not speech."""

    answer: Direction
    held: bool


_LIVE = Meaning(Direction.SENDRECV, held=False)
_LISTENER = Meaning(Direction.SENDONLY, held=False)
_BROADCASTER = Meaning(Direction.RECVONLY, held=False)
_HOLD = Meaning(Direction.RECVONLY, held=True)
_SILENT_HOLD = Meaning(Direction.INACTIVE, held=True)

MEANINGS: dict[tuple[Direction, Before], Meaning] = {
    # RFC 3264 section 6.1: sendrecv may be answered by all four; it is also how hold ends (RFC 6337 section 5.3)
    (Direction.SENDRECV, Before.NEW): _LIVE,
    (Direction.SENDRECV, Before.HEARING): _LIVE,
    (Direction.SENDRECV, Before.BROADCASTING): _LIVE,
    (Direction.SENDRECV, Before.HELD): _LIVE,
    # RFC 3264 section 6.1: recvonly is answered by sendonly or inactive: a listener, as from the first or from now on
    (Direction.RECVONLY, Before.NEW): _LISTENER,
    (Direction.RECVONLY, Before.HEARING): _LISTENER,
    (Direction.RECVONLY, Before.BROADCASTING): _LISTENER,
    (Direction.RECVONLY, Before.HELD): _LISTENER,
    # RFC 3264 section 6.1: sendonly is answered by recvonly or inactive. Section 8.4: from one that heard, it is hold
    (Direction.SENDONLY, Before.NEW): _BROADCASTER,
    (Direction.SENDONLY, Before.HEARING): _HOLD,
    (Direction.SENDONLY, Before.BROADCASTING): _BROADCASTER,
    (Direction.SENDONLY, Before.HELD): _HOLD,
    # RFC 3264 section 6.1: inactive is answered by inactive. Section 8.4: hold where both sides hold, or without music
    (Direction.INACTIVE, Before.NEW): _SILENT_HOLD,
    (Direction.INACTIVE, Before.HEARING): _SILENT_HOLD,
    (Direction.INACTIVE, Before.BROADCASTING): _SILENT_HOLD,
    (Direction.INACTIVE, Before.HELD): _SILENT_HOLD,
}

MEANINGS_AT_NULL: dict[Direction, Meaning] = {
    # RFC 3264 section 8.4: c=0.0.0.0 is the hold of RFC 2543, whatever was before. Such phones know no direction:
    # the answer mirrors theirs as if the address were one, and nothing is sent.
    Direction.SENDRECV: Meaning(Direction.SENDRECV, held=True),
    Direction.RECVONLY: Meaning(Direction.SENDONLY, held=True),
    Direction.SENDONLY: _HOLD,
    Direction.INACTIVE: _SILENT_HOLD,
}


def meaning(stated: Direction, null_address: bool, before: Before) -> Meaning:
    """What the peer's direction means, with or without an address to send to."""
    return MEANINGS_AT_NULL[stated] if null_address else MEANINGS[stated, before]
