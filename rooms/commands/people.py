"""What one may ask about a participant, and what his call and the media engine say of him."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import MuteCause, ParticipantId, Role


@dataclass(frozen=True, slots=True)
class Mute(Command):
    """Silence one participant."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/mute"
    verb: ClassVar[str] = "mute"

    participant: ParticipantId
    cause: MuteCause = MuteCause.HOST


@dataclass(frozen=True, slots=True)
class Unmute(Command):
    """Take back one cause of a participant's mute."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/unmute"
    verb: ClassVar[str] = "unmute"

    participant: ParticipantId
    cause: MuteCause = MuteCause.HOST


@dataclass(frozen=True, slots=True)
class Deafen(Command):
    """Let one participant hear nothing."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/deafen"
    verb: ClassVar[str] = "deafen"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Undeafen(Command):
    """Let one participant hear again."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/undeafen"
    verb: ClassVar[str] = "undeafen"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Kick(Command):
    """Hang up on one participant."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/kick"
    verb: ClassVar[str] = "kick"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class SendDigits(Command):
    """Press keys towards one participant."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/digits"
    verb: ClassVar[str] = "digits"

    participant: ParticipantId
    digits: str
    duration_ms: int = 100
    gap_ms: int = 60


@dataclass(frozen=True, slots=True)
class Hold(Command):
    """The participant's phone has put the call on hold: it neither speaks nor hears."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Resume(Command):
    """The participant's phone is back from hold."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NoteTalking(Command):
    """The media engine has heard the participant start or stop talking."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    talking: bool


@dataclass(frozen=True, slots=True)
class NoteNoise(Command):
    """The media engine has noticed noise, music or a tone from the participant, or its end ("")."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    kind: str
    mutes: bool = False
    """Mute the participant until it ends."""


@dataclass(frozen=True, slots=True)
class NoteDominant(Command):
    """The media engine has found who has the word; empty: nobody."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
