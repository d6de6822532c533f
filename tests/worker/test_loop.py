"""A worker as the process it is: started, asked, talked through by real RTP, and ended in each way."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from confserver.contract import (
    VERSION,
    ChangePort,
    CloseLeg,
    CloseRoom,
    Describe,
    Described,
    EngineReady,
    FirstPacket,
    Incoming,
    LegClosed,
    LegFailed,
    LegLatched,
    LegOpened,
    LegReports,
    MediaPlan,
    MixSources,
    OpenLeg,
    OpenRoom,
    Ping,
    Pong,
    PortChanged,
    Resume,
    Serve,
    SetHearing,
    SetLeg,
    Stop,
    event_unpacker,
    packed,
)  # fmt: skip
from confserver.engine.codecs import PCMU
from confserver.rtp import rtcp
from confserver.worker.mmsg import is_available
from tests.engine.hall import level_db, rtp, tone

IO = ["portable", pytest.param("mmsg", marks=pytest.mark.skipif(not is_available(), reason="not 64-bit Linux"))]
PATIENCE = 15.0


class Worker:
    """The process, and our end of its channel."""

    def __init__(self, io: str = "auto", first: int = 31000, last: int = 31199, spare: bool = False) -> None:
        ours, theirs = socket.socketpair()
        self.channel = ours
        epoch = time.time() - time.monotonic()
        post = ["--first-port", str(first), "--last-port", str(last), "--cname", "worker@127.0.0.1"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "confserver.worker", "--fd", str(theirs.fileno()), "--address", "127.0.0.1",
             "--io", io, "--epoch", repr(epoch), *(["--spare"] if spare else post)],
            pass_fds=[theirs.fileno()], stderr=subprocess.PIPE,
        )  # fmt: skip
        theirs.close()
        self._unpacker = event_unpacker()
        self.events: list[object] = []

    def say(self, *messages) -> None:
        self.channel.sendall(b"".join(map(packed, messages)))

    def read(self, seconds: float) -> None:
        if select.select([self.channel], [], [], seconds)[0]:
            self.events.extend(self._unpacker.feed(self.channel.recv(1 << 16)))

    def wait(self, kind: type, **fields):
        """The first event of this kind with these fields."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for event in self.events:
                if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items()):
                    return event
            self.read(0.1)
        raise AssertionError(f"no {kind.__name__} {fields} among {self.events}")

    def ends(self) -> tuple[int, str]:
        """Exit status and what it wrote as errors."""
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors.decode()


@pytest.fixture
def start():
    workers: list[Worker] = []

    def one(*arguments, **more) -> Worker:
        workers.append(Worker(*arguments, **more))
        return workers[-1]

    yield one
    for worker in workers:
        worker.channel.close()
        if worker.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(2)
        if worker.process.poll() is None:
            worker.process.kill()
        worker.process.wait()
        worker.process.stderr.close()


@dataclass
class Caller:
    """A phone on a real socket."""

    says: np.ndarray
    ssrc: int
    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    control: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)

    @property
    def plan(self) -> MediaPlan:
        return MediaPlan(
            remote=self.socket.getsockname(), rtcp_mux=True, incoming=[Incoming(payload_type=0, format="PCMU")],
            outgoing_payload_type=0, outgoing_format="PCMU",
        )  # fmt: skip

    def send(self, number: int) -> None:
        payload = np.empty((1, 160), np.uint8)
        PCMU.encode(self.says[None, number * 160 : number * 160 + 160], payload)
        data = rtp(0, number, number * 160, self.ssrc, payload.tobytes())
        self.socket.sendto(data, ("127.0.0.1", self.port))

    def listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self.socket.recv(2000)
                (self.control if 192 <= data[1] <= 223 else self.heard).append(data)

    def sound(self) -> np.ndarray:
        payload = np.frombuffer(b"".join(data[12:] for data in self.heard), np.uint8)[None]
        out = np.empty(payload.shape, np.float32)
        PCMU.decode(payload, out)
        return out[0]


def _talk(worker: Worker, callers: list[Caller], seconds: float, first: int = 0) -> None:
    """``first``: number of the first packet."""
    began = time.monotonic()
    for number in range(round(seconds * 50)):
        for caller in callers:
            caller.send(first + number)
        worker.read(0)
        time.sleep(max(began + (number + 1) * 0.02 - time.monotonic(), 0))
        for caller in callers:
            caller.listen()


