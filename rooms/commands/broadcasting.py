"""What one may ask about a voice that is heard in other rooms as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class BroadcastVoice(Command):
    """Let a participant be heard live in all breakout rooms, or in those named.

    He stays where he is. From a breakout room he is heard in the main one and in the others.
    """

    others: ClassVar[tuple[str, ...]] = ("rooms",)
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/broadcast"
    verb: ClassVar[str] = "broadcast-voice"

    participant: ParticipantId
    rooms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndBroadcast(Command):
    """Let a participant be heard only where he is."""

    needs: ClassVar[Role] = Role.PARTICIPANT
    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/broadcast"
    verb: ClassVar[str] = "end-broadcast"

    participant: ParticipantId
