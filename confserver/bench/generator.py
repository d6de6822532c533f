"""The callers' media, in a process of its own with an absolute clock: 20 ms in PHASES steps, a section each.

In its step a section sends, and every fourth time it reads what its socket has got. When a packet came is the
kernel's word, so it does not matter when it is read.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from confserver.bench.link import Connect, End, Pace, Ready, Recorded, Setting, Window
from confserver.bench.plan import PHASES, Part
from confserver.bench.recording import Recording
from confserver.bench.section import Section
from confserver.engine.frame import TICK_S

STEP_S = TICK_S / PHASES
LATE_S, VERY_LATE_S = 0.002, 0.010
_PRIORITY = 10
READ_EVERY = 4
"""Times that a section sends, until it reads."""
AFTER_S = 2 * READ_EVERY * TICK_S
"""So long after the window's end everything that came within has been read."""


@dataclass(slots=True)
class StepClock:
    """How the steps of the window have gone."""

    steps: int = 0
    late: int = 0
    very_late: int = 0
    latest_s: float = 0.0
    cpu_from: float = 0.0
    cpu_to: float = 0.0

    def note(self, late_s: float) -> None:
        self.cpu_to = time.process_time()
        self.cpu_from = self.cpu_from or self.cpu_to
        self.steps += 1
        self.late += late_s > LATE_S
        self.very_late += late_s > VERY_LATE_S
        self.latest_s = max(self.latest_s, late_s)

    def pace(self, is_realtime: bool) -> Pace:
        used = self.cpu_to - self.cpu_from
        return Pace(self.steps, self.late, self.very_late, self.latest_s, used, is_realtime)


@dataclass(slots=True)
class _Take:
    """A window under way."""

    recording: Recording
    unsent_before: int
    clock: StepClock = field(default_factory=StepClock)
    bursts: dict[int, list[float]] = field(default_factory=dict)


class Generator:
    def __init__(self, link: Connection, setting: Setting, is_realtime: bool) -> None:
        self._link = link
        self._is_realtime = is_realtime
        self._callers = setting.callers
        self._sections: list[tuple[int, Section]] = []
        self._section_of: dict[int, Section] = {}
        for phase in range(PHASES):
            members = [caller for caller in setting.callers if caller.phase == phase]
            if members:
                section = Section(members, setting.amplitude)
                self._sections.append((phase, section))
                self._section_of |= {caller.number: section for caller in members}
        self._take: _Take | None = None
        self._running = True
        link.send(Ready([self._section_of[caller.number].port for caller in setting.callers]))

    def run(self) -> None:
        """Until the desk says End or is gone."""
        start = time.monotonic() + STEP_S
        beat = 0
        while self._running:
            for phase, section in self._sections:
                due = start + beat * TICK_S + phase * STEP_S
                bursting = section.prepare(beat)
                wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                self._send(section, due, bursting)
                if (beat + phase) % READ_EVERY == 0:
                    self._read(section, due)
            self._listen()
            beat += 1
        for _, section in self._sections:
            section.close()

    def _send(self, section: Section, due: float, bursting: list[int]) -> None:
        take, now = self._take, time.monotonic()
        section.send()
        if take is not None and take.recording.start <= due < take.recording.end:
            take.clock.note(now - due)
            for number in bursting:
                take.bursts.setdefault(number, []).append(now)

    def _read(self, section: Section, due: float) -> None:
        take, read = self._take, section.receive()
        if take is None:
            return
        take.recording.take(section, read)
        if due > take.recording.end + AFTER_S:
            self._hand_over(take)

    def _listen(self) -> None:
        while self._running and self._link.poll():
            match self._link.recv():
                case Connect(number=number, server=server):
                    self._section_of[number].connect(number, server)
                case Window(start=start, end=end):
                    gc.collect()
                    gc.freeze()
                    self._take = _Take(self._recording(start, end), self._unsent())
                case End():
                    self._running = False

    def _recording(self, start: float, end: float) -> Recording:
        timers = [caller.number for caller in self._callers if caller.part is Part.TIMER]
        checked = [caller.number for caller in self._callers if caller.is_checked]
        return Recording(start, end, len(self._callers), checked, timers)

    def _unsent(self) -> int:
        return sum(section.unsent for _, section in self._sections)

    def _hand_over(self, take: _Take) -> None:
        self._take = None
        recording = take.recording
        self._link.send(
            Recorded(
                packets=recording.packets(),
                sounds=recording.sounds(),
                bursts=take.bursts,
                strange=recording.strange,
                unsent=self._unsent() - take.unsent_before,
                pace=take.clock.pace(self._is_realtime),
            )
        )


def rise() -> bool:
    """Take real-time priority where we may: callers are other machines, whose clocks no load of this one touches."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except (OSError, AttributeError):
        return False
    return True


def main(link: Connection) -> None:
    """The process. Ctrl-C is for the desk, which then says End or closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError):
        setting = link.recv()
        Generator(link, setting, setting.realtime and rise()).run()
