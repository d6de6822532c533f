"""Whose noise is taken out: who talks in a room that wishes it. At 48 kHz, whatever the rate of the sound.

::

    signals[band] -> 48 kHz -> denoiser -> signals[band]      20 ms later, and what the two ways between the rates take
"""

from __future__ import annotations

import numpy as np

from confserver.engine.denoiser import Denoiser, DenoiserMissing
from confserver.engine.frame import FULL, Rows
from confserver.engine.resampler import Resampler
from confserver.engine.seats import Seats


class Cleaning:
    """All talkers of a worker whose sound is cleaned. ``missing``: why it cannot be done here.

    What the model knows of a voice and its noise is kept until the leg goes.
    """

    def __init__(self, seats: Seats, denoiser: Denoiser | None = None) -> None:
        self._seats = seats
        self._denoiser = denoiser
        self.missing = ""
        self._ways: dict[int, tuple[Resampler, Resampler]] = {}
        """By band: to 48 kHz and back."""
        self._known: set[tuple[int, int]] = set()
        """Rows that were cleaned on the last tick, and their bands."""

    def run(self, rows: Rows) -> None:
        """Clean this tick's frame of these rows, in place."""
        if self.missing or not (len(rows) or self._known):
            return
        try:
            self._denoiser = self._denoiser or Denoiser()
        except DenoiserMissing as missing:
            self.missing = str(missing)
            return
        bands = self._seats.in_band[rows]
        now = set(zip(rows.tolist(), bands.tolist(), strict=True))
        for band in np.unique(bands).tolist():
            fresh = np.array(sorted(row for row, its in now - self._known if its == band), np.intp)
            self._clean(self._denoiser, band, rows[bands == band], fresh)
        self._known = now

    def _clean(self, denoiser: Denoiser, band: int, rows: Rows, fresh: Rows) -> None:
        signal = self._seats.signals[band]
        if band == FULL:
            signal[rows] = denoiser.run(rows, signal[rows])[0]
            return
        if band not in self._ways:
            self._ways[band] = Resampler(band, FULL, self._seats.capacity), Resampler(FULL, band, self._seats.capacity)
        up, down = self._ways[band]
        for way in (up, down):
            way.fit(self._seats.capacity)
            if len(fresh):
                way.begin(fresh)
        wide = up.run(rows, signal[rows])
        signal[rows] = down.run(rows, denoiser.run(rows, wide, wide)[0])

    def forget(self, row: int) -> None:
        """The leg is gone."""
        if self._denoiser is not None:
            self._denoiser.begin(row)
        self._known = {each for each in self._known if each[0] != row}

    def describe(self) -> dict[str, int]:
        """For administration."""
        return self._denoiser.describe() if self._denoiser else {"voices": 0, "bytes": 0}
