"""What one may ask about names that their owners have said themselves, and what has come of the asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class AskName(Command):
    """Have a participant say his name (again) for others to hear.

    Meanwhile the room does not hear him, nor he the room. Who waits at the door is asked before he goes on.
    """

    needs: ClassVar[Role] = Role.PARTICIPANT
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/ask-name"
    verb: ClassVar[str] = "ask-name"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class ForgetName(Command):
    """Delete what a participant has said as his name."""

    needs: ClassVar[Role] = Role.PARTICIPANT
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/forget-name"
    verb: ClassVar[str] = "forget-name"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NoteName(Command):
    """Somebody who was asked for his name has said it, and it is kept; or he has said nothing."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    is_kept: bool
