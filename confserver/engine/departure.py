"""Headers and packets of one tick, in the order in which they are sent."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAME, Bytes, Lengths, Rows
from confserver.engine.protection import Protection
from confserver.engine.seats import Seats
from confserver.rtp.address import SOCKADDR_BYTES
from confserver.rtp.header import HEADER, HEADER_BYTES
from confserver.rtp.srtp import TRAILER_BYTES

_SIZE = HEADER_BYTES + FRAME
_PACKET = np.dtype([("header", HEADER), ("payload", f"V{FRAME}"), ("trailer", f"V{TRAILER_BYTES}")])
_MARK = np.uint8(0x80)


@dataclass(slots=True)
class Outbox:
    """What is to be sent in this tick.

    packets: uint8 (n, bytes), of which the first length, int32 (n), are sent. address: uint8 (n, SOCKADDR_BYTES).
    ranges: (socket, start, stop), each socket's packets one after another. ``version`` changes whenever rows,
    addresses or ranges do, never by the tick alone.
    """

    packets: Bytes
    length: Lengths
    address: NDArray[np.uint8]
    ranges: list[tuple[int, int, int]]
    version: int


class Departure:
    """Writes packets; rows are sorted by socket whenever legs come, go or move."""

    def __init__(self, seats: Seats, protection: Protection) -> None:
        self._seats = seats
        self._protection = protection
        self.rows: Rows = np.zeros(0, np.intp)
        self._packets: NDArray[np.void] = np.zeros(0, _PACKET)
        nothing = np.zeros((0, 0), np.uint8), np.zeros(0, np.int32)
        self.outbox = Outbox(*nothing, np.zeros((0, SOCKADDR_BYTES), np.uint8), [], 0)

    def rebuild(self) -> None:
        """Find anew who sends, and where to."""
        seats = self._seats
        rows = np.flatnonzero(seats.sends[: seats.high])
        rows = rows[np.argsort(seats.local[rows], kind="stable")]
        self.rows = rows
        self._packets = np.zeros(len(rows), _PACKET)
        header = self._packets["header"]
        header["first"] = 0x80
        header["ssrc"] = seats.out_ssrc[rows]
        address = seats.out_address[rows]
        packets = self._packets.view(np.uint8).reshape(len(rows), _PACKET.itemsize)
        length = np.full(len(rows), _SIZE, np.int32)
        self.outbox = Outbox(packets, length, address, _ranges(seats.local[rows]), self.outbox.version + 1)
        self._protection.point_at(rows, packets, length)

    def write(self, payloads: Bytes) -> Outbox:
        """payloads: uint8 (rows, FRAME). Fill the packets of this tick."""
        seats, rows = self._seats, self.rows
        header = self._packets["header"]
        mark = seats.out_mark[rows]
        header["second"] = seats.out_payload_type[rows] | (mark * _MARK)
        header["sequence"] = seats.out_sequence[rows]
        header["timestamp"] = seats.out_timestamp[rows]
        self.outbox.packets[:, HEADER_BYTES:_SIZE] = payloads
        seats.out_sequence[rows] += 1
        seats.out_mark[rows] = False
        seats.sent[rows] += 1
        self._protection.protect(_SIZE)
        return self.outbox

    def advance(self, ticks: int) -> None:
        """Time goes on for everybody, also for those who do not send now."""
        self._seats.out_timestamp[: self._seats.high] += np.uint32(ticks * FRAME)


def _ranges(local: NDArray[np.uint16]) -> list[tuple[int, int, int]]:
    if not len(local):
        return []
    edges = [0, *(np.flatnonzero(np.diff(local)) + 1).tolist(), len(local)]
    return [(int(local[start]), start, stop) for start, stop in itertools.pairwise(edges)]
