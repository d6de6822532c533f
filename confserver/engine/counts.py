"""What is counted of each leg's packets (RFC 3550 A.1, A.3, A.8), in columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import Lengths, Rows
from confserver.engine.seats import TICKS_A_SECOND, Seats
from confserver.rtp.statistics import MOST_DROPOUT, jitter_after, signed16, signed32

JUMP_TICKS = 100
"""Ticks: a timestamp so far from what is playing begins a new stream."""


class Counts:
    """Counts packets, at most one a row at a time."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats

    def count(
        self,
        rows: Rows,
        sequence: NDArray[np.uint16],
        timestamp: NDArray[np.uint32],
        arrived: NDArray[np.float64],
        units: Lengths,
        duration: Lengths,
        foreign: NDArray[np.bool_],
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Gives whose stream has begun anew (its sequence or timestamp jumped), and who had paused before it.

        foreign: whose timestamps are of another clock than those before, and tell nothing of the network.
        """
        seats = self._seats
        step = signed16(sequence - seats.top_sequence[rows]).astype(np.int32)
        started = seats.received[rows] > 0
        jumped = started & (np.abs(step) > MOST_DROPOUT)
        anew = ~started | jumped
        if anew.any():
            self._begin(rows[anew], sequence[anew], timestamp[anew], arrived[anew])
        going = ~anew
        forward = going & (step > 0)
        wrapped = rows[forward & (sequence < seats.top_sequence[rows])]
        seats.cycles[wrapped] += 65536
        seats.top_sequence[rows[forward]] = sequence[forward]
        change = signed32(timestamp - seats.last_timestamp[rows])
        # the next packet, but of an earlier time: the sender has set its clock anew
        backward = forward & (change < 0) & ~foreign
        jitter = jitter_after(seats.jitter[rows], arrived - seats.last_arrival[rows], change, units * TICKS_A_SECOND)
        # a timestamp that jumped says nothing about the network
        told = going & (np.abs(change) < JUMP_TICKS * units) & ~foreign
        seats.jitter[rows] = np.where(told, jitter, seats.jitter[rows])
        seats.last_arrival[rows] = arrived
        seats.last_timestamp[rows] = timestamp
        seats.heard_at[rows] = arrived
        seats.received[rows] += 1
        return jumped | backward, told & (step == 1) & (change >= duration + units)

    def count_soundless(self, row: int, sequence: int, arrived: float) -> None:
        """Count a packet that holds no sound: a digit is no loss."""
        seats = self._seats
        step = (sequence - int(seats.top_sequence[row])) & 0xFFFF
        if seats.received[row] and step < MOST_DROPOUT:
            seats.cycles[row] += 65536 * (sequence < seats.top_sequence[row])
            seats.top_sequence[row] = sequence
        seats.received[row] += bool(seats.received[row])
        seats.heard_at[row] = arrived

    def is_older(self, rows: Rows, sequence: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Whether a packet was sent before another one that has come."""
        step = signed16(sequence - self._seats.top_sequence[rows])
        return (self._seats.received[rows] > 0) & (step <= 0) & (step > -MOST_DROPOUT)

    def _begin(
        self, rows: Rows, sequence: NDArray[np.uint16], timestamp: NDArray[np.uint32], arrived: NDArray[np.float64]
    ) -> None:
        """Start the counts where a stream starts (RFC 3550 A.1 init_seq)."""
        seats = self._seats
        self.close(rows)
        seats.first_sequence[rows] = seats.top_sequence[rows] = sequence
        seats.cycles[rows] = 0
        seats.last_timestamp[rows] = timestamp
        seats.last_arrival[rows] = arrived

    def close(self, rows: Rows) -> None:
        """A stream has ended, or another takes its place: its counts go to the leg's."""
        seats = self._seats
        received = seats.received[rows].astype(np.int64)
        expected = seats.cycles[rows].astype(np.int64) + seats.top_sequence[rows] - seats.first_sequence[rows] + 1
        seats.lost_before[rows] += np.where(received > 0, np.maximum(expected - received, 0), 0)
        seats.received_before[rows] += seats.received[rows]
        seats.received[rows] = 0