def _seat(worker: Worker, callers: list[Caller]) -> None:
    legs = list(range(1, len(callers) + 1))
    worker.say(OpenRoom(room=5))
    for leg, caller in zip(legs, callers):
        worker.say(OpenLeg(leg=leg, room=5, plan=caller.plan))
        caller.port = worker.wait(LegOpened, leg=leg).port
    mix = MixSources(legs=legs, gains=[1.0] * len(legs))
    worker.say(SetHearing(room=5, mixes=[mix], listeners=[(leg, 0) for leg in legs]))


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("io", IO)
def test_two_callers_hear_each_other_through_a_worker(io, start):
    worker = start(io)
    ready = worker.wait(EngineReady)
    assert (ready.version, ready.pid) == (VERSION, worker.process.pid)
    callers = [Caller(tone(410, 4), 11), Caller(tone(730, 4), 22)]
    _seat(worker, callers)
    _talk(worker, callers, 2.0)
    for leg, (caller, own, others) in enumerate(zip(callers, (410, 730), (730, 410)), 1):
        worker.wait(FirstPacket, leg=leg)
        assert worker.wait(LegLatched, leg=leg).remote == caller.socket.getsockname()
        assert len(caller.heard) >= 85
        sequence = [int.from_bytes(data[2:4], "big") for data in caller.heard]
        assert set(np.diff(sequence) & 0xFFFF) == {1}
        sound = caller.sound()[8000:]
        assert level_db(sound, others) > -17
        assert level_db(sound, own) < -40
    worker.say(Describe(token=9), Ping(token=7))
    counts = worker.wait(Described, token=9).counts
    assert (counts["legs"], counts["rooms"], counts["seats"], counts["ports"]) == (2, 1, 2, 2)
    assert 0 < counts["load"] < 1 and counts["ticks"] > 90
    worker.wait(Pong, token=7)
    if io == "portable":
        assert [report.leg for report in worker.wait(LegReports).reports] == [1, 2]
    worker.say(CloseLeg(leg=1))
    closed = worker.wait(LegClosed, leg=1).report
    assert closed.received == 100 and closed.sent >= 85 and closed.lost == 0
    worker.say(Stop())
    worker.wait(LegClosed, leg=2)
    assert worker.ends() == (0, "")
    for caller in callers:
        caller.listen()
        assert any(isinstance(packet, rtcp.Bye) for data in caller.control for packet in rtcp.parse(data))
        caller.socket.close()


@pytest.mark.slow
def test_a_leg_that_gets_another_port_talks_and_is_heard_there(start):
    worker = start()
    worker.wait(EngineReady)
    callers = [Caller(tone(410, 4), 11), Caller(tone(730, 4), 22)]
    _seat(worker, callers)
    _talk(worker, callers, 0.5)
    old, place = callers[0].port, Caller(tone(410, 4), 11)
    worker.say(ChangePort(leg=1, ipv6=False, remote=place.plan.remote))
    place.port = worker.wait(PortChanged, leg=1).port
    assert place.port not in (0, old)
    worker.say(SetLeg(leg=1, plan=place.plan))
    callers[0].socket.close()
    callers[0] = place
    _talk(worker, callers, 1.0, first=25)
    assert worker.wait(LegLatched, leg=1, remote=place.plan.remote)
    assert len(place.heard) >= 40 and level_db(place.sound()[2000:], 730) > -17
    assert level_db(callers[1].sound()[-4000:], 410) > -17
    worker.say(Describe(token=1))
    ports = {caller.port for caller in callers}
    assert worker.wait(Described, token=1).counts["ports"] == len(ports), "the old port is given back"
    worker.say(Stop())
    assert worker.ends() == (0, "")
    for caller in callers:
        caller.socket.close()


