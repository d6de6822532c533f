"""Who may ask for what by HTTP: tokens with a role, in all rooms or in some, for a time or for good.

Of a token only its hash is kept: it is shown once, when it is made. It is made here, of 256 random bits, so that a
plain hash is as good as a slow one. Pure; ``token_store`` keeps what is here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from rooms.errors import Conflict, Full, Invalid, NotFound
from rooms.participant import Actor, Role
from rooms.policy import room_name

PREFIX = "confserver_"
"""So that whoever finds one, a person or a program that looks for secrets, knows what it is."""
MOST_TOKENS = 1000
MOST_PATTERNS = 100
MOST_SECONDS = 100 * 365 * 86400.0
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?\Z")
_PATTERN = re.compile(r"[a-z0-9._+~*-]{1,64}\Z")
RESERVED = frozenset({"administrator", "system", "server"})
"""Who else acts under a name."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks. ``rooms``: names and patterns of the only rooms that there are for him; none: all."""

    name: str
    role: Role
    rooms: tuple[str, ...] = ()
    until: float | None = None

    @property
    def actor(self) -> Actor:
        return Actor(self.name, self.role)

    @property
    def is_scoped(self) -> bool:
        return bool(self.rooms)

    def sees(self, room: str) -> bool:
        """Whether there is such a room for him, by the one spelling of its name."""
        return not self.rooms or any(fnmatchcase(room, pattern) for pattern in self.rooms)


ADMINISTRATOR = Holder("administrator", Role.ADMIN)
"""Whoever can read the control file."""


@dataclass(frozen=True, slots=True)
class Token:
    """``digest``: the hash of what is shown; ``until``: None, it holds for good."""

    name: str
    role: Role
    rooms: tuple[str, ...]
    digest: str = field(repr=False)
    created_at: float
    until: float | None = None
    by: str = ""

    @property
    def holder(self) -> Holder:
        return Holder(self.name, self.role, self.rooms, self.until)

    def is_over(self, now: float) -> bool:
        return self.until is not None and self.until <= now

    def describe(self) -> dict[str, Any]:
        return {
            "holder": self.name,
            "role": self.role.name.lower(),
            "rooms": list(self.rooms),
            "created_at": self.created_at,
            "until": self.until,
            "by": self.by,
        }


@dataclass(slots=True)
class Tokens:
    """All tokens, by name and by hash."""

    _by_name: dict[str, Token] = field(default_factory=dict)
    _by_digest: dict[str, Token] = field(default_factory=dict)

    def restore(self, tokens: Iterable[Token]) -> None:
        for token in tokens:
            self._put(token)

    def add(
        self, name: str, role: Role, rooms: Iterable[str], seconds: float | None, secret: str, now: float, by: str
    ) -> Token:
        """Raises Invalid, Conflict, Full."""
        until = None if seconds is None else now + _checked_seconds(seconds)
        token = Token(_checked_name(name), role, _checked_rooms(role, rooms), digest_of(secret), now, until, by)
        if (there := self._by_name.get(name)) is not None and not there.is_over(now):
            raise Conflict(f"there is a token {name} already; revoke it first")
        if len(self._by_name) >= MOST_TOKENS:
            raise Full(f"there are {MOST_TOKENS} tokens, which is the most")
        if there is not None:
            self._drop(there)
        self._put(token)
        return token

    def revoke(self, name: str) -> Token:
        """Raises NotFound."""
        token = self._by_name.get(name)
        if token is None:
            raise NotFound(f"there is no token {name[:64]}")
        self._drop(token)
        return token

    def holder_of(self, secret: str, now: float) -> Holder | None:
        """Whose token this is; nobody's where it is wrong, revoked or over."""
        token = self._by_digest.get(digest_of(secret))
        return None if token is None or token.is_over(now) else token.holder

    def holds(self, holder: Holder, now: float) -> bool:
        """Whether the right of who has begun to listen still stands."""
        if holder == ADMINISTRATOR:
            return True
        token = self._by_name.get(holder.name)
        return token is not None and token.holder == holder and not token.is_over(now)

    def expire(self, now: float) -> list[Token]:
        """Drop what is over."""
        over = [token for token in self._by_name.values() if token.is_over(now)]
        for token in over:
            self._drop(token)
        return over

    def list(self) -> list[Token]:
        return [self._by_name[name] for name in sorted(self._by_name)]

    def _put(self, token: Token) -> None:
        self._by_name[token.name] = token
        self._by_digest[token.digest] = token

    def _drop(self, token: Token) -> None:
        del self._by_name[token.name]
        del self._by_digest[token.digest]


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _checked_name(name: str) -> str:
    if not _NAME.match(name):
        raise Invalid(f"no token can be called {name[:64]!r}: 1 to 64 letters, digits, and . _ - between them")
    if name in RESERVED:
        raise Invalid(f"{name} is the name of somebody else")
    return name


def _checked_seconds(seconds: float) -> float:
    if not 0 < seconds <= MOST_SECONDS:
        raise Invalid("seconds must be more than 0, and at most a hundred years")
    return seconds


def _checked_rooms(role: Role, rooms: Iterable[str]) -> tuple[str, ...]:
    """Names in their one spelling; patterns as they are."""
    named = tuple(dict.fromkeys(rooms))
    if role is Role.ADMIN and named:
        raise Invalid("an admin's token is for the whole server: name no rooms, or another role")
    if len(named) > MOST_PATTERNS:
        raise Invalid(f"at most {MOST_PATTERNS} rooms can be named, not {len(named)}")
    return tuple(_checked_pattern(each) for each in named)


def _checked_pattern(text: str) -> str:
    if "*" not in text:
        return room_name(text)
    pattern = text.strip().lower()
    if not _PATTERN.match(pattern) or pattern.count("*") > 3:
        raise Invalid(f"{text[:64]!r} is no pattern of rooms: letters, digits, . _ + ~ - and up to three *")
    return pattern
