"""The users: who may register, be called by name, and call from anywhere.

A user has one name, and any number of aliases: other names, and telephone numbers. Of the password only its HA1 is
kept, one for each algorithm of digest (RFC 8760), and good in one realm alone. All live in memory; whoever changes
something writes it down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from confserver.routing.fence import number_in
from confserver.routing.refusals import Conflict, Invalid, NotFound
from confserver.sip.digest import ALGORITHMS, ha1
from confserver.sip.uri import Uri

MOST_USERS = 100_000
MOST_ALIASES = 20
MOST_DISPLAY = 64
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._+~-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    name: str
    display: str = ""
    aliases: tuple[str, ...] = ()
    """Names in lower case, numbers without separators."""
    enabled: bool = True
    realm: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """HA1 by algorithm, in that realm."""
    created_at: float = 0.0
    changed_at: float = 0.0

    def describe(self) -> dict[str, object]:
        """No secrets."""
        return {
            "user": self.name,
            "display": self.display,
            "aliases": list(self.aliases),
            "enabled": self.enabled,
            "realm": self.realm,
            "created_at": self.created_at,
            "changed_at": self.changed_at,
        }


class Users:
    """All users of one realm; passwords that were set in another one are no good here."""

    def __init__(self, realm: str = "confserver") -> None:
        self.realm = realm
        self._users: dict[str, User] = {}
        self._aliases: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._users)

    def __contains__(self, name: object) -> bool:
        return name in self._users

    def restore(self, users: Iterable[User]) -> None:
        for user in users:
            self._put(user)

    # ------------------------------------------------------------------ questions
    def get(self, name: str) -> User:
        """Raises NotFound."""
        user = self._users.get(name)
        if user is None:
            raise NotFound(f"there is no user {name[:64]!r}")
        return user

    def find(self, text: str) -> User | None:
        """By name or alias, as it stands in the user part of a URI; case does not count."""
        user = self._users.get(text) or self._users.get(text.lower())
        if user is None:
            key = number_in(text) or text.lower()
            user = self._users.get(self._aliases.get(key, ""))
        return user

    def find_uri(self, uri: Uri) -> User | None:
        """Whose address a sip, sips or tel URI is; whether the domain is ours is for others to say."""
        return self.find(uri.user_decoded) if uri.user else None

    def list(self) -> list[User]:
        return [self._users[name] for name in sorted(self._users)]

    def secret_of(self, user: User, algorithm: str) -> str | None:
        """The HA1; None where the password was set for another realm, or before there was the algorithm."""
        return user.secrets.get(algorithm) if user.realm == self.realm else None

    # ------------------------------------------------------------------ changes
    def add(self, name: str, password: str, display: str, aliases: Iterable[str], now: float) -> User:
        """Raises Refused."""
        if _NAME.fullmatch(name) is None:
            raise Invalid(
                f"{name[:64]!r} is no user name: 1 to 64 of a to z, 0 to 9 and . _ + ~ - between them, in lower case"
            )
        if name in self._users:
            raise Conflict(f"there is a user {name} already")
        if (owner := self.find(name)) is not None:
            raise Conflict(f"{name} is another name of user {owner.name}")
        if len(self._users) >= MOST_USERS:
            raise Conflict(f"there are {MOST_USERS} users already")
        user = User(name=name, created_at=now)
        return self._put(self._with_password(self._with_words(user, display, aliases), password, now))

    def change(
        self, name: str, now: float, display: str | None, aliases: Iterable[str] | None, enabled: bool | None
    ) -> User:
        """What is None stays as it is. Raises Refused."""
        user = self.get(name)
        words = user.display if display is None else display
        changed = self._with_words(user, words, user.aliases if aliases is None else aliases)
        return self._put(replace(changed, enabled=user.enabled if enabled is None else enabled, changed_at=now))

    def set_password(self, name: str, password: str, now: float) -> User:
        """Raises Refused."""
        return self._put(self._with_password(self.get(name), password, now))

    def remove(self, name: str) -> User:
        """Raises NotFound."""
        user = self.get(name)
        self._drop(user)
        return user

    # ------------------------------------------------------------------ checks
    def _with_words(self, user: User, display: str, aliases: Iterable[str]) -> User:
        if len(display) > MOST_DISPLAY or not display.isprintable():
            raise Invalid(f"a display name has at most {MOST_DISPLAY} characters, all of them printable")
        read = tuple(dict.fromkeys(alias_of(text) for text in aliases if text.strip()))
        if len(read) > MOST_ALIASES:
            raise Invalid(f"a user has at most {MOST_ALIASES} aliases")
        for alias in read:
            owner = self._users.get(alias) or self.find(alias)
            if owner is not None and (owner.name != user.name or alias == user.name):
                raise Conflict(f"{alias} is a name of user {owner.name} already")
            if alias == user.name:
                raise Conflict(f"{alias} is the user's own name")
        return replace(user, display=display.strip(), aliases=read)

    def _with_password(self, user: User, password: str, now: float) -> User:
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or not password.isprintable():
            raise Invalid(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, all of them printable")
        secrets = {algorithm: ha1(algorithm, user.name, self.realm, password) for algorithm in ALGORITHMS}
        return replace(user, realm=self.realm, secrets=secrets, changed_at=now)

    # ------------------------------------------------------------------ tables
    def _put(self, user: User) -> User:
        old = self._users.get(user.name)
        if old is not None:
            self._drop(old)
        self._users[user.name] = user
        self._aliases.update(dict.fromkeys(user.aliases, user.name))
        return user

    def _drop(self, user: User) -> None:
        del self._users[user.name]
        for alias in user.aliases:
            self._aliases.pop(alias, None)


def alias_of(text: str) -> str:
    """As it is kept: ``tel:+49-30-1234``, ``+49 30 1234`` -> ``+49301234``; a name in lower case. Raises Invalid."""
    plain = text.strip().lower().removeprefix("tel:")
    number = number_in(plain)
    if number is not None:
        return number
    if _NAME.fullmatch(plain) is None or text.lower().startswith("tel:"):
        raise Invalid(f"{text[:64]!r} is neither a name nor a telephone number")
    return plain
