"""What one may ask about who is there, by ear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class RollCall(Command):
    """Say who is in the room: to everybody, or to one participant."""

    needs: ClassVar[Role] = Role.PARTICIPANT
    path: ClassVar[str] = "/rooms/{room}/roll-call"
    verb: ClassVar[str] = "roll-call"

    participant: ParticipantId = ""
