"""What each leg's stream has lost, and in what bursts: from the counts of arrival, looked at once a tick.

No packet is touched: where expected less received has changed, packets were lost, or lost ones came after all. A
packet that came too late to be played counts as lost (RFC 3611 section 4.7.2: lost or discarded).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from confserver.engine.seats import Seats
from confserver.rtp.bursts import Bursts

MOST_PENDING = 64
"""Losses that may still turn out to be late; beyond, the oldest are lost for good."""
MOST_AT_ONCE = 3000
"""What a stream may lose at once without being another one: the MAX_DROPOUT of RFC 3550 A.1."""


@dataclass(slots=True)
class Stream:
    """The stream of one leg since its beginning."""

    bursts: Bursts = field(default_factory=Bursts)
    key: tuple[int, int] = (0, 0)
    """SSRC and first sequence number: another one is another stream."""
    pending: list[int] = field(default_factory=list)
    """Places of packets that did not come in their turn."""
    expected_before: int = 0
    lost_before: int = 0
    runs_before: int = 0


@dataclass(frozen=True, slots=True)
class Interval:
    """What was expected since the last time, and lost of it."""

    expected: int = 0
    lost: int = 0
    runs: int = 0


class Reception:
    """The streams of all legs that are heard."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._missing: NDArray[np.uint32] = np.zeros(seats.capacity, np.uint32)
        self._streams: dict[int, Stream] = {}

    def add(self, row: int) -> None:
        self._streams[row] = Stream()

    def remove(self, row: int) -> None:
        self._streams.pop(row, None)

    def __len__(self) -> int:
        return len(self._streams)

    def look(self) -> None:
        """Note what was lost, or came late, in this tick."""
        seats, high = self._seats, self._seats.high
        if len(self._missing) < seats.capacity:
            self._missing = np.concatenate((self._missing, np.zeros(seats.capacity - len(self._missing), np.uint32)))
        missing = seats.cycles[:high] + seats.top_sequence[:high]
        missing -= seats.first_sequence[:high]
        missing -= seats.received[:high]
        missing += seats.late[:high]
        changed = np.flatnonzero(missing != self._missing[:high])
        if not len(changed):
            return
        change = (missing[changed] - self._missing[changed]).view(np.int32).tolist()
        self._missing[changed] = missing[changed]
        for row, count in zip(changed.tolist(), change, strict=True):
            stream = self._streams.get(row)
            if stream is not None and self._is_same(row, stream):
                self._note(row, stream, count)

    def _is_same(self, row: int, stream: Stream) -> bool:
        """Whether the stream still is the one that is counted; else it begins anew, and nothing is lost by that."""
        seats = self._seats
        key = int(seats.ssrc[row]), int(seats.first_sequence[row])
        if key == stream.key:
            return True
        self._streams[row] = Stream(key=key)
        return False

    def _note(self, row: int, stream: Stream, count: int) -> None:
        """count: so many more are missing; below zero, so many of the missing have come."""
        if count < 0:
            del stream.pending[count:]
        elif count <= MOST_AT_ONCE:
            newest = self._expected(row) - 1
            stream.pending.extend(range(max(newest - count, 0), newest))
        if len(stream.pending) > MOST_PENDING:
            self._settle(stream, len(stream.pending) - MOST_PENDING // 2)

    def _expected(self, row: int) -> int:
        seats = self._seats
        return int(seats.cycles[row]) + int(seats.top_sequence[row]) - int(seats.first_sequence[row]) + 1

    def _settle(self, stream: Stream, count: int) -> None:
        for place in stream.pending[:count]:
            stream.bursts.lose(place)
        del stream.pending[:count]

    # ------------------------------------------------------------------ reports
    def bursts(self, row: int) -> Bursts:
        """The counts of a leg's stream, all of whose missing packets are lost by now."""
        stream = self._streams[row]
        if not self._seats.received[row] or not self._is_same(row, stream):
            return self._streams[row].bursts
        self._settle(stream, len(stream.pending))
        stream.bursts.expected = max(self._expected(row), 0)
        return stream.bursts

    def interval(self, row: int) -> Interval:
        """What has come of the stream since this was last asked."""
        bursts = self.bursts(row)
        stream = self._streams[row]
        interval = Interval(
            bursts.expected - stream.expected_before,
            bursts.lost - stream.lost_before,
            bursts.runs - stream.runs_before,
        )
        stream.expected_before, stream.lost_before, stream.runs_before = bursts.expected, bursts.lost, bursts.runs
        return interval
