"""All that can have happened in the rooms.

Frozen data. ``number`` counts a room's events from 1 without gaps, for as long as the server remembers the
room: over every opening and closing of one made beforehand. ``at`` is epoch seconds.
Whoever keeps, shows or obeys the state of a room does it from these.
"""

from __future__ import annotations

from dataclasses import dataclass

from rooms.hearing import Hearing
from rooms.participant import MuteCause, ParticipantId
from rooms.policy import RoomPolicy


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened in one room."""

    room: str
    number: int
    at: float


@dataclass(frozen=True, slots=True)
class RoomCreated(Event):
    """A room was made: beforehand (``persistent``), or on demand for its first caller.

    A room made on demand that becomes persistent while it is open is created a second time.
    """

    persistent: bool
    policy: RoomPolicy


@dataclass(frozen=True, slots=True)
class RoomChanged(Event):
    """A room made beforehand has other rules from now on.

    Its sound changes at once; those present stay, muted or not as they are.
    """

    policy: RoomPolicy


@dataclass(frozen=True, slots=True)
class RoomRemoved(Event):
    """A room made beforehand is forgotten."""


@dataclass(frozen=True, slots=True)
class RoomLocked(Event):
    by: str


@dataclass(frozen=True, slots=True)
class RoomUnlocked(Event):
    """People are let in again; by ``system`` when the room closes, for a lock does not outlive its meeting."""

    by: str


@dataclass(frozen=True, slots=True)
class RoomOpened(Event):
    """The first place in the room was asked for: it needs a media worker from now on."""


@dataclass(frozen=True, slots=True)
class RoomEnding(Event):
    """Everybody will be hung up on, and nobody is let in, until the room is empty."""

    by: str


@dataclass(frozen=True, slots=True)
class RoomClosed(Event):
    """The last one has left: the room needs no media worker any more."""


@dataclass(frozen=True, slots=True)
class PlaceReserved(Event):
    """Somebody is calling; not for the eyes of the others before ``ParticipantArrived``."""

    participant: ParticipantId
    name: str
    address: str
    source: str


@dataclass(frozen=True, slots=True)
class PlaceReleased(Event):
    """A kept place was given back: the call came to nothing."""

    participant: ParticipantId


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
class ParticipantArrived(Event):
    participant: ParticipantId
    name: str
    address: str
    source: str


@dataclass(frozen=True, slots=True)
class ParticipantLeft(Event):
    participant: ParticipantId
    cause: str


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


@dataclass(frozen=True, slots=True)
class Message(Event):
    """Text for those in the room, or for one of them (``to``).

    ``participant``: who says it, "" for somebody outside (``address``) or an administrator.
    """

    participant: ParticipantId
    name: str
    address: str
    text: str
    to: ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantMuted(Event):
    participant: ParticipantId
    cause: MuteCause
    by: str


@dataclass(frozen=True, slots=True)
class ParticipantUnmuted(Event):
    """One cause is gone; ``silent`` tells whether another still stands."""

    participant: ParticipantId
    cause: MuteCause
    by: str
    silent: bool


@dataclass(frozen=True, slots=True)
class ParticipantDeafened(Event):
    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class ParticipantUndeafened(Event):
    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class ParticipantHeld(Event):
    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantResumed(Event):
    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantKicked(Event):
    """The focus hangs up on the participant; ``ParticipantLeft`` follows."""

    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class TalkingChanged(Event):
    """The others hear the participant's voice begin or end; also ended by mute, hold and leaving."""

    participant: ParticipantId
    talking: bool


@dataclass(frozen=True, slots=True)
class PlayStarted(Event):
    """Something is to be heard by everybody, or by one participant alone. ``play``: this event's own number."""

    play: int
    sounds: tuple[str, ...]
    participant: ParticipantId
    loop: bool
    volume_db: float
    duck_db: float
    start_s: float
    interruptible: bool
    by: str


@dataclass(frozen=True, slots=True)
class PlayChanged(Event):
    """How a play goes on from now on; ``position_s``: from where, None: from where it is."""

    play: int
    paused: bool
    volume_db: float
    position_s: float | None
    by: str


@dataclass(frozen=True, slots=True)
class PlayEnded(Event):
    """``cause``: finished, stopped, interrupted (by the key ``digit``), or failed (for a ``reason``)."""

    play: int
    participant: ParticipantId
    cause: str
    digit: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class NoiseChanged(Event):
    """A participant begins to pour noise, music or a tone into the room (``kind``), or ends it ("")."""

    participant: ParticipantId
    kind: str


@dataclass(frozen=True, slots=True)
class DigitReceived(Event):
    """The participant has pressed a key."""

    participant: ParticipantId
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class DigitsSent(Event):
    """Keys are pressed towards the participant; a comma is a pause."""

    participant: ParticipantId
    digits: str
    duration_ms: int
    gap_ms: int
    by: str


@dataclass(frozen=True, slots=True)
class DominantSpeaker(Event):
    """Somebody has the word; None: nobody has, after a while without anybody's voice."""

    participant: ParticipantId | None


@dataclass(frozen=True, slots=True)
class RecordingStarted(Event):
    """The room is recorded from now on; ``tracks``: each participant by himself as well."""

    tracks: bool
    by: str


@dataclass(frozen=True, slots=True)
class RecordingPaused(Event):
    by: str


@dataclass(frozen=True, slots=True)
class RecordingResumed(Event):
    by: str


@dataclass(frozen=True, slots=True)
class RecordingEnded(Event):
    """Somebody has ended it; by ``system`` when the room closes."""

    by: str


@dataclass(frozen=True, slots=True)
class RecordingFailed(Event):
    """Nothing more can be written, for a reason; what there is can be played."""

    reason: str


@dataclass(frozen=True, slots=True)
class HearingChanged(Event):
    """Who hears whom is different now; the media worker is told. Always the last event of its command."""

    hearing: Hearing
