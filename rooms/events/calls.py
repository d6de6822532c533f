"""What has become of calls of ours, and of calls that move."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class Dialled(Event):
    """Somebody is being called into the room; ``PlaceReserved`` has gone before.

    ``DialRinging`` and ``DialRedirected`` may follow; then ``ParticipantArrived``, or ``DialFailed``.
    """

    participant: ParticipantId
    name: str
    uri: str
    ring_s: float
    by: str
    confirm: bool = False
    """Who answers comes in when he has pressed a key."""
    caller_id: str = ""
    """Who is shown as calling; empty: as the settings say."""


@dataclass(frozen=True, slots=True)
class DialRinging(Event):
    """``status``: 180 it rings, 181 it is being forwarded, 182 it is queued, 183 its network says something."""

    participant: ParticipantId
    status: int


@dataclass(frozen=True, slots=True)
class DialRedirected(Event):
    """Who was called has named another address, and the call goes on to there."""

    participant: ParticipantId
    uri: str


@dataclass(frozen=True, slots=True)
class DialFailed(Event):
    """``cause`` in words: busy, no answer, declined, hung up ...; ``status``: the last answer's, 0: there was none.

    ``PlaceReleased`` follows.
    """

    participant: ParticipantId
    cause: str
    status: int


@dataclass(frozen=True, slots=True)
class DialRefused(Event):
    """Somebody wanted a call to be made that may not be, for a ``reason``."""

    uri: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class ParticipantReplaced(Event):
    """The participant goes on by another call; all else of him stays as it was."""

    participant: ParticipantId
    name: str
    address: str
    source: str


@dataclass(frozen=True, slots=True)
class Transferring(Event):
    """The participant's phone is asked to call somebody else; ``TransferEnded`` says what has come of it."""

    participant: ParticipantId
    uri: str
    by: str


@dataclass(frozen=True, slots=True)
class TransferEnded(Event):
    """``cause``: done (he leaves), or why he stays; ``status``: of the last answer, 0 for none."""

    participant: ParticipantId
    cause: str
    status: int
