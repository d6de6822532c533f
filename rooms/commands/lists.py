"""Calling a list of people into a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class DialList(Command):
    """Call a list of people into the room, again where it is busy or nobody answers.

    Whom: sip:USER@HOST, tel:NUMBER, a number, or any of them with a name: Ana <+4930123456>.
    """

    path: ClassVar[str] = "/rooms/{room}/lists"
    verb: ClassVar[str] = "dial-list"

    whom: tuple[str, ...]
    at_once: int = 5
    tries: int = 1
    pause_s: float = 60.0
    ring_s: float = 0.0
    confirm: bool = False
    caller_id: str = ""
    redial: bool = False
    muted: bool = False
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class CancelList(Command):
    """Call nobody else of a list; who is in stays."""

    path: ClassVar[str] = "/rooms/{room}/lists/cancel"
    verb: ClassVar[str] = "cancel-list"

    list: int = 0


@dataclass(frozen=True, slots=True)
class NoteListed(Command):
    """Somebody of a list is being called (``participant``), or may not be (``reason``)."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    list: int
    entry: int
    participant: ParticipantId = ""
    reason: str = ""
