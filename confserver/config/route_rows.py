"""Rows and groups of the route table that do not stand in the settings: read strictly, written short, checked whole.

Files of rooms as code have them, and administrators make them while the server runs. They are what the settings'
rows are, and are judged in the same words (``route_checks``); besides, each has a name that no other has.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from confserver.config.route_checks import check_group, check_names, check_row, titled
from confserver.config.routes import Group, Route

MOST_ROUTES, MOST_GROUPS = 1000, 200
MOST_TARGETS = 20
"""Of one row: they ring at once."""
MOST_VALUES = 5000
"""Patterns, networks and names of all rows and groups together: what a request may have to be compared with."""
MOST_NAME = 64

T = TypeVar("T", bound=Route | Group)


class RowError(ValueError):
    """``kind``: routes or groups; ``number``: which of them, from 1, 0 for all; ``key``: which member, "" for none."""

    def __init__(self, kind: str, number: int, name: str, words: str, key: str = "") -> None:
        if not key and words.partition(":")[0] in (*Route.__struct_fields__, *Group.__struct_fields__):
            key, _, words = words.partition(": ")
        title = titled(number, name) if kind == "routes" else f"group {name}"
        super().__init__(": ".join(each for each in (title if number else "", key, words) if each))
        self.kind, self.number, self.name, self.key, self.words = kind, number, name, key, words


@dataclass(frozen=True, slots=True)
class Known:
    """What rows may name beside groups of their own: what the settings have."""

    groups: Collection[str] = frozenset()
    trunks: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Made:
    """Rows in their order, and groups."""

    routes: tuple[Route, ...] = ()
    groups: tuple[Group, ...] = ()

    @property
    def group_names(self) -> frozenset[str]:
        return frozenset(group.name for group in self.groups)

    def gaps(self, known: Known) -> dict[str, str]:
        """The rows that name what is not there, and what that is, in words."""
        found = {}
        names = {*self.group_names, *known.groups}
        for row in self.routes:
            try:
                check_names(row, names, known.trunks)
            except ValueError as error:
                found[row.name] = str(error)
        return found

    def written(self) -> dict[str, list[dict[str, Any]]]:
        return {"routes": [written(row) for row in self.routes], "groups": [written(group) for group in self.groups]}


# ------------------------------------------------------------------ read and written
def read_rows(kind: type[T], tables: Iterable[object]) -> tuple[T, ...]:
    """Raises RowError."""
    return tuple(read_row(kind, table, number) for number, table in enumerate(tables, 1))


def read_row(kind: type[T], table: object, number: int = 0) -> T:
    """Raises RowError."""
    what = "routes" if kind is Route else "groups"
    if not isinstance(table, Mapping):
        raise RowError(what, number, "", "must be a table")
    name = table.get("name") if isinstance(table.get("name"), str) else ""
    for key in table:
        if key not in kind.__struct_fields__:
            alike = difflib.get_close_matches(str(key), kind.__struct_fields__, n=1)
            hint = f"did you mean {alike[0]}?" if alike else f"there are: {', '.join(kind.__struct_fields__)}"
            raise RowError(what, number, str(name)[:MOST_NAME], f"is not known; {hint}", str(key)[:MOST_NAME])
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:  # as in: Expected `array`, got `str` - at `$.user[0]`
        words, _, where = str(error).partition(" - at `$.")
        words = words[:1].lower() + words[1:].replace("`", "")
        raise RowError(what, number, str(name)[:MOST_NAME], words, where.rstrip("`").partition("[")[0]) from None


def written(row: Route | Group) -> dict[str, Any]:
    """Its name, and what is not as it is without being said."""
    plain = type(row)()
    said = [name for name in row.__struct_fields__ if name == "name" or getattr(row, name) != getattr(plain, name)]
    return {name: list(value) if isinstance(value := getattr(row, name), tuple) else value for name in said}


# ------------------------------------------------------------------ checked
def check_made(made: Made, known: Known, before: Made | None = None) -> None:
    """What a row names must be there; one that stays as it is may go on missing it (``before``: how all was).

    Raises RowError.
    """
    before = before or Made()
    _check_numbers(made)
    _check_groups(made.groups, known, before)
    seen: set[str] = set()
    old, gaps = {row.name: row for row in before.routes}, before.gaps(known)
    names = {*made.group_names, *known.groups}
    for number, row in enumerate(made.routes, 1):
        try:
            check_name(row.name)
            if row.name in seen:
                raise ValueError("there is another of this name")
            if len(row.target) > MOST_TARGETS:
                raise ValueError(f"target: there are more than {MOST_TARGETS}")
            if old.get(row.name) != row:
                check_row(row)
            if old.get(row.name) != row or row.name not in gaps:
                check_names(row, names, known.trunks)
        except ValueError as error:
            raise RowError("routes", number, row.name[:MOST_NAME], str(error)) from None
        seen.add(row.name)


def check_alone(made: Made) -> None:
    """Each row and group by itself, whatever it names. Raises ValueError."""
    for row in made.routes:
        check_name(row.name)
        check_row(row)
    for group in made.groups:
        check_group(group)


def check_name(name: str) -> None:
    if not name or len(name) > MOST_NAME or not name.isprintable() or name != name.strip():
        raise ValueError(f"name: {name[:MOST_NAME]!r} is none: 1 to {MOST_NAME} characters that can be printed")


def _check_groups(groups: Sequence[Group], known: Known, before: Made) -> None:
    seen: set[str] = set()
    for number, group in enumerate(groups, 1):
        try:
            check_group(group)
            if group.name in seen:
                raise ValueError("there is another of this name")
            if group.name in known.groups and group not in before.groups:
                raise ValueError("is in the settings; it is changed there")
        except ValueError as error:
            raise RowError("groups", number, group.name[:MOST_NAME], str(error)) from None
        seen.add(group.name)


def _check_numbers(made: Made) -> None:
    for kind, what, most in (("routes", made.routes, MOST_ROUTES), ("groups", made.groups, MOST_GROUPS)):
        if len(what) > most:
            raise RowError(kind, 0, "", f"there are {len(what)} {kind}, and {most} are the most there may be")
    values = sum(len(group.members) for group in made.groups) + sum(map(_values, made.routes))
    if values > MOST_VALUES:
        raise RowError("routes", 0, "", f"{values} patterns and names are in them, and {MOST_VALUES} are the most")


def _values(row: Route) -> int:
    lists = (row.method, row.domain, row.user, row.source, row.identity, row.group, row.days, row.target)
    return sum(map(len, lists))
