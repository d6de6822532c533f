"""What one may ask about lectures, raised hands, and who has the floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class StartLecture(Command):
    """Mute all but moderators, until they are given the floor."""

    path: ClassVar[str] = "/rooms/{room}/lecture"
    verb: ClassVar[str] = "lecture"


@dataclass(frozen=True, slots=True)
class EndLecture(Command):
    """Let all be heard whom a lecture has muted."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/lecture"
    verb: ClassVar[str] = "end-lecture"


@dataclass(frozen=True, slots=True)
class RaiseHand(Command):
    """Ask to speak: one more in the queue of raised hands."""

    needs: ClassVar[Role] = Role.PARTICIPANT
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/hand"
    verb: ClassVar[str] = "raise-hand"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class LowerHand(Command):
    """Take back a raised hand."""

    needs: ClassVar[Role] = Role.PARTICIPANT
    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/hand"
    verb: ClassVar[str] = "lower-hand"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class GiveFloor(Command):
    """Let one participant speak, or the first who has raised a hand.

    What the host, the server or a lecture has muted is opened. Whoever had the floor before loses it, and is muted as
    he was, unless he is to keep it.
    """

    path: ClassVar[str] = "/rooms/{room}/floor"
    verb: ClassVar[str] = "give-floor"

    participant: ParticipantId = ""
    keep: bool = False


@dataclass(frozen=True, slots=True)
class TakeFloor(Command):
    """Take the floor from one participant, or from all who have it."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/floor"
    verb: ClassVar[str] = "take-floor"

    participant: ParticipantId = ""
