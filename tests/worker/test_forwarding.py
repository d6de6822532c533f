"""Sound that is sent on, by real packets: to who listens, to where nobody does, protected, after a worker's loss."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from pylibsrtp import Policy, Session

from confserver.contract import (
    CloseLeg,
    Describe,
    Described,
    LegClosed,
    LegFailed,
    LegOpened,
    MediaPlan,
    MixSources,
    OpenLeg,
    Resume,
    SetHearing,
    SrtpKey,
    Stop,
)
from confserver.rtp import rtcp
from tests.engine.ears import decoded
from tests.engine.hall import rtp, tone
from tests.worker.test_loop import IO, Caller, Worker, _seat, _talk, start
from tests.worker.test_moving import usual_db

__all__ = ["start"]

FORWARD, SSRC = 70, 0xCAFE
KEY = bytes(range(30))


@dataclass
class Listener:
    """A program that takes RTP at an even port and RTCP at the next; it never says anything."""

    heard: list[bytes] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    senders: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rtp, self.rtcp = _pair()

    @property
    def address(self) -> tuple[str, int]:
        return self.rtp.getsockname()

    def plan(self, codec: str = "PCMU", payload_type: int = 0, **more) -> MediaPlan:
        return MediaPlan(
            remote=self.address, incoming=[], outgoing_payload_type=payload_type, outgoing_format=codec,
            receives=False, **more,
        )  # fmt: skip

    def listen(self) -> None:
        for sock, into in ((self.rtp, self.heard), (self.rtcp, self.reports)):
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, sender = sock.recvfrom(2000)
                    into.append(data)
                    self.senders.add(sender)

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def _pair() -> tuple[socket.socket, socket.socket]:
    for port in range(41000, 42000, 2):
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        try:
            for offset, sock in enumerate(pair):
                sock.bind(("127.0.0.1", port + offset))
                sock.setblocking(False)
            return pair[0], pair[1]
        except OSError:
            for sock in pair:
                sock.close()
    raise AssertionError("no free pair of ports")


@pytest.fixture
def listener() -> Iterator[Listener]:
    there = Listener()
    yield there
    there.close()


def send_on(worker: Worker, plan: MediaPlan, sources: list[int], **more) -> int:
    """Have what these say sent there; gives the port from which it comes."""
    worker.say(OpenLeg(leg=FORWARD, room=5, plan=plan, alone=True, **more))
    port = worker.wait(LegOpened, leg=FORWARD).port
    mix = MixSources(legs=sources, gains=[1.0] * len(sources))
    worker.say(SetHearing(room=5, mixes=[mix], listeners=[(FORWARD, 0), *((leg, 0) for leg in sources)]))
    return port


def steps(packets: list[bytes], at: slice, size: int) -> set[int]:
    found = np.array([int.from_bytes(data[at], "big") for data in packets], np.int64)
    return set((np.diff(found) % size).tolist())


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("io", IO)
def test_a_program_hears_the_room(io, start, listener) -> None:
    worker = start(io)
    callers = [Caller(tone(410, 4), 11), Caller(tone(730, 4), 22)]
    _seat(worker, callers)
    port = send_on(worker, listener.plan("L16-16", 96), [1, 2], ssrc=SSRC)
    _talk(worker, callers, 2.0)
    worker.say(CloseLeg(leg=FORWARD))
    report = worker.wait(LegClosed, leg=FORWARD).report
    time.sleep(0.1)
    listener.listen()
    assert len(listener.heard) >= 90 and (report.received, report.refused) == (0, 0)
    assert steps(listener.heard, slice(2, 4), 1 << 16) == {1}
    assert {data[1] & 0x7F for data in listener.heard} == {96}
    assert {int.from_bytes(data[8:12], "big") for data in listener.heard} == {SSRC}
    sound = np.frombuffer(b"".join(data[12:] for data in listener.heard), ">i2").astype(np.float32) / 32768
    half = np.ascontiguousarray(sound[::2][2000:])
    assert usual_db(half, 410) > -17 and usual_db(half, 730) > -17
    assert listener.senders == {("127.0.0.1", port), ("127.0.0.1", port + 1)}
    assert isinstance(rtcp.parse(listener.reports[-1])[-1], rtcp.Bye)
    worker.say(Stop())
    assert worker.ends() == (0, "")
    for caller in callers:
        caller.socket.close()


@pytest.mark.parametrize("io", IO)
def test_where_nobody_listens_it_is_counted_and_others_hear_on(io, start, listener) -> None:
    worker = start(io)
    callers = [Caller(tone(410, 2), 11)]
    _seat(worker, callers)
    plan = listener.plan()
    send_on(worker, plan, [1])
    listener.close()
    _talk(worker, callers, 0.6)
    worker.say(CloseLeg(leg=FORWARD), Describe(token=1))
    report = worker.wait(LegClosed, leg=FORWARD).report
    assert report.refused >= 10 and report.sent >= 15, "and it is tried again and again"
    assert worker.wait(Described, token=1).counts["faults"] == 0
    assert len(callers[0].heard) >= 15
    worker.say(Stop())
    assert worker.ends() == (0, "")
    callers[0].socket.close()


def test_nobody_else_comes_in_by_its_port(start, listener) -> None:
    """The kernel itself passes over strangers."""
    worker = start()
    worker_port = _alone(worker, listener.plan())
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(20):
        stranger.sendto(rtp(0, number, number * 160, 5, bytes(160)), ("127.0.0.1", worker_port))
    time.sleep(0.1)
    worker.say(Describe(token=1))
    counts = worker.wait(Described, token=1).counts
    assert counts["strangers"] == 0 and counts["unread"] == 0
    worker.say(CloseLeg(leg=FORWARD))
    assert worker.wait(LegClosed, leg=FORWARD).report.received == 0
    worker.say(Stop())
    assert worker.ends() == (0, "")
    stranger.close()


def _alone(worker: Worker, plan: MediaPlan, **more) -> int:
    _seat(worker, [])
    return send_on(worker, plan, [], **more)


def test_it_has_its_port_for_itself_and_gives_it_back(start, listener) -> None:
    worker = start(first=31204, last=31207)
    port = _alone(worker, listener.plan())
    caller = Caller(tone(410, 1), 11)
    worker.say(OpenLeg(leg=2, room=5, plan=caller.plan))
    assert worker.wait(LegOpened, leg=2).port != port
    worker.say(OpenLeg(leg=3, room=5, plan=listener.plan(), alone=True))
    assert "no free RTP port" in worker.wait(LegFailed, leg=3).reason
    worker.say(CloseLeg(leg=FORWARD))
    worker.wait(LegClosed, leg=FORWARD)
    worker.say(Stop())
    assert worker.ends() == (0, "")
    caller.socket.close()


def test_an_address_that_cannot_be_reached_is_said(start, listener) -> None:
    """connect(2) refuses broadcast addresses to sockets that have not asked for them."""
    worker = start()
    _seat(worker, [])
    plan = MediaPlan(
        remote=("255.255.255.255", 5000), incoming=[], outgoing_payload_type=0, outgoing_format="PCMU", receives=False
    )
    worker.say(OpenLeg(leg=FORWARD, room=5, plan=plan, alone=True), Describe(token=1))
    assert "cannot be reached" in worker.wait(LegFailed, leg=FORWARD).reason
    counts = worker.wait(Described, token=1).counts
    assert (counts["legs"], counts["open_ports"], counts["faults"]) == (0, 0, 0)
    worker.say(Stop())
    assert worker.ends() == (0, "")


def test_it_goes_on_from_the_same_port_and_ssrc_at_another_worker(start, listener) -> None:
    worker = start()
    resume = Resume(port=31100, ssrc=SSRC, sequence=100, timestamp=16000, at=time.time())
    assert _alone(worker, listener.plan(), resume=resume) == 31100
    time.sleep(0.3)
    listener.listen()
    assert {int.from_bytes(data[8:12], "big") for data in listener.heard} == {SSRC}
    assert {port for _, port in listener.senders} <= {31100, 31101}
    assert 100 < int.from_bytes(listener.heard[0][2:4], "big") < 400
    worker.say(Stop())
    assert worker.ends() == (0, "")


@pytest.mark.slow
@pytest.mark.alone
def test_a_program_with_the_key_hears_it_and_nobody_without(start, listener) -> None:
    worker = start()
    callers = [Caller(tone(410, 3), 11)]
    _seat(worker, callers)
    key = SrtpKey("AES_CM_128_HMAC_SHA1_80", KEY)
    send_on(worker, listener.plan("opus", 111, incoming_key=key, outgoing_key=key), [1])
    _talk(worker, callers, 1.5)
    worker.say(CloseLeg(leg=FORWARD))
    worker.wait(LegClosed, leg=FORWARD)
    time.sleep(0.1)
    listener.listen()
    policy = Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
    session = Session(policy)
    opened = [session.unprotect(data) for data in listener.heard]
    assert len(opened) >= 60 and steps(opened, slice(2, 4), 1 << 16) == {1}
    sound = decoded([data[12:] for data in opened], "opus", 8000)
    assert usual_db(sound[4000:], 410) > -18
    assert isinstance(rtcp.parse(session.unprotect_rtcp(listener.reports[-1]))[-1], rtcp.Bye)
    worker.say(Stop())
    assert worker.ends() == (0, "")
    callers[0].socket.close()
