"""Reception statistics on columns (RFC 3550 appendix A). Pure: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_DROPOUT = 3000
"""A sequence number that jumps further is a new start (RFC 3550 A.1 MAX_DROPOUT)."""


def signed16(difference: NDArray[np.uint16]) -> NDArray[np.int16]:
    """How far apart two sequence numbers are, across the wrap."""
    return difference.view(np.int16)


def signed32(difference: NDArray[np.uint32]) -> NDArray[np.int32]:
    """How far apart two timestamps are, across the wrap."""
    return difference.view(np.int32)


def jitter_after(
    jitter: NDArray[np.float64],
    elapsed: NDArray[np.float64],
    timestamp_step: NDArray[np.int32],
    clock_hz: int | NDArray[np.int32],
) -> NDArray[np.float64]:
    """The interarrival jitter in timestamp units after one more packet (RFC 3550 A.8).

    elapsed: seconds between the arrivals of this packet and the last; timestamp_step: between their timestamps.
    """
    deviation = np.abs(elapsed * clock_hz - timestamp_step)
    return jitter + (deviation - jitter) / 16


def extended_sequence(cycles: int, sequence: int) -> int:
    """The extended highest sequence number of a report block (RFC 3550 6.4.1)."""
    return (cycles + sequence) & 0xFFFFFFFF


def packets_lost(received: int, cycles: int, top: int, first: int) -> int:
    """Expected less received (RFC 3550 A.3); duplicates can make it negative."""
    return cycles + top - first + 1 - received if received else 0
