"""The rows and groups of the route table that administrators make while the server runs, beside those of its settings.

::

    route add, change, place, remove, set ─┐
    group add, change, remove ─────────────┴─ Made: checked whole ── in force ── kept in one transaction ── answered

Each change is a whole new table, so that nobody ever sees half of one. Its version is a digest of what it tells.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import msgspec
import structlog
from sqlite_utils import Database

from confserver.app.orders import Done, Orders
from confserver.app.route_table import MADE, row_of
from confserver.config.route_rows import Known, Made, RowError, check_alone, check_made, read_row, read_rows, written
from confserver.config.routes import Group, Route
from confserver.routing.commands import (
    AddGroup,
    AddRoute,
    ChangeGroup,
    ChangeRoute,
    Command,
    PlaceRoute,
    RemoveGroup,
    RemoveRoute,
    SetRoutes,
)  # fmt: skip
from confserver.routing.commands.routes import OTHERWISE_CALLED
from confserver.routing.refusals import Conflict, Invalid, NotFound
from confserver.routing.route_store import keep_table, load_table
from confserver.routing.store import StoreError

log = structlog.get_logger("routes")
NO_MEMBERS = ("route", "before", "clear")
"""Fields of commands that say which row, and where."""

T = TypeVar("T", bound=Route | Group)


def kept_table(db: Database) -> Made:
    """What the last run has left. Raises StoreError."""
    kept = load_table(db)
    try:
        made = Made(read_rows(Route, kept["routes"]), read_rows(Group, kept["groups"]))
        check_alone(made)
        return made
    except ValueError as error:
        raise StoreError(f"the store cannot be read: {error}") from error


class MadeRoutes:
    """``use``: called after each change, which holds from then on."""

    def __init__(self, use: Callable[[], object]) -> None:
        self.made = Made()
        self._known = Known()
        self._gaps: dict[str, str] = {}
        self._use = use
        self._version = ""

    def restore(self, made: Made) -> None:
        self._take(made)
        if self._gaps:
            log.warning("rows of the route table are off", rows=len(self._gaps), first=next(iter(self._gaps.values())))

    def know(self, known: Known) -> None:
        """What the settings have by now."""
        self._known = known
        self._take(self.made)

    def off(self, row: Route) -> str:
        """Why a row is passed over: what it names has gone from the settings."""
        return self._gaps.get(row.name, "")

    def off_group(self, group: Group) -> str:
        return "the settings have one of this name" if group.name in self._known.groups else ""

    def _take(self, made: Made) -> None:
        self.made, self._gaps, self._version = made, made.gaps(self._known), ""
        self._use()

    # ------------------------------------------------------------------ what administrators ask for
    def join(self, orders: Orders) -> None:
        handlers: dict[type[Command], Callable[[Any, float], Done]] = {
            AddRoute: self._add,
            ChangeRoute: self._change,
            PlaceRoute: self._place,
            RemoveRoute: self._remove,
            SetRoutes: self._set,
            AddGroup: self._add_group,
            ChangeGroup: self._change_group,
            RemoveGroup: self._remove_group,
        }
        orders.handlers |= handlers
        orders.versions |= dict.fromkeys(handlers, lambda: self.version)
        orders.answers["route table"] = lambda _, now: self.describe()

    @property
    def version(self) -> str:
        if not self._version:
            told = msgspec.json.encode(self._told())
            self._version = hashlib.sha256(told).hexdigest()[:16]
        return self._version

    def describe(self) -> dict[str, object]:
        return {"version": self.version, **self._told()}

    def _told(self) -> dict[str, object]:
        """``trunks`` and ``groups_of_settings``: what rows may name besides."""
        known = self._known
        return self.made.written() | {
            "off": list(self._gaps),
            "groups_of_settings": sorted(known.groups),
            "trunks": sorted(known.trunks),
        }

    def _done(
        self, what: str, name: str, made: Made, told: Callable[[], Mapping[str, object]] | None, *, is_new: bool = False
    ) -> Done:
        """Raises Invalid; nothing has changed then. ``told``: None where it is gone."""
        try:
            check_made(made, self._known, self.made)
        except RowError as error:
            raise Invalid(str(error)) from None
        self._take(made)
        log.info(what, name=name)
        kept = made.written()
        answer = None if told is None else {**told(), "version": self.version}
        return Done(answer, lambda db: keep_table(db, kept), is_new)

    # ------------------------------------------------------------------ rows
    def _add(self, order: AddRoute, now: float) -> Done:
        if any(row.name == order.route for row in self.made.routes):
            raise Conflict(f"there is a row {order.route[:64]!r} already; it can be changed")
        row = _read(Route, {"name": order.route, **_members(order)})
        return self._with_row("route added", row, self.made.routes, order.before, is_new=True)

    def _change(self, order: ChangeRoute, now: float) -> Done:
        at, row = self._row(order.route)
        said = written(row) | _members(order)
        for name in filter(None, order.clear):
            key = OTHERWISE_CALLED.get(name, name)
            if key not in Route.__struct_fields__ or key == "name":
                raise Invalid(f"clear: a row has no member {name[:64]!r} that could be taken away")
            said.pop(key, None)
        row = _read(Route, said)
        routes = (*self.made.routes[:at], row, *self.made.routes[at + 1 :])
        made = replace(self.made, routes=routes)
        return self._done("route changed", row.name, made, lambda: self._shown(row.name))

    def _place(self, order: PlaceRoute, now: float) -> Done:
        at, row = self._row(order.route)
        if order.before == order.route:
            raise Invalid("before: a row cannot come before itself")
        others = (*self.made.routes[:at], *self.made.routes[at + 1 :])
        return self._with_row("route placed", row, others, order.before)

    def _with_row(self, what: str, row: Route, others: tuple[Route, ...], before: str, *, is_new: bool = False) -> Done:
        names = [each.name for each in others]
        if before and before not in names:
            raise NotFound(f"before: there is no row {before[:64]!r} among those that were made")
        at = names.index(before) if before else len(names)
        made = replace(self.made, routes=(*others[:at], row, *others[at:]))
        return self._done(what, row.name, made, lambda: self._shown(row.name), is_new=is_new)

    def _remove(self, order: RemoveRoute, now: float) -> Done:
        at, row = self._row(order.route)
        routes = (*self.made.routes[:at], *self.made.routes[at + 1 :])
        return self._done("route removed", row.name, replace(self.made, routes=routes), None)

    def _row(self, name: str) -> tuple[int, Route]:
        """Its place, and itself. Raises NotFound."""
        for at, row in enumerate(self.made.routes):
            if row.name == name:
                return at, row
        raise NotFound(f"there is no row {name[:64]!r} among those that were made")

    def _shown(self, name: str) -> dict[str, object]:
        at, row = self._row(name)
        return {"number": at + 1, "source": MADE, **row_of(row).describe(), "off": self.off(row)}

    def _set(self, order: SetRoutes, now: float) -> Done:
        if order.version and order.version != self.version:
            raise Conflict(f"the route table has changed since: it is at {self.version} now")
        try:
            routes = self.made.routes if order.routes is None else read_rows(Route, order.routes)
            groups = self.made.groups if order.groups is None else read_rows(Group, order.groups)
        except RowError as error:
            raise Invalid(str(error)) from None
        return self._done("routes set", f"{len(routes)} rows", Made(routes, groups), self._told)

    # ------------------------------------------------------------------ groups
    def _add_group(self, order: AddGroup, now: float) -> Done:
        if order.group in self.made.group_names:
            raise Conflict(f"there is a group {order.group} already; it can be changed")
        if order.group in self._known.groups:
            raise Conflict(f"{order.group} is in the settings; it is changed there")
        group = _read(Group, {"name": order.group, "members": _texts(order.members)})
        made = replace(self.made, groups=(*self.made.groups, group))
        return self._done("group added", group.name, made, lambda: self._shown_group(group), is_new=True)

    def _change_group(self, order: ChangeGroup, now: float) -> Done:
        at, old = self._group(order.group)
        members = old.members if order.members is None else _texts(order.members)
        group = _read(Group, {"name": old.name, "members": members})
        made = replace(self.made, groups=(*self.made.groups[:at], group, *self.made.groups[at + 1 :]))
        return self._done("group changed", group.name, made, lambda: self._shown_group(group))

    def _remove_group(self, order: RemoveGroup, now: float) -> Done:
        at, group = self._group(order.group)
        named = [row.name for row in self.made.routes if group.name in row.group]
        if named and not self.off_group(group):
            raise Conflict(f"the row {named[0]!r} names the group {group.name}")
        made = replace(self.made, groups=(*self.made.groups[:at], *self.made.groups[at + 1 :]))
        return self._done("group removed", group.name, made, None)

    def _group(self, name: str) -> tuple[int, Group]:
        """Its place, and itself. Raises NotFound, or Conflict where it is the settings'."""
        for at, group in enumerate(self.made.groups):
            if group.name == name:
                return at, group
        if name in self._known.groups:
            raise Conflict(f"{name} is in the settings; it is changed there")
        raise NotFound(f"there is no group {name[:64]!r} among those that were made")

    def _shown_group(self, group: Group) -> dict[str, object]:
        return {"group": group.name, "members": list(group.members), "source": MADE, "off": self.off_group(group)}

    def groups(self) -> list[dict[str, object]]:
        return [self._shown_group(group) for group in self.made.groups]


def _members(order: AddRoute | ChangeRoute) -> dict[str, object]:
    """What an order says of its row, as the settings call it."""
    given = {each.name: getattr(order, each.name) for each in fields(order) if each.name not in NO_MEMBERS}
    said = {OTHERWISE_CALLED.get(name, name): value for name, value in given.items() if value is not None}
    return {name: _plain(value) for name, value in said.items()}


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    return _texts(value) if isinstance(value, tuple) else value


def _texts(values: tuple[str, ...]) -> tuple[str, ...]:
    """On the command line an empty text says that there are none."""
    return tuple(value for value in values if value != "")


def _read(kind: type[T], table: Mapping[str, object]) -> T:
    try:
        return read_row(kind, table)
    except RowError as error:
        raise Invalid(str(error)) from None
