"""Which members the body of a request has: what HTTP and the command line both read from the tables of commands."""

from __future__ import annotations

import dataclasses
import re

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
