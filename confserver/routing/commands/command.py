"""What every command and question has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.participant import Role


@dataclass(frozen=True, slots=True)
class Command:
    """Something asked of the server's ways."""

    needs: ClassVar[Role] = Role.ADMIN
    method: ClassVar[str] = "POST"
    path: ClassVar[str] = ""
    noun: ClassVar[str] = ""
    verb: ClassVar[str] = ""
    is_versioned: ClassVar[bool] = False
    """What it changes has a version: ETag and If-Match (RFC 9110 sections 8.8.3 and 13.1.1)."""
    most_body_bytes: ClassVar[int] = 64 * 1024


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a question may be narrowed by: in the query string, ``?name=...``. ``kind``: str, int, float or bool."""

    name: str
    words: str
    kind: type = str
    least: float | None = None
    most: float | None = None
    is_list: bool = False
    """It may be given more than once."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is only told. ``columns``: members of each row, as the command line prints them."""

    noun: str
    verb: str
    path: str
    summary: str
    columns: tuple[str, ...] = ()
    has_own_verb: bool = False
    """The command line asks it by a verb of its own (``admin.trace``)."""
    needs: Role = Role.ADMIN
    parameters: tuple[Parameter, ...] = ()
    """Handed to whoever answers beside the names of the path."""
    key: str = ""
    """The member that names a row: the list can be asked for by pages."""
    media_type: str = "application/json"
    is_versioned: bool = False
    """What it tells has a version, which is its entity tag."""
    room: str = ""
    """The member of each row that names its room: who is for some rooms only is told of these."""

    @property
    def name(self) -> str:
        return f"{self.noun} {self.verb}"
