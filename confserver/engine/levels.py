"""How loud people speak: the mean over the frames in which they do, of which every fifth is measured."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from confserver.engine.seats import Seats

SAMPLING = 5
"""Ticks between two looks."""
UNKNOWN_DB = -127.0
SILENCE_DB = -126.0


class Levels:
    """Sums of energy by row; what is said in pauses does not count (as in ITU-T P.56)."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._energy: NDArray[np.float64] = np.zeros(seats.capacity)
        self._frames: NDArray[np.int64] = np.zeros(seats.capacity, np.int64)
        self._ticks = 0

    def begin(self, row: int) -> None:
        """Another leg is there."""
        self._fit()
        self._energy[row] = self._frames[row] = 0

    def listen(self) -> None:
        """Once a tick."""
        self._ticks += 1
        if self._ticks % SAMPLING:
            return
        self._fit()
        seats, high = self._seats, self._seats.high
        speaking = np.flatnonzero(seats.talks[:high] & (seats.quiet_frames[:high] == 0))
        self._energy[speaking] += seats.energy[speaking]
        self._frames[speaking] += 1

    def _fit(self) -> None:
        more = self._seats.capacity - len(self._frames)
        if more > 0:
            self._energy = np.concatenate((self._energy, np.zeros(more)))
            self._frames = np.concatenate((self._frames, np.zeros(more, np.int64)))

    def speech_db(self, row: int) -> float:
        """Of one leg, dB below overload (a full-scale sine is -3); UNKNOWN_DB where it has not spoken."""
        frames = int(self._frames[row])
        return decibels(float(self._energy[row]) / frames) if frames else UNKNOWN_DB

    def noise_db(self, row: int) -> float:
        """What the leg's pauses hold."""
        return decibels(float(self._seats.floor[row]))


def decibels(energy: float) -> float:
    """Of a mean square, full scale 1.0."""
    return max(10 * math.log10(energy), SILENCE_DB) if energy > 0 else SILENCE_DB
