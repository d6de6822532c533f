"""What one may ask of a room itself, and what calls do to its places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role
from rooms.profiles import Said, plain


@dataclass(frozen=True, slots=True, init=False)
class CreateRoom(Command):
    """Make a room beforehand; it survives a restart.

    Asked of a room that is there, it changes the rules: those that are given hold, and no others. What is left out is
    as the profile says, and else as the settings say.
    """

    needs: ClassVar[Role] = Role.ADMIN
    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/rooms/{room}"
    verb: ClassVar[str] = "create"
    spreads: ClassVar[bool] = True

    profile: str = ""
    rules: Said = field(default_factory=dict)

    def __init__(self, room: str, profile: str = "", rules: Said | None = None, **said: object) -> None:
        """Rules may be given by name."""
        _set(self, room, profile, plain({**(rules or {}), **said}))


@dataclass(frozen=True, slots=True, init=False)
class ChangeRoom(Command):
    """Change some rules of a room, and leave the others; null takes one back.

    Of a room that was not made beforehand they hold until it closes.
    """

    needs: ClassVar[Role] = Role.MODERATOR
    method: ClassVar[str] = "PATCH"
    path: ClassVar[str] = "/rooms/{room}"
    verb: ClassVar[str] = "change"
    spreads: ClassVar[bool] = True

    profile: str | None = None
    rules: Said = field(default_factory=dict)

    def __init__(self, room: str, profile: str | None = None, rules: Said | None = None, **said: object) -> None:
        """Rules may be given by name."""
        given = {**(rules or {}), **said}
        _set(self, room, profile, plain(given) | {name: None for name, value in given.items() if value is None})


def _set(command: CreateRoom | ChangeRoom, room: str, profile: str | None, rules: Said) -> None:
    object.__setattr__(command, "room", room)
    object.__setattr__(command, "profile", profile)
    object.__setattr__(command, "rules", rules)


@dataclass(frozen=True, slots=True)
class RemoveRoom(Command):
    """Forget a room made beforehand, ending it first if somebody is in it."""

    needs: ClassVar[Role] = Role.ADMIN
    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}"
    verb: ClassVar[str] = "remove"


@dataclass(frozen=True, slots=True)
class Lock(Command):
    """Let nobody else in."""

    path: ClassVar[str] = "/rooms/{room}/lock"
    verb: ClassVar[str] = "lock"


@dataclass(frozen=True, slots=True)
class Unlock(Command):
    """Let people in again."""

    path: ClassVar[str] = "/rooms/{room}/unlock"
    verb: ClassVar[str] = "unlock"


@dataclass(frozen=True, slots=True)
class End(Command):
    """End the room: everybody is hung up on."""

    path: ClassVar[str] = "/rooms/{room}/end"
    verb: ClassVar[str] = "end"


@dataclass(frozen=True, slots=True)
class Reserve(Command):
    """Keep a place for somebody who is calling; counts for the limits, tells nobody."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    name: str
    address: str
    source: str
    agent: str = ""
    diverted_by: str = ""
    user: str = ""
    referred_by: str = ""
    is_verified: bool = False
    """``user`` or ``address`` is not only what the caller says of himself."""
    pin: str = ""
    """What came with the call."""
    muted: bool = False
    deaf: bool = False
    """The caller wants to be so from the beginning."""
    attributes: tuple[tuple[str, str], ...] = ()
    """What else his call says of him, by name."""


@dataclass(frozen=True, slots=True)
class Release(Command):
    """Give back a place that was kept: the call came to nothing."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Arrive(Command):
    """The participant's call is up: now the others know. ``source``, ``agent``: who has answered a call of ours."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    source: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Leave(Command):
    """The participant's call is over."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    cause: str = "hung up"
