"""What is known of a room's end before it comes."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event


@dataclass(frozen=True, slots=True)
class EndPlanned(Event):
    """The room will end by itself at a time, for a cause; None: not any more."""

    ends_at: float | None
    cause: str


@dataclass(frozen=True, slots=True)
class EndPutOff(Event):
    """Somebody lets the room go on for some minutes more."""

    minutes: int
    by: str
