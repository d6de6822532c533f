"""The short round for operators: what this machine carries, in words and figures, in less than two minutes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from confserver.bench.figures import Spread, spread
from confserver.bench.media.delays import all_passages
from confserver.bench.media.figures import FULL, Stretch, capacity, memory_a_leg
from confserver.bench.media.load import Load
from confserver.bench.media.machine import machine
from confserver.bench.media.rig import rig
from confserver.bench.media.terms import Terms, told

TERMS = Terms(seconds=3.0, settle=2.0)
BELOW = 0.5
"""The second size of each load shall not make a core fuller: beyond that encoders begin to do less."""
DELAY_LEGS = 100
_OPUS = Load(formats=("opus",), talking=2)
LOADS = (
    ("PCMU, rooms of 10, 3 talking", Load(), (100, 1000)),
    ("G.722, rooms of 10, 3 talking", Load(formats=("G722",)), (50, 200)),
    ("Opus 16 kHz, rooms of 10, 2 talking", _OPUS, (40, 120)),
    ("Opus 16 kHz, rooms of 100, 3 talking", replace(_OPUS, rooms_of=100, talking=3), (100, 400)),
)


@dataclass(frozen=True, slots=True)
class Carried:
    """Of one load. legs: how many make a worker's core 70 % full. kb_a_leg: memory."""

    name: str
    legs: int
    cpu_ms: float
    kb_a_leg: float
    in_time: float


@dataclass(frozen=True, slots=True)
class Survey:
    """delay_ms: of DELAY_LEGS legs, PCMU. worker_mib: of a worker with the fewest legs that were measured."""

    machine: str
    cores: int
    realtime: bool
    carried: list[Carried]
    delay_ms: Spread
    delay_legs: int
    worker_mib: float
    remarks: list[str]
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"carried": [asdict(one) for one in self.carried], "delay_ms": self.delay_ms._asdict()}


def second_size(first: Stretch, wanted: int) -> int:
    """As many as wanted, but not so many that the core is too full; more than at first in any case."""
    return max(min(wanted, int(first.legs * BELOW / max(first.share, 1e-6))), first.legs + first.legs // 2 + 1)


def carried(name: str, first: Stretch, last: Stretch) -> Carried:
    """Raises ValueError where the load has not grown."""
    legs = capacity([(first.legs, first.share), (last.legs, last.share)])
    in_time = 1 - (first.missed + last.missed) / max(first.ticks + last.ticks, 1)
    return Carried(name, legs, last.cpu_ms, memory_a_leg(first, last), in_time)


def survey(terms: Terms = TERMS) -> Survey:
    """Raises Silent, EOFError, LookupError, ValueError."""
    began, where = time.monotonic(), machine()
    found: list[Carried] = []
    remarks: list[str] = []
    worker_mib = 0.0
    for step, (name, load, sizes) in enumerate(LOADS, 1):
        small, large = terms.sized(sizes)
        told(f"{step} of {len(LOADS) + 1}: {name}")
        with rig(load, terms.realtime) as one:
            stretches: list[Stretch] = []
            for _ in range(2):
                one.grow(second_size(stretches[0], large) if stretches else small)
                one.settle(terms.settle)
                stretches.append(one.window(terms.seconds))
        found.append(carried(name, *stretches))
        worker_mib = worker_mib or stretches[0].rss_kib / 1024
        remarks += [remark for each in stretches for remark in each.remarks()]
    delay, stretch = _delay(terms)
    remarks += stretch.remarks()
    return Survey(
        machine=where,
        cores=len(os.sched_getaffinity(0)),
        realtime=stretch.realtime,
        carried=found,
        delay_ms=delay,
        delay_legs=stretch.legs,
        worker_mib=worker_mib,
        remarks=brief(remarks),
        seconds=time.monotonic() - began,
    )


def _delay(terms: Terms) -> tuple[Spread, Stretch]:
    told(f"{len(LOADS) + 1} of {len(LOADS) + 1}: delay")
    (legs,) = terms.sized((DELAY_LEGS,))
    with rig(Load(probes=10), terms.realtime) as one:
        one.grow(max(legs, 20))
        one.settle(terms.settle)
        stretch, taken = one.recorded(max(terms.seconds, 1.5))
    found, _ = all_passages(taken.bursts, taken.sounds, taken.end)
    return spread([passage.carried for passage in found], 1000), stretch


def brief(remarks: Sequence[str]) -> list[str]:
    """Each kind of remark once."""
    kinds = {remark.partition(" used ")[0]: remark for remark in reversed(remarks)}
    return list(kinds.values())[::-1]


def words(found: Survey) -> str:
    """For people."""
    lines = [
        f"This machine: {found.machine}.",
        "",
        f"One media worker carries, until {FULL * 100:.0f} % of its core is used:",
        *(f"  {one.legs:>6,} participants   {one.name:<40} {one.cpu_ms:.2f} ms of CPU each second, "
          f"{one.kb_a_leg:.0f} kB each" for one in found.carried),
        "",
        _delay_words(found),
        f"Memory: {found.worker_mib:.0f} MiB for a worker, and for each participant what stands above.",
        _cores(found.cores),
        *_priority(found),
        *(f"Note: {remark}; the figures are worse than this machine's best." for remark in found.remarks),
        f"Measured in {found.seconds:.0f} s, by real media workers and packets on the loopback; a network card's "
        "interrupts come on top.",
    ]  # fmt: skip
    return "\n".join(lines)


def _delay_words(found: Survey) -> str:
    delay = found.delay_ms
    if delay.p50 is None or delay.p95 is None:
        return "Delay: not measured, no burst was heard."
    return (
        f"Delay through the server with {found.delay_legs} participants: half of all sound within "
        f"{delay.p50:.0f} ms, 95 % within {delay.p95:.0f} ms."
    )


def _cores(cores: int) -> str:
    if cores < 2:
        return "Cores: one, which signalling and media share; count on half of these figures."
    spare = cores - 1
    workers = "one worker (media.workers = 1)" if spare == 1 else f"{spare} workers (media.workers = {spare})"
    more = "" if spare == 1 else ", each of which carries as much"
    return f"Cores: {cores}; one for signalling leaves room for {workers}{more}."


def _priority(found: Survey) -> list[str]:
    """Where the system gives none, or ticks were missed."""
    lines = []
    if not found.realtime:
        lines.append("Priority: no real-time priority is allowed (CAP_SYS_NICE); beside other work ticks come late.")
    worst = min(found.carried, key=lambda one: one.in_time)
    if worst.in_time < 0.999:
        lines.append(f"Ticks in time: {worst.in_time * 100:.2f} % only, with {worst.name}.")
    return lines
