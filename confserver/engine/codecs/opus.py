"""Opus (RFC 6716; RTP: RFC 7587) by libopus, straight between the engine's matrices.

States are blocks of our own memory, addressed by integers: a call costs the codec's own time and half a microsecond.
Sound comes in and goes out at 8, 16 or 48 kHz, as each stream likes. Incoming stereo becomes mono in the decoder.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import libopus, opus_packet
from confserver.engine.codecs.blocks import Blocks
from confserver.engine.codecs.codec import Settings, Stateful
from confserver.engine.frame import RATES_HZ, Bytes, Lengths, Rows, Samples

FRAMES_MS = (10, 20, 40, 60)
COMPLEXITY = 5
"""To begin with, of 0 to 10."""
DTX_BYTES = 2
"""A packet of so many need not be sent (libopus: opus_encode). Every 400 ms there is a longer one."""
LOUDEST = 2.0
"""A decoder of hostile bytes may put out anything; sound is far below."""


def _addresses(matrix: Samples | Bytes, dtype: type[np.generic]) -> list[int]:
    """Where each row begins. Raises ValueError if C would not find there what it expects."""
    if matrix.dtype != dtype or (matrix.shape[1] > 1 and matrix.strides[1] != matrix.itemsize):
        raise ValueError(
            f"want rows of {dtype.__name__}, side by side, not {matrix.dtype} every {matrix.strides[1]} bytes"
        )
    first, step = matrix.__array_interface__["data"][0], matrix.strides[0]
    return [first + step * row for row in range(len(matrix))]


class OpusDecoders:
    """One mono decoder for each open row."""

    def __init__(self, rows: int) -> None:
        self._blocks = Blocks(libopus.decoder_size(1))
        self._states: list[int] = []
        """Address by row; 0: not open."""
        self.fit(rows)

    def fit(self, rows: int) -> None:
        self._blocks.fit(rows)
        self._states.extend([0] * (rows - len(self._states)))

    def open(self, row: int, rate_hz: int) -> None:
        state = self._blocks.addresses[row]
        if libopus.decoder_init(state, rate_hz, 1) != libopus.OK:
            raise ValueError(f"Opus does not decode to {rate_hz} Hz")
        self._states[row] = state

    def close(self, row: int) -> None:
        self._states[row] = 0

    def decode(self, rows: Rows, payload: Bytes, length: Lengths, out: Samples) -> Lengths:
        """See Decoders.decode."""
        return self._decode(rows, payload, length, out, 0)

    def recover(self, rows: Rows, payload: Bytes, length: Lengths, out: Samples) -> Lengths:
        """See Decoders.recover."""
        return self._decode(rows, payload, length, out, 1)

    def conceal(self, rows: Rows, out: Samples) -> None:
        """See Decoders.conceal."""
        decode, states, most = libopus.decode_float, self._states, out.shape[1]
        for place, (row, target) in enumerate(zip(rows.tolist(), _addresses(out, np.float32), strict=True)):
            state = states[row]
            if not state or decode(state, None, 0, target, most, 0) != most:
                out[place] = 0.0
        _tame(out, np.full(len(out), most, np.int32))

    def _decode(self, rows: Rows, payload: Bytes, length: Lengths, out: Samples, fec: int) -> Lengths:
        decode, states, width, most = libopus.decode_float, self._states, payload.shape[1], out.shape[1]
        packets, targets = _addresses(payload, np.uint8), _addresses(out, np.float32)
        done = [
            decode(state, packet, size, target, most, fec) if 0 < size <= width and (state := states[row]) else 0
            for row, packet, size, target in zip(rows.tolist(), packets, length.tolist(), targets, strict=True)
        ]
        decoded = np.array(done, np.int32)
        if done and min(done) <= 0:
            bad = decoded <= 0
            decoded[bad] = 0
            out[bad] = 0.0
        _tame(out, decoded)
        return decoded


def _tame(out: Samples, decoded: Lengths) -> None:
    """No sample may ruin a mix: NaN becomes silence, and what is far beyond full scale the bound."""
    if out.size and not (out.max() <= LOUDEST and out.min() >= -LOUDEST):
        for row, count in zip(out, decoded.tolist(), strict=True):
            np.nan_to_num(row[:count], copy=False)
            np.clip(row[:count], -LOUDEST, LOUDEST, out=row[:count])


_CTL: dict[str, tuple[int, Callable[[int], int]]] = {
    "bitrate": (libopus.SET_BITRATE, int),
    "fec": (libopus.SET_INBAND_FEC, int),
    "loss_percent": (libopus.SET_PACKET_LOSS_PERC, int),
    "dtx": (libopus.SET_DTX, int),
    "cbr": (libopus.SET_VBR, lambda cbr: int(not cbr)),
}
"""Settings that may change while a stream goes on, and how libopus is told. The others are what a stream is."""
_FRESH = {"bitrate": 0, "fec": 0, "loss_percent": 0, "dtx": 0, "cbr": 0}
"""A new encoder has these, and a bitrate of its own choice."""


def _ctl(state: int, request: int, value: int) -> None:
    if libopus.encoder_ctl(state, request, value) != libopus.OK:
        raise ValueError(f"Opus refuses {value} for control {request}")


class OpusEncoders:
    """By slot."""

    def __init__(self, complexity: int = COMPLEXITY) -> None:
        self._complexity = complexity
        self._blocks = Blocks(libopus.encoder_size(2))
        """A mono encoder leaves the end of its block untouched."""
        self._settings: list[Settings | None] = []
        """Of each slot, as they are now; None: not open."""
        self._frames: list[int] = []
        """Samples of a packet, of one channel."""
        self._samples = np.zeros(0, np.int32)
        """Of all channels; 0: not open."""
        self._unsent = np.zeros(0, np.int32)
        """Packets up to this size are not sent."""
        self._free: list[int] = []

    @property
    def complexity(self) -> int:
        return self._complexity

    def set_complexity(self, complexity: int) -> None:
        """See Encoders.set_complexity."""
        self._complexity = min(max(complexity, 0), 10)
        for state, settings in zip(self._blocks.addresses, self._settings, strict=True):
            if settings is not None:
                _ctl(state, libopus.SET_COMPLEXITY, self._complexity)

    def open(self, settings: Settings) -> int:
        """See Encoders.open. Raises ValueError for what Opus does not do."""
        rate, channels = settings.rate_hz, settings.channels
        if rate not in RATES_HZ or channels not in (1, 2) or settings.frame_ms not in FRAMES_MS:
            raise ValueError(f"Opus does not encode as {settings}")
        slot, state = self._take()
        libopus.encoder_init(state, rate, channels, libopus.VOIP)
        _ctl(state, libopus.SET_COMPLEXITY, self._complexity)
        return self._begin(slot, _FRESH, settings)

    def fork(self, slot: int, settings: Settings) -> int:
        """See Encoders.fork. Bit-exact where nothing of the settings differs."""
        source = self._at(slot)
        if any(getattr(settings, name) != getattr(source, name) for name in ("rate_hz", "channels", "frame_ms")):
            raise ValueError(f"{settings} cannot go on where {source} is")
        made, state = self._take()
        ctypes.memmove(state, self._blocks.addresses[slot], libopus.encoder_size(settings.channels))
        return self._begin(made, {name: getattr(source, name) for name in _CTL}, settings)

    def close(self, slot: int) -> None:
        self._at(slot)
        self._settings[slot] = None
        self._samples[slot] = 0
        self._free.append(slot)

    def encode(self, slots: Rows, samples: Samples, out: Bytes, length: Lengths) -> None:
        """See Encoders.encode. Raises ValueError if a slot is not open or its packets have another length."""
        size, most = samples.shape[1], out.shape[1]
        if (self._samples[slots] != size).any():
            raise ValueError(f"not all of the encoders {slots} are open for packets of {size} samples")
        encode, states, frames = libopus.encode_float, self._blocks.addresses, self._frames
        sources, targets = _addresses(samples, np.float32), _addresses(out, np.uint8)
        done = [
            encode(states[slot], source, frames[slot], target, most)
            for slot, source, target in zip(slots.tolist(), sources, targets, strict=True)
        ]
        written = np.array(done, np.int32)
        np.copyto(length, np.where(written <= self._unsent[slots], 0, written))

    def follow(self, slot: int, payload: Bytes, samples: Samples) -> bool:
        """See Encoders.follow: nothing for Opus, whose encoder knows more than a decoder does."""
        return False

    def set_loss(self, slot: int, percent: int) -> None:
        """See Encoders.set_loss. It means something where there is FEC."""
        settings = replace(self._at(slot), loss_percent=min(max(percent, 0), 100))
        _ctl(self._blocks.addresses[slot], libopus.SET_PACKET_LOSS_PERC, settings.loss_percent)
        self._settings[slot] = settings

    def _take(self) -> tuple[int, int]:
        """A slot, not yet open, and the address of its state."""
        if not self._free:
            before = len(self._settings)
            self._blocks.fit(before + 1)
            more = len(self._blocks.addresses) - before
            self._free = list(range(before + more - 1, before - 1, -1))
            self._settings += [None] * more
            self._frames += [0] * more
            self._samples = np.append(self._samples, np.zeros(more, np.int32))
            self._unsent = np.append(self._unsent, np.zeros(more, np.int32))
        slot = self._free.pop()
        return slot, self._blocks.addresses[slot]

    def _begin(self, slot: int, before: Mapping[str, int], settings: Settings) -> int:
        """Tell a new encoder what differs from before, and open it; the slot is free again if it refuses."""
        try:
            for name, (request, value_of) in _CTL.items():
                value = getattr(settings, name)
                if value != before[name]:
                    _ctl(self._blocks.addresses[slot], request, value_of(value))
        except ValueError:
            self._free.append(slot)
            raise
        self._settings[slot] = settings
        self._frames[slot] = settings.rate_hz * settings.frame_ms // 1000
        self._samples[slot] = self._frames[slot] * settings.channels
        self._unsent[slot] = DTX_BYTES if settings.dtx else 0
        return slot

    def _at(self, slot: int) -> Settings:
        settings = self._settings[slot]
        if settings is None:
            raise ValueError(f"Opus encoder {slot} is not open")
        return settings


class _Opus:
    name = "opus"
    clock_hz = opus_packet.CLOCK_HZ
    rate_hz = unit_bytes = 0
    conceals = True
    converges = True
    decoders = OpusDecoders
    encoders = OpusEncoders

    def duration(self, payload: Bytes, length: Lengths) -> Lengths:
        """See Codec.duration."""
        return opus_packet.duration(payload, length)

    def is_active(self, payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
        """See Stateful.is_active."""
        return opus_packet.is_active(payload, length)

    def has_redundancy(self, payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
        """See Stateful.has_redundancy."""
        return opus_packet.has_redundancy(payload, length)


OPUS: Stateful = _Opus()
