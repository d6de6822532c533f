"""What is said during one command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from rooms import events as tell

P = ParamSpec("P")
E = TypeVar("E", bound=tell.Event)


class Minutes:
    """Events, numbered on from the room's last."""

    __slots__ = ("at", "events", "number", "room")

    def __init__(self, room: str, number: int, at: float) -> None:
        self.room = room
        self.number = number
        self.at = at
        self.events: list[tell.Event] = []

    def say(self, event: Callable[Concatenate[str, int, float, P], E], *args: P.args, **fields: P.kwargs) -> E:
        self.number += 1
        said = event(self.room, self.number, self.at, *args, **fields)
        self.events.append(said)
        return said
