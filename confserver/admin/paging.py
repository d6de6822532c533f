"""Long lists by pages: ``limit`` rows after the one that ``after`` names, and where to go on (RFC 8288).

A page is cut out of the list as it is when it is asked for, ordered by what names a row: rows that come or go meanwhile
are no reason to miss or repeat another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list; ``after``: what to give to get the next ones, "" at the end."""

    rows: Sequence[Any]
    after: str = ""


def page_of(rows: Sequence[Mapping[str, Any]], key: str, asked: Mapping[str, Sequence[str]]) -> Page:
    """All rows as they come, where no page is asked for."""
    if "limit" not in asked and "after" not in asked:
        return Page(rows)
    ordered = sorted(rows, key=lambda row: str(row[key]))
    names = [str(row[key]) for row in ordered]
    first = bisect_right(names, asked["after"][-1]) if "after" in asked else 0
    last = first + int(asked["limit"][-1]) if "limit" in asked else len(ordered)
    return Page(ordered[first:last], names[last - 1] if last < len(ordered) else "")


def link_of(path: str, asked: Mapping[str, Sequence[str]], page: Page) -> str:
    """The Link header's value; "" on the last page. ``path``: as it was asked for, percent-encoded."""
    if not page.after:
        return ""
    query = {**asked, "after": [page.after]}
    return f'<{path}?{urlencode(query, doseq=True, quote_via=quote)}>; rel="next"'
