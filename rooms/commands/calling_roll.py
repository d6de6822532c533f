"""What one may ask about who is there, aloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class RollCall(Command):
    """Say to a room, or to one participant, how many are there and who.

    Names are spoken where espeak-ng is there, of the first twenty who came.
    """

    needs: ClassVar[Role] = Role.PARTICIPANT
    path: ClassVar[str] = "/rooms/{room}/roll-call"
    verb: ClassVar[str] = "roll-call"

    participant: ParticipantId = ""
