"""A section of the callers: those who send at the same moment of every 20 ms. Columns, not objects."""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from confserver.bench.plan import (
    BURST_FRAMES,
    PAUSE_FRAMES,
    SOUND_FRAMES,
    Caller,
    Part,
    burst_frames,
    silent_frames,
    tone_frames,
)  # fmt: skip
from confserver.bench.wire import Received, Wire, key
from confserver.engine.frame import FRAME, Rows
from confserver.rtp.header import HEADER, HEADER_BYTES, PLAIN
from confserver.sip.flow import Address

_PACKET = np.dtype([("header", HEADER), ("payload", f"V{FRAME}")])
PACKET_BYTES = HEADER_BYTES + FRAME
BURST_PERIOD = BURST_FRAMES + PAUSE_FRAMES
_READ_AT_ONCE = 50
"""Packets a caller that fit into one reading: so many 20 ms may have been slept through."""


class Section:
    """Callers in the order in which they send. ``beat`` counts the 20 ms."""

    def __init__(self, callers: list[Caller], amplitude: float) -> None:
        self.callers = callers
        self.unsent = 0
        self._wire = Wire(min(_READ_AT_ONCE * len(callers) + 64, 8192))
        self._place = {caller.number: place for place, caller in enumerate(callers)}
        self.senders: NDArray[np.uint64] = np.zeros(max(self._place) + 1, np.uint64)
        """By caller's number: of the only one each should hear from (``wire.key``)."""
        self._servers: dict[int, Address] = {}
        self._tones = np.stack(
            [tone_frames(one.hz, amplitude) if one.hz else silent_frames(SOUND_FRAMES) for one in callers]
        )
        self._bursts = burst_frames()
        self._ssrc = np.array([secrets.randbits(32) for _ in callers], np.uint32)
        self._first_sequence = np.array([secrets.randbits(15) for _ in callers], np.int64)
        self._first_timestamp = np.array([secrets.randbits(31) for _ in callers], np.int64)
        self._rows: Rows = np.zeros(0, np.intp)
        self._clappers: list[tuple[int, int]] = []
        self._packets: NDArray[np.void] = np.zeros(0, _PACKET)
        self._bytes = self._packets.view(np.uint8).reshape(0, PACKET_BYTES)

    @property
    def port(self) -> int:
        """The RTP port of all its callers."""
        return self._wire.port

    def connect(self, number: int, server: Address) -> None:
        self._servers[self._place[number]] = server
        self.senders[number] = key(server)
        rows = sorted(self._servers)
        self._rows = np.array(rows, np.intp)
        self._clappers = [(at, row) for at, row in enumerate(rows) if self.callers[row].part is Part.CLAPPER]
        self._packets = np.zeros(len(rows), _PACKET)
        header = self._packets["header"]
        header["first"] = PLAIN
        header["ssrc"] = self._ssrc[self._rows]
        self._bytes = self._packets.view(np.uint8).reshape(len(rows), PACKET_BYTES)
        numbers = [self.callers[row].number for row in rows]
        self._wire.point_at(self._bytes, numbers, [self._servers[row] for row in rows])

    def prepare(self, beat: int) -> list[int]:
        """Write the packets of this beat. Gives the numbers of callers whose packet begins with a burst."""
        if not len(self._rows):
            return []
        header, payloads = self._packets["header"], self._bytes[:, HEADER_BYTES:]
        header["sequence"] = (self._first_sequence[self._rows] + beat) & 0xFFFF
        header["timestamp"] = (self._first_timestamp[self._rows] + beat * FRAME) & 0xFFFFFFFF
        payloads[...] = self._tones[self._rows, beat % SOUND_FRAMES]
        for at, _ in self._clappers:
            payloads[at] = self._bursts[beat % BURST_PERIOD]
        return [self.callers[row].number for _, row in self._clappers] if beat % BURST_PERIOD == 0 else []

    def send(self) -> None:
        self.unsent += self._wire.send()

    def receive(self) -> Received:
        """All that waits for the section's callers."""
        return self._wire.receive()

    def close(self) -> None:
        self._wire.close()
