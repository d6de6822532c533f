"""A phone of plain sockets: dials, sends a tone, hears, holds, hangs up. Nothing of the server's code is in it.

One thread serves both its sockets, so that a test may wait for anything meanwhile. Heard packets are kept with
their time of arrival; ``heard()`` lays them out by RTP timestamp.

    with Phone(server, "anna", tone_hz=400) as anna:
        anna.dial("standup")
        time.sleep(2)
        assert anna.heard().level_db(650) > -17
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass

import numpy as np

from tests.kit.listen import Recording, frame_level_db
from tests.kit.raw_sip import Address, Message, acknowledgement, branch, offer, request, token, written
from tests.kit.tones import LEVEL_DB, Samples, pcmu_decoded, pcmu_encoded

RATE = 8000
FRAME_SAMPLES = 160
FRAME_S = 0.02
LATE_S = 0.008
"""Later than this a packet is late: well within what any playout takes for jitter."""
HEADER = struct.Struct("!BBHII")
KERNEL_TIME = getattr(socket, "SO_TIMESTAMPNS", 35)
"""With this option a datagram's time of arrival comes beside it (Linux, socket(7)): a test that is kept from running
does not take its own absence for the server's."""
TIMESPEC = struct.Struct("@qq")
MOST_BYTES = 65536
EVENTS = "a=rtpmap:101 telephone-event/8000"
"""For those whose formats have 101 (RFC 4733)."""


@dataclass(frozen=True)
class Packet:
    """An RTP packet that came (RFC 3550 section 5.1)."""

    at: float
    """time.monotonic() of its arrival, by the kernel where that tells it."""
    source: Address
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    def level_db(self, hz: float) -> float:
        """Of one tone in this packet alone."""
        return frame_level_db(pcmu_decoded(self.payload), hz, RATE)


@dataclass(frozen=True)
class Dialog:
    """What names a call (RFC 3261 section 12)."""

    call_id: str
    tag: str
    to: str


