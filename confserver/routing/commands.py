"""All one may ask of the server's ways, beside the rooms: who is kept out, who is known, where calls go.

As ``rooms.commands``: each command is frozen data, its docstring's first line is the help of every face, and HTTP
route, command line (``confserver NOUN VERB``) and documentation test follow from ``COMMANDS``. Words in braces of a
``path`` are fields; the others travel in the JSON body. ``QUESTIONS`` change nothing. Whoever carries a command out
is listed in ``app.orders``.
"""

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


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is only told. ``columns``: members of each row, as the command line prints them."""

    noun: str
    verb: str
    path: str
    summary: str
    columns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.noun} {self.verb}"


@dataclass(frozen=True, slots=True)
class AddBan(Command):
    """Take nothing more from an address or network, for a time or for good."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/bans/{network}"
    noun: ClassVar[str] = "ban"
    verb: ClassVar[str] = "add"

    network: str
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LiftBan(Command):
    """Take messages from an address or network again."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/bans/{network}"
    noun: ClassVar[str] = "ban"
    verb: ClassVar[str] = "lift"

    network: str


COMMANDS: tuple[type[Command], ...] = (AddBan, LiftBan)
QUESTIONS: tuple[Question, ...] = (
    Question(
        "ban",
        "list",
        "/bans",
        "List from whom nothing is taken, and why.",
        ("network", "since", "until", "by", "reason"),
    ),
)
