"""What one may ask about the end of a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command


@dataclass(frozen=True, slots=True)
class Extend(Command):
    """Let the room go on for some minutes after the time when it would end."""

    path: ClassVar[str] = "/rooms/{room}/extend"
    verb: ClassVar[str] = "extend"

    minutes: int = 10
