"""The columns of all phones, by number: what each sends, where to, and what it has got."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from confserver.bench.media.load import HOST, KINDS, SOCKETS, Load, key_of, seat_of
from confserver.bench.media.payloads import Reel
from confserver.bench.media.words import Target
from confserver.bench.plan import Part
from confserver.engine.frame import TICK_S
from confserver.rtp import rtcp
from confserver.rtp.address import AddressBook
from confserver.rtp.srtp import Handle, context, protect_report

MOST = SOCKETS * SOCKETS
"""Legs: one of each socket on each of as many ports."""
CNAME = "phone@127.0.0.1"


class Phones:
    """Columns have a row for each number that there can be. key: see ``rtp.address``."""

    def __init__(self, load: Load, reel: Reel) -> None:
        random = np.random.default_rng()
        self.load, self.reel = load, reel
        seats = [seat_of(load, number) for number in range(MOST)]
        tracks = np.array([reel.tracks[seat.format, seat.part] for seat in seats])
        self.track, self.frames = tracks[:, 0], tracks[:, 1]
        self.offset = random.integers(0, 1 << 20, MOST) % self.frames
        self.claps: NDArray[np.bool_] = np.array([seat.part is Part.CLAPPER for seat in seats])
        self.times: NDArray[np.bool_] = np.array([seat.part is Part.TIMER for seat in seats])
        self.second = np.array([KINDS[seat.format].payload_type for seat in seats], np.uint8)
        self.step = np.array([round(KINDS[seat.format].clock_hz * TICK_S) for seat in seats])
        self.ssrc = random.integers(1, 1 << 32, MOST).astype(np.uint32)
        self.sequence = random.integers(0, 1 << 14, MOST)
        self.timestamp = random.integers(0, 1 << 31, MOST)
        self.port: NDArray[np.int64] = np.zeros(MOST, np.int64)
        self.their_ssrc: NDArray[np.uint32] = np.zeros(MOST, np.uint32)
        self.last: NDArray[np.uint16] = np.zeros(MOST, np.uint16)
        """Sequence of the last packet received."""
        self.is_there: NDArray[np.bool_] = np.zeros(MOST, np.bool_)
        self.keys: NDArray[np.uint64] = np.zeros(MOST, np.uint64)
        self.handles: dict[int, Handle] = {}
        self._book = AddressBook()

    def aim(self, targets: Iterable[Target]) -> None:
        for number, port, ssrc in targets:
            self.is_there[number] = True
            self.port[number], self.their_ssrc[number] = port, ssrc
            self.keys[number] = self._book.key(number % SOCKETS, (HOST, port))
            key = key_of(self.load, number, False)
            if key:
                self.handles[number] = context(key.suite, key.key, True)

    def release(self, numbers: list[int]) -> None:
        self.is_there[numbers] = False

    def report(self, number: int, beat: int) -> bytes:
        """RTCP of one phone, as all send it every 5 s (RFC 3550 section 6.2)."""
        ssrc = int(self.ssrc[number])
        block = rtcp.ReportBlock(
            ssrc=int(self.their_ssrc[number]), fraction_lost=self.load.loss, highest_sequence=int(self.last[number])
        )
        report = rtcp.SenderReport(
            ssrc=ssrc,
            ntp=rtcp.ntp_time(time.time()),
            rtp_timestamp=int(self.timestamp[number] + beat * self.step[number]) & 0xFFFFFFFF,
            packets=beat & 0xFFFFFFFF,
            octets=beat * 160 & 0xFFFFFFFF,
            blocks=(block,),
        )
        data = rtcp.compound(report, CNAME)
        handle = self.handles.get(number)
        return data if handle is None else protect_report(handle, data) or b""
