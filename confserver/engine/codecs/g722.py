"""G.722 at 64 kbit/s: 16 kHz sound, two samples a byte, on an RTP clock of 8000 (RFC 3551 section 4.5.2)."""

from __future__ import annotations

from collections import deque

import numpy as np
from G722 import G722 as Coder
from numpy.typing import NDArray

from confserver.engine.codecs import g722_state
from confserver.engine.codecs.codec import Settings, Stateful
from confserver.engine.codecs.l16 import as_int16
from confserver.engine.frame import FULL_SCALE, Bytes, Lengths, Rows, Samples

RATE_HZ = 16000
PRIMED = 4
"""Frames that prepare an encoder whose state cannot be copied: more of them make the seam no better (measured)."""


class G722Decoders:
    """A coder for each open row."""

    def __init__(self, rows: int) -> None:
        self._coders: list[Coder | None] = [None] * rows

    def fit(self, rows: int) -> None:
        self._coders.extend([None] * (rows - len(self._coders)))

    def open(self, row: int, rate_hz: int) -> None:
        if rate_hz != RATE_HZ:
            raise ValueError(f"G.722 is {RATE_HZ} Hz, not {rate_hz}")
        self._coders[row] = g722_state.new()

    def close(self, row: int) -> None:
        self._coders[row] = None

    def decode(self, rows: Rows, payload: Bytes, length: Lengths, out: Samples) -> Lengths:
        """See Decoders.decode. Any bytes are sound: only an empty or too long payload is bad."""
        sizes = length.astype(np.int32)
        sizes[(sizes <= 0) | (sizes > min(payload.shape[1], out.shape[1] >> 1))] = 0
        for place, (row, size) in enumerate(zip(rows.tolist(), sizes.tolist(), strict=True)):
            coder = self._coders[row]
            if size and coder is not None:
                heard = np.asarray(coder.decode(payload[place, :size].tobytes()), np.int16)
                np.multiply(heard, np.float32(1 / FULL_SCALE), out=out[place, : size * 2])
            else:
                sizes[place] = 0
                out[place] = 0.0
        return sizes * 2

    def recover(self, rows: Rows, payload: Bytes, length: Lengths, out: Samples) -> Lengths:
        """See Decoders.recover. A packet of G.722 holds nothing of the one before."""
        self.conceal(rows, out)
        return np.zeros(len(rows), np.int32)

    def conceal(self, rows: Rows, out: Samples) -> None:
        """Silence: ``G722.conceals`` is false."""
        out[...] = 0.0


class _Slot:
    """An encoder and what it was last given, should it have to prepare another."""

    __slots__ = ("coder", "last", "settings")

    def __init__(self, settings: Settings) -> None:
        self.coder = g722_state.new()
        self.settings = settings
        self.last: deque[NDArray[np.int16]] = deque(maxlen=0 if g722_state.is_copyable() else PRIMED)


class G722Encoders:
    """By slot. Of the settings only the frame's length means anything."""

    def __init__(self) -> None:
        self._slots: list[_Slot | None] = []
        self._free: list[int] = []

    def open(self, settings: Settings) -> int:
        if (settings.rate_hz, settings.channels) != (RATE_HZ, 1):
            raise ValueError(f"G.722 is {RATE_HZ} Hz mono, not {settings.rate_hz} Hz, {settings.channels} channels")
        if not self._free:
            self._free.append(len(self._slots))
            self._slots.append(None)
        slot = self._free.pop()
        self._slots[slot] = _Slot(settings)
        return slot

    def fork(self, slot: int, settings: Settings) -> int:
        """See Encoders.fork. Bit-exact wherever ``g722_state.is_copyable``."""
        source = self._at(slot)
        if settings.frame_ms != source.settings.frame_ms:
            raise ValueError(f"a frame of {settings.frame_ms} ms cannot follow {source.settings.frame_ms} ms")
        made = self.open(settings)
        target = self._at(made)
        if not g722_state.copy(source.coder, target.coder):
            for frame in source.last:
                target.coder.encode(frame)
                target.last.append(frame)
        return made

    def close(self, slot: int) -> None:
        self._at(slot)
        self._slots[slot] = None
        self._free.append(slot)

    def encode(self, slots: Rows, samples: Samples, out: Bytes, length: Lengths) -> None:
        """See Encoders.encode."""
        size = samples.shape[1] >> 1
        said = as_int16(samples)
        for place, slot in enumerate(slots.tolist()):
            encoder = self._at(slot)
            out[place, :size] = np.frombuffer(encoder.coder.encode(said[place]), np.uint8)
            if encoder.last.maxlen:
                encoder.last.append(said[place].copy())
        length[...] = size

    def follow(self, slot: int, payload: Bytes, samples: Samples) -> bool:
        """See Encoders.follow."""
        return g722_state.follow(self._at(slot).coder, payload.tobytes(), as_int16(samples))

    def set_loss(self, slot: int, percent: int) -> None:
        """Nothing to G.722."""

    def set_complexity(self, complexity: int) -> None:
        """Nothing to G.722."""

    def _at(self, slot: int) -> _Slot:
        encoder = self._slots[slot]
        if encoder is None:
            raise ValueError(f"G.722 encoder {slot} is not open")
        return encoder


class _G722:
    name = "G722"
    clock_hz = 8000
    """Half its rate, by an old mistake that stands (RFC 3551 section 4.5.2)."""
    rate_hz = RATE_HZ
    unit_bytes = 1
    conceals = False
    converges = False
    decoders = G722Decoders
    encoders = G722Encoders

    def duration(self, payload: Bytes, length: Lengths) -> Lengths:
        """See Codec.duration: a byte is a tick."""
        return length

    def is_active(self, payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
        """See Stateful.is_active: nothing says so."""
        return np.ones(len(length), np.bool_)

    def has_redundancy(self, payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
        """See Stateful.has_redundancy: none has."""
        return np.zeros(len(length), np.bool_)


G722: Stateful = _G722()
