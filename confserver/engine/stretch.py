"""Sound made shorter or longer by pitch periods, so that nobody hears it, and the samples left over.

A leg whose sound was stretched is no longer in step with its packets: up to two frames of what was decoded are *held*
and play first on the next tick. Legs in step cost nothing here.

::

    shorter:  [ a | b c d ...  ->  [ a fading into c | d ...      b is left out
    longer:   x | a b ...      ->  x | a fading into x | a b ...  x sounds twice
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAME, Rows, Samples
from confserver.engine.pitch import faded, match
from confserver.engine.seats import Seats

_SHORTEST, _LONGEST = 40, 120
"""Samples of which sound is made longer at a time."""
_LEAST, _MOST = 40, FRAME
"""Samples of which sound can be made shorter."""
_OVERLAP = 80
_TEMPLATE = 160
_HELD = 2 * FRAME
_RISING = ((np.arange(_OVERLAP) + 1) / (_OVERLAP + 1)).astype(np.float32)
_AT = np.arange(FRAME)


class Stretch:
    """What each leg has yet to play of what was decoded."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self.held: NDArray[np.intp] = np.zeros(seats.capacity, np.intp)
        """Samples, below two frames; from one frame on nothing needs to be decoded."""
        self._samples: Samples = np.zeros((seats.capacity, _HELD), np.float32)

    def fit(self) -> None:
        """Grow as the seats have grown."""
        more = self._seats.capacity - len(self.held)
        if more > 0:
            self.held = np.concatenate((self.held, np.zeros(more, np.intp)))
            self._samples = np.concatenate((self._samples, np.zeros((more, _HELD), np.float32)))

    def flow(self, done: list[int]) -> None:
        """Who holds samples plays them first; ``seats.signal`` follows. done: rows that need nothing more."""
        rows = np.flatnonzero(self.held[: self._seats.high])
        if len(rows) and done:
            rows = rows[~np.isin(rows, done)]
        if len(rows):
            full = self.held[rows] >= FRAME
            self._play(rows[full], self._samples[rows[full]], self.held[rows[full]])
            self._join(rows[~full], self._seats.signal[rows[~full]])

    def take(self, row: int) -> Samples:
        """Hold nothing any more; gives what was held."""
        samples = self._samples[row, : self.held[row]].copy()
        self.held[row] = 0
        return samples

    def shorten(self, row: int, frames: Samples, least: int, most: int) -> int:
        """Play the held samples and these, without a stretch of least to most samples; gives how many were left out.

        FRAME and most of them are needed.
        """
        whole = np.concatenate((self._samples[row, : self.held[row]], frames))
        whole, gone = shorter(whole, least, most)
        self._keep(row, whole)
        return gone

    def lengthen(self, row: int, before: Samples, frame: Samples) -> int:
        """Play the held samples and this frame after a stretch of what sounded before; gives how many samples."""
        whole = np.concatenate((self._samples[row, : self.held[row]], frame))
        longer_one, more = longer(before, whole)
        self._keep(row, longer_one)
        return more

    def _keep(self, row: int, whole: Samples) -> None:
        self._seats.signal[row] = whole[:FRAME]
        self.held[row] = len(whole) - FRAME
        self._samples[row, : self.held[row]] = whole[FRAME:]

    def _join(self, rows: Rows, frames: Samples) -> None:
        if not len(rows):
            return
        held = self.held[rows]
        whole = np.zeros((len(rows), _HELD + FRAME), np.float32)
        whole[:, :_HELD] = self._samples[rows]
        whole[np.arange(len(rows))[:, None], held[:, None] + _AT] = frames
        self._play(rows, whole, held + FRAME)

    def _play(self, rows: Rows, whole: Samples, held: NDArray[np.intp]) -> None:
        if not len(rows):
            return
        self._seats.signal[rows] = whole[:, :FRAME]
        rest = whole[:, FRAME:]
        self._samples[rows, : rest.shape[1]] = rest
        self.held[rows] = held - FRAME


def shorter(whole: Samples, least: int, most: int) -> tuple[Samples, int]:
    """Leave out the stretch of least to most samples after which the sound is most like its beginning.

    whole: at least FRAME + most samples.
    """
    least, most = max(least, _LEAST), min(most, _MOST)
    if most < least:
        return whole, 0
    template, field = whole[None, :_TEMPLATE], whole[None, least : most + _TEMPLATE]
    gone = least + int(match(template, field)[0][0])
    rest = whole[gone:].copy()
    rest[:_OVERLAP] = faded(whole[:_OVERLAP], rest[:_OVERLAP], _RISING)
    return rest, gone


def longer(before: Samples, whole: Samples) -> tuple[Samples, int]:
    """Let the end of what sounded before sound once more. before, whole: at least FRAME samples."""
    joined = np.concatenate((before[-FRAME:], whole))
    template = joined[None, FRAME : FRAME + _OVERLAP]
    field = joined[None, FRAME - _LONGEST : FRAME - _SHORTEST + _OVERLAP]
    more = _LONGEST - int(match(template, field)[0][0])
    rising = ((np.arange(more) + 1) / (more + 1)).astype(np.float32)
    again = faded(whole[:more], joined[FRAME - more : FRAME], rising)
    return np.concatenate((again, whole)), more
