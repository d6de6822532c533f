"""All that rooms can be asked and all that they wait for: the rows of each topic, in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import (
    assembly,
    broadcasting,
    calling_roll,
    dialling,
    door,
    ending,
    forwarding,
    gains,
    hall,
    hosting,
    keypad,
    links,
    lists,
    messages,
    naming,
    plays,
    quality,
    recording,
    removing,
    timing,
    voices,
)
from rooms.commands.command import Command
from rooms.participant import Actor

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    **door.HANDLERS,
    **ending.HANDLERS,
    **dialling.HANDLERS,
    **lists.HANDLERS,
    **messages.HANDLERS,
    **naming.HANDLERS,
    **voices.HANDLERS,
    **assembly.HANDLERS,
    **broadcasting.HANDLERS,
    **calling_roll.HANDLERS,
    **links.HANDLERS,
    **gains.HANDLERS,
    **hosting.HANDLERS,
    **keypad.HANDLERS,
    **plays.HANDLERS,
    **quality.HANDLERS,
    **recording.HANDLERS,
    **removing.HANDLERS,
    **forwarding.HANDLERS,
}
"""What is done at a command; those of the room itself stand in ``room``."""
ALARMS: dict[str, Callable[[Room, Minutes], None]] = {
    **lists.ALARMS,
    **keypad.ALARMS,
    **hall.ALARMS,
    **timing.ALARMS,
}
"""What is done when a time has come, by the purpose it was set for."""
