"""Payloads -> samples: batched by codec, band and length, and whose decoder is where."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import BAND, COMFORT, CONCEALING, READ, STATEFUL, stateless
from confserver.engine.codecs.codec import Decoders
from confserver.engine.doze import Doze
from confserver.engine.frame import FRAMES, RATES_HZ, Rows, Samples
from confserver.engine.ring import SHORT
from confserver.engine.seats import Seats

_LONGEST = 6
"""Frames of the longest packet (RFC 6716 section 3.2.5)."""

Decoded = tuple[Rows, Rows, int, Samples]
"""Rows, place of each one's packet, band, and the sound: float32 (rows, samples)."""


class Decoding:
    """The decoders of all legs."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._doze = Doze(seats)
        self._decoders: dict[int, Decoders] = {}
        """By meaning; made when the first leg needs one."""

    def fit(self) -> None:
        """Grow as the seats have grown."""
        self._doze.fit()
        for decoders in self._decoders.values():
            decoders.fit(self._seats.capacity)

    def band_of(self, row: int, meaning: int) -> int:
        return int(self._seats.opus_band[row]) if meaning in READ else int(BAND[meaning])

    def begin(self, row: int, meaning: int) -> None:
        """Another codec comes, or the same one anew; ``in_band`` says in which band it is to sound."""
        seats = self._seats
        self.end(row)
        if meaning in STATEFUL:
            if meaning not in self._decoders:
                self._decoders[meaning] = STATEFUL[meaning].decoders(seats.capacity)
            self._decoders[meaning].open(row, RATES_HZ[int(seats.in_band[row])])
        seats.coding[row] = meaning

    def end(self, row: int) -> None:
        decoders = self._decoders.get(int(self._seats.coding[row]))
        if decoders is not None:
            decoders.close(row)
        self._seats.coding[row] = 0
        self._seats.dozes[row] = False

    # ------------------------------------------------------------------ packets that are there
    def decode(self, rows: Rows, place: Rows, into_signals: bool) -> Iterator[Decoded]:
        """All these packets. into_signals: they are frames, and those of neighbouring rows may be written in place."""
        ring = self._seats.ring
        meaning, length = ring.meaning[place, rows], ring.length[place, rows]
        if self._decoders:
            meaning = self._drowsy(rows, place, meaning)
        first = int(meaning[0])
        if first < COMFORT and first not in STATEFUL and (meaning == first).all() and (length == length[0]).all():
            yield self._group(first, rows, place, int(ring.duration[place[0], rows[0]]), into_signals)
            return
        duration = ring.duration[place, rows]
        kind = (meaning.astype(np.int64) << 2 | self._seats.in_band[rows]) << 17 | duration.astype(np.int64) << 1
        kind |= length > SHORT
        kinds, which = np.unique(kind, return_inverse=True)
        for number, each in enumerate(kinds.tolist()):
            mine = np.flatnonzero(which == number)
            yield self._group(each >> 19, rows[mine], place[mine], each >> 1 & 0xFFFF, into_signals)

    def _drowsy(self, rows: Rows, place: Rows, meaning: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See who is silent: his packets are as good as comfort noise. Gives their meanings."""
        small = self._doze.is_small(rows, place)
        self._seats.paused[rows] = small
        dozing = self._doze.nod(rows, place, small)
        for row in self._doze.waking(rows[~dozing]).tolist():
            self._catch_up(row)
        return np.where(dozing, np.uint8(COMFORT), meaning)

    def _catch_up(self, row: int) -> None:
        """Decode what was kept of a leg, so that its decoder is where it would be."""
        band, one = int(self._seats.in_band[row]), np.array([row])
        decoders = self._decoders[int(self._seats.coding[row])]
        lost = np.empty((1, _LONGEST * FRAMES[band]), np.float32)
        for payload in self._doze.kept(row):
            if payload:
                data = np.frombuffer(payload, np.uint8)[None]
                decoders.decode(one, data, np.array([len(payload)], np.int32), lost)

    def _group(self, meaning: int, rows: Rows, place: Rows, duration: int, into_signals: bool) -> Decoded:
        """Rows of one codec, band and duration, whose payloads are all short or all long."""
        seats = self._seats
        band = int(seats.in_band[rows[0]])
        units = int(seats.units[rows[0]])
        count = duration * FRAMES[band] // units
        frames = self._target(band, rows, count, into_signals)
        length = seats.ring.length[place, rows].astype(np.int32)
        if meaning >= COMFORT:
            frames[...] = 0
        elif meaning not in STATEFUL:
            size = int(length[0])
            stateless(meaning).decode(seats.ring.payload(rows, place, size)[:, :size], frames)
        else:
            payload = seats.ring.payload(rows, place, int(length.max()))
            done = self._decoders[meaning].decode(rows, payload, length, frames)
            bad = done < count
            if bad.any():
                seats.discarded[rows[bad]] += 1
                for index in np.flatnonzero(bad).tolist():
                    frames[index, int(done[index]) :] = 0
        return rows, place, band, frames

    def _target(self, band: int, rows: Rows, count: int, into_signals: bool) -> Samples:
        """Where to write: in ``signals`` itself where the rows are neighbours."""
        first, last = int(rows[0]), int(rows[-1])
        if into_signals and count == FRAMES[band] and last - first == len(rows) - 1:
            return self._seats.signals[band][first : last + 1]
        return np.empty((len(rows), count), np.float32)

    # ------------------------------------------------------------------ packets that are lost
    def conceals(self, rows: Rows) -> NDArray[np.bool_]:
        """Whose decoder makes up lost frames itself."""
        return np.isin(self._seats.coding[rows], CONCEALING)

    def conceal(self, band: int, rows: Rows, count: int) -> Samples:
        """Lost frames of one band whose decoders make them up."""
        frames = np.zeros((len(rows), count), np.float32)
        for meaning in CONCEALING:
            mine = np.flatnonzero(self._seats.coding[rows] == meaning)
            if len(mine):
                part = np.empty((len(mine), count), np.float32)
                self._decoders[meaning].conceal(rows[mine], part)
                frames[mine] = part
        return frames

    def recover(self, rows: Rows, place: Rows, band: int, count: int) -> Samples:
        """The frames before these packets, which must be of the codec that plays, from what they hold of them."""
        ring = self._seats.ring
        frames = np.zeros((len(rows), count), np.float32)
        for index, (row, slot) in enumerate(zip(rows.tolist(), place.tolist(), strict=True)):
            one, at = rows[index : index + 1], place[index : index + 1]
            length = ring.length[slot, row : row + 1].astype(np.int32)
            decoders = self._decoders[int(ring.meaning[slot, row])]
            decoders.recover(one, ring.payload(one, at, int(length[0])), length, frames[index : index + 1])
        return frames

    def has_redundancy(self, rows: Rows, place: Rows) -> NDArray[np.bool_]:
        """Whose packets at these places do tell something of it."""
        ring, found = self._seats.ring, self.may_recover(rows, place)
        meaning, length = ring.meaning[place, rows], ring.length[place, rows].astype(np.int32)
        for index in np.flatnonzero(found).tolist():
            one = slice(index, index + 1)
            payload = ring.payload(rows[one], place[one], int(length[index]))
            found[index] = STATEFUL[int(meaning[index])].has_redundancy(payload, length[one])[0]
        return found

    def may_recover(self, rows: Rows, place: Rows) -> NDArray[np.bool_]:
        """Whose packets at these places could tell of the frame before them."""
        same: NDArray[np.bool_] = self._seats.ring.meaning[place, rows] == self._seats.coding[rows]
        return same & self.conceals(rows)
