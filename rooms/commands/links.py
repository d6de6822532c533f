"""What one may ask about private ways between people of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Relation, Role


@dataclass(frozen=True, slots=True)
class Whisper(Command):
    """Let only one other hear a participant, until the whisper ends.

    Both hear the room as before.
    """

    people: ClassVar[tuple[str, ...]] = ("participant", "to")
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/whisper"
    verb: ClassVar[str] = "whisper"

    participant: ParticipantId
    to: ParticipantId


@dataclass(frozen=True, slots=True)
class Coach(Command):
    """Let a trainee alone hear a coach, whatever mutes the coach for the room.

    Both hear the room as before; the others hear the trainee, and never the coach.
    """

    people: ClassVar[tuple[str, ...]] = ("participant", "trainee")
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/coach"
    verb: ClassVar[str] = "coach"

    participant: ParticipantId
    trainee: ParticipantId


@dataclass(frozen=True, slots=True)
class EndWhisper(Command):
    """End what a participant whispers, or coaches."""

    needs: ClassVar[Role] = Role.PARTICIPANT
    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/whisper"
    verb: ClassVar[str] = "end-whisper"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Relate(Command):
    """Let one participant not hear another, or not be heard by him; or clear it."""

    people: ClassVar[tuple[str, ...]] = ("participant", "other")
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/relation"
    verb: ClassVar[str] = "relate"

    participant: ParticipantId
    other: ParticipantId
    relation: Relation = Relation.NOHEAR


@dataclass(frozen=True, slots=True)
class OpenSidebar(Command):
    """Let some talk among themselves; the others do not hear them.

    They hear the room softly meanwhile (in dB), or not at all.
    """

    people: ClassVar[tuple[str, ...]] = ("participants",)
    path: ClassVar[str] = "/rooms/{room}/sidebars"
    verb: ClassVar[str] = "sidebar"

    participants: tuple[ParticipantId, ...] = ()
    room_db: float = -18.0
    hears_room: bool = True


@dataclass(frozen=True, slots=True)
class LeaveSidebar(Command):
    """Let one participant come back from a sidebar to the room."""

    needs: ClassVar[Role] = Role.PARTICIPANT
    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/sidebar"
    verb: ClassVar[str] = "leave-sidebar"

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class CloseSidebar(Command):
    """Let all come back from a sidebar; 0: from all sidebars."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/sidebars"
    verb: ClassVar[str] = "close-sidebar"

    sidebar: int = 0
