"""Delay through a worker on a clean network, and how long a stall of the sender makes itself felt."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from confserver.bench.delay import LOUD
from confserver.bench.figures import spread
from confserver.bench.link import Sound
from confserver.bench.media.load import Load
from confserver.bench.media.rig import LEAD_S, Rig, rig
from confserver.bench.media.tables import Column, Table
from confserver.bench.media.terms import Terms, told
from confserver.bench.media.words import Stall
from confserver.engine.codecs.g711 import PCMU
from confserver.engine.frame import FRAME, RATE_HZ

PROBES = 10
STALL_S = 0.2
AFTER_S = 4.0
NEAR_S = 0.010
"""The delay is back when it is not longer than before by more than this."""
QUIET_S = 0.1
MOST_S = 0.45


class Heard(NamedTuple):
    """A burst: when the packet came that carries its first sound, and how far into that packet it begins."""

    at: float
    into_s: float


class Passage(NamedTuple):
    """A burst on its way. carried: to the arrival of the packet with its sound. whole: and its place in that packet.

    number: who sent it.
    """

    sent: float
    carried: float
    whole: float
    number: int = 0


def onsets(sound: Sound) -> list[Heard]:
    samples = np.empty(sound.payloads.shape, np.float32)
    PCMU.decode(sound.payloads, samples)
    loud = np.abs(samples) > LOUD
    found: list[Heard] = []
    last = -np.inf
    for row in np.flatnonzero(loud.any(axis=1)).tolist():
        at, into = float(sound.arrived[row]), int(loud[row].argmax()) / RATE_HZ
        if at + into - last > QUIET_S:
            found.append(Heard(at, into))
        last = at + FRAME / RATE_HZ
    return found


def passages(sent: Sequence[float], heard: Sequence[Heard], number: int = 0) -> tuple[list[Passage], int]:
    """How long each burst took, and how many were not heard. Both in order of time."""
    found: list[Passage] = []
    place = unheard = 0
    for at in sent:
        while place < len(heard) and heard[place].at + heard[place].into_s <= at:
            place += 1
        if place < len(heard) and heard[place].at - at < MOST_S:
            one = heard[place]
            found.append(Passage(at, one.at - at, one.at + one.into_s - at, number))
            place += 1
        else:
            unheard += 1
    return found, unheard


def all_passages(
    bursts: Mapping[int, Sequence[float]], sounds: Mapping[int, Sound], end: float
) -> tuple[list[Passage], int]:
    """Of all pairs: who claps has an even number, who times the next. Bursts too near the end are left out."""
    found: list[Passage] = []
    unheard = 0
    for number, sent in sorted(bursts.items()):
        sound = sounds.get(number + 1)
        heard = onsets(sound) if sound else []
        mine, missing = passages([at for at in sent if at < end - MOST_S], heard, number)
        found += mine
        unheard += missing
    return sorted(found), unheard


def usual(found: Sequence[Passage]) -> dict[int, float]:
    """The median of each pair's delays: pairs send at different moments between two ticks."""
    by_number: dict[int, list[float]] = {}
    for one in found:
        by_number.setdefault(one.number, []).append(one.whole)
    return {number: median(values) for number, values in by_number.items()}


def back_after(found: Sequence[Passage], stalled: float, before: Mapping[int, float]) -> float | None:
    """Seconds from the end of the stall until the burst, of the slowest pair, that took no longer than usual again.

    None: one of the pairs has had none.
    """
    back = dict.fromkeys(before, math.inf)
    for one in sorted(found):
        if one.number in before and one.sent >= stalled and one.whole <= before[one.number] + NEAR_S:
            back[one.number] = min(back[one.number], one.sent - stalled)
    slowest = max(back.values(), default=math.inf)
    return slowest if slowest < math.inf else None


def _stall(one: Rig, before: Mapping[int, float]) -> float | None:
    """Seconds until the delay is what it was."""
    start = time.monotonic() + 2 * LEAD_S
    one.say(Stall(start, STALL_S))
    _, taken = one.recorded(AFTER_S)
    found, _ = all_passages(taken.bursts, taken.sounds, taken.end)
    return back_after(found, start + STALL_S, before)


def delays(terms: Terms) -> Table:
    """At several sizes; after each, a stall of all who send bursts."""
    rows: list[tuple[float | str | None, ...]] = []
    load = Load(probes=PROBES)
    remarks: list[str] = []
    with rig(load, terms.realtime) as one:
        for legs in terms.sized((20, 100, 200)):
            told(f"{legs} legs: delay, and a stall of {STALL_S * 1000:.0f} ms")
            one.grow(max(legs, 2))
            one.settle(terms.settle)
            stretch, taken = one.recorded(max(terms.seconds, 1.5))
            found, unheard = all_passages(taken.bursts, taken.sounds, taken.end)
            carried, whole = spread([p.carried for p in found], 1000), spread([p.whole for p in found], 1000)
            back = _stall(one, usual(found))
            rows.append((legs, len(found), carried.p50, carried.p95, carried.max, whole.p50, whole.p95, unheard,
                         back))  # fmt: skip
            remarks += [f"at {legs} legs {remark}" for remark in stretch.remarks()]
    columns = (Column("legs"), Column("bursts"), Column("p50, ms", 1), Column("p95", 1), Column("max", 1, max),
               Column("p50 with the place in the packet", 1), Column("p95", 1), Column("unheard", 0, sum),
               Column("s until back, after a stall of 200 ms", 2, max))  # fmt: skip
    return Table("Delay through a worker: PCMU, a clean network", columns, rows, remarks)
