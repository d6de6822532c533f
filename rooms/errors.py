"""Refusals: what one may not do, and why, in words.

::

    Refused
    ├── NotFound        no such room, no such participant
    ├── NotOpen         the room exists but takes nobody now (it is ending)
    ├── Forbidden       the actor's role does not allow it, or the room's door does not
    │   ├── WrongPin    what was given is not the room's PIN
    │   └── LockedOut   he has guessed too often
    ├── Locked          the room is locked
    ├── Full            the room has its most participants
    ├── Conflict        more than one has the name that was given, or it cannot be so now
    ├── NoSpace         it could not be kept: the disk is full
    └── Invalid         a name, number or text that cannot be
"""

from __future__ import annotations


class Refused(Exception):
    """A command that was not carried out; nothing has changed."""

    kind = "refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotFound(Refused):
    kind = "not-found"


class NotOpen(Refused):
    kind = "not-open"


class Forbidden(Refused):
    kind = "forbidden"


class WrongPin(Forbidden):
    """Counted by whoever is asked (``callers.Lockouts``)."""


class LockedOut(Forbidden):
    """For so many seconds more."""

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Locked(Refused):
    kind = "locked"


class Full(Refused):
    kind = "full"


class Conflict(Refused):
    kind = "conflict"


class NoSpace(Refused):
    kind = "no-space"


class Invalid(Refused):
    kind = "invalid"


KINDS: tuple[type[Refused], ...] = (NotFound, NotOpen, Forbidden, Locked, Full, Conflict, NoSpace, Invalid)
