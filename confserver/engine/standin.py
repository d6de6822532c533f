"""What sounds where no packet is, of all legs: by waveform (``concealment``), or by the codec's own means.

Also what makes a change soft: from one codec to another, even into another band, the new sound overlaps with what
would have followed the old.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from confserver.engine.concealment import Concealment, carried
from confserver.engine.decoding import Decoding
from confserver.engine.frame import FRAMES, NARROW, Rows, Samples
from confserver.engine.sample_queue import SampleQueue
from confserver.engine.seats import SPENT, Seats

STEPS = 8
"""What a decoder can make up are multiples of 2.5 ms (RFC 6716 section 3.1): parts of a frame."""
_NOBODY: NDArray[np.bool_] = np.zeros(0, np.bool_)
_NO_ROWS: Rows = np.zeros(0, np.intp)


class StandIn:
    """Makes up frames, and joins them to those that are there."""

    def __init__(self, seats: Seats, queue: SampleQueue, decoding: Decoding) -> None:
        self._seats = seats
        self._queue = queue
        self._decoding = decoding
        self._concealment = [Concealment(seats, band) for band in range(len(FRAMES))]
        self._by_codec: NDArray[np.bool_] = np.zeros(seats.capacity, np.bool_)
        """Whose last stand-in came from its decoder, which goes on from it by itself."""

    def fit(self) -> None:
        """Grow as the seats have grown."""
        for concealment in self._concealment:
            concealment.fit()
        self._by_codec = np.concatenate(
            (self._by_codec, np.zeros(self._seats.capacity - len(self._by_codec), np.bool_))
        )

    def remember(self) -> None:
        """A tick ends: keep what each leg has played."""
        seats, high = self._seats, self._seats.high
        for concealment in self._concealment:
            concealment.turn()
        band = seats.in_band[:high]
        if not band.any():
            self._concealment[NARROW].remember(slice(0, high))
            return
        for number, mine in bands(band):
            self._concealment[number].remember(mine)

    def last(self, band: int, row: int) -> Samples:
        """The frame that a leg has played last."""
        frame: Samples = self._concealment[band].past(np.array([row]))[0, -FRAMES[band] :]
        return frame

    def is_silent(self, rows: Rows) -> NDArray[np.bool_]:
        """Whose past is silence."""
        silent = np.ones(len(rows), np.bool_)
        for band, mine in bands(self._seats.in_band[rows]):
            silent[mine] = ~self._concealment[band].past(rows[mine]).any(axis=1)
        return silent

    # ------------------------------------------------------------------ frames that are not there
    def sound(
        self,
        band: int,
        rows: Rows,
        count: int,
        place: Rows = _NO_ROWS,
        told: NDArray[np.bool_] = _NOBODY,
    ) -> Samples:
        """So many samples for legs of one band. told: whose packet, at ``place``, can tell of the frame before it."""
        seats = self._seats
        own = self._decoding.conceals(rows) & seats.playing[rows] & (count % (FRAMES[band] // STEPS) == 0)
        self._by_codec[rows] = own
        if not own.any():
            return self._by_waveform(band, rows, count)
        frames = np.zeros((len(rows), count), np.float32)
        others = np.flatnonzero(~own)
        if len(others):
            frames[others] = self._by_waveform(band, rows[others], count)
        told = told if len(told) else np.zeros(len(rows), np.bool_)
        mine = np.flatnonzero(own & ~told & (seats.missed[rows] < SPENT) & ~seats.dozes[rows])
        if len(mine):
            frames[mine] = self._decoding.conceal(band, rows[mine], count)
        mine = np.flatnonzero(told)
        if len(mine):
            frames[mine] = self._decoding.recover(rows[mine], place[mine], band, count)
        return frames

    def _by_waveform(self, band: int, rows: Rows, count: int) -> Samples:
        self._break_off(band, rows[self._seats.missed[rows] == 0])
        return self._concealment[band].go_on(rows, count)

    def _break_off(self, band: int, rows: Rows) -> None:
        if len(rows):
            concealment = self._concealment[band]
            concealment.begin(rows, self._queue.after(band, rows, concealment.past(rows)))

    # ------------------------------------------------------------------ and those that follow
    def come_back(self, band: int, rows: Rows, frames: Samples) -> None:
        """The first frames that are there again go on softly from what was made up; in place."""
        missed = self._seats.missed[rows]
        if not missed.any():
            return
        by_codec = self._by_codec[rows]
        spent = by_codec & (missed > SPENT)
        if spent.any():
            self._concealment[band].fade(rows[spent])
        back = np.flatnonzero((missed > 0) & (~by_codec | spent))
        if len(back):
            part = frames[back]
            self._concealment[band].come_back(rows[back], part)
            frames[back] = part
        self._by_codec[rows] = False

    def break_off(self, rows: Rows) -> None:
        """What plays ends here: the next sound is to overlap with what would have followed."""
        seats = self._seats
        rows = rows[(seats.missed[rows] == 0) & (seats.coding[rows] > 0)]
        for band, mine in bands(seats.in_band[rows]):
            self._break_off(band, rows[mine])
        seats.missed[rows] = 1
        self._by_codec[rows] = False

    def pause(self, rows: Rows) -> None:
        """Silence has come: nothing is to be made up after it."""
        seats = self._seats
        for band, mine in bands(seats.in_band[rows]):
            self._concealment[band].fade(rows[mine])
        seats.missed[rows] = SPENT
        self._by_codec[rows] = False

    def move(self, row: int, band: int) -> None:
        """A leg's sound goes over into another band: what was heard is carried along, as the ear needs it to join."""
        seats = self._seats
        old = int(seats.in_band[row])
        queued = self._queue.of(row)
        held = carried(queued, len(queued) * FRAMES[band] // FRAMES[old])
        self._concealment[old].hand_over(row, self._concealment[band])
        seats.signals[old][row] = 0
        seats.in_band[row] = band
        self._queue.put(row, held)

    def forget(self, row: int) -> None:
        """The leg is gone: nobody hears what he said."""
        for concealment in self._concealment:
            concealment.forget(row)
        self._by_codec[row] = False


def bands(band: NDArray[np.uint8]) -> Iterator[tuple[int, Rows]]:
    """Each band in use, and the places where it is."""
    if not len(band):
        return
    if (band == band[0]).all():
        yield int(band[0]), np.arange(len(band))
        return
    for number in range(len(FRAMES)):
        mine = np.flatnonzero(band == number)
        if len(mine):
            yield number, mine
