"""The media of the robot's call, without a socket: speech to RTP, RTP to the recording, reports both ways.

speech -> codec -> packet(now) ->            -> receive(data, source, now) -> codec -> recorder
                   report(now) -> the socket
"""

from __future__ import annotations

import secrets
import struct

import numpy as np

from confserver.engine.codecs import meaning_of, stateless
from confserver.formats import Format
from confserver.phone.reception import Reception
from confserver.phone.recorder import Recorder
from confserver.phone.resampler import RATE_HZ, Samples
from confserver.phone.speech import Speech
from confserver.rtp import rtcp
from confserver.rtp.address import canonical
from confserver.rtp.header import RTCP_FIRST, RTCP_LAST, BadPacket, Packet, parse_packet
from confserver.sdp.agreement import Agreed

MOST_SAMPLES = RATE_HZ
"""A second in one packet is more than any phone sends."""


class Leg:
    """``cname``: who we are in reports (RFC 3550 section 6.5.1)."""

    def __init__(self, speech: Speech, recorder: Recorder | None, cname: str) -> None:
        self._speech = speech
        self._recorder = recorder
        self._cname = cname
        self.ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._first_timestamp = secrets.randbits(32)
        self.spoken = 0
        """Samples of our timeline that are over; it runs on while we are held."""
        self._started_at = 0.0
        self.sent = 0
        self._octets = 0
        self._is_spurt = True
        self.reception = Reception()
        self.strays = 0
        """Datagrams that are none of ours to play."""
        self._last_sr: tuple[int, float] | None = None
        self.rtt_s: float | None = None
        self._agreed: Agreed | None = None
        self._hosts: frozenset[str] = frozenset()

    # ---------------------------------------------------------------- what is agreed
    def agree(self, agreed: Agreed, peer: str, now: float) -> None:
        """Speak and hear so from now on. ``peer``: the host that signals; sound may come from there too."""
        if self._agreed is None:
            self._started_at = now
        self._agreed = agreed
        self._hosts = frozenset({peer, canonical(agreed.remote[0])} if agreed.remote else {peer})

    @property
    def agreed(self) -> Agreed:
        assert self._agreed is not None
        return self._agreed

    @property
    def next_at(self) -> float:
        """When the next packet is due: by the call's own clock, whatever was late before."""
        return self._started_at + self.spoken / RATE_HZ

    # ---------------------------------------------------------------- speaking
    def packet(self) -> bytes | None:
        """The next packet of our timeline; None while we may not send, and then nothing is taken of the speech."""
        agreed, count = self.agreed, self.agreed.ptime_ms * RATE_HZ // 1000
        timestamp = self._timestamp(self.spoken)
        self.spoken += count
        if not agreed.sends:
            self._is_spurt = True
            return None
        number, format = agreed.outgoing
        payload = encoded(format, self._speech.take(count))
        second = number | 0x80 if self._is_spurt else number  # RFC 3551 section 4.1
        data = struct.pack("!BBHII", 0x80, second, self._sequence, timestamp, self.ssrc) + payload
        self._is_spurt = False
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.sent += 1
        self._octets += len(payload)
        return data

    def _timestamp(self, samples: int) -> int:
        return (self._first_timestamp + samples) & 0xFFFF_FFFF

    # ---------------------------------------------------------------- hearing
    def receive(self, data: bytes, source: str, now: float) -> None:
        """A datagram. What is no packet of this call is counted and dropped. Raises OSError of the recorder."""
        if source not in self._hosts or len(data) < 2:
            self.strays += 1
        elif RTCP_FIRST <= data[1] <= RTCP_LAST:
            self._hear_report(data, now)
        else:
            self._hear(data, now)

    def _hear(self, data: bytes, now: float) -> None:
        try:
            packet = parse_packet(data)
        except BadPacket:
            self.strays += 1
            return
        format = dict(self.agreed.incoming).get(packet.payload_type)
        if format is None or (format.is_audio and not packet.payload):
            self.strays += 1
        elif format.is_audio:
            self._play(packet, format, now)

    def _play(self, packet: Packet, format: Format, now: float) -> None:
        samples = decoded(format, packet.payload)
        place = self.reception.take(packet, len(samples), now)
        if place is not None and self._recorder is not None:
            self._recorder.put(place, samples)

    # ---------------------------------------------------------------- reports
    def _hear_report(self, data: bytes, now: float) -> None:
        try:
            packets = rtcp.parse(data)
        except rtcp.BadRtcp:
            self.strays += 1
            return
        for packet in packets:
            if isinstance(packet, rtcp.SenderReport):
                self._last_sr = rtcp.middle(packet.ntp), now
            if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
                self._hear_blocks(packet.blocks, now)

    def _hear_blocks(self, blocks: tuple[rtcp.ReportBlock, ...], now: float) -> None:
        for block in blocks:
            if block.ssrc == self.ssrc and (seconds := rtcp.round_trip(block, now)) is not None:
                self.rtt_s = seconds

    def report(self, now: float, bye: str | None = None) -> bytes:
        """SR where we have sent, else RR; with BYE where ``bye`` says why we go ("" for no reason)."""
        stream, (lsr, heard_at) = self.reception.stream, self._last_sr or (0, None)
        blocks = (stream.block(lsr, heard_at, now),) if stream is not None else ()
        if not self.sent:
            return rtcp.compound(rtcp.ReceiverReport(ssrc=self.ssrc, blocks=blocks), self._cname, bye)
        report = rtcp.SenderReport(
            ssrc=self.ssrc,
            ntp=rtcp.ntp_time(now),
            rtp_timestamp=self._timestamp(round((now - self._started_at) * RATE_HZ)),
            packets=self.sent & 0xFFFF_FFFF,
            octets=self._octets & 0xFFFF_FFFF,
            blocks=blocks,
        )
        return rtcp.compound(report, self._cname, bye)


def encoded(format: Format, samples: Samples) -> bytes:
    """One payload of G.711: a byte a sample."""
    out = np.empty((1, len(samples)), np.uint8)
    stateless(meaning_of(format.name)).encode(samples[np.newaxis, :], out)
    return out.tobytes()


def decoded(format: Format, payload: bytes) -> Samples:
    """The samples of one payload, a second at most."""
    codec = stateless(meaning_of(format.name))
    data = np.frombuffer(payload[:MOST_SAMPLES], np.uint8)[np.newaxis, :]
    out = np.empty((1, codec.samples_in(data.shape[1])), np.float32)
    codec.decode(data, out)
    return out.reshape(-1)
