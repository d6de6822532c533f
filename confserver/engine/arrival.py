"""A batch of datagrams -> seats -> payload rings, all at once.

The ordinary packet (known source, known SSRC, no more than a header extension, an audio payload) never becomes a
Python object. All others are handed, by index, to ``strays``: strangers, RTCP, digits, CSRCs, a new SSRC.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.batch import Batch
from confserver.engine.codecs import COMFORT, DURATION, FIRST_EVENT, NOTHING, READ, UNITS, codec_of
from confserver.engine.counts import JUMP_TICKS, Counts
from confserver.engine.extensions import EXTENDED, strip
from confserver.engine.frame import Lengths, Rows
from confserver.engine.protection import Protection
from confserver.engine.ring import LONG, PLACES
from confserver.engine.seats import SPENT, TICKS_A_SECOND, Seats
from confserver.engine.sources import Sources
from confserver.engine.trail import Trail
from confserver.rtp.header import HEADER, HEADER_BYTES, PLAIN
from confserver.rtp.statistics import signed32

_NO_SLACK = 9.0
_LOOKED_AT = 4
"""First bytes of a payload that tell how long it sounds, where its length does not."""


class Arrival:
    """Sorts batches into the rings."""

    def __init__(self, seats: Seats, sources: Sources, protection: Protection, trail: Trail) -> None:
        self._trail = trail
        self._seats = seats
        self._sources = sources
        self._protection = protection
        self._counts = Counts(seats)

    def receive(self, batch: Batch, now: float) -> tuple[Rows, Rows]:
        """Take a batch in. Gives the indices that need a closer look, and their rows (0: unknown sender)."""
        count = batch.count
        seats = self._seats
        rows = self._sources.rows_of(batch.key[:count])
        self._trail.incoming(batch, rows)
        self._protection.unprotect(batch, rows)
        header = batch.data[:count, :HEADER_BYTES].copy().view(HEADER)[:, 0]
        if (header["first"] == EXTENDED).any():
            strip(batch, header["first"], rows, seats)
        length = batch.length[:count]
        meaning = seats.meaning[rows, header["second"] & 0x7F]
        ordinary = header["first"] == PLAIN
        ordinary &= (meaning != NOTHING) & (meaning < FIRST_EVENT)
        ordinary &= (length > HEADER_BYTES) & (length <= HEADER_BYTES + LONG)
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
        self._counts.close(rows)
        self._restart(rows)

    def count_one(self, row: int, sequence: int, arrived: float) -> None:
        """Count a packet that holds no sound: a digit is no loss."""
        self._counts.count_soundless(row, sequence, arrived)

    def _insert_all(
        self, batch: Batch, taken: Rows, rows: Rows, header: NDArray[np.void], meaning: NDArray[np.uint8], now: float
    ) -> None:
        """Insert, each row's packets one after another: in rounds, of which each has one packet of a row.

        Nearly all rows have one packet, and are done with the first.
        """
        duration = self._durations(batch, taken, rows, meaning)
        sequence = header["sequence"].astype(np.uint16)[taken]
        timestamp = header["timestamp"].astype(np.uint32)[taken]
        amount = np.bincount(rows)[rows]
        if amount.max() == 1:
            self._insert(batch, taken, rows, sequence, timestamp, meaning, duration, now)
            return
        several = np.flatnonzero(amount > 1)
        order = several[np.argsort(rows[several], kind="stable")]
        begins = np.flatnonzero(np.diff(rows[order], prepend=-1))
        size = np.diff(begins, append=len(order))
        turn = np.zeros(len(rows), np.intp)
        turn[order] = np.arange(len(order)) - np.repeat(begins + np.maximum(size - PLACES, 0), size)
        self._seats.discarded[rows[order[begins]]] += np.maximum(size - PLACES, 0).astype(np.uint32)
        for number in range(min(int(size.max()), PLACES)):
            now_in = several[turn[several] == number] if number else np.flatnonzero(turn == 0)
            told = sequence[now_in], timestamp[now_in], meaning[now_in], duration[now_in]
            self._insert(batch, taken[now_in], rows[now_in], *told, now)

    def _durations(self, batch: Batch, taken: Rows, rows: Rows, meaning: NDArray[np.uint8]) -> Lengths:
        """How long each payload sounds, in ticks of its clock; 0: it cannot be read."""
        length = batch.length[taken] - HEADER_BYTES
        duration = DURATION[meaning, length]
        for number in READ:
            mine = np.flatnonzero(meaning == number)
            if len(mine):
                head = batch.data[taken[mine], HEADER_BYTES : HEADER_BYTES + _LOOKED_AT]
                duration[mine] = codec_of(number).duration(head, length[mine])
        comfort = meaning == COMFORT
        if comfort.any():
            duration[comfort] = self._seats.units[rows[comfort]]
        return duration

    def _insert(
        self,
        batch: Batch,
        taken: Rows,
        rows: Rows,
        sequence: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        meaning: NDArray[np.uint8],
        duration: Lengths,
        now: float,
    ) -> None:
        """Insert at most one packet a row."""
        seats = self._seats
        arrived = batch.arrived[taken]
        foreign = (UNITS[meaning] != seats.units[rows]) & (meaning != COMFORT)
        outdated = foreign
        if foreign.any():
            outdated = foreign & self._counts.is_older(rows, sequence)
            self._change_clock(rows, meaning, foreign & ~outdated)
        units = seats.units[rows]
        returned, rested = self._counts.count(rows, sequence, timestamp, arrived, units, duration, foreign)
        if rested.any():
            self._excuse(rows[rested])
        ahead = signed32(timestamp - seats.next_timestamp[rows])
        far = (returned | (np.abs(ahead) > JUMP_TICKS * units)) & ~outdated & (duration > 0)
        if far.any():
            self._restart(rows[far])
        playing = seats.playing[rows]
        late = (playing & (ahead + duration <= 0)) | outdated
        unread = duration <= 0
        keep = ~(late | unread)
        if not keep.all():
            seats.discarded[rows[unread]] += 1
            seats.late[rows[late & ~unread]] += 1
        self._note_slack(rows, ahead, units, arrived, playing & ~outdated & ~unread, now)
        self._begin(rows, timestamp, arrived, ahead, ~playing & keep & (meaning != COMFORT))
        if not keep.all():
            taken, rows, timestamp, duration, meaning = (
                column[keep] for column in (taken, rows, timestamp, duration, meaning)
            )
        length = batch.length[taken] - HEADER_BYTES
        begin = seats.next_timestamp[rows]
        seats.ring.put(rows, batch.data[:, HEADER_BYTES:], timestamp, length, duration, meaning, begin, taken)

    def _excuse(self, rows: Rows) -> None:
        """No packet is missing, only time has passed: what stood still for want of packets was a pause."""
        seats = self._seats
        rows = rows[(seats.starved[rows] > 0) & ~seats.paused[rows]]
        seats.concealed[rows] -= np.minimum(seats.missed[rows], SPENT).astype(np.uint32)
        seats.paused[rows] = True

    def _note_slack(
        self,
        rows: Rows,
        ahead: NDArray[np.int32],
        units: Lengths,
        arrived: NDArray[np.float64],
        telling: NDArray[np.bool_],
        now: float,
    ) -> None:
        """How long before its turn each packet came (``depth``)."""
        seats = self._seats
        slack = now + (ahead + seats.queued[rows]) / (units * TICKS_A_SECOND) - arrived
        seats.slack[rows] = np.where(telling, np.minimum(seats.slack[rows], slack), seats.slack[rows])

    def _begin(
        self,
        rows: Rows,
        timestamp: NDArray[np.uint32],
        arrived: NDArray[np.float64],
        ahead: NDArray[np.int32],
        idle: NDArray[np.bool_],
    ) -> None:
        """A stream that is not playing starts with its first packet, a margin after that came."""
        if not idle.any():
            return
        seats = self._seats
        fresh = idle & ~seats.waiting[rows]
        start = rows[fresh]
        seats.waiting[start] = True
        seats.next_timestamp[start] = timestamp[fresh]
        seats.start_at[start] = arrived[fresh] + seats.margin[start]
        seats.ring.clear(start)
        seats.slack[start] = _NO_SLACK
        earlier = idle & ~fresh & (ahead < 0)
        seats.next_timestamp[rows[earlier]] = timestamp[earlier]

    def _restart(self, rows: Rows) -> None:
        """Sequence or timestamp has jumped: forget what is buffered, begin anew."""
        seats = self._seats
        seats.playing[rows] = seats.waiting[rows] = False
        seats.ring.clear(rows)

    def _change_clock(self, rows: Rows, meaning: NDArray[np.uint8], changing: NDArray[np.bool_]) -> None:
        """Another codec has come whose RTP clock is another: what was buffered cannot go on in its time."""
        seats, mine, units = self._seats, rows[changing], UNITS[meaning[changing]]
        seats.jitter[mine] *= units / seats.units[mine]
        seats.units[mine] = units
        self._restart(mine)
