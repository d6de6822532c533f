"""Tasks begun by an absolute clock over one UDP socket: each request is sent again until its answer (RFC 3261 17.1).

A task is a call (INVITE, ACK, BYE after ``hold_s``) or one request. Times are the kernel's where it tells them.
"""

from __future__ import annotations

import contextlib
import heapq
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from confserver.bench.sip import script
from confserver.bench.sip.script import Answer, Place
from confserver.sip.flow import Address

T1_S, T2_S = 0.5, 4.0
PATIENCE_S = 5.0
"""A request without a final answer by then has failed: no caller would wait longer."""
MOST_A_TURN = 64
SOUNDS = 128
"""Sockets for the sound of calls; nobody reads them."""
RTP = struct.Struct("!BBHII")
_BUFFER_BYTES = 8 << 20
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")

First = Callable[[Place, int], bytes]
"""The request that begins a task, by its number."""


class Stage(Enum):
    ASKED = "asked"
    TALKING = "talking"
    LEAVING = "leaving"
    __hash__ = object.__hash__


@dataclass(slots=True)
class Task:
    number: int
    begun_at: float
    data: bytes
    is_call: bool
    stage: Stage = Stage.ASKED
    interval: float = T1_S
    answer: Answer | None = None
    is_heard: bool = False
    """A provisional answer came: an INVITE is not sent again."""
    asked_at: float = 0.0


@dataclass(slots=True)
class Tally:
    """What has become of the tasks."""

    begun: int = 0
    done: int = 0
    waits_s: list[float] = field(default_factory=list)
    """From the first request to its final answer."""
    failures: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    late_s: float = 0.0
    """The most by which a task was begun after its time: ours to blame."""

    @property
    def failed(self) -> int:
        return sum(self.failures.values())


