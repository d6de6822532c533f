"""What each leg's stream has lost, and in what bursts: from the counts of arrival, looked at once a tick.

No packet is touched: where expected less received has changed, packets were lost, or lost ones came after all. A
packet that came too late to be played counts as lost (RFC 3611 section 4.7.2: lost or discarded).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import Rows
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
    key: int = -1
    pending: list[int] = field(default_factory=list)
    """Places of packets that did not come in their turn."""
    before: tuple[int, int, int] = (0, 0, 0)
    """Expected, lost and runs as of the last interval's end."""


class Interval(NamedTuple):
    """What was expected since the last time, and lost of it."""

    expected: int
    lost: int
    runs: int
    """Of losses behind each other."""


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
        newest = seats.cycles[:high] + seats.top_sequence[:high]
        newest -= seats.first_sequence[:high]
        missing = newest - seats.received[:high]
        missing += seats.late[:high]
        changed = np.flatnonzero(missing != self._missing[:high])
        if not len(changed):
            return
        change = (missing[changed] - self._missing[changed]).view(np.int32)
        self._missing[changed] = missing[changed]
        facts = changed.tolist(), change.tolist(), newest[changed].tolist(), _keys(seats, changed)
        for row, count, place, key in zip(*facts, strict=True):
            stream = self._streams.get(row)
            if stream is None:
                continue
            if stream.key == key:
                _note(stream, count, place)
            else:
                self._streams[row] = Stream(key=key)

    # ------------------------------------------------------------------ reports
    def bursts(self, row: int) -> Bursts:
        """The counts of a leg's stream, all of whose missing packets are lost by now."""
        return self._settled(row).bursts

    def interval(self, row: int) -> Interval:
        """What has come of the stream since this was last asked."""
        stream = self._settled(row)
        bursts = stream.bursts
        before, stream.before = stream.before, (bursts.expected, bursts.lost, bursts.runs)
        return Interval(bursts.expected - before[0], bursts.lost - before[1], bursts.runs - before[2])

    def _settled(self, row: int) -> Stream:
        seats, stream = self._seats, self._streams[row]
        if not seats.received[row]:
            return stream
        first = int(seats.first_sequence[row])
        key = int(seats.ssrc[row]) << 16 | first
        if stream.key != key:
            stream = self._streams[row] = Stream(key=key)
        _settle(stream, len(stream.pending))
        stream.bursts.expected = max(int(seats.cycles[row]) + int(seats.top_sequence[row]) - first + 1, 0)
        return stream


def _keys(seats: Seats, rows: Rows) -> list[int]:
    """SSRC and first sequence number: another one is another stream."""
    keys: list[int] = (seats.ssrc[rows].astype(np.int64) << 16 | seats.first_sequence[rows]).tolist()
    return keys


def _note(stream: Stream, count: int, newest: int) -> None:
    """count: so many more are missing; below zero, so many of the missing have come. newest: place of the last."""
    pending = stream.pending
    if count == 1:
        pending.append(newest - 1)
    elif count < 0:
        del pending[count:]
    elif count <= MOST_AT_ONCE:
        pending.extend(range(max(newest - count, 0), newest))
    if len(pending) > MOST_PENDING:
        _settle(stream, len(pending) - MOST_PENDING // 2)


def _settle(stream: Stream, count: int) -> None:
    """The oldest that have not come will not come any more."""
    if count:
        for place in stream.pending[:count]:
            stream.bursts.lose(place)
        del stream.pending[:count]
