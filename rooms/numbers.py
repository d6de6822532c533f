"""Other names of rooms: the numbers that telephones dial, and whatever else a room is called by."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from rooms.errors import Invalid, Refused
from rooms.policy import room_name
from rooms.rules_of_time import spelled

if TYPE_CHECKING:
    from rooms.room import Room


class Numbers:
    """Those of all rooms. What two rooms have in common, by their profile, is the first one's."""

    def __init__(self) -> None:
        self._rooms: dict[str, str] = {}
        self._of: dict[str, tuple[str, ...]] = {}

    def named(self, text: str) -> str:
        """The name of the room that is called so; the text where none is."""
        return self._rooms.get(spelled(text), text)

    def check(self, room: str, rules: Any, rooms: Container[str]) -> None:
        """Whether a room may have these, and be called as it is. Raises Invalid."""
        if self._rooms.get(room, room) != room:
            raise Invalid(f"{room} is {self._rooms[room]}'s already, which is called so too")
        numbers = rules.get("numbers")
        for each in numbers if isinstance(numbers, list | tuple) else ():
            number = spelled(str(each))
            if self._rooms.get(number, room) != room:
                raise Invalid(f"numbers: {number} is {self._rooms[number]}'s already")
            if number != room and _is_room(number, rooms):
                raise Invalid(f"numbers: {number} is a room's name")

    def follow(self, room: Room, is_gone: bool) -> None:
        """After whatever has happened to a room."""
        wanted = () if is_gone else tuple(map(spelled, room.policy.numbers))
        if self._of.get(room.name, ()) == wanted:
            return
        for number in self._of.pop(room.name, ()):
            if self._rooms.get(number) == room.name:
                del self._rooms[number]
        for number in wanted:
            self._rooms.setdefault(number, room.name)
        if wanted:
            self._of[room.name] = wanted


def _is_room(number: str, rooms: Container[str]) -> bool:
    try:
        return room_name(number) in rooms
    except Refused:
        return False
