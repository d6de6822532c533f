"""Generator and workers together: legs come and go, windows are measured."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection

from confserver.bench.media import floor, source
from confserver.bench.media.figures import Stretch
from confserver.bench.media.load import Load, plan_of, seat_of, sound_of
from confserver.bench.media.processes import ANY, child, cores
from confserver.bench.media.windows import moment, stretch_of
from confserver.bench.media.words import Aim, End, Ready, Release, Setting, Take, Taken, Target
from confserver.bench.media.worker import Silent, Worker, worker
from confserver.contract import (
    CloseLeg,
    FromWorker,
    LegClosed,
    LegFailed,
    LegOpened,
    MixSources,
    OpenLeg,
    OpenRoom,
    SetHearing,
)  # fmt: skip

AT_ONCE = 25
"""Legs opened by one batch of commands."""
LEAD_S = 0.1
ANSWER_S = 30.0
Meanwhile = Callable[[float], None]
"""Called with the time."""


class Rig:
    """A generator and the workers it speaks to. Phones have numbers; their legs' ids are new each time."""

    def __init__(self, load: Load, link: Connection, ports: list[int], workers: list[Worker]) -> None:
        self.load, self._link, self._ports, self._workers = load, link, ports, workers
        self.legs: dict[int, int] = {}
        """By number."""
        self._number_of: dict[int, int] = {}
        self._asked: set[int] = set()
        self._closing: set[int] = set()
        self._rooms: dict[int, set[int]] = {}
        """The numbers in each."""
        self._next = 1

    @property
    def pids(self) -> list[int]:
        return [one.pid for one in self._workers]

    def _worker_of(self, room: int) -> Worker:
        return self._workers[room % len(self._workers)]

    # ------------------------------------------------------------------ legs
    def grow(self, legs: int) -> None:
        """Until there are so many. Raises Silent."""
        more = [number for number in range(legs) if number not in self.legs]
        for start in range(0, len(more), AT_ONCE):
            self.ask(more[start : start + AT_ONCE])
            self.wait()
        self.let_hear(seat_of(self.load, number).room for number in more)

    def ask(self, numbers: Iterable[int]) -> None:
        """Have these opened."""
        for number in numbers:
            seat, leg = seat_of(self.load, number), self._next
            target = self._worker_of(seat.room)
            if seat.room not in self._rooms:
                target.send(OpenRoom(room=seat.room, sound=sound_of(self.load)))
            self._rooms.setdefault(seat.room, set()).add(number)
            plan = plan_of(self.load, seat, self._ports[seat.socket])
            target.send(OpenLeg(leg=leg, room=seat.room, plan=plan))
            self.legs[number] = leg
            self._number_of[leg] = number
            self._asked.add(leg)
            self._next += 1

    def close(self, numbers: Iterable[int]) -> None:
        """Have these closed."""
        gone = list(numbers)
        for number in gone:
            room = seat_of(self.load, number).room
            self._rooms[room].discard(number)
            self._closing.add(self.legs[number])
            self._worker_of(room).send(CloseLeg(leg=self.legs.pop(number)))
        self._link.send(Release(gone))

    def let_hear(self, rooms: Iterable[int]) -> None:
        """All in a room hear all others."""
        for room in sorted(set(rooms)):
            legs = [self.legs[number] for number in sorted(self._rooms[room])]
            mix = MixSources(legs=legs, gains=[1.0] * len(legs))
            hearing = SetHearing(room=room, mixes=[mix], listeners=[(leg, 0) for leg in legs])
            self._worker_of(room).send(hearing)

    def wait(self) -> None:
        """Until all that were asked for stand, and those to be closed are gone. Raises Silent."""
        end = time.monotonic() + ANSWER_S
        while self._asked or self._closing:
            if time.monotonic() > end:
                raise Silent(f"waited {ANSWER_S:g} s for {len(self._asked)} legs to open")
            self.listen(0.002)

    def listen(self, seconds: float = 0.0) -> None:
        """Take what the workers say; legs that have been opened begin to send. Raises Silent."""
        targets: list[Target] = []
        for each in self._workers:
            each.listen(seconds / len(self._workers))
            for event in each.said:
                self._take(event, targets)
            each.said.clear()
        if targets:
            self._link.send(Aim(targets))

    def _take(self, event: FromWorker, targets: list[Target]) -> None:
        match event:
            case LegOpened(leg=leg, port=port, ssrc=ssrc):
                self._asked.discard(leg)
                targets.append(Target(self._number_of[leg], port, ssrc))
            case LegFailed(leg=leg, reason=reason):
                raise Silent(f"the worker opens no leg {leg}: {reason}")
            case LegClosed(leg=leg):
                self._closing.discard(leg)
                self._number_of.pop(leg, None)

    # ------------------------------------------------------------------ measuring
    def say(self, word: object) -> None:
        """To the generator."""
        self._link.send(word)

    def settle(self, seconds: float, meanwhile: Meanwhile | None = None) -> None:
        """Let it run; ``meanwhile`` is called every 20 ms. Raises Silent."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if meanwhile:
                meanwhile(time.monotonic())
            self.listen(min(left, 0.02))

    def window(self, seconds: float) -> Stretch:
        """Measure for so long. Raises Silent."""
        return self.recorded(seconds)[0]

    def recorded(
        self, seconds: float, meanwhile: Meanwhile | None = None, most: int | None = None
    ) -> tuple[Stretch, Taken]:
        """The same with all that the phones got. ``most``: only of numbers below. Raises Silent, EOFError."""
        before = self._counts()
        start = time.monotonic() + LEAD_S
        self._link.send(Take(start, start + seconds))
        self.settle(start - time.monotonic(), meanwhile)
        first = moment(self.pids)
        self.settle(start + seconds - time.monotonic(), meanwhile)
        last = moment(self.pids)
        after = self._counts()
        taken = self._taken()
        legs = len(self.legs) if most is None else most
        return stretch_of(legs, first, last, before, after, taken, self.pids), taken

    def _counts(self) -> dict[str, float]:
        """Of all workers: sums, of longest and load the greatest."""
        self.listen()
        found: dict[str, float] = {}
        for each in self._workers:
            for name, value in each.describe().items():
                most = name in ("longest_tick_ms", "load")
                found[name] = max(found.get(name, 0.0), value) if most else found.get(name, 0.0) + value
        return found

    def _taken(self) -> Taken:
        while not self._link.poll(0.02):
            self.listen()
        taken = self._link.recv()
        assert isinstance(taken, Taken)
        return taken


@contextlib.contextmanager
def generator(load: Load, realtime: bool) -> Iterator[tuple[Connection, list[int]]]:
    """The phones' process: the pipe to it, and the ports of its sockets."""
    with child(source.main, "phones", End()) as (link, _):
        link.send(Setting(load, realtime, cores()[1]))
        ready = link.recv()
        assert isinstance(ready, Ready)
        yield link, ready.ports