def test_without_another_port_a_leg_keeps_its_own(start):
    worker = start(first=31200, last=31203)
    caller = Caller(tone(410, 1), 11)
    worker.say(OpenRoom(room=1), OpenLeg(leg=5, room=1), OpenLeg(leg=6, room=1))
    ports = [worker.wait(LegOpened, leg=leg).port for leg in (5, 6)]
    worker.say(ChangePort(leg=4, ipv6=False, remote=caller.plan.remote))
    worker.say(ChangePort(leg=5, ipv6=False, remote=caller.plan.remote), Describe(token=1))
    assert worker.wait(PortChanged, leg=5).port == 0
    assert worker.wait(Described, token=1).counts["ports"] == 2 and len(set(ports)) == 2
    worker.say(CloseLeg(leg=6))
    worker.wait(LegClosed, leg=6)
    worker.say(Stop())
    assert worker.ends() == (0, "")
    caller.socket.close()


def test_commands_about_nothing_are_answered_or_passed_over(start):
    worker = start(first=31200, last=31203)
    caller = Caller(tone(410, 1), 11)
    worker.say(
        CloseLeg(leg=4), SetLeg(leg=4, plan=caller.plan), CloseRoom(room=8),
        SetHearing(room=8, mixes=[], listeners=[(1, 0)]), OpenLeg(leg=4, room=8, plan=caller.plan),
    )  # fmt: skip
    assert "8" in worker.wait(LegFailed, leg=4).reason
    worker.say(OpenRoom(room=1), OpenRoom(room=1), OpenLeg(leg=5, room=1), OpenLeg(leg=6, room=1))
    worker.wait(LegOpened, leg=5)
    worker.wait(LegOpened, leg=6)
    worker.say(OpenLeg(leg=5, room=1), OpenLeg(leg=7, room=1), OpenLeg(leg=8, room=1, ipv6=True))
    assert "5" in worker.wait(LegFailed, leg=5).reason
    assert "31203" in worker.wait(LegFailed, leg=7).reason, "two legs without a plan hold both ports alone"
    worker.wait(LegFailed, leg=8)
    worker.say(SetLeg(leg=6, plan=MediaPlan(**{**_fields(caller.plan), "outgoing_format": "speex"})))
    assert "speex" in worker.wait(LegFailed, leg=6).reason
    worker.say(CloseLeg(leg=6), CloseLeg(leg=6), Describe(token=1))
    counts = worker.wait(Described, token=1).counts
    assert (counts["legs"], counts["ports"]) == (1, 2), "the port is given back at the end of the round"
    worker.say(Describe(token=2))
    assert worker.wait(Described, token=2).counts["ports"] == 1
    worker.say(OpenLeg(leg=9, room=1, plan=caller.plan))
    worker.wait(LegFailed, leg=9)
    worker.say(Stop())
    assert worker.ends() == (0, "")
    caller.socket.close()


def _fields(plan: MediaPlan) -> dict[str, object]:
    return {name: getattr(plan, name) for name in plan.__struct_fields__}


def test_a_closed_channel_ends_it(start):
    worker = start()
    worker.wait(EngineReady)
    worker.channel.close()
    assert worker.ends() == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", struct.pack("!I", 4) + b"\xc1\0\0\0", packed(Pong(token=1)), b"\xff" * 64]
)
def test_garbage_on_the_channel_ends_it_with_one_line(garbage, start):
    worker = start()
    worker.wait(EngineReady)
    worker.channel.sendall(garbage)
    status, errors = worker.ends()
    assert status == 1
    assert errors.count("\n") == 1 and errors.startswith("media worker: ")


def test_an_interrupt_is_not_for_the_worker(start):
    worker = start()
    worker.wait(EngineReady)
    for _ in range(3):
        os.kill(worker.process.pid, signal.SIGINT)
    worker.say(Ping(token=3))
    worker.wait(Pong, token=3)
    worker.say(Stop())
    assert worker.ends() == (0, "")


def test_a_worker_that_was_stopped_for_a_while_goes_on(start):
    worker = start()
    worker.wait(EngineReady)
    callers = [Caller(tone(410, 4), 11), Caller(tone(730, 4), 22)]
    _seat(worker, callers)
    _talk(worker, callers, 0.4)
    worker.process.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    worker.process.send_signal(signal.SIGCONT)
    _talk(worker, callers, 0.6)
    worker.say(Describe(token=1))
    assert 10 <= worker.wait(Described, token=1).counts["missed_ticks"] <= 60
    stamps = [int.from_bytes(data[4:8], "big") for data in callers[0].heard]
    steps = np.diff(stamps) & 0xFFFFFFFF
    assert steps.max() >= 160 * 10 and set(steps % 160) == {0}
    for caller in callers:
        caller.socket.close()


