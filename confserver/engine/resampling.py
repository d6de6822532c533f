"""Who is resampled: voices that are heard at another rate than they are mixed at, talkers in a room of another rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from confserver.engine.frame import Rows, Samples
from confserver.engine.resampler import Resampler
from confserver.engine.seats import Seats

_SLOTS = 64


class Crossing:
    """The voices of one band that are wanted at the rate of another."""

    def __init__(self, source: int, to: int) -> None:
        self._bands = source, to
        self._resampler: Resampler | None = None
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._size = 0
        self._rows: Rows = np.zeros(0, np.intp)
        self._places: Rows = np.zeros(0, np.intp)
        self._start = 0

    def clear(self) -> None:
        if self._slots:
            self._free.extend(self._slots.values())
            self._slots.clear()
            self._rows = self._places = np.zeros(0, np.intp)

    def set(self, voices: list[int], came_from: list[int], places: Rows, start: int) -> None:
        """These voices are wanted. came_from: what a listener of each has heard so far: where a voice is new, its
        history goes on from there. places: where they are heard; start: from where on they go on the other board.
        """
        before = dict(self._slots)
        gone = before.keys() - set(voices)
        for voice, origin in zip(voices, came_from, strict=True):
            if voice not in self._slots:
                self._slots[voice] = self._open(before.get(origin))
        for voice in gone:
            self._free.append(self._slots.pop(voice))
        self._rows = np.array([self._slots[voice] for voice in voices], np.intp)
        self._places, self._start = places, start

    def _open(self, origin: int | None) -> int:
        if not self._free:
            self._grow()
        slot = self._free.pop()
        assert self._resampler is not None
        if origin is None:
            self._resampler.begin(np.array([slot]))
        else:
            self._resampler.copy(np.array([origin]), np.array([slot]))
        return slot

    def _grow(self) -> None:
        more = max(self._size, _SLOTS)
        if self._resampler is None:
            self._resampler = Resampler(*self._bands, more)
        else:
            self._resampler.fit(self._size + more)
        self._free.extend(range(self._size + more - 1, self._size - 1, -1))
        self._size += more

    def run(self, heard: Samples, out: Samples) -> None:
        """One tick: from one board to the other."""
        if len(self._rows) and self._resampler is not None:
            out[self._start : self._start + len(self._rows)] = self._resampler.run(self._rows, heard[self._places])


class Entrance:
    """Whoever is in the mix of a room whose rate is not that of his sound."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._resamplers: dict[tuple[int, int], Resampler] = {}
        self._known: dict[tuple[int, int], set[int]] = {}

    def run(self, also: Sequence[tuple[int, int]] = ()) -> None:
        """Bring their frames to ``signals[band]``. also: rows that are heard at the rates of other rooms too."""
        seats, high = self._seats, self._seats.high
        foreign = (seats.in_band[:high] != seats.band[:high]) & (seats.envelope[:high] > 0) & seats.in_use[:high]
        rows = np.flatnonzero(foreign)
        if not len(rows) and not self._known and not also:
            return
        guests: dict[tuple[int, int], set[int]] = {}
        for row, band in also:
            if seats.envelope[row] > 0 and band not in (seats.in_band[row], seats.band[row]):
                guests.setdefault((int(seats.in_band[row]), band), set()).add(row)
        pairs = {
            pair: rows[(seats.in_band[rows] == pair[0]) & (seats.band[rows] == pair[1])]
            for pair in {
                *zip(seats.in_band[rows].tolist(), seats.band[rows].tolist(), strict=True),
                *self._known,
                *guests,
            }
        }
        for pair, more in guests.items():
            pairs[pair] = np.union1d(pairs[pair], np.fromiter(more, np.intp))
        for pair, mine in pairs.items():
            self._run(pair, mine)

    def _run(self, pair: tuple[int, int], rows: Rows) -> None:
        known, now = self._known.get(pair, set()), set(rows.tolist())
        if not now:
            self._known.pop(pair, None)
            return
        resampler = self._resamplers.get(pair)
        if resampler is None:
            resampler = self._resamplers[pair] = Resampler(*pair, self._seats.capacity)
        resampler.fit(self._seats.capacity)
        fresh = now - known
        if fresh:
            resampler.begin(np.array(sorted(fresh)))
        self._known[pair] = now
        source, to = pair
        self._seats.signals[to][rows] = resampler.run(rows, self._seats.signals[source][rows])
