"""What every event has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened in one room."""

    room: str
    number: int
    at: float


def members(event: Event) -> dict[str, Any]:
    """All that an event holds, by name."""
    names, values = _READERS.get(type(event)) or _reader(type(event))
    return dict(zip(names, values(event), strict=True))


Reader = tuple[tuple[str, ...], Callable[[Event], tuple[Any, ...]]]
_READERS: dict[type[Event], Reader] = {}
"""How the members of each kind are read: one row for each class, made when it is first asked for."""


def _reader(kind: type[Event]) -> Reader:
    names = tuple(field.name for field in fields(kind))
    return _READERS.setdefault(kind, (names, attrgetter(*names)))
