"""What has happened to names that their owners say themselves."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class NameAsked(Event):
    """Somebody is asked to say his name; until ``NameEnded`` the room does not hear him."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NameHurried(Event):
    """Who is asked for his name has pressed #: he has heard enough of the question, or has said it."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NameRecorded(Event):
    """What somebody has said as his name is played from now on where others hear of him."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NameEnded(Event):
    """Somebody is not asked for his name any more, whether he has said it or not."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NameForgotten(Event):
    """A name that was recorded is deleted. ``participant``: whose it was, "" where he is gone."""

    participant: ParticipantId
    sound: str
    """What it was called."""
