"""From what has been said of a room to the rules that hold in it.

::

    the settings' rules ◄── profile it extends ◄── profile ◄── said of the room itself
                             what is nearer to the room goes before

What is said is sparse and plain: the names of rules (``policy.RULES``) and values as JSON or TOML have them.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rooms.errors import Invalid, NotFound, Refused
from rooms.policy import RULES, RoomPolicy

Said = Mapping[str, Any]
MOST_STEPS = 8
"""So many profiles may extend one another."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Rules under a name, for rooms to have in common."""

    name: str
    said: Said = field(default_factory=dict)
    extends: str = ""


def plain(said: Said) -> dict[str, Any]:
    """As JSON has it, without what is not said (None)."""
    return {name: _plain(value) for name, value in said.items() if value is not None}


def _plain(value: object) -> object:
    """Numbers, texts, lists and tables only."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


class Profiles:
    """All profiles, and the rules that hold where none is named."""

    def __init__(self, rules: RoomPolicy | None = None, profiles: Iterable[Profile] = ()) -> None:
        """Raises Invalid or NotFound for a profile that cannot be."""
        self.rules = rules or RoomPolicy()
        self._by_name = {profile.name: profile for profile in profiles}
        for name in self._by_name:
            try:
                self.policy_of({}, name)
            except Refused as refused:
                raise type(refused)(f"profile {name}: {refused.reason}") from None

    def __iter__(self) -> Any:
        return iter(sorted(self._by_name.values(), key=lambda profile: profile.name))

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def policy_of(self, said: Said, profile: str = "") -> RoomPolicy:
        """Raises NotFound for a profile that is not there, Invalid for a rule that cannot be."""
        together: dict[str, Any] = {}
        for each in reversed(self._line(profile)):
            together |= plain(each.said)
        together |= plain(said)
        check_names(together)
        import msgspec  # here, so that the command line starts without it

        try:
            return msgspec.convert(asdict(self.rules) | together, RoomPolicy)
        except msgspec.ValidationError as error:
            words, _, where = str(error).partition(" - at `$.")
            raise Invalid(f"{where.rstrip('`')}: {words[:1].lower()}{words[1:].replace('`', '')}") from None

    def _line(self, name: str) -> list[Profile]:
        """A profile, that which it extends, and so on."""
        line: list[Profile] = []
        while name:
            if name not in self._by_name:
                known = ", ".join(sorted(self._by_name)) or "none"
                raise NotFound(f"there is no profile {name[:64]}; there are: {known}")
            if len(line) >= MOST_STEPS:
                raise Invalid(f"profile {line[0].name} extends itself, or too many others")
            line.append(self._by_name[name])
            name = line[-1].extends
        return line

    def describe(self) -> list[dict[str, Any]]:
        return [{"profile": each.name, "extends": each.extends, "rules": plain(each.said)} for each in self]


def check_names(said: Said) -> None:
    """Raises Invalid for what is no rule."""
    for name in said:
        if name not in RULES:
            alike = difflib.get_close_matches(str(name), RULES, n=1)
            raise Invalid(f"there is no rule {str(name)[:64]}" + (f"; did you mean {alike[0]}?" if alike else ""))
