"""Legs that nobody hears for a moment: their frames fade out within 5 ms, are silent, and fade in again."""

from __future__ import annotations

import numpy as np

from confserver.engine.frame import FRAMES, RATES_HZ, Rows, Samples
from confserver.engine.seats import Seats

RAMP_S = 0.005


def _rising(band: int) -> Samples:
    ramp = np.arange(1, FRAMES[band] + 1, dtype=np.float32) / (RAMP_S * RATES_HZ[band])
    return np.asarray(np.minimum(ramp, 1), np.float32)


_IN = tuple(_rising(band) for band in range(len(FRAMES)))
_OUT = tuple(1 - rising for rising in _IN)


class Hush:
    """Remembers who was silent in the last tick."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._before: Rows = np.zeros(0, np.intp)

    @property
    def rows(self) -> Rows:
        """Who is silenced in this tick."""
        return self._before

    def apply(self, rows: Rows) -> None:
        """Silence the frames of these rows in this tick; wanted before anybody else takes them. rows: no row twice."""
        before = self._before
        if not len(rows) and not len(before):
            return
        was_silent = np.isin(rows, before, assume_unique=True)
        self._turn(before[~np.isin(before, rows, assume_unique=True)], _IN)
        self._turn(rows[~was_silent], _OUT)
        self._turn(rows[was_silent], None)
        self._before = rows

    def _turn(self, rows: Rows, ramps: tuple[Samples, ...] | None) -> None:
        """None: to silence."""
        bands = self._seats.in_band[rows]
        for band in np.unique(bands).tolist():
            self._seats.signals[band][rows[bands == band]] *= np.float32(0) if ramps is None else ramps[band]
