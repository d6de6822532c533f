"""What SRTP costs each packet, each way: ``python -m confserver.bench.srtp [LEGS [TICKS]]``.

The engine's own door (``engine.protection``), on packets of 20 ms of PCMU, of as many legs as named (500), each with
contexts of its own. Printed are medians over the ticks: us a packet with everything that a tick does for it, and
libsrtp in a plain loop.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from confserver.contract import SrtpKey
from confserver.engine.batch import Batch
from confserver.engine.protection import Protection
from confserver.engine.seats import Seats
from confserver.rtp import srtp
from confserver.rtp.header import HEADER, HEADER_BYTES
from confserver.sdp.crypto import SUITES

PAYLOAD = 160
PLAIN_BYTES = HEADER_BYTES + PAYLOAD
LEGS, TICKS = 500, 100


class Legs:
    """Protected legs of one suite, and the contexts of their phones."""

    def __init__(self, suite: str, count: int) -> None:
        self.seats = Seats(count + 2)
        self.protection = Protection(self.seats)
        self.rows = np.array([self.seats.take() for _ in range(count)], np.intp)
        self.phones = []
        for row in self.rows.tolist():
            incoming, outgoing = (SrtpKey(suite, bytes([way]) * SUITES[suite]) for way in (1, 2))
            self.seats.ssrc[row], self.seats.has_ssrc[row] = row, True
            self.protection.set(row, incoming, outgoing)
            self.phones.append(srtp.context(suite, incoming.key, True))
        self.batch = Batch(count)
        self.batch.count = count
        self._sent = srtp.Pointers(self.batch.data, self.batch.length)
        self.packets = np.zeros((count, PLAIN_BYTES + srtp.TRAILER_BYTES), np.uint8)
        self.sealer = self.protection.sealer(self.rows, self.packets, np.zeros(count, np.int32))
        self._sequence = 0

    def send(self) -> None:
        """The phones put their next packets into the batch, sealed; ours of this tick lie open in the matrix."""
        self._sequence += 1
        for data in (self.batch.data, self.packets):
            header = data[:, :HEADER_BYTES].view(HEADER)[:, 0]
            header["first"], header["second"], header["sequence"] = 0x80, 0, self._sequence
            header["ssrc"] = self.rows
            data[:, HEADER_BYTES:PLAIN_BYTES] = 0xD5
        self.batch.length[:] = PLAIN_BYTES
        for phone, packet, length in zip(self.phones, self._sent.packet, self._sent.length, strict=True):
            srtp.protect(phone, packet, length)

    def open(self) -> None:
        self.protection.unprotect(self.batch, self.rows)

    def close(self) -> None:
        self.protection.protect(self.sealer, PLAIN_BYTES)

    def close_bare(self) -> None:
        """By libsrtp in a plain loop."""
        assert self.sealer is not None
        self.sealer.length[:] = PLAIN_BYTES
        work, at = srtp.protect, self.sealer.at
        for handle, packet, length in zip(self.sealer.handles, at.packet, at.length, strict=True):
            work(handle, packet, length)


def measured(legs: Legs, work: Callable[[], None], ticks: int) -> float:
    """us of this thread a packet, the median over the ticks: other processes do not count."""
    took = []
    for _ in range(ticks):
        legs.send()
        began = time.thread_time()
        work()
        took.append((time.thread_time() - began) * 1e6 / len(legs.rows))
    return statistics.median(took)


def main(words: list[str]) -> None:
    count, ticks = [int(word) for word in [*words, *map(str, (LEGS, TICKS)[len(words) :])]]
    print(f"SRTP, {count} legs, medians of {ticks} ticks, us a packet")
    print(f"{'suite':<26}{'in':>7}{'out':>7}{'libsrtp':>9}")
    for suite in SUITES:
        legs = Legs(suite, count)
        into, out = measured(legs, legs.open, ticks), measured(legs, legs.close, ticks)
        bare = measured(legs, legs.close_bare, ticks)
        assert legs.protection.refused == 0
        print(f"{suite:<26}{into:7.2f}{out:7.2f}{bare:9.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
