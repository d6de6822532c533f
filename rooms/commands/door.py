"""What one may ask about those at a room's door, and who is its moderator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class Admit(Command):
    """Let in somebody who waits; without a name: all who have knocked."""

    path: ClassVar[str] = "/rooms/{room}/admit"
    verb: ClassVar[str] = "admit"

    participant: ParticipantId = ""


@dataclass(frozen=True, slots=True)
class TurnAway(Command):
    """Do not let in somebody who waits: he hears so and is hung up on."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/turn-away"
    verb: ClassVar[str] = "turn-away"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Promote(Command):
    """Make a participant a moderator."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/promote"
    verb: ClassVar[str] = "promote"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Demote(Command):
    """Make a moderator a participant like the others."""

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/demote"
    verb: ClassVar[str] = "demote"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NoteCallerRefused(Command):
    """The door has refused somebody's call."""

    needs: ClassVar[Role] = Role.ADMIN

    address: str
    source: str
    cause: str
