"""How a bench shall measure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """seconds: of a window. settle: before it. legs: instead of a bench's own sizes, whose proportions stay."""

    seconds: float = 5.0
    settle: float = 3.0
    realtime: bool = True
    legs: int | None = None

    def sized(self, sizes: Sequence[int]) -> list[int]:
        """The sizes, so that the greatest is ``legs``; each at least two and above the one before."""
        if self.legs is None:
            return list(sizes)
        found: list[int] = []
        for size in sizes:
            least = found[-1] + 1 if found else 2
            found.append(max(round(size * self.legs / max(sizes)), least))
        return found


def told(words: str) -> None:
    """Progress."""
    print(words, file=sys.stderr, flush=True)
