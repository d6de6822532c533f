"""Long lists of records as one text, CSV or JSON Lines, made piece by piece (pure; ``export_sender`` sends them).

::

    GET /records?format=csv, or Accept: text/csv -> Export -> read(before) -> rows of the store -> Piece: text, and
                                                                              where the next one begins

No piece is held longer than it takes to send it, and each is asked of the store anew: rows that come meanwhile are not
in it, and nobody else waits longer for the store than a piece takes.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

ROWS = 200
"""Of one piece."""
FORMATS: Mapping[str, str] = {"csv": "text/csv; charset=utf-8; header=present", "jsonl": "application/jsonl"}
"""RFC 4180 with its header (RFC 7111 5.1); one JSON object a line."""
_KINDS = {"text/csv": "csv", "application/jsonl": "jsonl", "application/x-ndjson": "jsonl"}
_JSON = frozenset({"application/json", "application/*", "*/*"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Row = Mapping[str, Any]

MEETINGS = ("id", "room", "opened_at", "closed_at", "cause", "people", "most_present", "recordings")
RECORDS = (
    "id", "meeting", "room", "participant", "name", "address", "source", "user", "role", "agent", "dialled",
    "reserved_at", "arrived_at", "left_at", "cause", "kicked_by", "codec", "received", "sent", "lost", "late",
    "lost_out", "jitter_ms", "jitter_out_ms", "rtt_ms", "mos_in", "mos_out", "least_mos_in", "least_mos_out",
    "level_db", "talk_s", "talks", "muted_s", "recording",
)  # fmt: skip
AUDIT = (
    "id", "at", "who", "role", "face", "source", "action", "room", "participant", "outcome", "reason", "details",
)  # fmt: skip
COLUMNS: Mapping[str, tuple[str, ...]] = {"meetings": MEETINGS, "records": RECORDS, "audit": AUDIT}
"""Of CSV, by the last word of the path."""


@dataclass(frozen=True, slots=True)
class Piece:
    """``before``: the number of the row after which the next piece begins; None: this is the last one."""

    text: bytes
    before: int | None


@dataclass(frozen=True, slots=True)
class Export:
    """``name``: what a file of it would be called. ``read``: a piece, from the newest row on or after a number."""

    name: str
    format: str
    read: Callable[[int | None], Deferred[Piece]]

    @property
    def content_type(self) -> str:
        return FORMATS[self.format]


def piece_of(kind: str, form: str, rows: Sequence[Row], *, is_first: bool, size: int = ROWS) -> Piece:
    """``size``: so many rows were asked for; fewer are the last ones."""
    text = _csv(COLUMNS[kind], rows, is_first) if form == "csv" else _jsonl(rows)
    return Piece(text, int(rows[-1]["id"]) if len(rows) >= size else None)


def _csv(columns: Sequence[str], rows: Sequence[Row], is_first: bool) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    if is_first:
        writer.writerow(columns)
    writer.writerows([cell(name, row.get(name)) for name in columns] for row in rows)
    return file.getvalue().encode("utf-8", "replace")


def _jsonl(rows: Sequence[Row]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def cell(name: str, value: Any) -> Any:
    """What a spreadsheet would run as a formula is given as text: names come from strangers."""
    if name.endswith("_at") or name == "at":
        return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(value)) if isinstance(value, int | float) else ""
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value


def form_of(accept: str | None) -> str:
    """What a client would rather have than a page of JSON (RFC 9110 12.5.1); "": JSON."""
    best, found = 0.0, ""
    for each in (accept or "").split(","):
        kind, _, parameters = each.partition(";")
        kind, weight = kind.strip().lower(), _weight(parameters)
        if weight > best and (kind in _KINDS or kind in _JSON):
            best, found = weight, _KINDS.get(kind, "")
    return found


def _weight(parameters: str) -> float:
    for each in parameters.split(";"):
        name, _, value = each.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
