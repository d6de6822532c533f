"""A batch of datagrams -> seats -> payload rings, all at once.

The ordinary packet (known source, known SSRC, no extension, an audio payload) never becomes a Python object. All
others are handed, by index, to ``odd_ones``: strangers, RTCP, digits, extensions, a new SSRC.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.batch import Batch
from confserver.engine.codecs import EVENT, NOTHING
from confserver.engine.frame import FRAME, RATE_HZ, Rows
from confserver.engine.protection import Protection
from confserver.engine.seats import MOST_PAYLOAD, RING, Seats
from confserver.engine.sources import Sources
from confserver.rtp.header import HEADER, HEADER_BYTES, PLAIN
from confserver.rtp.statistics import MOST_DROPOUT, jitter_after, signed16, signed32

MARGIN_S = 0.008
"""A packet should lie ready so long before it is played; the first of a spurt waits for it."""
_JUMP = 2 * RATE_HZ
"""A timestamp so far from what is playing begins a new stream."""
_NO_SLACK = 9.0


class Arrival:
    """Sorts batches into the rings."""

    def __init__(self, seats: Seats, sources: Sources, protection: Protection) -> None:
        self._seats = seats
        self._sources = sources
        self._protection = protection

    def receive(self, batch: Batch, now: float) -> tuple[Rows, Rows]:
        """Take a batch in. Gives the indices that need a closer look, and their rows (0: unknown sender)."""
        count = batch.count
        seats = self._seats
        rows = self._sources.rows_of(batch.key[:count])
        self._protection.unprotect(batch, rows)
        header = batch.data[:count, :HEADER_BYTES].copy().view(HEADER)[:, 0]
        length = batch.length[:count]
        meaning = seats.meaning[rows, header["second"] & 0x7F]
        ordinary = header["first"] == PLAIN
        ordinary &= (meaning != NOTHING) & (meaning != EVENT)
        ordinary &= (length > HEADER_BYTES) & (length <= HEADER_BYTES + MOST_PAYLOAD)
        ordinary &= (header["ssrc"] == seats.ssrc[rows]) & seats.has_ssrc[rows] & seats.receives[rows]
        taken = np.flatnonzero(ordinary)
        if len(taken):
            self._insert_all(batch, taken, rows[taken], header, meaning[taken], now)
        odd = np.flatnonzero(~ordinary & (length >= 0))
        return odd, rows[odd]

    def insert_one(self, batch: Batch, index: int, row: int, now: float) -> None:
        """Take in one packet that has been found good after all (its SSRC is the row's by now)."""
        indices, rows = np.array([index]), np.array([row])
        header = batch.data[: index + 1, :HEADER_BYTES].view(HEADER)[:, 0]
        meaning = self._seats.meaning[rows, header["second"][indices] & 0x7F]
        self._insert_all(batch, indices, rows, header, meaning, now)

    def begin_anew(self, row: int) -> None:
        """Another stream takes the place of the leg's."""
        rows = np.array([row])
        self.close_counts(rows)
        self._restart(rows)

    def count_one(self, row: int, sequence: int, arrived: float) -> None:
        """Count a packet that holds no sound: a digit is no loss."""
        seats = self._seats
        step = (sequence - int(seats.top_sequence[row])) & 0xFFFF
        if seats.received[row] and step < MOST_DROPOUT:
            seats.cycles[row] += 65536 * (sequence < seats.top_sequence[row])
            seats.top_sequence[row] = sequence
        seats.received[row] += bool(seats.received[row])
        seats.heard_at[row] = arrived

    def _insert_all(
        self, batch: Batch, taken: Rows, rows: Rows, header: NDArray[np.void], meaning: NDArray[np.uint8], now: float
    ) -> None:
        """Insert, each row's packets one after another: in rounds, of which each has one packet of a row."""
        if np.bincount(rows).max() == 1:
            self._insert(batch, taken, rows, header[taken], meaning, now)
            return
        order = np.argsort(rows, kind="stable")
        begins = np.flatnonzero(np.diff(rows[order], prepend=-1))
        size = np.diff(begins, append=len(rows))
        turn = np.arange(len(rows)) - np.repeat(begins + np.maximum(size - RING, 0), size)
        self._seats.discarded[rows[order[begins]]] += np.maximum(size - RING, 0).astype(np.uint32)
        for number in range(min(int(size.max()), RING)):
            now_in = order[turn == number]
            self._insert(batch, taken[now_in], rows[now_in], header[taken[now_in]], meaning[now_in], now)

    def _insert(
        self, batch: Batch, taken: Rows, rows: Rows, header: NDArray[np.void], meaning: NDArray[np.uint8], now: float
    ) -> None:
        """Insert at most one packet a row."""
        seats = self._seats
        sequence = header["sequence"].astype(np.uint16)
        timestamp = header["timestamp"].astype(np.uint32)
        arrived = batch.arrived[taken]
        returned = self._count(rows, sequence, timestamp, arrived)
        ahead = signed32(timestamp - seats.next_timestamp[rows])
        far = returned | (ahead < -_JUMP) | (ahead > _JUMP)
        if far.any():
            self._restart(rows[far])
        playing = seats.playing[rows]
        over = np.where(seats.odd[rows], ahead + (batch.length[taken] - HEADER_BYTES) <= 0, ahead < 0)
        late = playing & over
        if late.any():
            seats.late[rows[late]] += 1
        self._begin(rows, timestamp, arrived, ahead, playing)
        slack = now + ahead / RATE_HZ - arrived
        seats.slack[rows] = np.where(playing, np.minimum(seats.slack[rows], slack), seats.slack[rows])
        keep = ~late
        if not keep.all():
            taken, rows, sequence, timestamp, meaning = (
                taken[keep],
                rows[keep],
                sequence[keep],
                timestamp[keep],
                meaning[keep],
            )
        self._store(batch, taken, rows, sequence % RING, timestamp, meaning)

    def _store(
        self,
        batch: Batch,
        taken: Rows,
        rows: Rows,
        slots: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        meaning: NDArray[np.uint8],
    ) -> None:
        seats = self._seats
        size = batch.length[taken] - HEADER_BYTES
        seats.ring_timestamp[rows, slots] = timestamp
        seats.ring_length[rows, slots] = size
        seats.ring_meaning[rows, slots] = meaning
        usual = size == FRAME
        if usual.all():
            seats.ring[rows, slots, :FRAME] = batch.data[taken, HEADER_BYTES : HEADER_BYTES + FRAME]
            return
        seats.odd[rows[~usual]] = True
        seats.ring[rows, slots] = batch.data[taken, HEADER_BYTES : HEADER_BYTES + MOST_PAYLOAD]

    def _begin(
        self,
        rows: Rows,
        timestamp: NDArray[np.uint32],
        arrived: NDArray[np.float64],
        ahead: NDArray[np.int32],
        playing: NDArray[np.bool_],
    ) -> None:
        """A stream that is not playing starts with its first packet, a margin after that came."""
        idle = ~playing
        if not idle.any():
            return
        seats = self._seats
        fresh = idle & ~seats.waiting[rows]
        start = rows[fresh]
        seats.waiting[start] = True
        seats.next_timestamp[start] = timestamp[fresh]
        seats.start_at[start] = arrived[fresh] + MARGIN_S
        seats.ring_length[start] = 0
        seats.slack[start] = _NO_SLACK
        earlier = idle & ~fresh & (ahead < 0)
        seats.next_timestamp[rows[earlier]] = timestamp[earlier]

    def _restart(self, rows: Rows) -> None:
        """Sequence or timestamp has jumped: forget what is buffered, begin anew."""
        seats = self._seats
        seats.playing[rows] = seats.waiting[rows] = seats.odd[rows] = False
        seats.ring_length[rows] = 0

    def _count(
        self, rows: Rows, sequence: NDArray[np.uint16], timestamp: NDArray[np.uint32], arrived: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Statistics of RFC 3550 A.1 and A.8. Gives whose stream has begun anew: its sequence or timestamp jumped."""
        seats = self._seats
        step = signed16(sequence - seats.top_sequence[rows]).astype(np.int32)
        started = seats.received[rows] > 0
        jumped = started & (np.abs(step) > MOST_DROPOUT)
        anew = ~started | jumped
        if anew.any():
            self._count_anew(rows[anew], sequence[anew], timestamp[anew], arrived[anew])
        going = ~anew
        forward = going & (step > 0)
        wrapped = rows[forward & (sequence < seats.top_sequence[rows])]
        seats.cycles[wrapped] += 65536
        seats.top_sequence[rows[forward]] = sequence[forward]
        change = signed32(timestamp - seats.last_timestamp[rows])
        # the next packet, but of an earlier time: the sender has set its clock anew
        backward = forward & (change < 0)
        jitter = jitter_after(seats.jitter[rows], arrived - seats.last_arrival[rows], change, RATE_HZ)
        # a timestamp that jumped says nothing about the network
        seats.jitter[rows] = np.where(going & (np.abs(change) < _JUMP), jitter, seats.jitter[rows])
        seats.last_arrival[rows] = arrived
        seats.last_timestamp[rows] = timestamp
        seats.heard_at[rows] = arrived
        seats.received[rows] += 1
        return jumped | backward

    def _count_anew(
        self, rows: Rows, sequence: NDArray[np.uint16], timestamp: NDArray[np.uint32], arrived: NDArray[np.float64]
    ) -> None:
        """Start the counts where a stream starts (RFC 3550 A.1 init_seq)."""
        seats = self._seats
        self.close_counts(rows)
        seats.first_sequence[rows] = seats.top_sequence[rows] = sequence
        seats.cycles[rows] = 0
        seats.last_timestamp[rows] = timestamp
        seats.last_arrival[rows] = arrived

    def close_counts(self, rows: Rows) -> None:
        """A stream has ended, or another takes its place: its counts go to the leg's."""
        seats = self._seats
        received = seats.received[rows].astype(np.int64)
        expected = seats.cycles[rows].astype(np.int64) + seats.top_sequence[rows] - seats.first_sequence[rows] + 1
        seats.lost_before[rows] += np.where(received > 0, np.maximum(expected - received, 0), 0)
        seats.received_before[rows] += seats.received[rows]
        seats.received[rows] = 0
