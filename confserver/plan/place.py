"""Where in which file something stands, and what is said of it there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from confserver.plan.lines import line_of


class DocumentError(Exception):
    """A file cannot be used; one line with file and, where it can be told, line."""


@dataclass(frozen=True, slots=True)
class Place:
    """``path``: the names that lead there, as ``line_of`` has them; ``title``: what people call it, else the path."""

    file: Path
    text: str = field(repr=False)
    path: tuple[str, ...] = ()
    title: str = ""

    def complain(self, words: str, *keys: str) -> DocumentError:
        line = self.line(*keys)
        where = f"{self.file}:{line}" if line else str(self.file)
        named = ": ".join((self.title, *keys)) if self.title else ".".join((*self.path, *keys))
        return DocumentError(f"{where}: {named}: {words}" if named else f"{where}: {words}")

    def line(self, *keys: str) -> int:
        return line_of(self.text, (*self.path, *keys))
