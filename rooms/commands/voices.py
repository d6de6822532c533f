"""What one may ask about how somebody is heard, and hears: loudness, hold by the host, the mutes of many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import MuteCause, ParticipantId, Role


@dataclass(frozen=True, slots=True)
class SetGain(Command):
    """Set how loud one participant is to the others, and they to him.

    In dB, -30 to 12; 0 is as it is. What is left out stays as it was.
    """

    needs: ClassVar[Role] = Role.PARTICIPANT
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/gain"
    verb: ClassVar[str] = "gain"

    participant: ParticipantId
    incoming_db: float | None = None
    outgoing_db: float | None = None


@dataclass(frozen=True, slots=True)
class StepGain(Command):
    """Make one participant, or what he hears, louder or softer by some dB.

    At the ends of the range (-30 to 12 dB) it goes no further.
    """

    needs: ClassVar[Role] = Role.PARTICIPANT
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/gain/step"
    verb: ClassVar[str] = "step-gain"

    participant: ParticipantId
    incoming_db: float = 0.0
    outgoing_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Place(Command):
    """Place one participant between left and right, for those who hear two channels.

    -1 is left, 0 the middle, 1 right; auto: where the room places him. It is heard in rooms with the rule stereo.
    """

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/place"
    verb: ClassVar[str] = "place"

    participant: ParticipantId
    pan: float | None = None
    auto: bool = False


@dataclass(frozen=True, slots=True)
class HoldParticipant(Command):
    """Put one participant on hold: neither heard nor hearing the room, but music."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/hold"
    verb: ClassVar[str] = "hold"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ReleaseParticipant(Command):
    """Take back the hold of one participant."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/release"
    verb: ClassVar[str] = "release"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ToggleMute(Command):
    """Mute one participant for a cause, or take it back where it stands already."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/toggle-mute"
    verb: ClassVar[str] = "toggle-mute"

    participant: ParticipantId
    cause: MuteCause = MuteCause.HOST


@dataclass(frozen=True, slots=True)
class MuteAll(Command):
    """Mute everybody but moderators and those who are named."""

    people: ClassVar[tuple[str, ...]] = ("but",)
    path: ClassVar[str] = "/rooms/{room}/mute"
    verb: ClassVar[str] = "mute-all"

    but: tuple[ParticipantId, ...] = ()
    moderators: bool = False


@dataclass(frozen=True, slots=True)
class UnmuteAll(Command):
    """Take back what a host has muted, of everybody but those who are named."""

    people: ClassVar[tuple[str, ...]] = ("but",)
    path: ClassVar[str] = "/rooms/{room}/unmute"
    verb: ClassVar[str] = "unmute-all"

    but: tuple[ParticipantId, ...] = ()
