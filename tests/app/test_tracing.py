"""The ladder of a call in words, and its pcap, from a stack to the command line."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest
from click.testing import CliRunner, Result
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from confserver.admin.cli import verbs
from confserver.app.captures import PATIENCE_S, Captures
from confserver.app.orders import Orders
from confserver.app.tracing import Tracing, words_of
from confserver.contract import Captured
from confserver.sip.outputs import CallEnded
from rooms.errors import NotFound
from tests.focus.house import sdp
from tests.kit.sip_play import START, tcp
from tests.sip.test_pcap import read
from tests.sip.test_trace import Tapped

CRYPTO = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"


class Worker:
    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.packets: bytes | None = None

    def send(self, command: Any) -> None:
        self.asked.append(command)


@dataclass
class Leg:
    id: int = 3
    worker: int = 0
    local_host: str = "192.0.2.1"
    port: int = 20000
    remote: tuple[str, int] | None = ("192.0.2.9", 4000)


class House:
    """A focus with one leg, of call 1."""

    leg: Leg | None = Leg()

    def call_of(self, participant: str) -> int | None:
        return 1 if participant == "p7" else None

    def leg_of(self, call: int) -> Any:
        return self.leg if call == 1 else None

    def media_of(self, call: int) -> dict[str, Any] | None:
        return {"codec": "PCMU", "mos_in": None} if self.leg_of(call) else None


class Line:
    """A command line before the traces of a stack."""

    def __init__(self, tapped: Tapped) -> None:
        self.tapped = tapped
        self.orders = Orders()
        self.clock, self.worker = Clock(), Worker()
        self.captures = Captures(self.clock)
        self.captures.use([self.worker])
        self.house = House()
        tracing = Tracing(tapped.trace, self.captures)
        tracing.use(self.house)
        tracing.join(self.orders)
        self.follow = tracing.follow

    def ask(self, where: object, method: str, path: str, body: object) -> Any:
        parts = [unquote(part) for part in path.split("/")[1:]]
        verb = {1: "list", 2: "show", 3: "pcap"}[len(parts)]
        try:
            told = self.orders.answer(f"trace {verb}", {"call": parts[1]} if parts[1:] else {}, START)
            if isinstance(told, Deferred):
                told = self.outcome(told)
        except NotFound as refused:
            raise click.ClickException(refused.reason) from None
        return json.loads(json.dumps(told))

    def outcome(self, told: Deferred[Any]) -> Any:
        """The worker answers, or its time passes."""
        for capture in self.worker.asked:
            if self.worker.packets is not None:
                self.captures.heard(Captured(token=capture.token, packets=self.worker.packets))
        self.clock.advance(PATIENCE_S)
        found: list[Any] = []
        told.addBoth(found.append)
        return found[0]

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(click.Group("confserver", commands=verbs(self.ask)), ["trace", *words])


@pytest.fixture
def line() -> Line:
    tapped = Tapped()
    body = (sdp() + CRYPTO).encode()
    [arrived] = [each for each in tapped.do(tapped.wire.invite("Supported: x", body=body)) if hasattr(each, "call")]
    tapped.wire.now += 0.25
    refusal = (("Warning", '399 confserver "no room"'),)
    tapped.do(tapped.wire.stack.refuse(arrived.call, 404, tapped.wire.now, headers=refusal))
    return Line(tapped)


def test_the_ladder(line: Line) -> None:
    said = line.run("1").output.splitlines()
    assert said[0].startswith("call 1, call-1, since ")
    assert said[1].split()[:7] == "0.000 <- 192.0.2.9:5062 UDP INVITE sip:standup@192.0.2.1, audio".split()
    assert said[1].endswith("audio at 192.0.2.9:4000 PCMU PCMA telephone-event")
    assert said[2].split()[-4:] == ["100", "Trying", "to", "INVITE"]
    assert "0.250  -> 192.0.2.9:5062 UDP  404 Not Found to INVITE, because confserver" in said[3]
    assert said[-1] == "media: codec PCMU"
    assert line.run("p7").output == line.run("call-1").output == line.run("1").output


def test_keys_are_in_no_trace(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    told = line.run("1", "--full", "--pcap", str(path)).output
    assert "inline:xxxx" in told and "d0Rmdm" not in told
    file = path.read_bytes()
    assert b"d0Rmdm" not in file and b"inline:xxxx" in file
    assert "d0Rmdm" not in line.run("1", "--json").output
    packets = read(file)
    assert [packet["source"] for packet in packets] == [("192.0.2.9", 5062), *[("192.0.2.1", 5060)] * 2]
    assert str(packets[0]["data"]).startswith("b'INVITE ") and packets[0]["protocol"] == 17


def test_a_stream_is_tcp() -> None:
    tapped = Tapped()
    tapped.wire.flow = tcp()
    tapped.call()
    told = Line(tapped).ask(None, "GET", "/traces/1/pcap", {})
    assert {packet["protocol"] for packet in read(base64.b64decode(told["pcap"]))} == {6}


def record(at: float, is_ours: int, length: int = 172, sequence: int = 7) -> bytes:
    return struct.pack("<dBH", at, is_ours, length) + struct.pack("!BBHII", 0x80, 0, sequence, 160, 99)


def test_the_file_has_the_rtp_headers_too(line: Line) -> None:
    """In the order of time, the payload left out; also soon after the end, when the focus has forgotten the leg."""
    line.worker.packets = record(START + 0.1, 0) + record(START + 0.2, 1) + b"half a record"
    for leg in (Leg(), None):
        told = line.ask(None, "GET", "/traces/1/pcap", {})
        assert told["rtp"] == 2
        packets = read(base64.b64decode(told["pcap"]))
        assert [(each["source"], each["data"][:1]) for each in packets[1:-1]][-2:] == [  # type: ignore[index]
            (("192.0.2.9", 4000), b"\x80"), (("192.0.2.1", 20000), b"\x80"),
        ]  # fmt: skip
        assert packets[-2]["left_out"] == 160 and line.worker.asked[-1].leg == 3
        line.follow(CallEnded(1, "", True))
        line.house.leg = leg and None


def test_a_worker_that_says_nothing_is_not_waited_for(line: Line) -> None:
    told = line.ask(None, "GET", "/traces/1/pcap", {})
    assert told["rtp"] == 0 and len(read(base64.b64decode(told["pcap"]))) == 3
    line.captures.heard(Captured(token=1, packets=record(START, 0)))  # too late: nobody waits
    line.house.leg = Leg(remote=None)
    line.worker.asked.clear()
    assert line.ask(None, "GET", "/traces/1/pcap", {})["rtp"] == 0 and not line.worker.asked


def test_the_list(line: Line) -> None:
    printed = line.run().output
    assert "CALL-ID" in printed and "call-1" in printed and "192.0.2.9:5062" in printed
    assert Line(Tapped()).run().output == "none\n"
    assert json.loads(line.run("--json").output)[0]["messages"] == 3


def test_what_is_not_there(line: Line, tmp_path: Path) -> None:
    for words in (("99",), ("p8",), ("x\x1b[2J",)):
        result = line.run(*words)
        assert result.exit_code == 1 and "no messages of a call" in result.output and "\x1b" not in result.output
    assert line.run("--full").exit_code == 2
    refused = line.run("1", "--pcap", str(tmp_path / "no" / "such" / "file"))
    assert refused.exit_code == 1 and "cannot be written" in refused.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\x00\xff", "what cannot be read"),
        (b"", "what cannot be read"),
        (
            b"BYE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h;branch=1\r\nf: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
            b'Call-ID: 1\r\nCSeq: 2 BYE\r\nReason: Q.850;cause=16;text="kicked"\r\n\r\n',
            'BYE sip:a@b, reason Q.850;cause=16;text="kicked"',
        ),
        (
            b"INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h;branch=1\r\nf: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
            b"Call-ID: 1\r\nCSeq: 2 INVITE\r\nContent-Type: application/sdp\r\n\r\nnonsense",
            "INVITE sip:a@b, with SDP that cannot be read",
        ),
    ],
)
def test_words(text: bytes, words: str) -> None:
    assert words_of(text).startswith(words)
