"""The route table in files: read row by row, put together with what the server has, told in words.

::

    [[groups]]                      [[routes]]
    name = "sales"                  name = "abroad"
    members = ["carol", "d*"]       user = ["_00*"]
                                    group = ["sales"]
                                    to = "trunk"
                                    target = ["carrier"]

The order of rows is that in which they stand; files of a directory go by their names. A row that only the server has
stays behind the row behind which it stands. Whatever is to be changed is one request: all of it, or nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from confserver.config.route_checks import check_group, check_row
from confserver.config.route_rows import Known, Made, RowError, check_made, check_name, read_row, read_rows, written
from confserver.config.routes import Group, Route
from confserver.plan.place import DocumentError, Place

KINDS: Mapping[str, type[Route | Group]] = {"routes": Route, "groups": Group}
ONE = {"routes": "route", "groups": "group"}
T = TypeVar("T", bound=Route | Group)
Rows = Sequence[Route | Group]


@dataclass(frozen=True, slots=True)
class PresentTable:
    """What a server has; ``version``: what a change says that it was made for."""

    made: Made = field(default_factory=Made)
    known: Known = field(default_factory=Known)
    version: str = ""


@dataclass(frozen=True, slots=True)
class TableChange:
    """``lines``: what changes, ``drift``: what only the server has, or cannot do now; both for people."""

    body: Mapping[str, Any]
    lines: tuple[str, ...]
    removes: int
    drift: tuple[str, ...]


# ------------------------------------------------------------------ read
def read_list(kind: str, rows: object, top: Place) -> Iterable[tuple[Route | Group, Place]]:
    """Each row of a file and where it stands. Raises DocumentError."""
    if not isinstance(rows, list):
        raise top.complain(f"is a list of tables: write [[{kind}]] for each", kind)
    for number, table in enumerate(rows, 1):
        name = table.get("name") if isinstance(table, dict) else None
        title = f"{ONE[kind]} {name[:64]}" if isinstance(name, str) and name else f"row {number} of {kind}"
        place = replace(top, path=(kind, str(number)), title=title)
        try:
            row = read_row(KINDS[kind], table)
            if isinstance(row, Route):
                check_name(row.name)
                check_row(row)
            else:
                check_group(row)
        except RowError as error:
            raise place.complain(error.words, *([error.key] if error.key else [])) from None
        except ValueError as error:
            words = RowError(kind, 0, "", str(error))
            raise place.complain(words.words, *([words.key] if words.key else [])) from None
        yield row, place


def table_of(told: Mapping[str, Any]) -> PresentTable:
    """What ``GET /route-table`` tells."""
    made = Made(read_rows(Route, told["routes"]), read_rows(Group, told["groups"]))
    return PresentTable(made, Known(set(told["groups_of_settings"]), set(told["trunks"])), told["version"])


# ------------------------------------------------------------------ put together
def change_of(wanted: Made, kinds: Iterable[str], present: PresentTable, *, prune: bool) -> TableChange:
    """Of the kinds that the files speak of. Raises RowError for a table that cannot be."""
    old, kinds = present.made, set(kinds)
    routes = together(wanted.routes, old.routes, prune=prune) if "routes" in kinds else old.routes
    groups = together(wanted.groups, old.groups, prune=prune) if "groups" in kinds else old.groups
    check_made(Made(routes, groups), present.known, old)
    group_lines = _lines("group", old.groups, _as_they_were(groups, old.groups), ordered=False)
    lines = [*group_lines, *_lines("route", old.routes, routes)]
    body: dict[str, Any] = {"version": present.version}
    body |= {kind: rows for kind, rows in Made(routes, groups).written().items() if kind in kinds}
    left = _left("route", wanted.routes, old.routes) if "routes" in kinds else []
    left += _left("group", wanted.groups, old.groups) if "groups" in kinds else []
    removes = sum(line.startswith("- ") for line in lines)
    drift = [] if prune else [f"{what} is not in the files" for what in left]
    if "routes" in kinds:
        drift += [f"route {name} is off: {why}" for name, why in Made(routes, groups).gaps(present.known).items()]
    return TableChange(body, tuple(lines), removes, tuple(drift))


def together(wanted: Sequence[T], old: Sequence[T], *, prune: bool) -> tuple[T, ...]:
    """The rows that are wanted, and unless they are pruned those others, each behind whom it stands now."""
    if prune:
        return tuple(wanted)
    named = _names(wanted)
    behind: dict[str, list[T]] = {}
    anchor = ""
    for row in old:
        if row.name in named:
            anchor = row.name
        else:
            behind.setdefault(anchor, []).append(row)
    found = [*behind.get("", ())]
    for row in wanted:
        found += [row, *behind.get(row.name, ())]
    return tuple(found)


def _as_they_were(groups: Sequence[Group], old: Sequence[Group]) -> Sequence[Group]:
    """Groups have no order."""
    places = {group.name: place for place, group in enumerate(old)}
    return sorted(groups, key=lambda group: places.get(group.name, len(places)))


def _left(what: str, wanted: Rows, old: Rows) -> list[str]:
    named = _names(wanted)
    return [f"{what} {name}" for name in _names(old) if name not in named]


def _names(rows: Rows) -> dict[str, None]:
    return dict.fromkeys(row.name for row in rows)


# ------------------------------------------------------------------ in words
def _lines(what: str, old: Rows, new: Rows, *, ordered: bool = True) -> Iterable[str]:
    before = {row.name: row for row in old}
    moved = _moved(list(before), [row.name for row in new if row.name in before]) if ordered else set()
    for place, row in enumerate(new):
        after = f"before {new[place + 1].name}" if place + 1 < len(new) else "last"
        said = _said(before.get(row.name), row)
        if row.name not in before:
            yield f"+ {what} {row.name}: " + "; ".join([*said, after] if ordered else said)
        elif said or row.name in moved:
            yield f"~ {what} {row.name}: " + "; ".join([*said, *([f"moved {after}"] if row.name in moved else [])])
    yield from (f"- {each}" for each in _left(what, new, old))


def _said(old: Route | Group | None, new: Route | Group) -> list[str]:
    """What a row says otherwise than before."""
    before, now = written(old) if old is not None else {}, written(new)
    parts = []
    for key in new.__struct_fields__:
        was, will = before.get(key), now.get(key)
        if key == "name" or was == will:
            continue
        if was is None:
            parts.append(f"{key}: {_text(will)}")
        elif will is None:
            parts.append(f"{key}: {_text(was)}, and no longer said")
        else:
            parts.append(f"{key}: {_text(was)} -> {_text(will)}")
    return parts


def _text(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _moved(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The fewest that have changed their places: those beside the longest run that has kept its order."""
    at = {name: place for place, name in enumerate(old)}
    ends: list[int] = []
    runs: list[int] = []
    before: list[int] = []
    for index, name in enumerate(new):
        length = bisect_left(ends, at[name])
        before.append(runs[length - 1] if length else -1)
        if length == len(ends):
            ends.append(at[name])
            runs.append(index)
        else:
            ends[length], runs[length] = at[name], index
    kept, index = set(), runs[-1] if runs else -1
    while index >= 0:
        kept.add(new[index])
        index = before[index]
    return set(new) - kept


def complaint(error: RowError, places: Mapping[tuple[str, str], Place]) -> DocumentError:
    """Where it stands, if it stands in a file."""
    place = places.get((error.kind, error.name))
    if place is not None:
        return place.complain(error.words, *([error.key] if error.key else []))
    return DocumentError(f"the {error.kind} cannot be so: {error}")
