"""The generator's process: all phones, by an absolute clock: 20 ms in PHASES steps, a group each.

In its step a group sends and reads what its sockets have got. When a packet came is the kernel's word.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from confserver.bench.arrivals import Packets
from confserver.bench.generator import STEP_S, StepClock, rise
from confserver.bench.link import Sound
from confserver.bench.media.group import Group, Received
from confserver.bench.media.load import SOCKETS
from confserver.bench.media.payloads import reel
from confserver.bench.media.phones import Phones
from confserver.bench.media.processes import stay_on
from confserver.bench.media.words import Aim, End, Ready, Release, Setting, Stall, Take, Taken
from confserver.bench.plan import PHASES
from confserver.engine.frame import FRAME, TICK_S, Bytes
from confserver.rtp.header import HEADER_BYTES

AFTER_S = 0.1
"""So long after the window's end everything that came within has been read."""
_Column = tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.uint16], NDArray[np.uint32]]


@dataclass(slots=True)
class _Window:
    start: float
    end: float
    unsent_before: int
    clock: StepClock = field(default_factory=StepClock)
    columns: list[_Column] = field(default_factory=list)
    sounds: list[tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.uint16], Bytes]] = field(default_factory=list)
    bursts: dict[int, list[float]] = field(default_factory=dict)
    octets: int = 0
    control: int = 0
    strange: int = 0

    def take(self, read: Received, times: NDArray[np.bool_]) -> None:
        batch, place, number = read.batch, read.place, read.number
        arrived = batch.arrived[place]
        inside = (arrived >= self.start) & (arrived < self.end)
        self.columns.append((number[inside], arrived[inside], read.sequence[inside], read.timestamp[inside]))
        self.octets += int(batch.length[place[inside]].sum())
        self.control += read.control
        self.strange += read.strange
        kept = inside & times[number] & (batch.length[place] == HEADER_BYTES + FRAME)
        if kept.any():
            payloads = batch.data[place[kept], HEADER_BYTES : HEADER_BYTES + FRAME]
            self.sounds.append((number[kept], arrived[kept], read.sequence[kept], payloads))

    def taken(self, unsent: int, is_realtime: bool) -> Taken:
        number, arrived, sequence, timestamp = (np.concatenate(column) for column in zip(*self.columns, strict=True))
        packets = Packets(number.astype(np.int64), arrived, sequence, timestamp)
        return Taken(self.start, self.end, packets, self._heard(), self.bursts, self.octets, self.control, self.strange,
                     unsent - self.unsent_before, self.clock.pace(is_realtime))  # fmt: skip

    def _heard(self) -> dict[int, Sound]:
        if not self.sounds:
            return {}
        number, arrived, sequence, payloads = (np.concatenate(column) for column in zip(*self.sounds, strict=True))
        order = np.lexsort((arrived, number))
        edges = np.flatnonzero(np.diff(number[order])) + 1
        return {
            int(number[part[0]]): Sound(arrived[part], sequence[part], payloads[part])
            for part in np.split(order, edges)
        }


class Source:
    def __init__(self, link: Connection, setting: Setting, is_realtime: bool) -> None:
        load = setting.load
        self._link, self._is_realtime = link, is_realtime
        self._phones = Phones(load, reel(load.formats, load.opus_hz, load.fec))
        self._groups = [Group(phase, self._phones) for phase in range(PHASES)]
        self._window: _Window | None = None
        self._stall: tuple[float, float] | None = None
        self._owed: dict[int, list[int]] = {phase: [] for phase in range(PHASES)}
        """Beats in which those who clap have sent nothing, by phase."""
        self._running = True
        ports = {index: port for group in self._groups for index, port in group.ports.items()}
        link.send(Ready([ports[index] for index in range(SOCKETS)]))

    def run(self) -> None:
        """Until the rig says End or is gone."""
        gc.collect()
        gc.freeze()
        start = time.monotonic() + STEP_S
        beat = 0
        while self._running:
            for phase, group in enumerate(self._groups):
                due = start + beat * TICK_S + phase * STEP_S
                group.prepare(beat)
                wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                self._step(phase, group, beat, due)
            self._listen()
            beat += 1
        for group in self._groups:
            group.close()

    def _step(self, phase: int, group: Group, beat: int, due: float) -> None:
        window, now = self._window, time.monotonic()
        if window is not None and window.start <= due < window.end:
            window.clock.note(now - due)
            for number in group.bursting(beat):
                window.bursts.setdefault(number, []).append(now)
        self._send(phase, group, beat, now)
        group.send_reports(beat)
        read = group.receive(time.monotonic())
        if window is not None:
            window.take(read, self._phones.times)
            if phase == PHASES - 1 and due > window.end + AFTER_S:
                self._window = None
                self._link.send(window.taken(self._unsent(), self._is_realtime))

    def _send(self, phase: int, group: Group, beat: int, now: float) -> None:
        owed = self._owed[phase]
        if self._stall and self._stall[0] <= now < self._stall[1]:
            owed.append(beat)
            group.send(~self._phones.claps)
            return
        if owed:
            for missed in owed:
                group.prepare(missed)
                group.send(self._phones.claps)
            owed.clear()
            group.prepare(beat)
        group.send()

    def _listen(self) -> None:
        while self._running and self._link.poll():
            match self._link.recv():
                case Aim(targets=targets):
                    self._phones.aim(targets)
                    self._rebuild({target.number for target in targets})
                case Release(numbers=numbers):
                    self._phones.release(numbers)
                    self._rebuild(set(numbers))
                case Take(start=start, end=end):
                    self._window = _Window(start, end, self._unsent())
                case Stall(start=start, seconds=seconds):
                    self._stall = start, start + seconds
                case End():
                    self._running = False

    def _rebuild(self, numbers: set[int]) -> None:
        for phase in {number % SOCKETS % PHASES for number in numbers}:
            self._groups[phase].rebuild()

    def _unsent(self) -> int:
        return sum(group.unsent for group in self._groups)


def main(link: Connection) -> None:
    """The process. Ctrl-C is for the rig, which then says End or closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, BrokenPipeError):
        setting = link.recv()
        stay_on(setting.core)
        Source(link, setting, setting.realtime and rise()).run()
