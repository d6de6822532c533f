"""Broken requests, responses and session descriptions against stack, focus and rooms together.

Beside them calls go on that nobody has broken: at the end each must still answer in its dialog, every other call must
come to its end, nothing may be left in any table, and no fault of ours may have been caught on the way.
"""

from __future__ import annotations

import gc
import random
import resource
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from twisted.internet.task import Clock

from confserver.app import performer as shell
from confserver.app.performer import Hands, Performer
from confserver.contract import CloseLeg, FirstPacket, LegOpened, OpenLeg
from confserver.focus.focus import Focus
from confserver.focus.requests import ALLOW
from confserver.focus.scene import Scene
from confserver.sip.flow import Flow
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, Response, parse
from confserver.sip.outputs import OpenFlow, SendBytes
from confserver.sip.stack import Stack, StackSettings
from confserver.sip.trace import Trace
from rooms.manager import Rooms
from rooms.participant import ParticipantIds
from tests.app.test_performer import Scribe
from tests.focus.house import START, Street, sdp
from tests.kit.sip_play import Wire, answer_to, tokens

GOOD = 20
COLLECT_AFTER = 5000
"""Garbage is collected between messages: what one takes is its own."""
SLOWEST_MS = 200.0
"""One message, in CPU time: two hundred times what the slowest needs on a machine that is idle otherwise."""
MOST_GROWTH_MB = 60.0
KEPT = ("calls", "dialogs", "transactions", "timers", "searches", "merged", "waiting requests", "bytes of requests")
METHODS = ("INVITE", "INVITE", "INVITE", "BYE", "ACK", "OPTIONS", "CANCEL", "UPDATE", "PRACK", "INFO", "REGISTER",
           "MESSAGE", "SUBSCRIBE", "NOTIFY", "REFER", "PUBLISH")  # fmt: skip
PIECES = (
    b"\r\n", b"\r\n\r\n", b"\0", b"\xff", b";", b",", b"<", b">", b'"', b":", b"@", b" ", b"%", b"=", b"[", b"]",
    b"SIP/2.0", b"tag=", b";lr", b"branch=", b"99999999999", b"-1", b"Via: ", b"Content-Length: 4\r\n", b"*",
    b"Require: 100rel\r\n", b"To: <sip:a@b>\r\n", b"Contact: *\r\n", b"\xc3\xa9", b"\xed\xa0\x80", b"a" * 300,
    b"m=audio 0 RTP/AVP 0\r\n", b"a=rtpmap:0 ", b"c=IN IP4 0.0.0.0\r\n", b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
)  # fmt: skip
HEADERS = (
    "Require: 100rel", "Supported: 100rel, timer, replaces", "Session-Expires: 90;refresher=uas", "Min-SE: 90",
    "Replaces: call-1;from-tag=a;to-tag=b", "Join: call-1;from-tag=a;to-tag=b", "RAck: 1 1 INVITE", "Expires: 60",
    'Authorization: Digest username="a", realm="b", nonce="c", uri="sip:d", response="e", qop=auth, nc=00000001',
    "Contact: <sip:alice@192.0.2.9:5062>", "Record-Route: <sip:192.0.2.20;lr>", "Route: <sip:192.0.2.1;lr>",
    "Refer-To: <sip:bob@example.com>", "Event: conference", "Reason: Q.850;cause=16", "Accept: application/sdp",
    "P-Asserted-Identity: <sip:anna@example.com>", "Content-Encoding: gzip", "Subject: x", "Content-Disposition: y",
)  # fmt: skip
SDP_LINES = (
    "a=sendonly", "a=inactive", "a=ptime:20", "a=rtcp-mux", "a=rtcp:4001", "a=rtpmap:96 opus/48000/2", "a=maxptime:60",
    "a=fmtp:96 useinbandfec=1;maxaveragebitrate=64000", "a=fmtp:101 0-15", "b=AS:64", "a=extmap:1 urn:x", "k=clear:x",
    "m=video 5000 RTP/AVP 97", "m=audio 4010 RTP/SAVP 0", "c=IN IP6 ::1", "a=ssrc:1 cname:x", "a=rtcp-fb:* ack",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
)  # fmt: skip