class Phone:
    def __init__(
        self,
        server: Address,
        name: str,
        *,
        tone_hz: float | None = None,
        level_db: float = LEVEL_DB,
        host: str = "127.0.0.1",
        formats: str = "0",
        via: Address | None = None,
        sound: Samples | None = None,
    ) -> None:
        """``via``: where SIP is sent instead of to the server (a NAT). ``sound``: said once, in place of a tone."""
        self.server, self.name, self.formats = server, name, formats
        self._via = via or server
        self.tag, self.call_id, self.cseq = token(), f"{name}-{token()}", 0
        self.to, self.target = "", ""
        self.media: Address | None = None
        self.packets: list[Packet] = []
        self.requests: list[Message] = []
        """Requests that came from the server."""
        self.hung_up = threading.Event()
        """The server said BYE."""
        self.sending = threading.Event()
        self.paused = threading.Event()
        self.refuses: dict[str, str] = {}
        """Method -> status line of the answer, where it is not 200."""
        self._answers: list[Message] = []
        self._news = threading.Condition()
        self._acknowledgements: dict[str, bytes] = {}
        """By CSeq: sent again when a 2xx comes again."""
        self._sdp_version = 0
        self._asked = b""
        self._stop = threading.Event()
        self._tone_hz, self._level_db, self._sound = tone_hz, level_db, sound
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for each in (self.sip, self.rtp):
            each.bind((host, 0))
            each.setblocking(False)
        with contextlib.suppress(OSError):
            self.rtp.setsockopt(socket.SOL_SOCKET, KERNEL_TIME, 1)
        self.ssrc = int(token(), 16) & 0xFFFFFFFF
        self.late: list[tuple[float, float]] = []
        """When it has sent a packet late, and by how many seconds: the machine's fault, not the server's."""
        self.sequence, self.timestamp, self._frames = 1000, 160_000, 0
        self.began: float | None = None
        """time.monotonic() of its first packet."""
        self._thread = threading.Thread(target=self._run, name=f"phone {name}", daemon=True)

    def __enter__(self) -> Phone:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.target and not self.hung_up.is_set():
            self.hang_up()
        self._stop.set()
        self._thread.join(2)
        self.sip.close()
        self.rtp.close()

    # ------------------------------------------------------------------ signalling
    @property
    def local(self) -> Address:
        host, port = self.sip.getsockname()
        return host, port

    def offer(self, direction: str = "sendrecv") -> str:
        self._sdp_version += 1
        host, port = self.rtp.getsockname()
        extra = EVENTS if "101" in self.formats.split() else ""
        return offer(host, port, direction=direction, formats=self.formats, extra=extra, version=self._sdp_version)

    def dial(self, room: str, *, timeout: float = 5.0) -> Message:
        """Call a room; the final answer. A 2xx is acknowledged and media begins."""
        uri = f"sip:{room}@{self.server[0]}:{self.server[1]}"
        self.to = f"<{uri}>"
        answer = self._invite(uri, self.offer(), timeout)
        if answer.status < 300:
            self.to = answer.header("To")
            self.target = answer.header("Contact").partition("<")[2].partition(">")[0]
            self.sending.set()
        return answer

    def offer_again(self, direction: str, timeout: float = 5.0) -> Message:
        """A re-INVITE: ``sendonly`` holds, ``sendrecv`` resumes."""
        return self._invite(self.target, self.offer(direction), timeout)

    def offer_twice_at_once(self, first: str, second: str, timeout: float = 5.0) -> list[Message]:
        """Two re-INVITEs in one breath; their final answers, in order. For tests of servers: no phone does so."""
        asked = []
        for direction in (first, second):
            self.cseq += 1
            asked.append((self.cseq, self._written("INVITE", self.target, self.to, self.offer(direction), branch())))
        for _, data in asked:
            self.sip.sendto(data, self._via)
        answers = [self._wait_for_final(cseq, "INVITE", timeout) for cseq, _ in asked]
        for (cseq, data), answer in zip(asked, answers, strict=True):
            if answer.status >= 300:
                self.sip.sendto(acknowledgement(data, answer), self._via)
            else:
                self._acknowledge(cseq, answer)
        return answers

    def dialog(self) -> Dialog:
        """The names of the call in progress."""
        return Dialog(self.call_id, self.tag, self.to)

    def hang_up(self, timeout: float = 5.0) -> Message:
        self.sending.clear()
        answer = self._ask("BYE", self.target, "", timeout)
        self.target = ""
        return answer

    def _invite(self, uri: str, body: str, timeout: float) -> Message:
        answer = self._ask("INVITE", uri, body, timeout)
        if answer.status >= 300:
            self.sip.sendto(acknowledgement(self._asked, answer), self._via)
            return answer
        self.media = answer.media
        self._acknowledge(self.cseq, answer)
        return answer

    def _acknowledge(self, cseq: int, answer: Message) -> None:
        """The ACK of a 2xx is a transaction of its own, with the INVITE's number (RFC 3261 section 13.2.2.4)."""
        contact = answer.header("Contact").partition("<")[2].partition(">")[0]
        data = self._written("ACK", contact, answer.header("To"), "", None, cseq)
        self._acknowledgements[str(cseq)] = data
        self.sip.sendto(data, self._via)

    def _written(
        self, method: str, uri: str, to: str, body: str, via_branch: str | None, cseq: int | None = None
    ) -> bytes:
        return request(
            method, uri, self.local, name=self.name, tag=self.tag, to=to, call_id=self.call_id, cseq=cseq or self.cseq,
            via_branch=via_branch, body=body,
        )  # fmt: skip

    def _ask(self, method: str, uri: str, body: str, timeout: float) -> Message:
        """Send a request, again after each half second of nothing, until its final answer."""
        self.cseq += 1
        data = self._asked = self._written(method, uri, self.to, body, branch())
        return self._wait_for_final(self.cseq, method, timeout, data)

    def _wait_for_final(self, cseq: int, method: str, timeout: float, data: bytes = b"") -> Message:
        end, again = time.monotonic() + timeout, 0.0
        with self._news:
            while time.monotonic() < end:
                if data and time.monotonic() >= again:
                    self.sip.sendto(data, self._via)
                    again = time.monotonic() + 0.5
                for answer in self._answers:
                    if answer.header("CSeq").split() == [str(cseq), method]:
                        if answer.status >= 200:
                            return answer
                        again = end
                self._news.wait(0.05)
        raise AssertionError(f"{self.name}: no answer to {method} within {timeout} s")

    # ------------------------------------------------------------------ hearing
    def heard(self, since: float = 0.0, until: float = float("inf")) -> Recording:
        """What came between two times of arrival, laid out by timestamp; what never came is silence."""
        packets = [p for p in list(self.packets) if since <= p.at <= until and p.payload_type == 0]
        if not packets:
            return Recording(np.zeros(0), RATE)
        first = min(p.timestamp for p in packets)
        length = max(p.timestamp + len(p.payload) for p in packets) - first
        sound = np.zeros(length)
        for packet in packets:
            at = packet.timestamp - first
            sound[at : at + len(packet.payload)] = pcmu_decoded(packet.payload)
        return Recording(sound, RATE)

    def wait_for_packets(self, count: int, timeout: float = 3.0) -> None:
        end = time.monotonic() + timeout
        want = len(self.packets) + count
        while len(self.packets) < want:
            assert time.monotonic() < end, f"{self.name}: {len(self.packets)} packets, {want} wanted"
            time.sleep(0.01)

    # ------------------------------------------------------------------ the thread
    def _run(self) -> None:
        with selectors.DefaultSelector() as both:
            both.register(self.sip, selectors.EVENT_READ, self._take_sip)
            both.register(self.rtp, selectors.EVENT_READ, self._take_rtp)
            due = 0.0
            while not self._stop.is_set():
                now = time.monotonic()
                if not self.sending.is_set():
                    due = now + FRAME_S
                elif now >= due:
                    if now - due > LATE_S:
                        self.late.append((now, now - due))
                    self._send_frame()
                    due += FRAME_S
                for key, _ in both.select(max(0.0, min(due - now, FRAME_S))):
                    key.data()

    def _send_frame(self) -> None:
        frame = np.arange(self._frames * FRAME_SAMPLES, (self._frames + 1) * FRAME_SAMPLES)
        self._frames += 1
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + FRAME_SAMPLES) & 0xFFFFFFFF
        if self.paused.is_set() or self.media is None:
            return
        if self.began is None:
            self.began = time.monotonic()
        if self._sound is not None:
            sound = np.zeros(FRAME_SAMPLES)
            part = self._sound[frame[0] : frame[-1] + 1]
            sound[: len(part)] = part
        elif self._tone_hz:
            sound = 10 ** (self._level_db / 20) * np.sin(2 * np.pi * self._tone_hz * frame / RATE)
        else:
            sound = np.zeros(FRAME_SAMPLES)
        header = HEADER.pack(0x80, 0, self.sequence, self.timestamp, self.ssrc)
        self.rtp.sendto(header + pcmu_encoded(sound), self.media)

    def _take_rtp(self) -> None:
        data, beside, _, source = self.rtp.recvmsg(MOST_BYTES, 64)
        now = _arrival(beside)
        if len(data) < HEADER.size or 192 <= data[1] <= 223:  # RTCP on the same port (RFC 5761 section 4)
            return
        _, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        self.packets.append(Packet(now, source, kind & 0x7F, sequence, timestamp, ssrc, data[HEADER.size :]))

    def _take_sip(self) -> None:
        data, source = self.sip.recvfrom(65536)
        message = Message.read(data)
        if not message.is_response:
            self._answer(message, source)
            return
        number, method = message.header("CSeq").split()
        if method == "INVITE" and 200 <= message.status < 300 and number in self._acknowledgements:
            self.sip.sendto(self._acknowledgements[number], self._via)
            return
        with self._news:
            self._answers.append(message)
            self._news.notify_all()

    def _answer(self, message: Message, source: Address) -> None:
        """200 to everything but ACK, unless told otherwise."""
        self.requests.append(message)
        if message.method == "ACK":
            return
        same = [pair for pair in message.headers if pair[0].lower() in ("via", "from", "to", "call-id", "cseq")]
        self.sip.sendto(written(f"SIP/2.0 {self.refuses.get(message.method, '200 OK')}", same), source)
        if message.method == "BYE":
            self.sending.clear()
            self.hung_up.set()


def _arrival(beside: list[tuple[int, int, bytes]]) -> float:
    """What the kernel says beside a datagram, as time.monotonic()."""
    now = time.monotonic()
    for level, kind, value in beside:
        if (level, kind) == (socket.SOL_SOCKET, KERNEL_TIME) and len(value) == TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack(value)
            return now - max(time.time() - seconds - nanoseconds * 1e-9, 0.0)
    return now