class Load:
    """One socket with its tasks. ``hold_s``: how long a call stands; inf: until ``hang_up_all``."""

    def __init__(self, server: Address, hold_s: float = 0.1) -> None:
        self._socket = _socket(_BUFFER_BYTES)
        self._media = [_socket(0) for _ in range(SOUNDS)]
        self.place = Place(server, _address(self._socket), tuple(_address(each) for each in self._media))
        self._hold_s = hold_s
        self._tasks: dict[int, Task] = {}
        self._due: list[tuple[float, int, Stage]] = []
        self._number = 0
        self.tally = Tally()
        self.received = 0
        """Requests of theirs."""

    def close(self) -> None:
        for each in (self._socket, *self._media):
            each.close()

    def __len__(self) -> int:
        """Tasks that are not over: calls that stand too."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """Without a final answer."""
        return sum(task.stage is not Stage.TALKING for task in self._tasks.values())

    def fresh_tally(self) -> Tally:
        """Count anew; gives what was counted."""
        tally, self.tally = self.tally, Tally()
        return tally

    # -------------------------------------------------------------- doing
    def run(self, rate: float, seconds: float, first: First, is_call: bool = True) -> None:
        """Begin so many tasks a second, evenly, for so long; answers are read meanwhile."""
        count, begin = round(rate * seconds), time.monotonic()
        for place in range(count):
            at = begin + place / rate
            self.wait(at)
            self.tally.late_s = max(self.tally.late_s, time.monotonic() - at)
            self._begin(first, is_call)

    def settle(self, most_s: float, until: Callable[[], bool] | None = None) -> bool:
        """Read until nothing waits, or something is so; False where time ran out."""
        end = time.monotonic() + most_s
        is_over = until or (lambda: not self.waiting)
        while not is_over():
            if time.monotonic() >= end:
                return False
            self.wait(time.monotonic() + 0.02)
        return True

    def wait(self, until: float) -> None:
        """Do what comes and what is due, until then."""
        while True:
            now = time.monotonic()
            self._fire(now)
            due = self._due[0][0] if self._due else until
            left = min(until, due) - now
            if select.select([self._socket], [], [], max(left, 0.0))[0]:
                self._read()
            if time.monotonic() >= until:
                return

    def hang_up_all(self, rate: float) -> None:
        """Say BYE in every call that stands, so many a second."""
        for number in [number for number, task in self._tasks.items() if task.stage is Stage.TALKING]:
            self._leave(self._tasks[number], time.monotonic())
            self.wait(time.monotonic() + 1 / rate)
        self.settle(PATIENCE_S)

    # -------------------------------------------------------------- sending
    def _begin(self, first: First, is_call: bool) -> None:
        self._number += 1
        now = time.monotonic()
        task = self._tasks[self._number] = Task(self._number, now, first(self.place, self._number), is_call)
        self.tally.begun += 1
        self._ask(task, now)

    def _ask(self, task: Task, now: float) -> None:
        task.interval, task.asked_at, task.is_heard = T1_S, now, False
        self._send(task.data)
        heapq.heappush(self._due, (now + T1_S, task.number, task.stage))

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # it is sent again
            self._socket.sendto(data, self.place.server)

    def _fire(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            _, number, stage = heapq.heappop(self._due)
            task = self._tasks.get(number)
            if task is None or task.stage is not stage:
                continue
            if stage is Stage.TALKING:
                self._leave(task, now)
            elif now - task.asked_at > PATIENCE_S:
                self._fail(task, f"no answer to {'BYE' if stage is Stage.LEAVING else 'the request'}")
            else:
                self._repeat(task, now)

    def _repeat(self, task: Task, now: float) -> None:
        if not (task.is_heard and task.is_call and task.stage is Stage.ASKED):
            self.tally.repeats += 1
            self._send(task.data)
        task.interval = min(2 * task.interval, T2_S)
        at = min(now + task.interval, task.asked_at + PATIENCE_S + 0.01)
        heapq.heappush(self._due, (at, task.number, task.stage))

    def _leave(self, task: Task, now: float) -> None:
        assert task.answer is not None
        task.stage, task.data = Stage.LEAVING, script.in_call("BYE", self.place, task.answer, 2)
        self._ask(task, now)

    def _fail(self, task: Task, why: str) -> None:
        self.tally.failures[why] += 1
        del self._tasks[task.number]

    # -------------------------------------------------------------- hearing
    def _read(self) -> None:
        for _ in range(MOST_A_TURN):
            try:
                data, beside, _, source = self._socket.recvmsg(65536, 64)
            except BlockingIOError:
                return
            answer = script.answer_of(data)
            if answer is not None:
                self._answered(answer, _arrival(beside))
            elif not data.startswith((b"SIP/2.0 ", b"ACK ")):
                self.received += 1
                self._socket.sendto(script.reply_to(data), source)

    def _answered(self, answer: Answer, at: float) -> None:
        task = self._tasks.get(answer.number)
        if task is None:
            return
        if answer.method == "INVITE":
            self._invited(task, answer, at)
        elif answer.status >= 200 and (task.stage is Stage.LEAVING or not task.is_call):
            if not task.is_call:
                self.tally.waits_s.append(at - task.begun_at)
            if answer.status < 300:
                self.tally.done += 1
                del self._tasks[task.number]
            else:
                self._fail(task, f"{answer.status} to {answer.method}")

    def _speak(self, answer: Answer) -> None:
        """Two packets of silence, as of any phone: with them the server knows where the call's sound comes from."""
        sock = self._media[answer.number % len(self._media)]
        for number in (1, 2):
            header = RTP.pack(0x80, 0, number, 160 * number, answer.number)
            with contextlib.suppress(OSError):
                sock.sendto(header + b"\xff" * 160, (self.place.server[0], answer.media_port))

    def _invited(self, task: Task, answer: Answer, at: float) -> None:
        if answer.status < 200:
            task.is_heard = True
        elif answer.status < 300:
            self._send(script.in_call("ACK", self.place, answer, 1))
            if task.stage is Stage.ASKED:
                self._speak(answer)
                self.tally.waits_s.append(at - task.begun_at)
                task.stage, task.answer = Stage.TALKING, answer
                heapq.heappush(self._due, (at + self._hold_s, task.number, Stage.TALKING))
        elif task.stage is Stage.ASKED:
            ack = script.in_call("ACK", self.place, answer, 1)
            self._send(ack.replace(b"-1ACK\r\n", b"-1INVITE\r\n", 1))  # its branch (RFC 3261 17.1.1.3)
            self._fail(task, f"{answer.status} to INVITE" + (f": {answer.why}" if answer.why else ""))


def _address(sock: socket.socket) -> Address:
    host, port = sock.getsockname()
    return host, port


def _socket(buffer_bytes: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    if buffer_bytes:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return made


def _arrival(beside: list[tuple[int, int, bytes]]) -> float:
    """The kernel's time of arrival, as time.monotonic()."""
    now = time.monotonic()
    for level, kind, value in beside:
        if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS) and len(value) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(value)
            late: float = time.time() - seconds - nanoseconds * 1e-9
            return now - max(late, 0.0)
    return now
