"""From what was counted, at the edges of a window and by the phones, to what it was like."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from confserver.bench import arrivals, proc
from confserver.bench.arrivals import Packets
from confserver.bench.figures import spread
from confserver.bench.media.figures import Stretch
from confserver.bench.media.words import Taken


@dataclass(frozen=True, slots=True)
class Moment:
    """What had been used by then: by those who are measured, by the rig itself, by all programs."""

    at: float
    cpu_s: float
    own_s: float
    busy_s: float


def moment(pids: Iterable[int]) -> Moment:
    return Moment(time.monotonic(), sum(map(proc.cpu_of, pids)), time.process_time(), proc.busy())


def stretch_of(
    legs: int,
    first: Moment,
    last: Moment,
    before: Mapping[str, float],
    after: Mapping[str, float],
    taken: Taken,
    pids: Iterable[int],
) -> Stretch:
    """legs: with the lowest numbers. ``before`` and ``after``: the workers' counts; empty for a process without."""
    start, end = taken.start, taken.end
    seconds = last.at - first.at
    cpu_s, pace = last.cpu_s - first.cpu_s, taken.pace
    numbers, packets = renumbered(taken.packets, legs)
    expected = arrivals.expected(start, end)
    found = arrivals.measure(packets, numbers, start, end)
    others = last.busy_s - first.busy_s - cpu_s - pace.cpu_s - (last.own_s - first.own_s)
    return Stretch(
        legs=legs,
        seconds=seconds,
        cpu_s=cpu_s,
        ticks=_more(before, after, "ticks"),
        missed=_more(before, after, "missed_ticks"),
        longest_ms=after.get("longest_tick_ms"),
        load=after.get("load"),
        faults=_more(before, after, "faults"),
        rss_kib=sum(map(proc.rss_of, pids)),
        received=len(taken.packets.caller),
        lost=int(found.lost.sum()),
        legs_short=max(legs - numbers, 0) + int((found.received < expected - 2).sum()),
        gap_ms=spread(found.gap_s.tolist(), 1000),
        octets=taken.octets,
        control=taken.control,
        strange=taken.strange,
        unsent=taken.unsent,
        very_late=pace.very_late / max(pace.steps, 1),
        generator_cores=pace.cpu_s / seconds,
        others_cores=max(others / seconds, 0.0),
        realtime=pace.is_realtime,
    )


def renumbered(packets: Packets, below: int) -> tuple[int, Packets]:
    """How many phones with a number below that got something, and their packets under numbers without gaps."""
    mine = packets.caller < below
    known, caller = np.unique(packets.caller[mine], return_inverse=True)
    columns = packets.arrived[mine], packets.sequence[mine], packets.timestamp[mine]
    return len(known), Packets(caller.astype(np.int64), *columns)


def _more(before: Mapping[str, float], after: Mapping[str, float], name: str) -> int:
    return int(after.get(name, 0) - before.get(name, 0))
