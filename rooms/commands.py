"""All one may ask of the rooms.

Each command is frozen data. Its docstring's first line is the help text of every face; ``needs`` is
the role it takes. Commands in ``COMMANDS`` are offered to administrators (HTTP, command line, Python:
all derived from this table); those in ``INTERNAL`` are what calls do to rooms.

``path`` words the HTTP route: ``{room}`` and ``{participant}`` are filled from the fields of that name,
all other fields travel in the JSON body. ``verb`` is the word on the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.calling import Dial as Dial
from rooms.calling import NoteDialFailed as NoteDialFailed
from rooms.calling import NoteRedirected as NoteRedirected
from rooms.calling import NoteReplaced as NoteReplaced
from rooms.calling import NoteRinging as NoteRinging
from rooms.calling import NoteTransferred as NoteTransferred
from rooms.calling import Transfer as Transfer
from rooms.command import Command as Command
from rooms.messages import NoteText as NoteText
from rooms.messages import SendText as SendText
from rooms.participant import MuteCause, ParticipantId, Role
from rooms.policy import DEFAULT_MAX_PARTICIPANTS, Announce, NoiseGuard


@dataclass(frozen=True, slots=True)
class CreateRoom(Command):
    """Make a room beforehand; it survives a restart.

    Asked of a room that is there, it changes the rules. What is left out of the room's sound is as the settings say.
    """

    needs: ClassVar[Role] = Role.ADMIN
    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/rooms/{room}"
    verb: ClassVar[str] = "create"

    max_participants: int = DEFAULT_MAX_PARTICIPANTS
    mute_on_entry: bool = False
    rate_hz: int | None = None
    stereo: bool = False
    talkers: int | None = None
    ptime_ms: int | None = None
    levelling: bool | None = None
    comfort_noise: bool | None = None
    guard: NoiseGuard | None = None
    codecs: tuple[str, ...] = ()
    music_when_alone: bool | None = None
    announce: Announce | None = None


@dataclass(frozen=True, slots=True)
class RemoveRoom(Command):
    """Forget a room made beforehand, ending it first if somebody is in it."""

    needs: ClassVar[Role] = Role.ADMIN
    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}"
    verb: ClassVar[str] = "remove"


@dataclass(frozen=True, slots=True)
class Lock(Command):
    """Let nobody else in."""

    path: ClassVar[str] = "/rooms/{room}/lock"
    verb: ClassVar[str] = "lock"


@dataclass(frozen=True, slots=True)
class Unlock(Command):
    """Let people in again."""

    path: ClassVar[str] = "/rooms/{room}/unlock"
    verb: ClassVar[str] = "unlock"


@dataclass(frozen=True, slots=True)
class End(Command):
    """End the room: everybody is hung up on."""

    path: ClassVar[str] = "/rooms/{room}/end"
    verb: ClassVar[str] = "end"


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
class Play(Command):
    """Play sounds, prompts or tones to a room, or to one participant.

    Sounds are files below the server's directory of sounds, prompt:NAME, number:N, or tones:... alone. They come one
    after another.
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
class StartRecording(Command):
    """Record the room: the mix, and a track for each participant."""

    path: ClassVar[str] = "/rooms/{room}/recording"
    verb: ClassVar[str] = "record"

    tracks: bool = True


@dataclass(frozen=True, slots=True)
class StopRecording(Command):
    """End the recording; its files are then whole."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/recording"
    verb: ClassVar[str] = "stop-recording"


@dataclass(frozen=True, slots=True)
class PauseRecording(Command):
    """Leave out of the recording what comes now."""

    path: ClassVar[str] = "/rooms/{room}/recording/pause"
    verb: ClassVar[str] = "pause-recording"


@dataclass(frozen=True, slots=True)
class ResumeRecording(Command):
    """Let a recording that was paused go on."""

    path: ClassVar[str] = "/rooms/{room}/recording/resume"
    verb: ClassVar[str] = "resume-recording"


@dataclass(frozen=True, slots=True)
class Reserve(Command):
    """Keep a place for somebody who is calling; counts for the limits, tells nobody."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    name: str
    address: str
    source: str
    agent: str = ""
    diverted_by: str = ""
    user: str = ""
    referred_by: str = ""


@dataclass(frozen=True, slots=True)
class Release(Command):
    """Give back a place that was kept: the call came to nothing."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Arrive(Command):
    """The participant's call is up: now the others know. ``source``, ``agent``: who has answered a call of ours."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    source: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Leave(Command):
    """The participant's call is over."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    cause: str = "hung up"


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
class NoteDigit(Command):
    """The participant has pressed a key."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class NoteDominant(Command):
    """The media engine has found who has the word; empty: nobody."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NotePlayEnded(Command):
    """The media engine has come to the end of a play, or cannot play it."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    play: int
    cause: str
    digit: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NoteRecordingFailed(Command):
    """A disk, the scribe or a media worker does not take a recording any more. ``recording``: its event's number."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    recording: int
    reason: str


COMMANDS: tuple[type[Command], ...] = (
    CreateRoom, RemoveRoom, Lock, Unlock, End, Mute, Unmute, Deafen, Undeafen, Kick, Dial, Transfer,
    SendDigits, SendText,
    Play, PausePlay, ResumePlay, SeekPlay, SetPlayVolume, StopPlay,
    StartRecording, StopRecording, PauseRecording, ResumeRecording,
)  # fmt: skip
INTERNAL: tuple[type[Command], ...] = (
    Reserve, Release, Arrive, Leave, Hold, Resume, NoteTalking, NoteNoise, NoteDigit, NoteDominant,
    NotePlayEnded, NoteRecordingFailed, NoteRinging, NoteRedirected, NoteDialFailed, NoteReplaced, NoteTransferred,
    NoteText,
)  # fmt: skip
