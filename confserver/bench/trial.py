"""One run: calls up, settle, the window, calls down; and what it was like."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

import numpy as np

from confserver.bench import arrivals, generator, plan, proc, sound
from confserver.bench.arrivals import Legs
from confserver.bench.delay import MOST_S, delays, onsets
from confserver.bench.figures import spread
from confserver.bench.link import Connect, End, Ready, Recorded, Setting, Window
from confserver.bench.options import Options
from confserver.bench.plan import Caller, Part
from confserver.bench.results import Result
from confserver.bench.server import HOST, Target
from confserver.bench.signalling import Signalling
from confserver.bench.wire import host_of
from confserver.sip.flow import Address

ANSWER_S = 35.0
"""RFC 3261 Timer B, and a little."""
GONE_S = 10.0
LEAD_S = 0.2
"""The generator hears so early of its window."""


def tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Moment:
    """What had been used by then."""

    at: float
    server: proc.Use | None
    own_cpu_s: float
    busy_s: float


def moment(pid: int | None) -> Moment:
    server = None
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            server = proc.use_of(pid)
    return Moment(time.monotonic(), server, time.process_time(), proc.busy())


@contextlib.contextmanager
def _generator() -> Iterator[Connection]:
    """The process of media; ended with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=generator.main, args=(theirs,), name="generator", daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        with contextlib.suppress(OSError):
            ours.send(End())
        ours.close()
        process.join(5)
        if process.is_alive():
            process.kill()


def run(options: Options, target: Target) -> Result:
    """Raises EOFError when the generator's process has died."""
    callers = plan.callers(options)
    with _generator() as link:
        link.send(Setting(callers, plan.amplitude(options.talkers), options.realtime))
        ready = link.recv()
        assert isinstance(ready, Ready)
        return _Trial(options, target, callers, link, ready.ports).run()


class _Trial:
    def __init__(
        self, options: Options, target: Target, callers: list[Caller], link: Connection, ports: list[int]
    ) -> None:
        self._options, self._target, self._callers = options, target, callers
        self._link, self._ports = link, ports
        self._server_ports: set[int] = set()
        self._signalling = Signalling(target.address, HOST, self._answered)

    def _answered(self, number: int, server: Address) -> None:
        self._server_ports.add(server[1])
        self._link.send(Connect(number, server))

    def run(self) -> Result:
        options, calls = self._options, self._signalling
        before = moment(self._target.pid)
        try:
            self._call_all()
            calls.run(options.settle)
            drops = proc.udp_drops()
            first, recorded, last = self._record()
            dropped = _grown(drops, proc.udp_drops(), self._server_ports)
            tell(f"hanging up {calls.present} calls")
            calls.hang_up_all(options.ramp)
            calls.run(GONE_S, lambda: not calls.present)
            left = self._left_behind()
        finally:
            calls.close()
        result = Result(
            callers=options.callers,
            rooms=options.rooms,
            talkers=options.talkers,
            legs=options.legs,
            seconds=options.seconds,
            answered=len(calls.counts.setup_s),
            failures=calls.counts.failures,
            ended_by_server=calls.counts.ended_by_server,
            setup_ms=spread(calls.counts.setup_s, 1000),
            left_behind=left,
            dropped=dropped,
        )
        return _costs(self._media(result, recorded), before, first, last, recorded)

    def _call_all(self) -> None:
        options, calls = self._options, self._signalling
        tell(f"{options.legs} calls to {self._target.address[0]}:{self._target.address[1]}, {options.ramp:g} a second")
        start = time.monotonic()
        for count, caller in enumerate(self._callers):
            calls.run(max(start + count / options.ramp - time.monotonic(), 0))
            calls.call(caller, (host_of(caller.number), self._ports[caller.number]))
        calls.run(ANSWER_S, lambda: not calls.waiting)
        tell(
            f"{calls.present} calls stand; settling for {options.settle:g} s, then measuring for {options.seconds:g} s"
        )

    def _record(self) -> tuple[Moment, Recorded, Moment]:
        """Take the window."""
        calls, seconds = self._signalling, self._options.seconds
        self._start = time.monotonic() + LEAD_S
        self._end = self._start + seconds
        self._link.send(Window(self._start, self._end))
        calls.run(self._start - time.monotonic())
        first = moment(self._target.pid)
        calls.run(self._end - time.monotonic())
        last = moment(self._target.pid)
        calls.run(generator.AFTER_S)
        recorded = self._link.recv()
        assert isinstance(recorded, Recorded)
        return first, recorded, last

    def _left_behind(self) -> dict[str, int] | None:
        """Wait for all to be gone; what is not is told."""
        end = time.monotonic() + GONE_S
        while (left := self._target.left_behind()) and time.monotonic() < end:
            time.sleep(0.25)
        return left

    # -------------------------------------------------------------- what was received
    def _media(self, result: Result, recorded: Recorded) -> Result:
        legs = arrivals.measure(recorded.packets, len(self._callers), self._start, self._end)
        result = _packets(result, legs, arrivals.expected(self._start, self._end), recorded)
        return self._delays(self._sounds(result, recorded), recorded)

    def _sounds(self, result: Result, recorded: Recorded) -> Result:
        checked = [caller for caller in self._callers if caller.is_checked]
        level = plan.amplitude(self._options.talkers)
        heard = []
        for caller in checked:
            kept = recorded.sounds.get(caller.number)
            samples = sound.samples_of(kept.sequence, kept.payloads) if kept else np.zeros(0, np.float32)
            heard.append(sound.judge(caller, self._callers, samples, level))
        deviations = [one.deviation_db for one in heard if one.deviation_db is not None]
        return replace(
            result,
            checked=len(heard),
            wrong=sum(not one.is_right for one in heard),
            worst_deviation_db=max(deviations, key=abs, default=None),
            worst_own_db=max((one.own_db for one in heard if one.own_db is not None), default=None),
            worst_other_room_db=max((one.other_db for one in heard if one.other_db is not None), default=None),
            broken_segments=sum(one.broken for one in heard),
            segments=sum(one.segments for one in heard),
        )

    def _delays(self, result: Result, recorded: Recorded) -> Result:
        found: list[float] = []
        missing = bursts = 0
        clappers = {caller.room: caller.number for caller in self._callers if caller.part is Part.CLAPPER}
        for caller in self._callers:
            if caller.part is not Part.TIMER:
                continue
            kept = recorded.sounds.get(caller.number)
            heard = onsets(kept.arrived, kept.payloads) if kept else []
            sent = [at for at in recorded.bursts.get(clappers[caller.room], []) if at < self._end - MOST_S]
            mine, unheard = delays(sent, heard)
            found += mine
            missing += unheard
            bursts += len(sent)
        return replace(result, delay_ms=spread(found, 1000), bursts=bursts, bursts_unheard=missing)


