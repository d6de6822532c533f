"""What both clients have in common: a method says what it asks, and the client how the answer comes.

``OfRooms.mute`` and all others are written once. What they give has one of three types, which stand for a list, for
one thing, and for what a change has left (None where it is no more). ``Client`` gives them at once, ``AsyncClient``
something to be awaited.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

Record = dict[str, Any]
"""A room, participant or status as docs/administration.md words it; Any, for a script's convenience."""

Listed = TypeVar("Listed")
Told = TypeVar("Told")
Changed = TypeVar("Changed")


class Asking(Generic[Listed, Told, Changed]):
    """Turns methods into requests."""

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Ask for anything; ``path`` is percent-encoded already."""
        raise NotImplementedError

    def _list(self, path: str) -> Listed:
        return cast(Listed, self.request("GET", path))

    def _tell(self, path: str) -> Told:
        return cast(Told, self.request("GET", path))

    def _change(self, method: str, path: str, **members: object) -> Changed:
        """Members that are None are left to the server's defaults."""
        return self._ask(method, path, {name: value for name, value in members.items() if value is not None})

    def _ask(self, method: str, path: str, body: Mapping[str, object]) -> Changed:
        return cast(Changed, self.request(method, path, body))


def path(*segments: str) -> str:
    return "".join("/" + quote(segment, safe="") for segment in segments)
