"""The rows and groups of the route table that administrators make while the server runs.

They are asked before those of the settings. Their members are those of the settings, with the same words, but for
``request``, which the settings call ``method``: a command's method is that of HTTP.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, ClassVar, get_type_hints

from msgspec import Meta

from confserver.config.routes import Group, Route
from confserver.routing.commands.command import Command

OTHERWISE_CALLED = {"request": "method"}
"""Members of commands, and what rows call them."""
BEFORE = "The row that comes after it; none: it is the last of those that were made."
CLEAR = "A member that is said no more, such as hours; more than one: say it again."
VERSION = "Only where the table is at this version, as route table says it; else nothing changes."


def said(name: str, kind: type[Route | Group] = Route, *, default: Any = (), unsaid: str = "") -> Any:
    """A field of that member's words, in which the settings say what none means."""
    [words] = [
        each.description
        for each in get_type_hints(kind, include_extras=True)[name].__metadata__
        if isinstance(each, Meta) and each.description
    ]
    many = " More than one: say it again." if default == () or (unsaid and name in _LISTS[kind]) else ""
    return field(default=default, metadata={"help": words + many, "unsaid": unsaid})


_LISTS = {kind: {each for each in kind.__struct_fields__ if getattr(kind(), each) == ()} for kind in (Route, Group)}


def _new(name: str, kind: type[Route | Group] = Route) -> Any:
    return said(name, kind, default=getattr(kind(), name))


def _kept(name: str, kind: type[Route | Group] = Route) -> Any:
    return said(name, kind, default=None, unsaid="as it is")


def _told(words: str, default: Any = "", unsaid: str = "") -> Any:
    return field(default=default, metadata={"help": words, "unsaid": unsaid})


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
    request: tuple[str, ...] = _new("method")
    domain: tuple[str, ...] = _new("domain")
    user: tuple[str, ...] = _new("user")
    source: tuple[str, ...] = _new("source")
    identity: tuple[str, ...] = _new("identity")
    group: tuple[str, ...] = _new("group")
    days: tuple[str, ...] = _new("days")
    hours: str = _new("hours")
    to: RouteTo = said("to", default=RouteTo.ROOM)  # noqa: RUF009
    target: tuple[str, ...] = _new("target")
    strip: int = _new("strip")
    prepend: str = _new("prepend")
    status: int = _new("status")
    reason: str = _new("reason")
    before: str = _told(BEFORE)


@dataclass(frozen=True, slots=True)
class ChangeRoute(_OfTable):
    """Change what a row says that was made; its place stays."""

    path: ClassVar[str] = "/routes/{route}"
    noun: ClassVar[str] = "route"
    verb: ClassVar[str] = "change"

    route: str
    request: tuple[str, ...] | None = _kept("method")
    domain: tuple[str, ...] | None = _kept("domain")
    user: tuple[str, ...] | None = _kept("user")
    source: tuple[str, ...] | None = _kept("source")
    identity: tuple[str, ...] | None = _kept("identity")
    group: tuple[str, ...] | None = _kept("group")
    days: tuple[str, ...] | None = _kept("days")
    hours: str | None = _kept("hours")
    to: RouteTo | None = _kept("to")  # noqa: RUF009
    target: tuple[str, ...] | None = _kept("target")
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
    members: tuple[str, ...] = _new("members", Group)


@dataclass(frozen=True, slots=True)
class ChangeGroup(_OfTable):
    """Say who is in a group that was made."""

    path: ClassVar[str] = "/groups/{group}"
    noun: ClassVar[str] = "group"
    verb: ClassVar[str] = "change"

    group: str
    members: tuple[str, ...] | None = _kept("members", Group)


@dataclass(frozen=True, slots=True)
class RemoveGroup(_OfTable):
    """Forget a group that was made, and that no row names."""

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/groups/{group}"
    noun: ClassVar[str] = "group"
    verb: ClassVar[str] = "remove"

    group: str
