"""What the focus says of the sound of a participant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class NoteQuality(Command):
    """Something is wrong with a participant's sound, or is not any more; see ``rooms.quality.Finding``."""

    needs: ClassVar[Role] = Role.ADMIN

    participant: ParticipantId
    kind: str
    is_wrong: bool = True
    way: str = "in"
    side: str = ""
    text: str = ""
    advice: str = ""
    since: float = 0.0
