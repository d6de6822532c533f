"""What the robot says: a WAV file once and then silence, a steady tone, or silence."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from confserver.phone.resampler import RATE_HZ, Samples, resampled

TONE_DB = -14.0
"""Peak of full scale: a few of them together do not clip."""


class Unreadable(Exception):
    """A file that cannot be played; one line for people."""


class Speech(Protocol):
    def take(self, count: int) -> Samples:
        """The next samples: float32 (count,), full scale 1.0."""
        ...


class Clip:
    """Samples, once, from the first to the last; then digital silence."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._at = 0

    def take(self, count: int) -> Samples:
        """See Speech.take."""
        said = np.zeros(count, np.float32)
        part = self._samples[self._at : self._at + count]
        said[: len(part)] = part
        self._at += len(part)
        return said


class Tone:
    """A steady sine."""

    def __init__(self, hz: float) -> None:
        self._hz = hz
        self._at = 0
        self._peak = 10 ** (TONE_DB / 20)

    def take(self, count: int) -> Samples:
        """See Speech.take."""
        cycles = np.arange(self._at, self._at + count) * (self._hz / RATE_HZ) % 1.0
        self._at += count
        return np.asarray(self._peak * np.sin(2 * np.pi * cycles), np.float32)


def silence() -> Speech:
    return Clip(np.zeros(0, np.float32))


def read_clip(path: Path) -> Clip:
    """A WAV file of 8, 16, 24 or 32 bits, of any rate; the mean of its channels. Raises Unreadable."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
        return Clip(resampled(_mono(data, channels, width), rate))
    except (OSError, EOFError, wave.Error, ValueError) as error:
        words = getattr(error, "strerror", None) or str(error) or "it ends too early"
        raise Unreadable(f"{path} cannot be played: {words}") from None


def _mono(data: bytes, channels: int, width: int) -> Samples:
    """Full scale 1.0. Raises ValueError for a width that PCM does not have."""
    if width not in _READERS:
        raise ValueError(f"samples of {8 * width} bits")
    whole = len(data) - len(data) % (channels * width)
    scaled = _READERS[width](np.frombuffer(data[:whole], np.uint8))
    return np.asarray(scaled.reshape(-1, channels).mean(axis=1), np.float32)


def _of_8_bits(data: NDArray[np.uint8]) -> Samples:
    return np.asarray(
        (data - np.float32(128)) / np.float32(128), np.float32
    )  # WAV has these, and only these, without sign


def _of_16_bits(data: NDArray[np.uint8]) -> Samples:
    return np.asarray(data.view("<i2") / np.float32(2**15), np.float32)


def _of_24_bits(data: NDArray[np.uint8]) -> Samples:
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = data.reshape(-1, 3)
    return _of_32_bits(wide.reshape(-1))


def _of_32_bits(data: NDArray[np.uint8]) -> Samples:
    return np.asarray(data.view("<i4") / 2.0**31, np.float32)


_READERS = {1: _of_8_bits, 2: _of_16_bits, 3: _of_24_bits, 4: _of_32_bits}
