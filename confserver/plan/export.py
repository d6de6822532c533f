"""What a server has, as a file that asks for nothing: the beginning of rooms as code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from confserver.config.toml import toml_key, toml_value
from confserver.plan.present import Present
from rooms.policy import RULES

HEAD = """\
# What the server has. After a change of this file "confserver plan FILE" shows what it would change,
# and "confserver apply FILE" does it. Kinds that the file says nothing of are left alone. PINs are here as they are:
# pin = { env = "NAME" } or { file = "NAME" } has one stand elsewhere. Passwords are not known; password =
# { env = "NAME" } or { file = "NAME" } gives that of a new user.
"""


def as_toml(present: Present) -> str:
    parts = [HEAD]
    for name, profile in sorted(present.profiles.items()):
        if name in present.fixed:
            parts.append(f"# The profile {name} is one of the server's settings file.\n")
        else:
            parts.append(_table("profiles", name, {"extends": profile.extends, **profile.said}))
    for name, room in sorted(present.rooms.items()):
        parts.append(_table("rooms", name, {"profile": room.profile, **room.rules}))
    for name, user in sorted(present.users.items()):
        said = {"display": user.display, "aliases": list(user.aliases)} | ({} if user.enabled else {"enabled": False})
        parts.append(_table("users", name, said))
    for name, reason in sorted(present.bans.items()):
        parts.append(_table("bans", name, {"reason": reason}))
    rows = present.table.made.written()
    parts += [_row(kind, row) for kind in ("groups", "routes") for row in rows[kind]]
    return "\n".join(parts)


def _table(kind: str, name: str, members: Mapping[str, Any]) -> str:
    said = [key for key, value in members.items() if key in RULES or value not in (None, "", [])]
    lines = [f"{toml_key(key)} = {toml_value(members[key])}" for key in said]
    return "\n".join([f"[{kind}.{toml_key(name)}]", *lines]) + "\n"


def _row(kind: str, row: Mapping[str, Any]) -> str:
    return "\n".join([f"[[{kind}]]", *(f"{toml_key(key)} = {toml_value(value)}" for key, value in row.items())]) + "\n"
