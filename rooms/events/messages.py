"""Text that somebody has said."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class Message(Event):
    """Text for those in the room, or for one of them (``to``).

    ``participant``: who says it, "" for somebody outside (``address``) or an administrator.
    """

    participant: ParticipantId
    name: str
    address: str
    text: str
    to: ParticipantId
    until: float | None = None
    """When it is forgotten; None: with the meeting."""
