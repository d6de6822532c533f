"""What every command has: the room that it is asked of, and how each face offers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.participant import Role


@dataclass(frozen=True, slots=True)
class Command:
    """Something asked of one room."""

    needs: ClassVar[Role] = Role.MODERATOR
    method: ClassVar[str] = "POST"
    path: ClassVar[str] = ""
    verb: ClassVar[str] = ""
    spreads: ClassVar[bool] = False
    """``rules`` holds rules of rooms; each face offers them as members of the command itself."""

    people: ClassVar[tuple[str, ...]] = ("participant",)
    """The fields that name somebody, by id or by name."""

    others: ClassVar[tuple[str, ...]] = ()
    """The fields that name other rooms, which whoever asks must have a right to as well."""

    room: str