class Complaints:
    """The log, of which only faults matter."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()

    def exception(self, what: str, **facts: object) -> None:
        import traceback

        self.faults[traceback.format_exc(limit=-3)] += 1

    def info(self, *_: object, **__: object) -> None: ...

    debug = warning = error = info


class Peers(Scribe):
    """Everybody else: remembers the last that was sent to them, so that they can answer it."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self.wanted: list[OpenFlow] = []
        self.answers: Counter[int] = Counter()
        self.last: Response | None = None
        self.dialogs: deque[tuple[str, str]] = deque(maxlen=50)
        """Call-IDs and our tags of calls that may be broken further."""

    def publish(self, events: object) -> object:  # type: ignore[override]
        from twisted.internet.defer import succeed

        return succeed(None)

    def perform(self, wish: object) -> None:
        if isinstance(wish, OpenFlow):
            self.wanted.append(wish)
        if not isinstance(wish, SendBytes):
            return
        try:
            message = parse(wish.data)
        except Malformed:
            return  # an answer may copy what was broken
        if isinstance(message, Response):
            self.answers[message.status] += 1
            self.last = message
            if message.status == 200 and message.cseq.method == "INVITE" and not message.call_id.startswith("good"):
                self.dialogs.append((message.call_id, message.to.tag))
        elif len(self.requests) < 50:
            self.requests.append(message)
        else:
            self.requests[sum(self.answers.values()) % 50] = message

    def send(self, command: object) -> None:
        if isinstance(command, OpenLeg | CloseLeg):
            self.commands.append(command)


@dataclass(slots=True)
class Report:
    """What has come of it."""

    count: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    growth_mb: float = 0.0
    malformed: int = 0
    events: Counter[str] = field(default_factory=Counter)
    good: int = 0
    left: dict[str, int] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)

    def figures(self) -> dict[str, object]:
        return {
            "messages": self.count,
            "a second": round(self.count / self.seconds),
            "slowest, ms": round(self.slowest_ms, 1),
            "could not be read": self.malformed,
            "what came of them": ", ".join(f"{name} {count}" for name, count in sorted(self.events.items())),
            "answers": ", ".join(f"{status}: {count}" for status, count in sorted(self.answers.items())),
            "calls beside that go on": f"{self.good} of {GOOD}",
            "memory grown, MB": round(self.growth_mb, 1),
            "left in tables": sum(self.left.values()),
            "faults of ours": sum(self.faults.values()),
        }

    def trouble(self) -> str:
        """ "" where all is well."""
        if self.faults:
            return "faults:\n" + "\n".join(f"{times} times {fault}" for fault, times in self.faults.most_common(5))
        if self.good < GOOD:
            return f"{GOOD - self.good} calls were lost"
        if any(self.left.values()):
            return f"left in tables: {self.left}"
        if self.slowest_ms > SLOWEST_MS:
            return f"a message took {self.slowest_ms:.0f} ms"
        return f"memory has grown by {self.growth_mb:.0f} MB" if self.growth_mb > MOST_GROWTH_MB else ""


