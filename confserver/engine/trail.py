"""The RTP headers of the last minute, both ways, as they passed: for whoever must find out what a call has heard.

One ring of columns for all legs, written by slices; it holds a minute of some 200 legs in 32 MB, of more legs less. No
payload is kept. A row is the leg's that sat there at the time: legs are remembered for a while after their end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from confserver.contract import LegId
from confserver.engine.batch import Batch
from confserver.engine.departure import Outbox
from confserver.engine.frame import Rows
from confserver.rtp.header import HEADER_BYTES

LAST_S = 60.0
MOST_OF_A_LEG = 20_000
MOST_LEGS = 4000
RECORD = np.dtype([("at", "<f8"), ("is_ours", "u1"), ("length", "<u2"), ("header", f"V{HEADER_BYTES}")])
"""As ``Captured`` carries it: 23 bytes a packet. ``length``: of the whole packet."""
_COST = 8 + 1 + 2 + 2 + HEADER_BYTES
_FIRST_RTCP, _LAST_RTCP = 64, 95
"""RFC 5761 section 4: what looks like these payload types is RTCP."""


class Trail:
    """``most_bytes`` 0: nothing is kept."""

    def __init__(self, most_bytes: int) -> None:
        size = most_bytes // _COST
        self._size = size
        self._header: NDArray[np.uint8] = np.zeros((size, HEADER_BYTES), np.uint8)
        self._row: NDArray[np.uint16] = np.zeros(size, np.uint16)
        self._at: NDArray[np.float64] = np.zeros(size, np.float64)
        self._length: NDArray[np.uint16] = np.zeros(size, np.uint16)
        self._is_ours: NDArray[np.bool_] = np.zeros(size, np.bool_)
        self._next = 0
        self._legs: OrderedDict[LegId, tuple[int, float, float]] = OrderedDict()
        """Row, since when, until when."""

    # ------------------------------------------------------------------ in the tick
    def incoming(self, batch: Batch, rows: Rows) -> None:
        """All of a batch that comes from somebody known. ``rows``: by datagram, 0 for strangers."""
        if not self._size:
            return
        kind = batch.data[: len(rows), 1] & 0x7F
        kept = (rows > 0) & (batch.length[: len(rows)] >= HEADER_BYTES) & ((kind < _FIRST_RTCP) | (kind > _LAST_RTCP))
        if not kept.all():
            places = np.flatnonzero(kept)
            rows = rows[places]
            self._note(rows, batch.data[places, :HEADER_BYTES], batch.length[places], batch.arrived[places], False)
        else:
            count = len(rows)
            self._note(rows, batch.data[:count, :HEADER_BYTES], batch.length[:count], batch.arrived[:count], False)

    def outgoing(self, outboxes: Sequence[Outbox], now: float) -> None:
        if not self._size:
            return
        for outbox in outboxes:
            rows, header, length = outbox.rows, outbox.packets[:, :HEADER_BYTES], outbox.length
            if not outbox.is_whole:
                places = np.flatnonzero(length > 0)
                rows, header, length = rows[places], header[places], length[places]
            if len(rows):
                self._note(rows, header, length, now, True)

    def _note(
        self,
        rows: Rows,
        header: NDArray[np.uint8],
        length: NDArray[np.int32],
        at: NDArray[np.float64] | float,
        is_ours: bool,
    ) -> None:
        count, begin = len(rows), self._next
        if count > self._size:
            return
        end = begin + count
        first = min(end, self._size) - begin
        pieces = (slice(0, first), slice(begin, begin + first)), (slice(first, count), slice(0, count - first))
        for source, there in pieces:
            self._row[there] = rows[source]
            self._header[there] = header[source]
            self._length[there] = length[source]
            self._at[there] = at if isinstance(at, float) else at[source]
            self._is_ours[there] = is_ours
        self._next = end % self._size

    # ------------------------------------------------------------------ between ticks
    def opened(self, leg: LegId, row: int, now: float) -> None:
        self._legs[leg] = row, now, np.inf
        if len(self._legs) > MOST_LEGS:
            self._legs.popitem(last=False)

    def closed(self, leg: LegId, now: float) -> None:
        if leg in self._legs:
            row, since, _ = self._legs[leg]
            self._legs[leg] = row, since, now

    def of(self, leg: LegId, now: float) -> bytes:
        """The leg's packets of the last minute, its end counting as now, in order of time, as RECORDs."""
        if leg not in self._legs or not self._size:
            return b""
        row, since, until = self._legs[leg]
        begin, end = max(since, min(until, now) - LAST_S), min(until, now)
        places = np.flatnonzero(self._row == row)
        places = places[np.argsort((places - self._next) % self._size, kind="stable")]  # the oldest first
        places = places[(self._at[places] >= begin) & (self._at[places] <= end)]
        places = places[np.argsort(self._at[places], kind="stable")][-MOST_OF_A_LEG:]
        records = np.zeros(len(places), RECORD)
        records["at"] = self._at[places]
        records["is_ours"] = self._is_ours[places]
        records["length"] = self._length[places]
        records["header"] = np.ascontiguousarray(self._header[places]).view(f"V{HEADER_BYTES}")[:, 0]
        return records.tobytes()
