"""Where in a TOML file something stands: good enough to be found by people."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

_HEADER = re.compile(r"^\s*\[{1,2}(.+?)\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_.-]|"(?:[^"\\]|\\.)*"|'[^']*'|\s*\.\s*)+?)\s*=""")


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line of a key, else of the nearest table around it; 0 where it cannot be told.

    ``path``: the names from the top, as ("rooms", "standup", "guard"); of rows with their number, as ("routes", "2").
    """
    rows: Counter[tuple[str, ...]] = Counter()
    best, best_depth, table = 0, 0, ()  # type: int, int, tuple[str, ...]
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _names(header[1])
            if line.lstrip().startswith("[["):
                rows[table] += 1
                table = (*table, str(rows[table]))
            here = table
        elif key := _KEY.match(line):
            here = (*table, *_names(key[1]))
        else:
            continue
        here = here[: len(path)]  # what stands inside of it stands there, too
        depth = len(here)
        if here == path[:depth] and depth > best_depth:
            best, best_depth = number, depth
    return best


def _names(text: str) -> tuple[str, ...]:
    """A dotted key's parts, read by TOML's own rules."""
    try:
        found = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    inner: object = found
    while isinstance(inner, dict) and inner:
        [(name, inner)] = inner.items()
        names.append(name)
    return tuple(names)
