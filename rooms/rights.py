"""Who may ask for what: a command's ``needs`` against the actor's role.

Two things go by person instead of role: what calls do to rooms (``commands.INTERNAL``), which somebody below
a moderator may do for himself only, and one's own microphone and ears, which everybody in the room may close.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rooms.commands import Command, Deafen, Mute, ToggleMute, Undeafen, Unmute
from rooms.errors import Forbidden
from rooms.participant import Actor, MuteCause, Role

if TYPE_CHECKING:
    from rooms.participant import ParticipantId


def target_of(command: Command) -> ParticipantId | None:
    """Name the participant whom a command is about, if it is about one."""
    target = getattr(command, "participant", None)
    return target if isinstance(target, str) else None


def may(command: Command, by: Actor) -> bool:
    target = target_of(command)
    is_own = target is not None and target == by.participant
    if is_own and isinstance(command, Mute | Unmute | ToggleMute) and command.cause is MuteCause.SELF:
        return True
    if is_own and isinstance(command, Deafen | Undeafen):
        return True
    if by.role < command.needs:
        return False
    return by.role >= Role.MODERATOR or target is None or is_own


def check(command: Command, by: Actor) -> None:
    """Raise Forbidden unless the actor may ask for this."""
    if not may(command, by):
        needed = command.needs if by.role < command.needs else Role.MODERATOR
        what = re.sub(r"(?<!^)(?=[A-Z])", " ", type(command).__name__).lower()
        raise Forbidden(f"{what} takes {_a(needed)}; {by.name} is {_a(by.role)} only")


def _a(role: Role) -> str:
    name = role.name.lower()
    return f"an {name}" if name[0] in "ao" else f"a {name}"
