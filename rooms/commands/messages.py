"""Text for those in a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class SendText(Command):
    """Send text to those in a room, or to one of them."""

    path: ClassVar[str] = "/rooms/{room}/messages"
    verb: ClassVar[str] = "message"

    text: str
    participant: ParticipantId = ""


@dataclass(frozen=True, slots=True)
class NoteText(Command):
    """A message has come for the room: from a participant, or from outside (``name``, ``address``)."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    text: str
    participant: ParticipantId = ""
    name: str = ""
    address: str = ""
