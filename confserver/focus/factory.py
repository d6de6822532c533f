"""The conference factory (RFC 4579 section 5.4): a name that is no room, but makes a new one each time it is called.

INVITE sip:new-room@server -> a room of a fresh name -> 200 whose Contact names it, for others to be invited to
"""

from __future__ import annotations

from collections.abc import Callable

from rooms.errors import Invalid
from rooms.policy import room_name

MOST_TRIES = 20


class Factory:
    """``name``: by which it is called, "" for none. ``fresh`` gives names that nobody can guess."""

    def __init__(self, name: str, fresh: Callable[[], str]) -> None:
        self._name = room_name(name) if name else ""
        self._fresh = fresh

    def is_named(self, text: str) -> bool:
        try:
            return bool(self._name) and room_name(text) == self._name
        except Invalid:
            return False

    def make(self, is_taken: Callable[[str], bool]) -> str:
        """The name of a room that is not there yet."""
        names = (room_name(self._fresh()) for _ in range(MOST_TRIES))
        return next(name for name in names if not is_taken(name) and name != self._name)
