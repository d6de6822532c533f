"""Whole calls of the robot over real sockets: played back, refused, held, hung up on by either side."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from confserver.phone import robot as robots
from confserver.phone import run
from confserver.phone.orders import BadOrders, Orders, Outcome, destination, local_address, media_ports
from confserver.phone.robot import Robot
from confserver.rtp.header import RTCP_FIRST, parse_packet
from confserver.sdp.direction import Direction
from confserver.transports.certificates import own_pair
from confserver.transports.tls import Tls
from tests.kit.listen import read_wav
from tests.kit.tones import tone_file
from tests.phone.far_end import FarEnd


@pytest_twisted.async_yield_fixture()
async def far() -> AsyncIterator[FarEnd]:
    end = FarEnd()
    yield end
    await end.close()


class Called:
    """A robot at work, and what it told."""

    def __init__(self, uri: str, **orders: Any) -> None:
        self.told: list[str] = []
        self.robot = Robot(reactor, Orders(target=destination(uri), **orders), self.told.append)
        self.robot.start()

    async def outcome(self, seconds: float = 6.0) -> Outcome:
        ended: Deferred[Outcome] = self.robot.done
        ended.addTimeout(seconds, reactor)  # type: ignore[arg-type]
        return await ended

    async def until_told(self, line: str, seconds: float = 4.0) -> None:
        for _ in range(round(seconds / 0.01)):
            if any(line in each for each in self.told):
                return
            await wait(0.01)
        raise AssertionError(f"not told: {line}, but {self.told}")


async def until(happened: Callable[[], bool], seconds: float = 4.0) -> None:
    for _ in range(round(seconds / 0.01)):
        if happened():
            return
        await wait(0.01)
    raise AssertionError("it did not happen in time")


async def wait(seconds: float) -> None:
    await deferLater(reactor, seconds, lambda: None)  # type: ignore[arg-type]


@pytest_twisted.ensureDeferred
async def test_it_says_all_and_records_what_comes_back(far: FarEnd, tmp_path: Path) -> None:
    spoken = tone_file(tmp_path / "spoken.wav", 700, 0.6, 44100)
    called = Called(far.uri, play=spoken, record=tmp_path / "heard.wav", seconds=1.0, name="Anna Ärger")
    outcome = await called.outcome()
    assert (outcome.status, outcome.error, outcome.ended_by, outcome.codec) == (200, None, "us", "PCMU")
    assert outcome.remote == f"127.0.0.1:{far.local.port}"
    assert outcome.set_up_ms is not None and 0 < outcome.set_up_ms < 2000
    assert 0.9 < outcome.duration_s < 1.6
    assert abs(outcome.sent - outcome.duration_s * 50) <= 3
    assert abs(outcome.received - outcome.sent) <= 2 and outcome.lost == 0
    assert [line.split()[0] for line in called.told] == ["ringing", "answered", "hanging"]
    heard = read_wav(tmp_path / "heard.wav")
    [(begin, end)] = heard.spans(700, -14.0)
    assert begin < 0.02 and abs(end - 0.6) < 0.02, "from the first sample to the last, without a gap"
    assert not heard.between(0.62).samples.any(), "then digital silence"
    assert far.invite.from_.label == "Anna Ärger"
    assert [each.cause for each in far.ended] == ["hung up"]
    packets = [parse_packet(data) for data, _ in far.echo.heard if data[1] < RTCP_FIRST]
    assert {each.ssrc for each in packets} == {outcome.ssrc}
    steps = np.diff([each.timestamp for each in packets]) % 2**32
    assert set(steps.tolist()) == {160}
    port = far.echo.heard[0][1][1]
    assert port % 2 == 0 and not 20000 <= port < 30000


@pytest_twisted.ensureDeferred
async def test_by_tcp_from_the_address_that_was_asked_for() -> None:
    far = FarEnd("tcp")
    try:
        outcome = await Called(far.uri, transport="tcp", bind="127.0.0.2", tone_hz=440.0, seconds=0.2).outcome()
        assert (outcome.status, outcome.error, outcome.ended_by) == (200, None, "us")
        assert far.flow is not None and (far.flow.transport, far.flow.remote[0]) == ("TCP", "127.0.0.2")
        assert far.echo.heard[0][1][0] == "127.0.0.2"
        assert far.ended, "BYE came"
    finally:
        await far.close()


@pytest.mark.parametrize("transport", ["tls", "ws", "wss"])
@pytest_twisted.ensureDeferred
async def test_by_connections_of_its_own(transport: str, tmp_path: Path) -> None:
    far = FarEnd(transport, tls=Tls(own_pair(tmp_path, ["127.0.0.1"], datetime.now(UTC))))
    try:
        called = Called(far.uri, transport=transport, bind="127.0.0.2", tone_hz=440.0, seconds=0.3, is_insecure=True)
        outcome = await called.outcome()
        assert (outcome.status, outcome.error, outcome.ended_by) == (200, None, "us")
        assert far.flow is not None and (far.flow.transport, far.flow.remote[0]) == (transport.upper(), "127.0.0.2")
        assert far.echo.heard and outcome.received and far.ended
        contact = far.invite.headers.get("Contact")
        assert ".invalid" in contact if far.flow.is_websocket else ".invalid" not in contact
    finally:
        await far.close()


@pytest.mark.parametrize("transport", ["tls", "wss"])
@pytest_twisted.ensureDeferred
async def test_a_certificate_that_nobody_vouches_for(transport: str, tmp_path: Path) -> None:
    far = FarEnd(transport, tls=Tls(own_pair(tmp_path, ["127.0.0.1"], datetime.now(UTC))))
    try:
        outcome = await Called(far.uri, transport=transport, tone_hz=440.0).outcome()
        assert outcome.error is not None and "certificate verify failed" in outcome.error and far.invite is None
    finally:
        await far.close()


@pytest_twisted.ensureDeferred
async def test_refused(far: FarEnd) -> None:
    far.status = 486
    outcome = await Called(far.uri).outcome()
    assert (outcome.status, outcome.error, outcome.ended_by) == (486, "refused: 486 Busy Here", None)
    assert not far.echo.heard


@pytest_twisted.ensureDeferred
async def test_rung_in_vain(far: FarEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "ANSWER_S", 0.3)
    far.status = 0
    called = Called(far.uri)
    outcome = await called.outcome()
    assert outcome.error is not None and outcome.error.startswith("no answer within")
    assert called.told == ["ringing"]
    assert [each.status for each in far.ended] == [487], "it was cancelled"


@pytest_twisted.ensureDeferred
async def test_an_answer_that_cannot_be_used(far: FarEnd) -> None:
    for body, reason in ((b"", "bad SDP"), (b"hello", "bad SDP"), (VIDEO, "no audio")):
        far.body = body
        outcome = await Called(far.uri).outcome()
        assert outcome.error is not None and "the answer cannot be used: " in outcome.error and reason in outcome.error
    assert len(far.ended) == 3, "each was hung up"


VIDEO = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9000 RTP/AVP 31\r\n"


@pytest_twisted.ensureDeferred
async def test_the_other_side_hangs_up(far: FarEnd, tmp_path: Path) -> None:
    called = Called(far.uri, tone_hz=440.0, record=tmp_path / "a.wav")
    await called.until_told("answered")
    await wait(0.3)
    far.hang_up()
    outcome = await called.outcome()
    assert (outcome.error, outcome.ended_by) == (None, "them")
    assert called.told[-1] == "the other side hung up"
    assert 0.2 < read_wav(tmp_path / "a.wav").seconds < 0.6


@pytest_twisted.ensureDeferred
async def test_held_and_resumed_by_the_other_side(far: FarEnd) -> None:
    called = Called(far.uri, tone_hz=440.0)
    await called.until_told("answered")
    await wait(0.1)
    far.offer(Direction.SENDONLY)
    await until(lambda: bool(far.answers))
    await wait(0.05)
    assert [each.status for each in far.answers] == [200]
    assert b"a=recvonly" in far.answers[0].body
    held = len(far.echo.heard)
    await wait(0.2)
    assert len(far.echo.heard) == held, "held, it is silent"
    far.offer()
    await until(lambda: len(far.answers) == 2 and len(far.echo.heard) > held + 3)
    assert b"a=sendrecv" in far.answers[1].body
    far.offer(body=b"v=0 nonsense")
    await until(lambda: len(far.answers) == 3)
    assert far.answers[2].status == 400
    far.hang_up()
    assert (await called.outcome()).ended_by == "them"


@pytest_twisted.ensureDeferred
async def test_it_follows_to_another_port(far: FarEnd) -> None:
    other = FarEnd()
    try:
        called = Called(far.uri, tone_hz=440.0)
        await called.until_told("answered")
        await until(lambda: len(far.echo.heard) > 1)  # the ACK is there, too
        far.local = other.local
        far.offer()
        await until(lambda: len(other.echo.heard) > 3)
        called.robot.hang_up()
        outcome = await called.outcome()
        assert other.echo.heard and outcome.remote == f"127.0.0.1:{other.local.port}"
    finally:
        await other.close()


@pytest_twisted.ensureDeferred
async def test_it_holds_and_resumes(far: FarEnd) -> None:
    called = Called(far.uri, tone_hz=440.0, hold_at=0.1, resume_at=0.3, seconds=0.5)
    outcome = await called.outcome()
    assert [each.held for each in far.agreed] == [False, True, False]
    assert (outcome.error, called.told[2:]) == (None, ["hold", "resume", "hanging up"])


@pytest_twisted.ensureDeferred
async def test_a_stranger_is_not_recorded(far: FarEnd, tmp_path: Path) -> None:
    called = Called(far.uri, tone_hz=440.0, bind="127.0.0.3", record=tmp_path / "a.wav")
    await called.until_told("answered")
    await until_heard(far, 1)
    target = far.echo.heard[0][1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.9", 0))
        stranger.sendto(b"\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x09" + b"\x80" * 160, target)
    await wait(0.1)
    called.robot.hang_up()
    outcome = await called.outcome()
    assert called.robot._leg is not None and called.robot._leg.strays == 1
    assert outcome.received <= outcome.sent


@pytest_twisted.ensureDeferred
async def test_what_fails_before_the_call_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("sip:a@no.such.host.invalid", {}, "no.such.host.invalid is not known"),
        ("sip:a@127.0.0.1", {"play": tmp_path / "bad.wav"}, "bad.wav cannot be played"),
        ("sip:a@127.0.0.1", {"record": tmp_path / "none" / "a.wav"}, "a.wav cannot be written: No such file"),
        ("sip:a@127.0.0.1:1", {"transport": "tcp"}, "refused"),
        ("sip:a@127.0.0.1", {"bind": "192.0.2.9"}, "no way to 127.0.0.1 from 192.0.2.9"),
        ("sip:a@192.0.2.1", {"bind": "192.0.2.9"}, "cannot call from 192.0.2.9: Cannot assign"),
        ("sip:a@[::1]", {"bind": "127.0.0.1"}, "no way to ::1 from 127.0.0.1"),
    ]
    for uri, orders, line in cases:
        outcome = await Called(uri, **orders).outcome()
        assert outcome.error is not None and line in outcome.error and "\n" not in outcome.error, outcome.error
        assert (outcome.status in (0, 503), outcome.set_up_ms) == (True, None)


@pytest_twisted.ensureDeferred
async def test_a_disk_that_gets_full_ends_the_call(far: FarEnd, tmp_path: Path) -> None:
    called = Called(far.uri, tone_hz=440.0, record=tmp_path / "a.wav")
    await called.until_told("answered")

    def full(place: int, samples: object) -> None:
        raise OSError(28, "No space left on device")

    called.robot._recorder.put = full  # type: ignore[union-attr, method-assign, assignment]
    outcome = await called.outcome()
    assert outcome.error is not None and outcome.error.endswith("a.wav cannot be written: No space left on device")
    assert far.ended


# -------------------------------------------------------------------- as a command
def command(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "confserver", "call", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip


async def end_of(process: subprocess.Popen[str], seconds: float = 8.0) -> tuple[int, str, str]:
    for _ in range(round(seconds / 0.02)):
        if process.poll() is not None:
            return process.returncode, *process.communicate()
        await wait(0.02)
    process.kill()
    raise AssertionError(f"still running: {process.communicate()}")


async def until_heard(far: FarEnd, packets: int) -> None:
    await until(lambda: len(far.echo.heard) >= packets, 8.0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest_twisted.ensureDeferred
async def test_a_signal_hangs_up_politely(far: FarEnd, tmp_path: Path, how: signal.Signals) -> None:
    process = command(far.uri, "--tone", "440", "--record", str(tmp_path / "a.wav"), "--json")
    await until_heard(far, 20)
    process.send_signal(how)
    status, out, err = await end_of(process)
    assert status == 0, err
    figures = json.loads(out)
    assert (figures["ended_by"], figures["error"], figures["codec"]) == ("us", None, "PCMU")
    assert [each.cause for each in far.ended] == ["hung up"]
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() == 160 * figures["received"]


@pytest.mark.slow
@pytest_twisted.ensureDeferred
async def test_a_kill_leaves_a_readable_recording(far: FarEnd, tmp_path: Path) -> None:
    process = command(far.uri, "--tone", "440", "--record", str(tmp_path / "a.wav"))
    await until_heard(far, 70)
    process.kill()
    process.communicate()
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() >= 8000
    far.hang_up()


@pytest_twisted.ensureDeferred
async def test_refused_is_status_1_and_one_line(far: FarEnd) -> None:
    far.status = 404
    status, out, err = await end_of(command(far.uri))
    assert (status, out, err) == (1, "", "confserver: refused: 404 Not Found\n")


@pytest_twisted.ensureDeferred
async def test_a_summary_for_people(far: FarEnd) -> None:
    status, out, err = await end_of(command(far.uri, "--tone", "440", "--for", "0.3"))
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["ringing", "answered", "hanging", "0.3"]


def test_wrong_usage_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("play", "record", "seconds", "tone_hz", "bind"))
    for target, bind in (("standup@h", None), ("sip:a@h;transport=sctp", None), ("tel:123", None), ("sip:a@h", "home")):
        assert run(target, **nothing | {"bind": bind}, name="x", as_json=False) == 2
        told = capsys.readouterr()
        assert told.out == "" and told.err.startswith("confserver: ") and told.err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "sip:", "mailto:a@b", "sip:a@h;transport=sctp", "sip:a@h:99999", "sip:a b@h"])
def test_what_cannot_be_dialled(text: str) -> None:
    with pytest.raises(BadOrders):
        destination(text)


@pytest.mark.parametrize(
    ("text", "first", "count"), [(None, 30000, 1383), ("40000-40003", 40000, 2), ("40001-40004", 40002, 1)]
)
def test_ports_for_media_come_in_pairs(text: str | None, first: int, count: int) -> None:
    ports = media_ports(text)
    assert (ports[0], len(ports)) == (first, count)


@pytest.mark.parametrize(
    "text", ["", "40000", "40000-", "a-b", "40000-40000", "40001-40002", "80-90", "65534-65536", "5-4"]
)
def test_ports_that_cannot_be(text: str) -> None:
    with pytest.raises(BadOrders):
        media_ports(text)


def test_addresses_to_call_from() -> None:
    assert (local_address(None), local_address("127.0.0.1"), local_address("0::1")) == (None, "127.0.0.1", "::1")
