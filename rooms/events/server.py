"""What has happened to the server as a whole: ``room`` is empty, ``number`` 0."""

from __future__ import annotations

from dataclasses import dataclass

from rooms.events.event import Event


@dataclass(frozen=True, slots=True)
class ServerDraining(Event):
    """New calls are turned away; stops: the server ends with the last call, until: then at the latest."""

    stops: bool = False
    until: float | None = None


@dataclass(frozen=True, slots=True)
class ServerOpen(Event):
    """New calls are taken again."""