@contextlib.contextmanager
def rig(load: Load, realtime: bool = True, workers: int = 1) -> Iterator[Rig]:
    """All processes, ended with the block. Several workers are not told which cores to take. Raises Silent."""
    with contextlib.ExitStack() as stack:
        link, ports = stack.enter_context(generator(load, realtime))
        core = cores()[0] if workers == 1 else ANY
        started = [stack.enter_context(worker(realtime, core)) for _ in range(workers)]
        yield Rig(load, link, ports, started)


def floor_of(load: Load, legs: int, seconds: float, settle: float, realtime: bool = True) -> Stretch:
    """What the kernel takes for the same packets."""
    with generator(load, realtime) as (link, ports), child(floor.main, "floor", None) as (other, pid):
        other.send(floor.Setting(legs, ports, realtime, cores()[0]))
        theirs = other.recv()
        targets = [Target(number, theirs[floor.port_of(number)], floor.SSRC + number) for number in range(legs)]
        link.send(Aim(targets))
        time.sleep(settle)
        start = time.monotonic() + LEAD_S
        link.send(Take(start, start + seconds))
        time.sleep(max(start - time.monotonic(), 0))
        first = moment([pid])
        time.sleep(max(start + seconds - time.monotonic(), 0))
        last = moment([pid])
        taken = link.recv()
        return stretch_of(legs, first, last, {}, {}, taken, [])