class Trial:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock, self.peers = Clock(), Peers()
        trace = Trace(4 << 20)
        self.stack = Stack(StackSettings(allow=ALLOW, tap=trace), tokens())
        self.focus = Focus(Scene(Rooms(ParticipantIds()), Street()))
        self.performer = Performer(self.clock, lambda: START + self.clock.seconds(), self.stack, self.focus)
        self.performer.use(
            Hands(self.peers, [self.peers], self.peers, self.peers, trace.said, (trace.follow, self._count))  # type: ignore[arg-type, list-item]
        )
        self.performer.worker_ready(0)
        self.events: Counter[str] = Counter()
        self.wire = Wire(Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062)))
        self.good: list[tuple[str, str]] = []
        self.cseq = 10

    def _count(self, event: object) -> None:
        self.events[type(event).__name__] += 1

    # ---------------------------------------------------------------- what goes on beside
    def settle_in(self) -> None:
        for number in range(GOOD):
            call_id = f"good-{number}"
            self.hear(self.wire.request("INVITE", call_id=call_id, body=sdp().encode()).encode())
            self.open_legs(1.0)
            assert self.peers.last is not None and self.peers.last.status == 200
            tag = self.peers.last.to.tag
            self.hear(self.wire.request("ACK", call_id=call_id, to_tag=tag).encode())
            self.good.append((call_id, tag))

    def still_there(self) -> int:
        """How many of them answer in their dialog."""
        self.cseq += 1
        found = 0
        for call_id, tag in self.good:
            self.peers.last = None
            self.hear(self.wire.request("OPTIONS", call_id=call_id, to_tag=tag, cseq=self.cseq).encode())
            found += self.peers.last is not None and self.peers.last.status == 200
        return found

    def hear(self, data: bytes, source: tuple[str, int] = ("192.0.2.9", 5062)) -> None:
        local = "::1" if ":" in source[0] else "192.0.2.1"
        self.performer.received(data, Flow("UDP", (local, 5060), source))

    def open_legs(self, share: float) -> None:
        opened = [each for each in self.peers.commands if isinstance(each, OpenLeg)]
        self.peers.commands.clear()
        for each in opened:
            if self.dice.random() < share:
                self.performer.heard_worker(0, LegOpened(leg=each.leg, port=20000, ssrc=1))
                self.performer.heard_worker(0, FirstPacket(leg=each.leg))

    # ---------------------------------------------------------------- what is broken
    def message(self) -> bytes:
        """One of everything, not yet broken: a request, a response to one of ours, or a description."""
        dice = self.dice
        if self.peers.requests and dice.random() < 0.2:
            body = sdp().encode() if dice.random() < 0.5 else b""
            return answer_to(dice.choice(self.peers.requests), dice.choice((100, 180, 200, 401, 408, 481, 491, 500)),
                             tag="x", body=body).encode("utf-8", "surrogateescape")  # fmt: skip
        method = dice.choice(METHODS)
        headers = dice.sample(HEADERS, dice.randrange(4))
        number = dice.randrange(5000)
        branch = f"z9hG4bKm{dice.randrange(300)}" if dice.random() < 0.2 or method == "CANCEL" else None
        call_id, tag, cseq = f"c{number}", dice.choice(("", "", f"t{dice.randrange(4000)}")), dice.randrange(1, 5)
        if self.peers.dialogs and dice.random() < 0.4:
            call_id, tag = dice.choice(self.peers.dialogs)
            self.cseq += method != "ACK"
            cseq = dice.choice((1, self.cseq)) if method == "ACK" else self.cseq
        body = self.description() if method in ("INVITE", "UPDATE", "PRACK") and dice.random() < 0.9 else b""
        text = self.wire.request(
            method, *headers, call_id=call_id, branch=branch, to_tag=tag,
            cseq=cseq, body=b"x" * len(body),
        ).encode("utf-8", "surrogateescape")  # fmt: skip
        return text[: len(text) - len(body)] + body

    def description(self) -> bytes:
        dice = self.dice
        lines = dice.sample(SDP_LINES, dice.randrange(5))
        text = sdp("192.0.2.9", dice.choice((4000, 4002, 0, 53)), formats=dice.choice(("0 8 101", "96 0", "9", "18")))
        body = (text + "".join(f"{line}\r\n" for line in lines)).encode()
        return self.broken(body) if dice.random() < 0.4 else body

    def broken(self, data: bytes) -> bytes:
        """In one to eight places."""
        dice, data = self.dice, bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 3, 8))):
            at = dice.randrange(len(data) + 1)
            match dice.randrange(7):
                case 0:
                    data[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del data[at : at + dice.randrange(1, 40)]
                case 2:
                    data[at:at] = dice.choice(PIECES)
                case 3:
                    data[at:at] = data[at : at + dice.randrange(1, 60)]
                case 4:
                    del data[at:]
                case 5:
                    lines = data.split(b"\r\n")
                    lines.insert(dice.randrange(len(lines)), dice.choice(lines))
                    data = bytearray(b"\r\n".join(lines))
                case 6:
                    data[at:at] = dice.choice(PIECES) * dice.randrange(1, 50)
        return bytes(data[:65_000])

    def run(self, count: int, report: Report) -> None:
        dice, clock = self.dice, time.thread_time
        sources = (("192.0.2.9", 5062), ("fe80::1%eth0", 5060), ("::1", 5062), ("203.0.113.1", 9), ("192.0.2.9", 9))
        for number in range(count):
            data = self.message()
            if dice.random() < 0.6:
                data = self.broken(data)
            source = dice.choice(sources)
            began = clock()
            self.hear(data, source)
            report.slowest_ms = max(report.slowest_ms, (clock() - began) * 1000)
            self.open_legs(0.8)
            for wanted in self.peers.wanted:
                if dice.random() < 0.5:
                    self.performer.failed(wanted.token, "no way")
                else:
                    self.performer.opened(wanted.token, Flow("UDP", ("192.0.2.1", 5060), wanted.remote))
            self.peers.wanted.clear()
            if number % COLLECT_AFTER == 0:
                gc.collect()
            if number % 100 == 99:
                self.clock.pump([0.5] * dice.randrange(4))

    def leave(self) -> dict[str, int]:
        """All hang up; what is left when everybody has had time to answer."""
        self.performer.perform(self.focus.close())
        self.clock.pump([0.5] * 300)
        told = self.stack.describe()
        left = {name: told[name] for name in KEPT} | {"legs": self.focus.describe()["legs"]}
        return left | {"rooms": len(self.focus.rooms(START))}


def soak(count: int, seed: int) -> Report:
    """Run the trial. ``count`` messages."""
    complaints, before = Complaints(), shell.log
    shell.log = complaints
    gc.disable()
    try:
        return _soaked(count, seed, complaints)
    finally:
        shell.log = before
        gc.enable()


def _soaked(count: int, seed: int, complaints: Complaints) -> Report:
    report, trial = Report(count), Trial(seed)
    trial.settle_in()
    began = time.perf_counter()
    warm = count // 4
    trial.run(warm, report)
    memory = memory_mb()
    trial.run(count - warm, report)
    report.seconds = time.perf_counter() - began
    report.growth_mb = memory_mb() - memory
    report.good = trial.still_there()
    told = trial.stack.describe()
    report.malformed, report.events = told["malformed"], trial.events
    report.left = trial.leave()
    report.faults, report.answers = complaints.faults, trial.peers.answers
    return report


def memory_mb() -> float:
    """The most that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
