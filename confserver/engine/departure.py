"""Headers and packets of one tick, in the order in which they are sent.

Two *outboxes*: the plain one, whose packets are all one tick of G.711, and the one for everything else (``packets``).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.engine.encoding import NARROW_BYTES, Encoding
from confserver.engine.frame import TICK_S, Bytes, Lengths, Rows
from confserver.engine.protection import Protection, Sealer
from confserver.engine.seats import Seats
from confserver.rtp.address import SOCKADDR_BYTES
from confserver.rtp.header import HEADER, HEADER_BYTES
from confserver.rtp.srtp import TRAILER_BYTES

SIZE = HEADER_BYTES + NARROW_BYTES
_PACKET = np.dtype([("header", HEADER), ("payload", f"V{NARROW_BYTES}"), ("trailer", f"V{TRAILER_BYTES}")])
MARK = np.uint8(0x80)
USUAL_MS = round(TICK_S * 1000)


@dataclass(slots=True, eq=False)
class Outbox:
    """What is to be sent in this tick.

    packets: uint8 (n, bytes), of which the first length, int32 (n), are sent; 0: nothing is sent there this time.
    address: uint8 (n, SOCKADDR_BYTES). ranges: (socket, start, stop), each socket's packets one after another.
    rows: of the seats, by packet. ``number``: which of the outboxes it is. ``version`` changes whenever rows, addresses
    or ranges do, never by the tick alone.
    ``is_whole``: all lengths are above 0.
    """

    packets: Bytes
    length: Lengths
    address: NDArray[np.uint8]
    ranges: list[tuple[int, int, int]]
    rows: Rows
    version: int
    number: int = 0
    is_whole: bool = True


def empty_outbox() -> Outbox:
    nothing = np.zeros((0, 0), np.uint8), np.zeros(0, np.int32), np.zeros((0, SOCKADDR_BYTES), np.uint8)
    return Outbox(*nothing, [], np.zeros(0, np.intp), 0)


class Plain:
    """Packets of one tick of G.711; rows are sorted by socket whenever legs come, go or move."""

    def __init__(self, seats: Seats, encoding: Encoding, protection: Protection) -> None:
        self._seats = seats
        self._encoding = encoding
        self._protection = protection
        self._packets: NDArray[np.void] = np.zeros(0, _PACKET)
        self._sealer: Sealer | None = None
        self.outbox = empty_outbox()

    def rebuild(self, rows: Rows) -> None:
        """These rows send."""
        seats = self._seats
        rows = rows[np.argsort(seats.local[rows], kind="stable")]
        self._packets = np.zeros(len(rows), _PACKET)
        header = self._packets["header"]
        header["first"] = 0x80
        header["ssrc"] = seats.out_ssrc[rows]
        packets = self._packets.view(np.uint8).reshape(len(rows), _PACKET.itemsize)
        length = np.full(len(rows), SIZE, np.int32)
        address = seats.out_address[rows]
        self.outbox = Outbox(packets, length, address, ranges(seats.local[rows]), rows, self.outbox.version + 1)
        self._sealer = self._protection.sealer(rows, packets, length)

    def write(self) -> Outbox:
        """Fill the packets of this tick."""
        seats, rows = self._seats, self.outbox.rows
        header = self._packets["header"]
        mark = seats.out_mark[rows]
        header["second"] = seats.out_payload_type[rows] | (mark * MARK)
        header["sequence"] = seats.out_sequence[rows]
        header["timestamp"] = seats.out_timestamp[rows]
        self.outbox.packets[:, HEADER_BYTES:SIZE] = self._encoding.narrow[self._encoding.index[rows]]
        seats.out_sequence[rows] += 1
        seats.out_mark[rows] = False
        seats.sent[rows] += 1
        seats.out_octets[rows] += np.uint32(NARROW_BYTES)
        self._protection.protect(self._sealer, SIZE)
        return self.outbox


def ranges(local: NDArray[np.uint16]) -> list[tuple[int, int, int]]:
    """(socket, start, stop) of sorted sockets."""
    if not len(local):
        return []
    edges = [0, *(np.flatnonzero(np.diff(local)) + 1).tolist(), len(local)]
    return [(int(local[start]), start, stop) for start, stop in itertools.pairwise(edges)]
