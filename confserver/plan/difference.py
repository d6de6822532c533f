"""From what is wanted and what there is to the steps between, each a request with its words.

The order leaves nothing dangling at any moment: profiles before what extends them, profiles before rooms, rooms
changed before anything is removed, profiles removed last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confserver.config.route_rows import RowError
from confserver.plan import routes
from confserver.plan.document import Wanted, WantedUser, check
from confserver.plan.present import Present, PresentUser, at
from rooms.policy import SECRETS
from rooms.profiles import Profile

NEW, OTHER, GONE = "+", "~", "-"
HIDDEN = "(secret)"


@dataclass(frozen=True, slots=True)
class Step:
    """One request. ``sign``: + makes, ~ changes, - removes. ``lines``: what changes, for people."""

    sign: str
    what: str
    method: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    lines: tuple[str, ...] = ()
    room: str = ""
    """Of a removal: it is done only while nobody is in there."""
    removes: int = 0
    """So many things are no more then."""


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    drift: tuple[str, ...]
    """What the server has and the files have not, in words."""

    @property
    def removals(self) -> int:
        return sum(step.removes or step.sign == GONE for step in self.steps)


def difference(wanted: Wanted, present: Present, *, prune: bool) -> Plan:
    """``prune``: what is not in the files is removed, of the kinds that they speak of. Raises DocumentError."""
    _check_fixed(wanted, present)
    kept = [each for each in present.profiles.values() if not _is_pruned(each.name, wanted, present, prune)]
    check(wanted, kept)
    table = _table(wanted, present, prune=prune)
    steps = [*_profiles(wanted, present), *_rooms(wanted, present), *_users(wanted, present)]
    steps += [*_route_table(table), *_bans(wanted, present)]
    extra = [*_extra(wanted, present)]
    if prune:
        return Plan((*steps, *extra), table.drift)
    return Plan(tuple(steps), (*(f"{step.what} is not in the files" for step in extra), *table.drift))


def _check_fixed(wanted: Wanted, present: Present) -> None:
    for name in wanted.profiles:
        if name in present.fixed and wanted.profiles[name] != present.profiles[name]:
            words = "is otherwise in the server's settings file: change it there, then reload"
            raise wanted.complain("profiles", name, words)


def _is_pruned(name: str, wanted: Wanted, present: Present, prune: bool) -> bool:
    return prune and "profiles" in wanted.kinds and name not in wanted.profiles and name not in present.fixed


# ------------------------------------------------------------------ what is made and changed
def _profiles(wanted: Wanted, present: Present) -> Iterable[Step]:
    for profile in _in_order(wanted.profiles):
        old = present.profiles.get(profile.name)
        if old == profile:
            continue
        body = {"extends": profile.extends, "rules": dict(profile.said)}
        before = None if old is None else {"extends": old.extends, **old.said}
        yield _put("profile", profile.name, at("profiles", profile.name), body, before, _flat(body, "extends"))


def _in_order(profiles: Mapping[str, Profile]) -> list[Profile]:
    """What is extended comes first."""
    done: dict[str, Profile] = {}

    def take(name: str) -> None:
        if name in profiles and name not in done:
            take(profiles[name].extends)
            done[name] = profiles[name]

    for name in sorted(profiles):
        take(name)
    return list(done.values())


def _rooms(wanted: Wanted, present: Present) -> Iterable[Step]:
    for name, room in sorted(wanted.rooms.items()):
        old = present.rooms.get(name)
        if old is not None and (old.profile, old.rules) == (room.profile, room.rules):
            continue
        before = None if old is None else {"profile": old.profile, **old.rules}
        body = {"profile": room.profile, **room.rules}
        yield _put("room", name, at("rooms", name), body, before, body)


def _flat(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {key: body[key], **body["rules"]}


def _put(
    kind: str, name: str, path: str, body: Mapping[str, Any], before: Mapping[str, Any] | None, now: Mapping[str, Any]
) -> Step:
    lines = _changes(before or {}, now)
    return Step(NEW if before is None else OTHER, f"{kind} {name}", "PUT", path, body, lines)


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    lines = []
    before, now = dict(_leaves(before)), dict(_leaves(now))
    for name in dict.fromkeys((*now, *before)):
        old, new = before.get(name), now.get(name)
        if old == new or (old in (None, "") and new in (None, "")):
            continue
        if new in (None, ""):
            lines.append(f"{name}: {_said(name, old)}, and no longer said")
        elif old in (None, ""):
            lines.append(f"{name}: {_said(name, new)}")
        else:
            lines.append(f"{name}: {_said(name, old)} -> {_said(name, new)}")
    return tuple(lines)


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """Tables in tables (menus) by dotted names."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _said(name: str, value: object) -> str:
    if name.partition(".")[0] in SECRETS:
        return HIDDEN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "none"
    return str(value)


