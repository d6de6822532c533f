"""Changes that a script asks for, and what must be there afterwards: a model of rooms, profiles, users, tokens and
rows of the route table.

Each writer has names of its own, so that its model alone says what they must be. What was asked for and not answered
may have been made or not, as a whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.soak.asking import Answer, NoAnswer, Script

Key = tuple[str, str]
"""A kind of things, and a name."""
State = dict[str, Any] | None
"""What is said of a thing; None: there is no such thing."""

RULES: dict[str, tuple[Any, ...]] = {
    "max_participants": (2, 7, 30, 150),
    "mute_on_entry": (True, False),
    "pin": ("1234", "998877"),
    "stereo": (True, False),
    "record_from": (0, 3, 9),
    "lobby": ("off", "strangers", "all"),
}
ROLES = ("moderator", "observer")
NAMES = 6
"""Of each kind, for each writer."""
LISTS = {"rooms": ("/rules", "room"), "profiles": ("/profiles", "profile"), "users": ("/users", "user"),
         "tokens": ("/tokens", "holder"), "routes": ("/routes", "name")}  # fmt: skip
SHOWN = {"rooms": ("profile", "rules"), "profiles": ("extends", "rules"), "users": ("display", "aliases", "enabled"),
         "tokens": ("role", "rooms"), "routes": ("when", "then", "off")}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A request, and how the thing is once it is made."""

    key: Key
    method: str
    path: str
    body: dict[str, Any] | None
    after: State


@dataclass
class Writer:
    """One script that changes its own things, one at a time. ``model``: what it has been told there is."""

    name: str
    chance: random.Random
    model: dict[Key, State] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    """Tokens that were shown, by holder."""
    unanswered: Change | None = None
    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    """Answers that were no good ones."""

    def write(self, script: Script, until: Callable[[], bool]) -> None:
        """Until told to stop, or until nobody answers."""
        while not until():
            change = self.next_change()
            self.unanswered = change
            try:
                answer = script.ask(change.method, change.path, change.body)
            except NoAnswer:
                return
            self.unanswered = None
            self.take(change, answer)

    def take(self, change: Change, answer: Answer) -> None:
        if not answer.is_good:
            self.wrong.append(f"{change.method} {change.path} {change.body}: {answer.status} {answer.told}")
            return
        self.answered += 1
        self.model[change.key] = change.after
        kind, name = change.key
        if kind == "tokens":
            self.secrets.pop(name, None)
            if change.after is not None:
                self.secrets[name] = answer.told["secret"]

    # ------------------------------------------------------------------ what is asked for
    def next_change(self) -> Change:
        kind = self.chance.choice(("rooms", "rooms", "rooms", "users", "tokens", "profiles", "routes"))
        name = f"{self.name}-{kind}-{self.chance.randrange(NAMES)}"
        before = self.model.get((kind, name))
        make = {
            "rooms": self._room, "users": self._user, "tokens": self._token, "profiles": self._profile,
            "routes": self._route,
        }  # fmt: skip
        return make[kind]((kind, name), before)

    def _rules(self) -> dict[str, Any]:
        """Several at a time, so that half of a change would show."""
        return {rule: self.chance.choice(RULES[rule]) for rule in self.chance.sample(sorted(RULES), 3)}

    def _profiles(self) -> list[str]:
        return [name for (kind, name), state in self.model.items() if kind == "profiles" and state is not None]

    def _room(self, key: Key, before: State) -> Change:
        path, rules = f"/rooms/{key[1]}", self._rules()
        profile = self.chance.choice(["", *self._profiles()])
        if before is None or self.chance.random() < 0.2:
            return Change(key, "PUT", path, {"profile": profile, **rules}, {"profile": profile, "rules": rules})
        if self.chance.random() < 0.25:
            return Change(key, "DELETE", path, None, None)
        back: dict[str, Any] = dict.fromkeys(self.chance.sample(sorted(RULES), 2))  # null takes a rule back
        changed = {**rules, **back}
        kept = {rule: value for rule, value in {**before["rules"], **changed}.items() if value is not None}
        return Change(key, "PATCH", path, changed, {"profile": before["profile"], "rules": kept})

    def _profile(self, key: Key, before: State) -> Change:
        path = f"/profiles/{key[1]}"
        used = any(kind == "rooms" and state and state["profile"] == key[1] for (kind, _), state in self.model.items())
        if before is not None and not used and self.chance.random() < 0.4:
            return Change(key, "DELETE", path, None, None)
        rules = self._rules()
        return Change(key, "PUT", path, {"rules": rules}, {"extends": "", "rules": rules})

    def _user(self, key: Key, before: State) -> Change:
        path = f"/users/{key[1]}"
        display, aliases = f"D{self.chance.randrange(1000)}", [f"{key[1]}-alias-{self.chance.randrange(1000)}"]
        said = {"display": display, "aliases": aliases}
        if before is None:
            return Change(key, "PUT", path, {"password": "correct horse", **said}, {**said, "enabled": True})
        if self.chance.random() < 0.3:
            return Change(key, "DELETE", path, None, None)
        said["enabled"] = self.chance.random() < 0.5
        return Change(key, "POST", path, said, said)

    def _route(self, key: Key, before: State) -> Change:
        """All writers' rows are one table, which is kept anew with each change."""
        path = f"/routes/{key[1]}"
        if before is not None and self.chance.random() < 0.3:
            return Change(key, "DELETE", path, None, None)
        user, strip = f"u{self.chance.randrange(1000)}", self.chance.randrange(1, 9)
        after = {"when": f"user {user}", "then": f"room {{user}}, strip {strip}", "off": ""}
        return Change(key, "POST" if before else "PUT", path, {"user": [user], "strip": strip}, after)

    def _token(self, key: Key, before: State) -> Change:
        path = f"/tokens/{key[1]}"
        if before is not None:
            return Change(key, "DELETE", path, None, None)
        said = {"role": self.chance.choice(ROLES), "rooms": [f"{self.name}-rooms-0"]}
        return Change(key, "PUT", path, said, said)


def things(script: Script) -> dict[Key, State]:
    """All that the server has of these kinds."""
    found: dict[Key, State] = {}
    for kind, (path, name) in LISTS.items():
        answer = script.ask("GET", path)
        assert answer.is_good, f"GET {path}: {answer.status} {answer.told}"
        for told in answer.told:
            found[kind, told[name]] = {each: told[each] for each in SHOWN[kind]}
    return found
