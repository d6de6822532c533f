"""Who a request comes from, as far as credentials have shown it; and what is said to who has shown none.

The stack knows no users: it asks a ``Doorkeeper`` about each new request outside of our dialogs (RFC 3261 section
8.2, "authentication first"), and keeps nothing of those that are turned away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from confserver.sip.flow import Flow
    from confserver.sip.message import Request


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of ours, whose password was right."""

    user: str
    display: str = ""
    """The name that the administrator has given, "" where none."""


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """The answer to a request that goes no further; no state is kept for it."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    is_offence: bool = False
    """Credentials came, and were wrong: it counts against the source."""


class Doorkeeper(Protocol):
    def admit(self, request: Request, flow: Flow, now: float) -> Identity | TurnedAway | None:
        """None: nobody has shown who it is, and nobody needs to."""


class OpenDoor:
    """Asks nobody."""

    def admit(self, request: Request, flow: Flow, now: float) -> Identity | TurnedAway | None:
        return None


OPEN_DOOR = OpenDoor()
