"""What a server has now, asked by HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from confserver.plan.routes import PresentTable, table_of
from rooms.profiles import Profile

Ask = Callable[[str, str, Mapping[str, object]], Any]
"""Method, path and body to the JSON of the answer. Raises Refusal."""


class Refusal(Exception):
    """The server has refused; its text is one line for people."""


@dataclass(frozen=True, slots=True)
class PresentRoom:
    profile: str
    rules: Mapping[str, Any]
    people: int = 0


@dataclass(frozen=True, slots=True)
class PresentUser:
    display: str
    aliases: tuple[str, ...]
    enabled: bool


@dataclass(slots=True)
class Present:
    profiles: dict[str, Profile] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    """Profiles of the server's settings file: they are changed there."""
    rooms: dict[str, PresentRoom] = field(default_factory=dict)
    users: dict[str, PresentUser] = field(default_factory=dict)
    bans: dict[str, str] = field(default_factory=dict)
    """Only those that an administrator has set for good."""
    table: PresentTable = field(default_factory=PresentTable)
    """Routes and groups that were made; those of the settings are changed there."""


def look(ask: Ask, kinds: set[str]) -> Present:
    """Raises Refusal."""
    present = Present()
    if kinds & {"profiles", "rooms"}:
        for row in ask("GET", "/profiles", {}):
            present.profiles[row["profile"]] = Profile(row["profile"], row["rules"], row["extends"])
            if row["source"] == "settings":
                present.fixed.add(row["profile"])
    if "rooms" in kinds:
        people = {row["name"]: len(row["participants"]) + row["reserved"] for row in ask("GET", "/rooms", {})}
        for row in ask("GET", "/rules", {}):
            present.rooms[row["room"]] = PresentRoom(row["profile"], row["rules"], people.get(row["room"], 0))
    if "users" in kinds:
        for row in ask("GET", "/users", {}):
            present.users[row["user"]] = PresentUser(row["display"], tuple(row["aliases"]), row["enabled"])
    if "bans" in kinds:
        rows = ask("GET", "/bans", {})
        present.bans = {row["network"]: row["reason"] for row in rows if row["until"] is None and row["by"] != "server"}
    if kinds & {"routes", "groups"}:
        present.table = table_of(ask("GET", "/route-table", {}))
    return present


def at(*segments: str) -> str:
    return "".join("/" + quote(segment, safe="") for segment in segments)
