"""Files of rooms, profiles, users, bans and routes: read strictly, checked whole, before anything is asked of a server.

::

    [profiles.webinar]          [rooms.standup]           [users.alice]                 [bans."198.51.100.0/24"]
    extends = "office"          profile = "office"        display = "Alice"             reason = "scans"
    mute_on_entry = true        max_participants = 20     aliases = ["1000"]
                                                          password_file = "alice.pw"

``routes`` has what is said of [[routes]] and [[groups]], ``hidden`` where secrets may stand instead.
"""

from __future__ import annotations

import datetime
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confserver.config.route_rows import Made
from confserver.config.routes import Group, Route
from confserver.plan import hidden, routes
from confserver.plan.place import DocumentError as DocumentError
from confserver.plan.place import Place
from confserver.routing import refusals
from confserver.routing.bans import name_of
from confserver.routing.users import alias_of
from rooms.errors import Refused
from rooms.policy import RULES, SECRETS, room_name
from rooms.profiles import Profile, Profiles, plain

KINDS = ("profiles", "rooms", "users", "bans", *routes.KINDS)
USER_KEYS: Mapping[str, type] = {
    "display": str,
    "aliases": list,
    "enabled": bool,
    "password_file": str,
    "password": dict,
}
BAN_KEYS: Mapping[str, type] = {"reason": str}
MOST_BYTES = 16 << 20
_KEYS = re.compile(r"[a-z_]*(?:\.[^\s.:]+)*")
"""Which rule a refusal begins with, and where in it: ``menu.participant.1``."""


@dataclass(frozen=True, slots=True)
class WantedRoom:
    profile: str
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WantedUser:
    """``password`` is that of a user who is made; None: the server makes one. What is None stays as it is."""

    display: str | None = None
    aliases: tuple[str, ...] | None = None
    enabled: bool | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Wanted:
    """What files say. ``kinds``: of what they say anything; the others are left alone."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    rooms: dict[str, WantedRoom] = field(default_factory=dict)
    users: dict[str, WantedUser] = field(default_factory=dict)
    bans: dict[str, str] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)
    """Where each stands, for complaints."""

    @property
    def table(self) -> Made:
        return Made(tuple(self.routes), tuple(self.groups))

    def complain(self, kind: str, name: str, words: str, *keys: str) -> DocumentError:
        place = self.places[kind, name]
        return place.complain(words, *keys)


def files_of(path: Path) -> list[Path]:
    """The file, or all ``*.toml`` of the directory, by name. Raises DocumentError."""
    if not path.is_dir():
        return [path]
    files = sorted(each for each in path.glob("*.toml") if each.is_file())
    if not files:
        raise DocumentError(f"{path}: there is no file *.toml in this directory")
    return files


def read(path: Path) -> Wanted:
    """Raises DocumentError for the first thing that cannot be."""
    wanted = Wanted()
    for file in files_of(path):
        _read_file(file, wanted)
    return wanted


def _read_file(file: Path, wanted: Wanted) -> None:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise DocumentError(f"{file}: is larger than {MOST_BYTES >> 20} MB")
        text = file.read_bytes().decode()
        tables = tomllib.loads(text)
    except OSError as error:
        raise DocumentError(f"{file}: cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"{file}: is not UTF-8 at byte {error.start}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DocumentError(f"{file}: is not TOML: {error or 'nested too deeply'}") from None
    top = Place(file, text)
    _check_keys(tables, KINDS, top)
    for kind, table in tables.items():
        wanted.kinds.add(kind)
        if kind in routes.KINDS:
            _read_rows(wanted, kind, table, top)
            continue
        if not isinstance(table, dict):
            raise top.complain(f"must be tables, [{kind}.NAME]", kind)
        for name, inner in table.items():
            place = Place(file, text, (kind, name))
            if not isinstance(inner, dict):
                raise place.complain("must be a table")
            _READERS[kind](wanted, name, inner, place)


def _read_rows(wanted: Wanted, kind: str, table: object, top: Place) -> None:
    for row, place in routes.read_list(kind, table, top):
        _note(wanted, kind, row.name, place)
        if isinstance(row, Route):
            wanted.routes.append(row)
        else:
            wanted.groups.append(row)


def _note(wanted: Wanted, kind: str, name: str, place: Place) -> None:
    """Nothing is said twice, in whichever files."""
    if (other := wanted.places.get((kind, name))) is not None:
        raise place.complain(f"is in {other.file}:{other.line()} already")
    wanted.places[kind, name] = place


def _read_profile(wanted: Wanted, name: str, table: dict[str, Any], place: Place) -> None:
    _note(wanted, "profiles", _named(name, "profile", place), place)
    _check_keys(table, ("extends", *RULES), place)
    extends = _typed(table, "extends", str, place) or ""
    wanted.profiles[name] = Profile(name, _rules(table, ("extends",), place), extends)


def _read_room(wanted: Wanted, name: str, table: dict[str, Any], place: Place) -> None:
    _note(wanted, "rooms", _named(name, "room", place), place)
    _check_keys(table, ("profile", *RULES), place)
    profile = _typed(table, "profile", str, place) or ""
    wanted.rooms[name] = WantedRoom(profile, _rules(table, ("profile",), place))


def _read_user(wanted: Wanted, name: str, table: dict[str, Any], place: Place) -> None:
    _note(wanted, "users", name, place)
    _check_keys(table, tuple(USER_KEYS), place)
    said = {key: _typed(table, key, kind, place) for key, kind in USER_KEYS.items() if key != "password"}
    aliases = said["aliases"]
    if aliases is not None and not all(isinstance(each, str) for each in aliases):
        raise place.complain("must be a list of text", "aliases")
    try:
        aliases = None if aliases is None else tuple(dict.fromkeys(map(alias_of, aliases)))
    except refusals.Refused as refused:
        raise place.complain(refused.reason, "aliases") from None
    wanted.users[name] = WantedUser(said["display"], aliases, said["enabled"], _password(table, place))


def _password(table: Mapping[str, Any], place: Place) -> str | None:
    """Never written in the file itself."""
    if "password_file" in table:
        if "password" in table:
            raise place.complain("is said twice: password_file, too", "password")
        return hidden.first_line(place, "password_file", table["password_file"])
    said = table.get("password")
    if said is not None and not isinstance(said, dict):
        raise place.complain(f"is never written here: {hidden.HOW}", "password")
    return None if said is None else hidden.secret_of(place, "password", said)


def _read_ban(wanted: Wanted, name: str, table: dict[str, Any], place: Place) -> None:
    try:
        spelling = name_of(name)
    except refusals.Refused as refused:
        raise place.complain(refused.reason) from None
    _note(wanted, "bans", spelling, place)
    _check_keys(table, tuple(BAN_KEYS), place)
    wanted.bans[spelling] = _typed(table, "reason", str, place) or ""


_READERS = {"profiles": _read_profile, "rooms": _read_room, "users": _read_user, "bans": _read_ban}


# ------------------------------------------------------------------ parts
def _named(name: str, what: str, place: Place) -> str:
    """Rooms and profiles have one spelling."""
    try:
        spelling = room_name(name)
    except Refused as refused:
        raise place.complain(refused.reason.replace("no room", f"no {what}")) from None
    if spelling != name:
        raise place.complain(f"names are written in small letters: {spelling}")
    return name


def _check_keys(table: Mapping[str, object], known: Iterable[str], place: Place) -> None:
    for key in table:
        if key not in known:
            alike = difflib.get_close_matches(key, list(known), n=1)
            hint = f"; did you mean {alike[0]}?" if alike else f"; there are: {', '.join(known)}"
            raise place.complain(f"is not known{hint}", key)


def _typed(table: Mapping[str, Any], key: str, kind: type, place: Place) -> Any:
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        words = {str: "text", list: "a list", bool: "true or false"}[kind]
        raise place.complain(f"must be {words}", key)
    return value


def _rules(table: Mapping[str, Any], but: tuple[str, ...], place: Place) -> dict[str, Any]:
    said = {name: _as_json(value) for name, value in table.items() if name not in but}
    elsewhere = {name: value for name, value in said.items() if name in SECRETS and isinstance(value, dict)}
    return plain(said | {name: hidden.secret_of(place, name, value) for name, value in elsewhere.items()})


def _as_json(value: object) -> object:
    """TOML's dates and times in the spelling of JSON."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    return {name: _as_json(each) for name, each in value.items()} if isinstance(value, dict) else value


