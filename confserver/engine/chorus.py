"""Plays of one track that go on steadily, read all at once: music on hold to hundreds costs a few calls of numpy."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, FULL_SCALE, Rows
from confserver.engine.reel import Track
from confserver.engine.seats import Seats


class Singer(Protocol):
    """A play: its row of seats, where it is in the track, and how loud."""

    row: int
    position: int
    volume: float


S = TypeVar("S", bound=Singer)


class Chorus(Generic[S]):
    """The steady plays of one track in one band; each keeps its own position."""

    def __init__(self, track: Track, band: int) -> None:
        self.track, self.band = track, band
        self._frame = FRAMES[band]
        self._windows = sliding_window_view(track[:, 0], self._frame)
        self._last = len(track) - 2 * self._frame
        """From here on the end is near, and somebody else takes over."""
        self.members: list[S] = []
        self._rows: Rows = np.zeros(0, np.intp)
        self._positions: NDArray[np.int64] = np.zeros(0, np.int64)
        self._gains: NDArray[np.float32] = np.zeros(0, np.float32)

    def takes(self, position: int) -> bool:
        """Whether the end is far enough."""
        return position < self._last

    def add(self, singer: S) -> None:
        self.members.append(singer)
        self._rows = np.append(self._rows, singer.row)
        self._positions = np.append(self._positions, singer.position)
        self._gains = np.append(self._gains, np.float32(singer.volume / FULL_SCALE))

    def remove(self, singer: S) -> None:
        """It knows again where it is."""
        place = self.members.index(singer)
        singer.position = int(self._positions[place])
        del self.members[place]
        self._rows = np.delete(self._rows, place)
        self._positions = np.delete(self._positions, place)
        self._gains = np.delete(self._gains, place)

    def position_of(self, singer: S) -> int:
        return int(self._positions[self.members.index(singer)])

    def dismissed(self, seats: Seats) -> list[S]:
        """Let go those near the end, and those whose rooms have changed bands."""
        leaving = np.flatnonzero((self._positions >= self._last) | (seats.band[self._rows] != self.band)).tolist()
        gone = [self.members[place] for place in leaving]
        for singer in gone:
            self.remove(singer)
        return gone

    def sing(self, seats: Seats) -> None:
        """Write everybody's frame."""
        seats.signals[self.band][self._rows] = self._windows[self._positions] * self._gains[:, None]
        self._positions += self._frame
