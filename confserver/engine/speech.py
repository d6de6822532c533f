"""Who talks: energy against a noise floor that is followed, with hysteresis and a hold time.

A leg enters the mix on the very frame in which its sound rises, so no word loses its beginning. That somebody *speaks*
is said only after three such frames, so that a click on the line is not an event.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, NARROW, Rows
from confserver.engine.seats import Seats


def _energy(level_db: float) -> np.float32:
    return np.float32(10 ** (level_db / 10))


_LEAST_ENTRY, _MOST_ENTRY = _energy(-60), _energy(-42)
_ABOVE_FLOOR = _energy(9)
_EXIT = _energy(-4)
"""Below the entry level by so much a talker counts as quiet."""
_RISE = np.float32(10 ** (3 / 10 / 50))
"""The floor rises by 3 dB a second."""
_LEAST_FLOOR, _MOST_FLOOR = _energy(-90), _energy(-51)
HOLD_FRAMES = 40
"""A talker stays for 0.8 s after the last sound."""
SPOKEN_FRAMES = 3


class Speech:
    """Finds, each tick, the legs that begin and end to talk."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats

    def listen(self) -> tuple[Rows, Rows, Rows]:
        """Measure all frames.

        Gives the rows that want into the mix, those that leave it, and those now found speaking.
        """
        seats, high = self._seats, self._seats.high
        energy = self._measure()
        floor = seats.floor[:high]
        followed = np.where(energy < floor, floor * np.float32(0.7) + energy * np.float32(0.3), floor * _RISE)
        floor[...] = np.clip(followed, _LEAST_FLOOR, _MOST_FLOOR)
        entry = np.clip(floor * _ABOVE_FLOOR, _LEAST_ENTRY, _MOST_ENTRY)
        talks = seats.talks[:high]
        active = energy > np.where(talks, entry * _EXIT, entry)
        seats.quiet_frames[:high] = np.where(active, 0, seats.quiet_frames[:high] + 1)
        seats.active_frames[:high] = np.where(active, seats.active_frames[:high] + 1, seats.active_frames[:high])
        entering = np.flatnonzero(active & ~talks & seats.receives[:high])
        leaving = np.flatnonzero(talks & (seats.quiet_frames[:high] > HOLD_FRAMES))
        speaking = np.flatnonzero(talks & active & (seats.active_frames[:high] == SPOKEN_FRAMES))
        return entering, leaving, speaking

    def _measure(self) -> NDArray[np.float32]:
        """Energy of every leg's frame."""
        seats, high = self._seats, self._seats.high
        in_band, energy = seats.in_band[:high], seats.energy[:high]
        foreign = np.flatnonzero(in_band != NARROW)
        signal = seats.signals[NARROW][:high]
        np.vecdot(signal, signal, out=energy)
        energy /= np.float32(FRAMES[NARROW])
        for band in np.unique(in_band[foreign]).tolist():
            rows = foreign[in_band[foreign] == band]
            frames = seats.signals[band][rows]
            energy[rows] = np.vecdot(frames, frames) / np.float32(FRAMES[band])
        return energy