def check(wanted: Wanted, others: Iterable[Profile]) -> None:
    """That all rules can be, with the profiles that will be there besides (``others``). Raises DocumentError."""
    profiles = {each.name: each for each in others} | wanted.profiles
    for name in wanted.profiles:
        _check(wanted, "profiles", name, profiles, name, {})
    for name, room in wanted.rooms.items():
        _check(wanted, "rooms", name, profiles, room.profile, room.rules)


def _check(
    wanted: Wanted, kind: str, name: str, profiles: Mapping[str, Profile], profile: str, rules: Mapping[str, Any]
) -> None:
    """Each is judged alone: ``Profiles`` would complain of any other that cannot be."""
    line: dict[str, Profile] = {}
    at = profile
    while at in profiles and at not in line:
        line[at] = profiles[at]
        at = profiles[at].extends
    if at and at not in profiles:
        key = "profile" if kind == "rooms" and at == profile else "extends"
        alike = difflib.get_close_matches(at, list(profiles), n=1)
        hint = f"did you mean {alike[0]}?" if alike else f"there are: {', '.join(sorted(profiles)) or 'none'}"
        raise wanted.complain(kind, name, f"there is no profile {at[:64]}; {hint}", *([key] if at != name else []))
    try:
        Profiles(None, line.values()).policy_of(rules, profile)
    except Refused as refused:
        words = refused.reason.removeprefix(f"profile {name}: ")
        keys = _KEYS.match(words)[0].split(".")  # type: ignore[index]
        is_said = keys[0] in RULES and keys[0] in (rules or _said_of(wanted, kind, name))
        raise wanted.complain(kind, name, words, *(keys if is_said else ())) from None


def _said_of(wanted: Wanted, kind: str, name: str) -> Mapping[str, Any]:
    return wanted.profiles[name].said if kind == "profiles" else wanted.rooms[name].rules
