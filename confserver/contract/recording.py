"""What a worker hands over to the scribe of a recorded room: one stream a recording, one message a tick.

::

    Opening(record)  Heard(tick 0)  Heard(tick 1) ...  Closing

    every message:   length of all that follows, kind, whether the mix sounds, number of tracks, rate, time, number
    Heard besides:   the leg of each track that sounds, then int16 samples: the mix if it sounds, each track

Only what sounds costs anything. In this machine's byte order: both ends are on it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from confserver.contract.plan import LegId, RecordId

TICKS_A_SECOND = 50
SAMPLE_BYTES = 2
MOST_MESSAGE_BYTES = 16 * 1024 * 1024

_HEAD = struct.Struct("=IBBHIdQ")
_LENGTH = struct.Struct("=I")
_OPENING, _HEARD, _CLOSING = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Opening:
    """The stream of this recording begins."""

    record: RecordId


@dataclass(frozen=True, slots=True)
class Heard:
    """One tick. ``number`` counts recorded ticks, also those that were missed; pauses are left out.

    ``mix`` is empty where it is silent; ``tracks`` has the samples of the legs that sound.
    """

    at: float
    number: int
    rate_hz: int
    mix: bytes
    tracks: dict[LegId, bytes]

    @property
    def frame(self) -> int:
        return self.rate_hz // TICKS_A_SECOND


@dataclass(frozen=True, slots=True)
class Closing:
    """The last tick has been handed over."""


Message = Opening | Heard | Closing


def opening(record: RecordId) -> bytes:
    return _head(_OPENING, number=record)


def closing() -> bytes:
    return _head(_CLOSING)


def heard(at: float, number: int, rate_hz: int, has_mix: bool, legs: Sequence[LegId], samples: bytes) -> bytes:
    """``samples``: int16, of the mix if it sounds, then of each leg."""
    tail = struct.pack(f"={len(legs)}Q", *legs) + samples
    return _head(_HEARD, has_mix, len(legs), rate_hz, at, number, len(tail)) + tail


def _head(
    kind: int, has_mix: bool = False, tracks: int = 0, rate_hz: int = 0, at: float = 0.0, number: int = 0, tail: int = 0
) -> bytes:
    return _HEAD.pack(_HEAD.size - _LENGTH.size + tail, kind, has_mix, tracks, rate_hz, at, number)


class HandoverReader:
    """Cuts the stream into messages. Raises ValueError on anything else: the stream is then useless."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if not _HEAD.size - _LENGTH.size <= length <= MOST_MESSAGE_BYTES:
                raise ValueError(f"a message of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            message = bytes(memoryview(self._buffer)[:end])
            del self._buffer[:end]
            yield _read(message)


def _read(message: bytes) -> Message:
    _, kind, has_mix, count, rate_hz, at, number = _HEAD.unpack_from(message)
    if kind == _OPENING:
        return Opening(number)
    if kind == _CLOSING:
        return Closing()
    if kind != _HEARD:
        raise ValueError(f"a message of kind {kind}")
    size, start = rate_hz // TICKS_A_SECOND * SAMPLE_BYTES, _HEAD.size + 8 * count
    if not size or has_mix > 1 or len(message) != start + (has_mix + count) * size:
        raise ValueError(f"{len(message)} bytes for {count} tracks of {rate_hz} Hz")
    legs = struct.unpack_from(f"={count}Q", message, _HEAD.size)
    parts = [message[place : place + size] for place in range(start, len(message), size)]
    mix = parts.pop(0) if has_mix else b""
    return Heard(at, number, rate_hz, mix, dict(zip(legs, parts, strict=True)))