def _users(wanted: Wanted, present: Present) -> list[Step]:
    """Who gives an alias away comes before who takes it."""
    owners = {alias: name for name, user in present.users.items() for alias in user.aliases}

    def takes(name: str) -> bool:
        aliases = wanted.users[name].aliases or ()
        return any(owners.get(each, name) != name for each in aliases)

    steps: list[Step] = []
    for name in sorted(wanted.users, key=lambda name: (takes(name), name)):
        steps += _user(name, wanted.users[name], present.users.get(name))
    return steps


def _user(name: str, user: WantedUser, old: PresentUser | None) -> Iterable[Step]:
    said: dict[str, Any] = {"display": user.display, "aliases": user.aliases, "enabled": user.enabled}
    said = {key: list(value) if isinstance(value, tuple) else value for key, value in said.items() if value is not None}
    if old is None:
        body = {key: value for key, value in said.items() if key != "enabled"}
        password = {} if user.password is None else {"password": user.password}
        how = "that of the file" if user.password is not None else "made by the server"
        lines = (*_changes({}, said), f"password: {how}")
        yield Step(NEW, f"user {name}", "PUT", at("users", name), body | password, lines)
        if user.enabled is False:
            yield Step(OTHER, f"user {name}", "POST", at("users", name), {"enabled": False}, ("enabled: no",))
        return
    before: dict[str, Any] = {"display": old.display, "aliases": list(old.aliases), "enabled": old.enabled}
    lines = tuple(line for key in said for line in _changes({key: before[key]}, {key: said[key]}))
    if lines or any(before[key] != said[key] for key in said):
        yield Step(OTHER, f"user {name}", "POST", at("users", name), said, lines)


def _bans(wanted: Wanted, present: Present) -> Iterable[Step]:
    for network, reason in sorted(wanted.bans.items()):
        old = present.bans.get(network)
        if old != reason:
            before = None if old is None else {"reason": old}
            yield _put("ban", network, at("bans", network), {"reason": reason}, before, {"reason": reason})


def _table(wanted: Wanted, present: Present, *, prune: bool) -> routes.TableChange:
    try:
        return routes.change_of(wanted.table, wanted.kinds & routes.KINDS.keys(), present.table, prune=prune)
    except RowError as error:
        raise routes.complaint(error, wanted.places) from None


def _route_table(table: routes.TableChange) -> Iterable[Step]:
    """One request for all of it, so that no call ever finds half a table."""
    if table.lines:
        yield Step(OTHER, "routes", "PUT", at("route-table"), table.body, table.lines, removes=table.removes)


# ------------------------------------------------------------------ what is too much
def _extra(wanted: Wanted, present: Present) -> Iterable[Step]:
    if "rooms" in wanted.kinds:
        for name in sorted(present.rooms.keys() - wanted.rooms.keys()):
            people = present.rooms[name].people
            lines = (f"{people} are in it: it stays until they have gone",) if people else ()
            yield Step(GONE, f"room {name}", "DELETE", at("rooms", name), {}, lines, room=name)
    if "users" in wanted.kinds:
        for name in sorted(present.users.keys() - wanted.users.keys()):
            yield Step(GONE, f"user {name}", "DELETE", at("users", name))
    if "bans" in wanted.kinds:
        for name in sorted(present.bans.keys() - wanted.bans.keys()):
            yield Step(GONE, f"ban {name}", "DELETE", at("bans", name))
    if "profiles" in wanted.kinds:
        extra = {name: each for name, each in present.profiles.items()
                 if name not in wanted.profiles and name not in present.fixed}  # fmt: skip
        for profile in reversed(_in_order(extra)):
            yield Step(GONE, f"profile {profile.name}", "DELETE", at("profiles", profile.name))