def _packets(result: Result, legs: Legs, expected: int, recorded: Recorded) -> Result:
    """One packet of tolerance for the window's edges."""
    count = len(legs.received)
    return replace(
        result,
        expected=expected * count,
        received=int(legs.received.sum()),
        lost=int(legs.lost.sum()),
        legs_short=int((legs.received < expected - 1).sum()),
        doubled=int(legs.doubled.sum()),
        reordered=int(legs.reordered.sum()),
        broken_timestamps=int(legs.broken.sum()),
        strange=recorded.strange,
        unsent=recorded.unsent,
        gap_ms=spread(legs.gap_s.tolist(), 1000),
        jitter_ms=spread(legs.jitter_s.tolist(), 1000),
    )


def _costs(result: Result, before: Moment, first: Moment, last: Moment, recorded: Recorded) -> Result:
    """CPU and memory. What is neither the server's nor ours is the others'."""
    seconds = last.at - first.at
    leg_seconds = seconds * max(result.answered, 1)
    pace = recorded.pace
    generator_s = pace.cpu_s * seconds / result.seconds
    desk_s = last.own_cpu_s - first.own_cpu_s
    result = replace(
        result,
        generator_cpu_ms=(generator_s + desk_s) * 1000 / leg_seconds,
        generator_cores=generator_s / seconds,
        late=pace.late / max(pace.steps, 1),
        very_late=pace.very_late / max(pace.steps, 1),
        latest_ms=pace.latest_s * 1000,
        realtime=pace.is_realtime,
    )
    if before.server is None or first.server is None or last.server is None:
        return result
    server_s = last.server.cpu_s - first.server.cpu_s
    others = (last.busy_s - first.busy_s - server_s - generator_s - desk_s) / seconds
    return replace(
        result,
        server_cpu_ms=server_s * 1000 / leg_seconds,
        server_cores=server_s / seconds,
        rss_before_kib=float(before.server.rss_kib),
        rss_after_kib=float(last.server.rss_kib),
        rss_kib_a_leg=(last.server.rss_kib - before.server.rss_kib) / max(result.answered, 1),
        others_cores=max(others, 0.0),
    )


def _grown(before: dict[int, int], after: dict[int, int], ports: set[int]) -> int:
    return sum(max(after.get(port, 0) - before.get(port, 0), 0) for port in ports)
