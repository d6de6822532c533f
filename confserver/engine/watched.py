"""What comes from those in rooms that somebody looks at just now: more often than reports, and only of these."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from confserver.contract import WatchedReports
from confserver.engine.floor import Floor
from confserver.engine.legs import Legs
from confserver.engine.levels import SILENCE_DB, decibels
from confserver.engine.seats import Seats

MOST_AT_ONCE = 50
"""So many legs are told of at once, as in a part of the reports: in more, each has its turn."""
FALL = np.float32(0.9)
"""Of a level, in a tick: a meter that goes up at once and down by 23 dB in a second."""


class Watched:
    def __init__(self, seats: Seats, floor: Floor, legs: Legs) -> None:
        self._seats = seats
        self._floor = floor
        self._legs = legs
        self._rooms: tuple[int, ...] = ()
        self._peaks: NDArray[np.float32] = np.zeros(0, np.float32)
        self._turn = 0

    def set(self, rooms: Iterable[int]) -> None:
        """These rooms, by their numbers, and no others from now on."""
        self._rooms = tuple(sorted(set(rooms)))
        if not self._rooms:
            self._peaks = np.zeros(0, np.float32)

    def listen(self) -> None:
        """Once a tick."""
        if not self._rooms:
            return
        energy = self._seats.energy
        if len(self._peaks) < self._seats.capacity:
            self._peaks = np.concatenate((self._peaks, np.zeros(self._seats.capacity - len(self._peaks), np.float32)))
        high = self._seats.high
        now = self._peaks[:high]
        now *= FALL
        np.maximum(now, energy[:high], out=now)

    def report(self, at: float) -> WatchedReports | None:
        """Of those whose turn it is."""
        if not self._rooms:
            return None
        rooms = [self._floor.rooms[number] for number in self._rooms if number in self._floor.rooms]
        legs = [self._legs.by_row[row] for room in rooms for row in sorted(room.members) if row in self._legs.by_row]
        if not legs:
            return None
        first = self._turn if self._turn < len(legs) else 0
        now = legs[first : first + MOST_AT_ONCE]
        self._turn = first + len(now)
        levels = [round(max(decibels(float(self._peak(leg.row))), SILENCE_DB), 1) for leg in now]
        return WatchedReports(reports=[self._legs.report(leg) for leg in now], levels_db=levels, at=at)

    def _peak(self, row: int) -> float:
        return float(self._peaks[row]) if row < len(self._peaks) else 0.0
