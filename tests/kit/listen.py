"""Ears: what is in a recording, in dB and milliseconds.

Levels are of a tone's peak, in dB of full scale. A ``Recording`` is a file or an array; times are seconds from
its start.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

SILENCE_DB = -120.0
FRAME_S = 0.02
HOP_S = 0.005


@dataclass(frozen=True)
class Recording:
    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def between(self, start: float, end: float | None = None) -> Recording:
        last = None if end is None else round(end * self.rate)
        return Recording(self.samples[round(start * self.rate) : last], self.rate)

    def levels_db(self, hz: float, segment_s: float = 0.1) -> Samples:
        """The tone's level in each whole segment, by Goertzel with a Hann window."""
        size = round(segment_s * self.rate)
        return _levels(_framed(self.samples, size, size), hz, self.rate, np.hanning(size + 1)[:-1])

    def level_db(self, hz: float, start: float = 0.0, end: float | None = None) -> float:
        """The median over segments of 100 ms: one disturbance does not move it."""
        levels = self.between(start, end).levels_db(hz)
        return float(np.median(levels)) if len(levels) else SILENCE_DB

    def highest_db(self, hz: float, start: float = 0.0, end: float | None = None) -> float:
        levels = self.between(start, end).levels_db(hz)
        return float(levels.max()) if len(levels) else SILENCE_DB

    def gaps_ms(self, hz: float, least_db: float, start: float = 0.0, end: float | None = None) -> list[float]:
        """How long the tone was missing, each time that it was.

        A frame of 20 ms, looked at every 5 ms, misses the tone when more than half of it is without: the tone is
        6 dB below ``least_db``. The tones of one recording should be multiples of 50 Hz.
        """
        missing = self.between(start, end)._short_levels(hz) < least_db - 6.0
        return [float(stop - begin) * HOP_S * 1000 for begin, stop in _runs(missing)]

    def spans(self, hz: float, least_db: float, bridge_ms: float = 60.0) -> list[tuple[float, float]]:
        """From when to when the tone was there; a gap of at most ``bridge_ms`` does not part a span."""
        there = self._short_levels(hz) >= least_db - 6.0
        found: list[tuple[float, float]] = []
        for begin, stop in _runs(there):
            if found and (begin * HOP_S - found[-1][1]) * 1000 <= bridge_ms:
                found[-1] = found[-1][0], stop * HOP_S
            else:
                found.append((begin * HOP_S, stop * HOP_S))
        return found

    def longest_gap_ms(self, hz: float, least_db: float, start: float = 0.0, end: float | None = None) -> float:
        return max(self.gaps_ms(hz, least_db, start, end), default=0.0)

    def onset_s(self, hz: float, least_db: float) -> float | None:
        """When the tone is first there (the middle of the first frame that has it)."""
        there = np.flatnonzero(self._short_levels(hz) >= least_db)
        return float(there[0]) * HOP_S + FRAME_S / 2 if len(there) else None

    def _short_levels(self, hz: float) -> Samples:
        """In each frame of 20 ms, every 5 ms."""
        size, hop = round(FRAME_S * self.rate), round(HOP_S * self.rate)
        return _levels(_framed(self.samples, size, hop), hz, self.rate, np.ones(size))

    def phase_steps(self, hz: float, frame_s: float = FRAME_S) -> Samples:
        """By how much (in cycles, -0.5 to 0.5) each frame's phase departs from that of the frame before.

        All nearly 0 where the tone goes on. A frame of the tone missing or doubled is a step of ``hz * frame_s``
        cycles (less the whole ones): choose ``hz`` so that this is far from 0.
        """
        size = round(frame_s * self.rate)
        found = _components(_framed(self.samples, size, size), hz, self.rate, np.ones(size))
        expected = np.exp(2j * np.pi * hz * size / self.rate)
        turned = found[1:] * np.conj(found[:-1] * expected)
        return np.asarray(np.angle(turned) / (2 * np.pi))


def frame_level_db(samples: Samples, hz: float, rate: int) -> float:
    """The tone's level over all the samples at once, unwindowed: for one frame of 20 ms and tones of n * 50 Hz."""
    return float(_levels(samples[np.newaxis, :], hz, rate, np.ones(len(samples)))[0]) if len(samples) else SILENCE_DB


def _runs(is_so: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where it is so: first and one past the last index of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_so.astype(np.int8), [0]))))
    return [(int(begin), int(stop)) for begin, stop in edges.reshape(-1, 2)]


def _framed(samples: Samples, size: int, hop: int) -> Samples:
    if len(samples) < size:
        return np.empty((0, size))
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]


def _components(frames: Samples, hz: float, rate: int, window: Samples) -> NDArray[np.complex128]:
    """Amplitude and phase of one frequency in each frame."""
    probe = window * np.exp(-2j * np.pi * hz * np.arange(frames.shape[1]) / rate)
    return np.asarray(frames @ probe * (2 / window.sum()))


def _levels(frames: Samples, hz: float, rate: int, window: Samples) -> Samples:
    size = np.abs(_components(frames, hz, rate, window))
    return np.asarray(20 * np.log10(np.maximum(size, 10 ** (SILENCE_DB / 20))))


def read_wav(path: Path) -> Recording:
    """A WAV file of 16 bits, the mean of its channels; also one whose writer was stopped before it wrote its sizes.

    Raises ValueError for anything else.
    """
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"{path} is not a WAV file")
    at, channels, rate = 12, 0, 0
    while at + 8 <= len(data):
        name, length = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        body = at + 8
        if name == b"fmt ":
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, body)
            if kind not in (1, 0xFFFE) or bits != 16:
                raise ValueError(f"{path} is not 16-bit PCM")
        elif name == b"data":
            end = body + length if 0 < length <= len(data) - body else len(data)
            end -= (end - body) % (2 * channels)
            whole = np.frombuffer(data[body:end], "<i2").reshape(-1, channels)
            return Recording(whole.mean(axis=1) / 32768.0, rate)
        at = body + length + length % 2
    raise ValueError(f"{path} has no sound in it")
