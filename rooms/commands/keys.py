"""Keys that somebody has pressed, and what has come of what he wants by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class NoteDigit(Command):
    """The participant has pressed a key."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Depart(Command):
    """The participant wants to leave: his call is hung up."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NoteKeysAnswered(Command):
    """What he has asked for by keys has been done, or refused: the kind of the refusal."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    action: str
    refusal: str = ""
