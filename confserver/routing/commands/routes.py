"""The rows and groups of the route table that administrators make while the server runs.

They are asked before those of the settings. Their members are those of the settings, with the same words, but for
``request``, which the settings call ``method``: a command's method is that of HTTP.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from confserver.route_words import GROUP, ROUTE
from confserver.routing.commands.command import Command

OTHERWISE_CALLED = {"request": "method"}
"""Members of commands, and what rows call them."""
BEFORE = "The row that comes after it; none: it is the last of those that were made."
CLEAR = "A member that is said no more, such as hours; more than one: say it again."
VERSION = "Only where the table is at this version, as route table says it; else nothing changes."


AS_IT_IS = "as it is"
MORE = " More than one: say it again."


def _told(words: str, default: Any = "", unsaid: str = "") -> Any:
    return field(default=default, metadata={"help": words, "unsaid": unsaid})


def _one(name: str, default: Any) -> Any:
    return _told(ROUTE[name], default)


def _many(name: str, words: Mapping[str, str] = ROUTE) -> Any:
    return _told(words[name] + MORE, ())


def _kept(name: str) -> Any:
    return _told(ROUTE[name], None, AS_IT_IS)


def _kept_many(name: str, words: Mapping[str, str] = ROUTE) -> Any:
    return _told(words[name] + MORE, None, AS_IT_IS)


class RouteTo(enum.Enum):
    """Where requests of a row go."""

    ROOM = "room"
    USER = "user"
    TRUNK = "trunk"
    ADDRESS = "address"
    REDIRECT = "redirect"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class _OfTable(Command):
    """Changes the table: its answer tells the version that it has then, and If-Match may name the one before."""

    is_versioned: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class AddRoute(_OfTable):
    """Make a row of the route table: requests for which all holds go where it says.

    Rows that were made are asked before those of the settings, in their order; the first whose conditions all hold
    decides.
    """

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/routes/{route}"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "add"

    route: str
    request: tuple[str, ...] = _many("method")
    domain: tuple[str, ...] = _many("domain")
    user: tuple[str, ...] = _many("user")
    source: tuple[str, ...] = _many("source")
    identity: tuple[str, ...] = _many("identity")
    group: tuple[str, ...] = _many("group")
    days: tuple[str, ...] = _many("days")
    hours: str = _one("hours", "")
    to: RouteTo = _one("to", RouteTo.ROOM)  # noqa: RUF009
    target: tuple[str, ...] = _many("target")
    strip: int = _one("strip", 0)
    prepend: str = _one("prepend", "")
    status: int = _one("status", 0)
    reason: str = _one("reason", "")
    before: str = _told(BEFORE)


@dataclass(frozen=True, slots=True)
class ChangeRoute(_OfTable):
    """Change what a row says that was made; its place stays."""

    path: ClassVar[str] = "/routes/{route}"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "change"

    route: str
    request: tuple[str, ...] | None = _kept_many("method")
    domain: tuple[str, ...] | None = _kept_many("domain")
    user: tuple[str, ...] | None = _kept_many("user")
    source: tuple[str, ...] | None = _kept_many("source")
    identity: tuple[str, ...] | None = _kept_many("identity")
    group: tuple[str, ...] | None = _kept_many("group")
    days: tuple[str, ...] | None = _kept_many("days")
    hours: str | None = _kept("hours")
    to: RouteTo | None = _kept("to")  # noqa: RUF009
    target: tuple[str, ...] | None = _kept_many("target")
    strip: int | None = _kept("strip")
    prepend: str | None = _kept("prepend")
    status: int | None = _kept("status")
    reason: str | None = _kept("reason")
    clear: tuple[str, ...] = _told(CLEAR, ())


@dataclass(frozen=True, slots=True)
class PlaceRoute(_OfTable):
    """Put a row that was made before another one, or behind all that were."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/routes/{route}/place"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "place"

    route: str
    before: str = _told(BEFORE)


@dataclass(frozen=True, slots=True)
class RemoveRoute(_OfTable):
    """Forget a row that was made."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/routes/{route}"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "remove"

    route: str


@dataclass(frozen=True, slots=True)
class SetRoutes(_OfTable):
    """Put other rows and groups in the place of all that were made, whole or not at all.

    Each is a table as the settings write it, with a name that no other has. What is not given (rows, or groups) stays.
    """

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/route-table"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "set"
    most_body_bytes: ClassVar[int] = 512 * 1024

    routes: tuple[dict[str, Any], ...] | None = _told(
        "A row, as JSON; more than one, in their order: say it again.", None, "those that there are"
    )
    groups: tuple[dict[str, Any], ...] | None = _told(
        "A group, as JSON; more than one: say it again.", None, "those that there are"
    )
    version: str = _told(VERSION)


@dataclass(frozen=True, slots=True)
class AddGroup(_OfTable):
    """Make a group of users, for rows of the route table."""

    method: ClassVar[str] = "PUT"
    path: ClassVar[str] = "/groups/{group}"
    noun: ClassVar[str] = "group"
    verb: ClassVar[str] = "add"

    group: str
    members: tuple[str, ...] = _many("members", GROUP)


@dataclass(frozen=True, slots=True)
class ChangeGroup(_OfTable):
    """Say who is in a group that was made."""

    path: ClassVar[str] = "/groups/{group}"
    noun: ClassVar[str] = "group"
    verb: ClassVar[str] = "change"

    group: str
    members: tuple[str, ...] | None = _kept_many("members", GROUP)


@dataclass(frozen=True, slots=True)
class RemoveGroup(_OfTable):
    """Forget a group that was made, and that no row names."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/groups/{group}"
    noun: ClassVar[str] = "group"
    verb: ClassVar[str] = "remove"

    group: str
