"""What has happened to a participant's voice and ears."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.hearing import Hearing
from rooms.participant import MuteCause, ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantMuted(Event):
    """There is a cause more why nobody hears the participant."""

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
    """The participant hears nothing."""

    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class ParticipantUndeafened(Event):
    """The participant hears again."""

    participant: ParticipantId
    by: str


@dataclass(frozen=True, slots=True)
class ParticipantHeld(Event):
    """The participant's phone has put the call on hold."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ParticipantResumed(Event):
    """The participant's phone has come back from hold."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class TalkingChanged(Event):
    """The others hear the participant's voice begin or end; also ended by mute, hold and leaving."""

    participant: ParticipantId
    talking: bool


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
class HearingChanged(Event):
    """Who hears whom is different now; the media worker is told. Always the last event of its command."""

    hearing: Hearing
