"""Tables of figures: medians over repeated runs, Markdown for people and pages, plain data for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

Cell = float | str | None
"""None: not measured."""


class Column(NamedTuple):
    """over: what becomes of a figure where a run was repeated."""

    name: str
    digits: int = 0
    over: Callable[[Sequence[float]], float] = median


@dataclass(frozen=True, slots=True)
class Table:
    """rows: a cell for each column. remarks: what should be known before the figures are believed."""

    title: str
    columns: tuple[Column, ...]
    rows: list[tuple[Cell, ...]]
    remarks: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        names = [column.name for column in self.columns]
        rows = [dict(zip(names, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, "remarks": self.remarks}


def merged(tables: Sequence[Table]) -> Table:
    """Of repeated runs: each figure as its column says, words as in the first. Raises ValueError where there is none,
    or they differ in shape."""
    if not tables:
        raise ValueError("a table of no runs")
    first = tables[0]
    rows = [
        tuple(_over(column, cells) for column, cells in zip(first.columns, zip(*same, strict=True), strict=True))
        for same in zip(*(table.rows for table in tables), strict=True)
    ]
    remarks = list(dict.fromkeys(remark for table in tables for remark in table.remarks))
    return Table(first.title, first.columns, rows, remarks)


def _over(column: Column, cells: Sequence[Cell]) -> Cell:
    known = [cell for cell in cells if isinstance(cell, int | float)]
    if not known:
        return cells[0]
    return column.over(known)


def said(cell: Cell, digits: int = 0) -> str:
    """A cell for people."""
    if cell is None:
        return "-"
    return cell if isinstance(cell, str) else f"{cell:,.{digits}f}"


def markdown(table: Table) -> str:
    lines = [
        f"**{table.title}**",
        "",
        "| " + " | ".join(column.name for column in table.columns) + " |",
        "|" + "---|" * len(table.columns),
    ]
    lines += [
        "| " + " | ".join(said(cell, column.digits) for cell, column in zip(row, table.columns, strict=True)) + " |"
        for row in table.rows
    ]
    if table.remarks:
        lines += ["", *(f"- {remark}" for remark in table.remarks)]
    return "\n".join(lines)
