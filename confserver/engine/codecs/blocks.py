"""Memory for states of C: flat blocks of one size, by number, that never move."""

from __future__ import annotations

import numpy as np

from confserver.engine.frame import Bytes

ALIGNED = 64
A_PAGE = 32
"""Blocks that come at once: an allocation small enough that the system gives its memory as it is touched."""


class Blocks:
    """addresses[number] is where a block begins. Blocks are not touched here, so unused ones cost nothing."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.addresses: list[int] = []
        self._stride = -(-size // ALIGNED) * ALIGNED
        self._pages: list[Bytes] = []

    def fit(self, count: int) -> None:
        """So many blocks, at the least."""
        while len(self.addresses) < count:
            page = np.empty(A_PAGE * self._stride + ALIGNED, np.uint8)
            first = -(-page.ctypes.data // ALIGNED) * ALIGNED
            self._pages.append(page)
            self.addresses.extend(range(first, first + A_PAGE * self._stride, self._stride))
