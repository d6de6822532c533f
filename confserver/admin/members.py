"""Which members the body of a request has: what HTTP and the command line both read from the tables of commands."""

from __future__ import annotations

import dataclasses
import re
from typing import get_args, get_type_hints

from confserver.routing.commands import Command as Order
from rooms.commands import Command
from rooms.policy import RoomPolicy


def body_fields(command: type[Command] | type[Order]) -> tuple[dataclasses.Field[object], ...]:
    """The members of a command's body: its fields that its path does not name; where it spreads, rules of rooms."""
    in_path = re.findall(r"{(\w+)}", command.path)
    own = tuple(f for f in dataclasses.fields(command) if f.name not in in_path)
    if not getattr(command, "spreads", False):
        return own
    return (*(f for f in own if f.name != "rules"), *dataclasses.fields(RoomPolicy))


def with_whole_numbers(command: type[Command] | type[Order], given: dict[str, object]) -> dict[str, object]:
    """To JSON 20.0 is the integer that 20 is (JSON Schema, 6.1.1), to Python it is none."""
    hints = {**get_type_hints(RoomPolicy), **get_type_hints(command)}

    def read(name: str, value: object) -> object:
        kinds = (hints.get(name), *get_args(hints.get(name)))
        is_whole = isinstance(value, float) and value.is_integer() and int in kinds and float not in kinds
        return int(value) if is_whole else value  # type: ignore[call-overload]

    return {name: read(name, value) for name, value in given.items()}
