"""Columns of all that the callers have received in the window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.bench.arrivals import Packets
from confserver.bench.link import Sound
from confserver.bench.section import PACKET_BYTES, Section
from confserver.bench.wire import Received
from confserver.engine.frame import Bytes
from confserver.rtp.header import HEADER, HEADER_BYTES, PLAIN, RTCP_FIRST, RTCP_LAST

KEPT_S = 10.0
"""Of a longer window the sound of those who are checked is kept for so long, at its end."""


class Recording:
    """Takes what section after section has read. Kept is the sound of those ``checked``, and all that of ``timers``."""

    def __init__(self, start: float, end: float, callers: int, checked: list[int], timers: list[int]) -> None:
        self.start, self.end = start, end
        self.strange = 0
        self._timers: NDArray[np.bool_] = np.zeros(callers, bool)
        self._timers[timers] = True
        self._kept = self._timers.copy()
        self._kept[checked] = True
        self._columns: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint16], NDArray[np.uint32]]] = []
        self._sounds: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint16], Bytes]] = []

    def take(self, section: Section, read: Received) -> None:
        count = read.count
        if not count:
            return
        data, second = read.data[:count], read.data[:count, 1]
        number = read.number.clip(0, len(section.senders) - 1)
        ours = read.is_known & (read.number == number) & (read.sender == section.senders[number])
        plain = (read.length == PACKET_BYTES) & (data[:, 0] == PLAIN) & (second & 0x7F == 0)
        control = (second >= RTCP_FIRST) & (second <= RTCP_LAST)
        self.strange += int((~(ours & (plain | control))).sum())
        rows = np.flatnonzero(ours & plain)
        if not len(rows):
            return
        header = data[rows, :HEADER_BYTES].view(HEADER)[:, 0]
        caller, arrived = number[rows], read.arrived[rows]
        sequence = header["sequence"].astype(np.uint16)
        self._columns.append((caller, arrived, sequence, header["timestamp"].astype(np.uint32)))
        wanted = (self._kept if arrived[-1] > self.end - KEPT_S else self._timers)[caller]
        if wanted.any():
            payloads = data[rows[wanted], HEADER_BYTES:PACKET_BYTES]
            self._sounds.append((caller[wanted], arrived[wanted], sequence[wanted], payloads))

    def packets(self) -> Packets:
        if not self._columns:
            return Packets(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint16), np.zeros(0, np.uint32))
        caller, arrived, sequence, timestamp = zip(*self._columns, strict=True)
        return Packets(
            np.concatenate(caller), np.concatenate(arrived), np.concatenate(sequence), np.concatenate(timestamp)
        )

    def sounds(self) -> dict[int, Sound]:
        """By caller, of the window only, in order of arrival."""
        if not self._sounds:
            return {}
        columns = list(zip(*self._sounds, strict=True))
        caller, arrived, sequence, payloads = (np.concatenate(column) for column in columns)
        order = np.lexsort((arrived, caller))
        order = order[(arrived[order] >= self.start) & (arrived[order] < self.end)]
        edges = np.flatnonzero(np.diff(caller[order])) + 1
        parts = np.split(order, edges) if len(order) else []
        return {int(caller[part[0]]): Sound(arrived[part], sequence[part], payloads[part]) for part in parts}
