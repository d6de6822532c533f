"""One stream of RTP as it comes in: its place in time, and the counts of RFC 3550 appendix A.

A stream that begins anew (another SSRC, a jump of sequence or time) goes on at the moment of its arrival; stragglers
of the one before still find their places. Counts go on over all streams; report blocks speak of the present one.
"""

from __future__ import annotations

from confserver.rtp.header import Packet
from confserver.rtp.rtcp import ReportBlock, delay_since, fraction_lost
from confserver.rtp.statistics import MOST_DROPOUT, extended_sequence

RATE_HZ = 8000
MOST_DISAGREEMENT_S = 2.0
"""By so much may a timestamp differ both from the clock and from what the sequence number says."""
MOST_MISORDER = 100
"""RFC 3550 A.1 MAX_MISORDER."""
REMEMBERED = 1024
"""Sequence numbers that are known as doubled when they come again."""


def signed(difference: int, bits: int) -> int:
    """A difference of numbers that wrap, as the nearest one."""
    half = 1 << bits - 1
    return (difference + half) % (1 << bits) - half


class Stream:
    """One SSRC from one beginning on. ``origin``: where its first sample lies, in samples of the recording."""

    def __init__(self, packet: Packet, origin: int, now: float) -> None:
        self.ssrc = packet.ssrc
        self.received = 0
        self.unique = 0
        self.jitter = 0.0
        """In timestamp units."""
        self.first = self.top = packet.sequence
        """Extended by the cycles."""
        self._top_timestamp, self._top_place, self._top_at = packet.timestamp, origin, now
        self._samples = 0
        self._last: tuple[int, float] | None = None
        self._seen: set[int] = set()
        self._before = (0, 0)

    def fits(self, packet: Packet, now: float) -> bool:
        """Whether the packet can belong here."""
        steps = signed(packet.sequence - self.top, 16)
        if packet.ssrc != self.ssrc or not -MOST_MISORDER <= steps < MOST_DROPOUT:
            return False
        ahead = signed(packet.timestamp - self._top_timestamp, 32) / RATE_HZ
        by_clock, by_sequence = now - self._top_at, steps * self._samples / RATE_HZ
        return min(abs(ahead - by_clock), abs(ahead - by_sequence)) <= MOST_DISAGREEMENT_S

    def take(self, packet: Packet, samples: int, now: float) -> int | None:
        """Count a packet; gives its place, None for one that was here before."""
        self.received += 1
        ahead = signed(packet.timestamp - self._top_timestamp, 32)
        place = self._top_place + ahead
        number = self.top + signed(packet.sequence - self.top, 16)
        self._note_jitter(packet.timestamp, now)
        if number >= self.top:
            self.top = number
        if ahead >= 0:
            self._top_timestamp, self._top_place, self._top_at = packet.timestamp, place, now
            self._samples = samples
        if number in self._seen:
            return None
        self._remember(number)
        self.unique += 1
        return place

    def _note_jitter(self, timestamp: int, now: float) -> None:
        """RFC 3550 A.8."""
        if self._last is not None:
            deviation = abs((now - self._last[1]) * RATE_HZ - signed(timestamp - self._last[0], 32))
            self.jitter += (deviation - self.jitter) / 16
        self._last = timestamp, now

    def _remember(self, number: int) -> None:
        self._seen.add(number)
        if len(self._seen) > 2 * REMEMBERED:
            self._seen = {each for each in self._seen if each > self.top - REMEMBERED}

    @property
    def expected(self) -> int:
        return self.top - min(self.first, self.top) + 1

    @property
    def lost(self) -> int:
        """Never came, as far as it is known."""
        return max(self.expected - self.unique, 0)

    def block(self, lsr: int, heard_at: float | None, now: float) -> ReportBlock:
        """What to report of it; the loss since the last block too."""
        before, self._before = self._before, (self.expected, self.received)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction_lost(self.expected, self.received, *before),
            lost=self.expected - self.received,
            highest_sequence=extended_sequence(0, self.top),
            jitter=int(self.jitter),
            lsr=lsr,
            dlsr=delay_since(heard_at, now),
        )


class Reception:
    """All that is heard in a call."""

    def __init__(self) -> None:
        self.stream: Stream | None = None
        self._earlier: Stream | None = None
        self._began_at = 0.0
        self._end = 0
        self._unique = self._lost = 0

    def take(self, packet: Packet, samples: int, now: float) -> int | None:
        """Where these samples belong, counted from the first packet of the call; None for what came before."""
        stream = self._stream_of(packet, now)
        place = stream.take(packet, samples, now)
        if place is not None:
            self._end = max(self._end, place + samples)
        return place

    def _stream_of(self, packet: Packet, now: float) -> Stream:
        for stream in (self.stream, self._earlier):
            if stream is not None and stream.fits(packet, now):
                return stream
        return self._begin(packet, now)

    def _begin(self, packet: Packet, now: float) -> Stream:
        if self.stream is None:
            self._began_at = now
        if self._earlier is not None:
            self._unique += self._earlier.unique
            self._lost += self._earlier.lost
        origin = max(round((now - self._began_at) * RATE_HZ), self._end)
        self._earlier, self.stream = self.stream, Stream(packet, origin, now)
        return self.stream

    def _streams(self) -> list[Stream]:
        return [stream for stream in (self._earlier, self.stream) if stream is not None]

    @property
    def received(self) -> int:
        """Packets, doubled ones once."""
        return self._unique + sum(stream.unique for stream in self._streams())

    @property
    def lost(self) -> int:
        return self._lost + sum(stream.lost for stream in self._streams())

    @property
    def jitter_ms(self) -> float:
        return self.stream.jitter / RATE_HZ * 1000 if self.stream is not None else 0.0
