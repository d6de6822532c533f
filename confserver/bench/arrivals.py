"""Loss, gaps and jitter of all legs, from the columns of what arrived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAME, RATE_HZ, TICK_S

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Packets:
    """Received RTP packets, one row each, in the order of reading.

    caller: int64. arrived: float64, seconds. sequence: uint16. timestamp: uint32.
    """

    caller: Counts
    arrived: Floats
    sequence: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Legs:
    """One row per caller. gap_s: the longest time without a packet, from edge to edge of the window.

    lost: numbers left out in the sequence. doubled: numbers that came again. reordered: packets that came after
    a later one. broken: timestamps that do not fit the sequence number. jitter_s: mean deviation of the spacing of
    arrivals from that of timestamps (the mean of \\|D\\|, RFC 3550 section 6.4.1).
    """

    received: Counts
    lost: Counts
    doubled: Counts
    reordered: Counts
    broken: Counts
    gap_s: Floats
    jitter_s: Floats


def expected(start: float, end: float) -> int:
    """Packets that a leg should get in a window."""
    return int((end - start) / TICK_S + 1e-6)


def measure(packets: Packets, callers: int, start: float, end: float) -> Legs:
    """Judge what arrived from ``start`` to ``end``."""
    inside = (packets.arrived >= start) & (packets.arrived < end)
    order = np.lexsort((packets.arrived[inside], packets.caller[inside]))
    caller, arrived = packets.caller[inside][order], packets.arrived[inside][order]
    sequence, timestamp = packets.sequence[inside][order], packets.timestamp[inside][order]
    follows = np.zeros(len(caller), bool)
    follows[1:] = caller[1:] == caller[:-1]

    def count(which: NDArray[np.bool_]) -> Counts:
        return np.bincount(caller[which], minlength=callers).astype(np.int64)

    received = count(np.ones(len(caller), bool))
    step = np.zeros(len(caller), np.int64)
    step[1:] = (sequence[1:] - sequence[:-1]).view(np.int16)
    step[~follows] = 0
    number = np.cumsum(step)
    unique = _unique(caller, number, callers)
    span = _span(caller, number, callers)
    turn = np.zeros(len(caller), np.int64)
    turn[1:] = (timestamp[1:] - timestamp[:-1]).view(np.int32)
    return Legs(
        received=received,
        lost=span - unique,
        doubled=received - unique,
        reordered=count(follows & (step < 0)),
        broken=count(follows & (turn != step * FRAME)),
        gap_s=_gaps(caller, arrived, follows, callers, start, end),
        jitter_s=_jitter(caller, arrived, turn, follows, callers),
    )


def _unique(caller: Counts, number: Counts, callers: int) -> Counts:
    """How many different numbers each has."""
    order = np.lexsort((number, caller))
    sorted_caller, sorted_number = caller[order], number[order]
    first = np.ones(len(order), bool)
    first[1:] = (sorted_caller[1:] != sorted_caller[:-1]) | (sorted_number[1:] != sorted_number[:-1])
    return np.bincount(sorted_caller[first], minlength=callers).astype(np.int64)


def _span(caller: Counts, number: Counts, callers: int) -> Counts:
    """How many numbers lie from the least to the greatest of each."""
    least = np.full(callers, np.iinfo(np.int64).max)
    most = np.full(callers, np.iinfo(np.int64).min)
    np.minimum.at(least, caller, number)
    np.maximum.at(most, caller, number)
    return np.where(most >= least, most - np.minimum(least, most) + 1, 0)


def _gaps(
    caller: Counts, arrived: Floats, follows: NDArray[np.bool_], callers: int, start: float, end: float
) -> Floats:
    gaps = np.zeros(callers)
    if not len(caller):
        return gaps + (end - start)
    since = arrived - start
    since[1:][follows[1:]] = (arrived[1:] - arrived[:-1])[follows[1:]]
    np.maximum.at(gaps, caller, since)
    last = np.full(callers, start)
    np.maximum.at(last, caller, arrived)
    return np.maximum(gaps, end - last)


def _jitter(caller: Counts, arrived: Floats, turn: Counts, follows: NDArray[np.bool_], callers: int) -> Floats:
    off = np.zeros(len(caller))
    off[1:] = np.abs(arrived[1:] - arrived[:-1] - turn[1:] / RATE_HZ)
    total = np.bincount(caller[follows], weights=off[follows], minlength=callers)
    pairs = np.bincount(caller[follows], minlength=callers)
    return np.asarray(total / np.maximum(pairs, 1), np.float64)
