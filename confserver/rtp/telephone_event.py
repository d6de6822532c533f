"""Key presses in RTP (RFC 4733): the payload, and the series of packets that makes one press.

All packets of a press carry its beginning as timestamp; the duration grows, the last packet comes three times::

    timestamp 1000   160   320   480 ... 1600 E   1600 E   1600 E
    timestamp 4200   160 ...
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

DIGITS = "0123456789*#ABCD"
"""By event code (RFC 4733 section 3.2, table 3)."""
CLOCK_HZ = 8000
END_PACKETS = 3
"""RFC 4733 section 2.5.1.4."""
LONGEST = 0xFFFF
"""Of one segment; a longer press goes on in a new one (RFC 4733 section 2.5.1.3)."""
USUAL_VOLUME = 10
"""-10 dBm0, as most phones send."""
STALE_SECONDS = 4.0
"""A packet that is that much older than the newest press is late; older still, the peer has a new timeline."""
SLACK_SECONDS = 0.02
SILENT_SECONDS = 0.5
"""A press whose end was lost is over when nothing of it came for so long."""

_PAYLOAD = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 0x3F


class BadEvent(ValueError):
    """Not a telephone-event payload; the text says why."""


@dataclass(frozen=True, slots=True)
class Event:
    """One payload (RFC 4733 section 2.3). ``volume``: 0 to 63, dBm0 without its sign. ``duration``: timestamp units."""

    code: int
    end: bool
    volume: int
    duration: int

    @property
    def digit(self) -> str | None:
        """The key; None for the events that are none (flash, fax tones ...)."""
        return DIGITS[self.code] if self.code < len(DIGITS) else None


@dataclass(frozen=True, slots=True)
class Press:
    """A whole press of a key."""

    digit: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A packet to send; ``offset`` is added to the timestamp at which the press begins."""

    marker: bool
    offset: int
    payload: bytes


def parse(payload: bytes) -> Event:
    """Read a payload; bytes after the first four are passed over. Raises BadEvent."""
    if len(payload) < _PAYLOAD.size:
        raise BadEvent(f"{len(payload)} bytes")
    code, flags, duration = _PAYLOAD.unpack_from(payload)
    return Event(code, bool(flags & _END), flags & _VOLUME, duration)


def build(event: Event) -> bytes:
    return _PAYLOAD.pack(event.code, (_END if event.end else 0) | event.volume, event.duration)


def press(
    digit: str, duration_ms: int = 100, ptime_ms: int = 20, clock_hz: int = CLOCK_HZ, volume: int = USUAL_VOLUME
) -> Iterator[Outgoing]:
    """The packets of one press, to be sent ``ptime_ms`` apart, the three ends too (RFC 4733 section 2.5.1).

    Sequence numbers go on as ever; the marker stands at the very first. Raises ValueError for what is no key.
    """
    code = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
    if code < 0:
        raise ValueError(f"no key {digit!r}")
    step = clock_hz * ptime_ms // 1000
    total = max(clock_hz * duration_ms // 1000, step)
    segment = 0
    for done in range(step, total, step):
        full = done - segment > LONGEST
        duration = LONGEST if full else done - segment
        yield Outgoing(done == step, segment, build(Event(code, False, volume, duration)))
        segment += LONGEST if full else 0
    if total - segment > LONGEST:
        yield Outgoing(False, segment, build(Event(code, False, volume, LONGEST)))
        segment += LONGEST
    for again in range(END_PACKETS):
        first = total == step and again == 0
        yield Outgoing(first, segment, build(Event(code, True, volume, total - segment)))


class DigitReceiver:
    """Makes presses of one source's packets: each once, whatever is doubled, late or lost.

    It takes one source (SSRC); another wants a new receiver. Times are RTP timestamps of that source.
    """

    def __init__(self, clock_hz: int = CLOCK_HZ) -> None:
        self.clock_hz = clock_hz
        self._event: Event | None = None
        """The latest word on the newest press; its ``end`` means that the press has been told."""
        self._begin = 0
        self._segment = 0
        """Timestamps: of the press, and of its present segment."""

    def feed(self, timestamp: int, payload: bytes) -> list[Press]:
        """Take a packet; returns the presses that it ends: none, one, or two (another's lost end, and its own).

        Raises BadEvent.
        """
        event = parse(payload)
        if self._is_stale(timestamp):
            return []
        if self._is_same_press(timestamp, event):
            return self._go_on(timestamp, event)
        ended = self._close()
        self._begin = self._segment = timestamp
        self._event = event
        return ended + (self._told(event) if event.end else [])

    def pass_time(self, timestamp: int) -> list[Press]:
        """Take the time from other packets of the source: ends a press whose last packets were all lost."""
        event = self._event
        if event is None or event.end:
            return []
        silent = _since(timestamp, self._segment) - event.duration
        return self._close() if silent > SILENT_SECONDS * self.clock_hz else []

    def describe(self) -> dict[str, object]:
        event = self._event
        pressed = event.digit if event is not None and not event.end else None
        return {"pressed": pressed, "begin": self._begin, "clock_hz": self.clock_hz}

    def _is_stale(self, timestamp: int) -> bool:
        """It belongs to a press before the newest one."""
        return self._event is not None and -STALE_SECONDS * self.clock_hz < _since(timestamp, self._segment) < 0

    def _is_same_press(self, timestamp: int, event: Event) -> bool:
        """The same timestamp, or a new segment: the same key, going on just where the last packet had come to.

        So phones that count the timestamp on within a press (against RFC 4733 section 2.2.1) press but once.
        """
        latest = self._event
        if latest is None:
            return False
        since = _since(timestamp, self._segment)
        if since == 0:
            return True
        if event.code != latest.code or since < 0:
            return False
        if latest.end:
            return since < latest.duration
        return since == LONGEST or since <= latest.duration + SLACK_SECONDS * self.clock_hz

    def _go_on(self, timestamp: int, event: Event) -> list[Press]:
        latest = self._event
        assert latest is not None
        if latest.end:
            return []
        if timestamp == self._segment:
            event = Event(latest.code, event.end, event.volume, max(event.duration, latest.duration))
        self._segment = timestamp
        self._event = event
        return self._told(event) if event.end else []

    def _close(self) -> list[Press]:
        """End the press that is open, if one is."""
        event = self._event
        if event is None or event.end:
            return []
        self._event = Event(event.code, True, event.volume, event.duration)
        return self._told(event)

    def _told(self, event: Event) -> list[Press]:
        if event.digit is None:
            return []
        units = _since(self._segment, self._begin) + event.duration
        return [Press(event.digit, max(units, 0) * 1000 // self.clock_hz)]


def _since(timestamp: int, before: int) -> int:
    """The difference of two timestamps, which count modulo 2^32."""
    units = (timestamp - before) & 0xFFFF_FFFF
    return units - 0x1_0000_0000 if units & 0x8000_0000 else units
