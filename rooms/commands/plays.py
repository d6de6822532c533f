"""What one may ask about what plays in a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class Play(Command):
    """Play sounds, prompts or tones to a room, or to one participant.

    Sounds are files below the server's directory of sounds, prompt:NAME, number:N, say:TEXT, or tones:... alone. They
    come one after another.
    """

    path: ClassVar[str] = "/rooms/{room}/play"
    verb: ClassVar[str] = "play"

    sounds: tuple[str, ...] = ()
    participant: ParticipantId = ""
    loop: bool = False
    volume_db: float = 0.0
    duck_db: float = 0.0
    start_s: float = 0.0
    interruptible: bool = False


@dataclass(frozen=True, slots=True)
class Say(Command):
    """Speak a text to a room, or to one participant."""

    path: ClassVar[str] = "/rooms/{room}/say"
    verb: ClassVar[str] = "say"

    text: str
    participant: ParticipantId = ""
    volume_db: float = 0.0
    duck_db: float = 0.0
    interruptible: bool = False


@dataclass(frozen=True, slots=True)
class PausePlay(Command):
    """Let what plays wait."""

    path: ClassVar[str] = "/rooms/{room}/play/pause"
    verb: ClassVar[str] = "pause-play"

    play: int = 0


@dataclass(frozen=True, slots=True)
class ResumePlay(Command):
    """Let what was paused go on."""

    path: ClassVar[str] = "/rooms/{room}/play/resume"
    verb: ClassVar[str] = "resume-play"

    play: int = 0


@dataclass(frozen=True, slots=True)
class SeekPlay(Command):
    """Let what plays go on from another place."""

    path: ClassVar[str] = "/rooms/{room}/play/seek"
    verb: ClassVar[str] = "seek-play"

    position_s: float
    play: int = 0


@dataclass(frozen=True, slots=True)
class SetPlayVolume(Command):
    """Make what plays louder or softer."""

    path: ClassVar[str] = "/rooms/{room}/play/volume"
    verb: ClassVar[str] = "play-volume"

    volume_db: float
    play: int = 0


@dataclass(frozen=True, slots=True)
class StopPlay(Command):
    """End what plays."""

    path: ClassVar[str] = "/rooms/{room}/play/stop"
    verb: ClassVar[str] = "stop-play"

    play: int = 0


@dataclass(frozen=True, slots=True)
class NotePlayEnded(Command):
    """The media engine has come to the end of a play, or cannot play it."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    play: int
    cause: str
    digit: str = ""
    reason: str = ""
