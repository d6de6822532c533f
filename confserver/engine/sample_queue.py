"""Samples that are decoded and not yet played: of legs whose packets are not 20 ms long, or out of step by a stretch.

Legs in step have nothing here, and touch none of its memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, Rows, Samples
from confserver.engine.seats import Seats

_FRAMES = 9
"""That a queue holds: below two of them, and the longest packet of 120 ms."""


class SampleQueue:
    """One queue a leg, in the band of what it plays."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self.held: NDArray[np.int32] = np.zeros(seats.capacity, np.int32)
        """Samples of each leg."""
        self._samples: list[Samples] = [np.zeros((seats.capacity, _FRAMES * frame), np.float32) for frame in FRAMES]

    def fit(self) -> None:
        """Grow as the seats have grown."""
        old, capacity = len(self.held), self._seats.capacity
        if capacity == old:
            return
        used = np.flatnonzero(self.held)
        self.held = np.concatenate((self.held, np.zeros(capacity - old, np.int32)))
        for band, before in enumerate(self._samples):
            after = np.zeros((capacity, before.shape[1]), np.float32)
            mine = used[self._seats.in_band[used] == band]
            after[mine] = before[mine]
            self._samples[band] = after

    def append(self, band: int, rows: Rows, frames: Samples) -> None:
        """frames: float32 (rows, samples)."""
        samples, count = self._samples[band], frames.shape[1]
        held = self.held[rows]
        if not held.any():
            samples[rows, :count] = frames
        elif int(held.max()) + count <= samples.shape[1]:
            samples.reshape(-1)[(rows * samples.shape[1] + held)[:, None] + np.arange(count)] = frames
        else:
            at = np.minimum(held[:, None] + np.arange(count), samples.shape[1] - 1)
            samples[rows[:, None], at] = frames
        self.held[rows] = np.minimum(held + count, samples.shape[1])

    def pop(self, band: int, rows: Rows) -> Samples:
        """The next frame of each row; where there is less, silence follows."""
        frame, samples, held = FRAMES[band], self._samples[band], self.held[rows]
        result = samples[rows, :frame]
        short = np.flatnonzero(held < frame)
        if len(short):
            result[short] *= np.arange(frame) < held[short, None]
        most = int(held.max(initial=0))
        if most > frame:
            samples[rows, : most - frame] = samples[rows, frame:most]
        self.held[rows] = np.maximum(held - frame, 0)
        return result

    def of(self, row: int) -> Samples:
        """What one leg has."""
        return self._samples[int(self._seats.in_band[row])][row, : self.held[row]]

    def put(self, row: int, samples: Samples) -> None:
        """Let one leg have this."""
        band = int(self._seats.in_band[row])
        self.held[row] = min(len(samples), self._samples[band].shape[1])
        self._samples[band][row, : self.held[row]] = samples[: self.held[row]]

    def after(self, band: int, rows: Rows, past: Samples) -> Samples:
        """What was heard and will be: as many samples as in ``past``, to the end of each row's queue."""
        held = self.held[rows]
        if not held.any():
            return past
        size = past.shape[1]
        whole = np.concatenate((past, self._samples[band][rows, : int(held.max())]), axis=1)
        return np.take_along_axis(whole, held[:, None] + np.arange(size), axis=1)

    def empty(self, rows: Rows | int) -> None:
        self.held[rows] = 0
