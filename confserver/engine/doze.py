"""Opus of who has long been silent is not decoded: his packets are kept, and the last of them decoded when he wakes.

So quiet is a packet that is smaller than speech can be coded in (Opus begins at 6 kbit/s; digital silence and
discontinuous transmission take less), whose encoder says that it holds no speech (RFC 6716 section 4.2.3), or whose
sender says that it is quieter than anything that is let into a mix (RFC 6464). With the packets that were kept the
decoder has caught up when the first loud one comes, so that no word loses its beginning.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import CONCEALING, STATEFUL
from confserver.engine.frame import Rows
from confserver.engine.ring import SHORT
from confserver.engine.seats import Seats

SMALL = 12
"""Bytes of 20 ms: 4.8 kbit/s."""
QUIET_LEVEL = 66
"""-dBov: below the least level at which a leg enters a mix (``speech``), with 6 dB to spare."""
AWAKE_TICKS = 50
"""Without a sound, before a leg may doze off."""
HEAD_BYTES = 2
"""Of a packet, which tell whether it holds speech."""
KEPT = 3
"""Packets that prepare a decoder."""


class Doze:
    """Who dozes, and the packets that were not decoded."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._payload: NDArray[np.uint8] = np.zeros((KEPT, seats.capacity, SHORT), np.uint8)
        self._length: NDArray[np.int32] = np.zeros((KEPT, seats.capacity), np.int32)

    def fit(self) -> None:
        """Grow as the seats have grown."""
        old, capacity = self._length.shape[1], self._seats.capacity
        if capacity == old:
            return
        payload, length = self._payload, self._length
        used = np.flatnonzero(length.any(axis=0))
        self._payload = np.zeros((KEPT, capacity, SHORT), np.uint8)
        self._payload[:, used] = payload[:, used]
        self._length = np.zeros((KEPT, capacity), np.int32)
        self._length[:, :old] = length

    def is_small(self, rows: Rows, place: Rows) -> NDArray[np.bool_]:
        """Whether these packets are Opus that holds no speech."""
        ring = self._seats.ring
        frames = np.maximum(ring.duration[place, rows] // self._seats.units[rows], 1)
        small: NDArray[np.bool_] = ring.length[place, rows] <= SMALL * frames
        return small & np.isin(ring.meaning[place, rows], CONCEALING)

    def nod(self, rows: Rows, place: Rows, small: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whose packets need not be decoded; they are kept."""
        seats, ring = self._seats, self._seats.ring
        length, meaning = ring.length[place, rows], ring.meaning[place, rows]
        said = (seats.level_id[rows] > 0) & (seats.level_in[rows] >= QUIET_LEVEL) & ~seats.voice_in[rows]
        awake = ~seats.talks[rows] & (seats.quiet_frames[rows] > AWAKE_TICKS) & (seats.missed[rows] == 0)
        quiet = (small | said & np.isin(meaning, CONCEALING)) & (length <= SHORT)
        unsure = np.flatnonzero(~quiet & (length <= SHORT) & (seats.dozes[rows] | awake))
        if len(unsure):
            quiet[unsure] = self._is_passive(rows[unsure], place[unsure], meaning[unsure])
        dozing: NDArray[np.bool_] = quiet & (seats.dozes[rows] | awake)
        mine = rows[dozing]
        if len(mine):
            fresh = mine[~seats.dozes[mine]]
            self._length[:, fresh] = 0
            self._length[:-1, mine] = self._length[1:, mine]
            self._payload[:-1, mine] = self._payload[1:, mine]
            self._length[-1, mine] = length[dozing]
            self._payload[-1, mine] = ring.payload(mine, place[dozing], SHORT)
            seats.dozes[mine] = True
        return dozing

    def _is_passive(self, rows: Rows, place: Rows, meaning: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether their encoders say that these packets hold no speech."""
        ring, found = self._seats.ring, np.zeros(len(rows), np.bool_)
        for number in CONCEALING:
            mine = np.flatnonzero(meaning == number)
            if len(mine):
                heads = ring.heads(rows[mine], place[mine], HEAD_BYTES)
                length = ring.length[place[mine], rows[mine]].astype(np.int32)
                found[mine] = ~STATEFUL[number].is_active(heads, length)
        return found

    def waking(self, rows: Rows) -> Rows:
        """Those who have dozed so far and must be decoded now; they are awake from here on."""
        woken = rows[self._seats.dozes[rows]]
        self._seats.dozes[woken] = False
        return woken

    def kept(self, row: int) -> list[bytes]:
        """The last packets of a leg that were not decoded, the oldest first."""
        return [self._payload[place, row, : self._length[place, row]].tobytes() for place in range(KEPT)]