def _killed(worker: Worker) -> None:
    worker.process.kill()
    worker.process.wait()


@pytest.mark.slow
def test_a_spare_answers_takes_a_post_and_carries_legs_on(start):
    """Same port, same SSRC, sequence and timestamp forward; the phones' next packets are known at once."""
    worker, spare = start(), start(spare=True)
    assert spare.wait(EngineReady).pid == spare.process.pid
    spare.say(Ping(token=4), Describe(token=5))
    spare.wait(Pong, token=4)
    assert spare.wait(Described, token=5).counts == {}, "it has no ports, and no tick goes by"
    callers = [Caller(tone(410, 6), 11), Caller(tone(730, 6), 22)]
    _seat(worker, callers)
    _talk(worker, callers, 0.6)
    opened = [worker.wait(LegOpened, leg=leg) for leg in (1, 2)]
    before = [len(caller.heard) for caller in callers]
    _killed(worker)
    spare.say(Serve(first_port=31000, last_port=31199, cname="worker@127.0.0.1"), OpenRoom(room=5))
    for leg, caller, was in zip((1, 2), callers, opened):
        resume = Resume(
            port=was.port, ssrc=was.ssrc, sequence=was.sequence, timestamp=was.timestamp, at=was.at,
            latched=caller.socket.getsockname(), sent=30, received=30,
        )  # fmt: skip
        spare.say(OpenLeg(leg=leg, room=5, plan=caller.plan, resume=resume))
    spare.say(SetHearing(room=5, mixes=[MixSources(legs=[1, 2], gains=[1, 1])], listeners=[(1, 0), (2, 0)]))
    assert [spare.wait(LegOpened, leg=leg).port for leg in (1, 2)] == [was.port for was in opened]
    _talk(spare, callers, 1.0)
    for leg, (caller, others, had, was) in enumerate(zip(callers, (730, 410), before, opened), 1):
        old, new = caller.heard[:had], caller.heard[had:]
        assert {int.from_bytes(data[8:12], "big") for data in new} == {was.ssrc}
        assert 0 < (_number(new[0], 2, 4) - _number(old[-1], 2, 4)) & 0xFFFF < 400
        assert 0 < (_number(new[0], 4, 8) - _number(old[-1], 4, 8)) & 0xFFFFFFFF < 400 * 160
        assert new[0][1] & 0x80, "a marker says that a gap was"
        caller.heard = new[-20:]
        assert level_db(caller.sound(), others) > -17
        assert spare.wait(FirstPacket, leg=leg)
    assert not [event for event in spare.events if isinstance(event, LegLatched)], "it was known where they are"
    spare.say(CloseLeg(leg=1))
    closed = spare.wait(LegClosed, leg=1).report
    assert closed.received > 60 and closed.sent > 60 and closed.ssrc == opened[0].ssrc, "the counts go on"
    spare.say(Stop())
    assert spare.ends() == (0, "")
    for caller in callers:
        caller.socket.close()


def _number(data: bytes, start: int, stop: int) -> int:
    return int.from_bytes(data[start:stop], "big")


def test_a_leg_whose_port_is_gone_is_not_carried_on(start):
    worker = start(first=31204, last=31205)
    resume = Resume(port=31206, ssrc=1, sequence=1, timestamp=1, at=0.0)
    worker.say(OpenRoom(room=1), OpenLeg(leg=1, room=1, resume=resume), Describe(token=1))
    assert "31206" in worker.wait(LegFailed, leg=1).reason
    counts = worker.wait(Described, token=1).counts
    assert (counts["legs"], counts["ports"]) == (0, 0)


@pytest.mark.slow
def test_a_spare_that_is_not_wanted_ends(start):
    told, left, garbled = (start(spare=True) for _ in range(3))
    for spare in (told, left, garbled):
        spare.wait(EngineReady)
    told.say(Stop())
    left.channel.close()
    garbled.channel.sendall(b"\xff" * 64)
    assert told.ends() == left.ends() == (0, "")
    assert garbled.ends()[0] == 1
