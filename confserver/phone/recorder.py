"""What the robot hears, written by RTP time into a mono WAV file of 16 bits and 8 kHz.

A packet's place is its timestamp's, so that lost ones leave silence, late ones come where they belong and doubled
ones change nothing. The file is readable at any moment but for its last second: a kill loses no more.
"""

from __future__ import annotations

import contextlib
import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from confserver.phone.resampler import RATE_HZ, Samples

FULL_SCALE = 32768
HEADER_BYTES = 44
HEADER_EVERY = RATE_HZ
"""Samples."""
MOST_SAMPLES = (2**32 - 1 - HEADER_BYTES) // 2
"""What a WAV file can hold: 74 hours."""


class Recorder:
    """One file. ``put`` and ``close`` raise OSError where the disk takes no more."""

    def __init__(self, path: Path) -> None:
        """Begin the file, empty. Raises OSError."""
        self._fd: int | None = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._samples = 0
        self._announced = 0
        try:
            self._write(0, header(0))
        except OSError:
            self._shut()
            raise

    def put(self, place: int, samples: Samples) -> None:
        """float32 (n,), full scale 1.0, so many samples from the beginning; what lies beyond either end is left out."""
        first = max(-place, 0)
        whole = as_pcm(samples[first : max(MOST_SAMPLES - place, 0)])
        if self._fd is None or not len(whole):
            return
        self._write(HEADER_BYTES + 2 * (place + first), whole.tobytes())
        self._samples = max(self._samples, place + first + len(whole))
        if self._samples - self._announced >= HEADER_EVERY:
            self._announce()

    def close(self) -> None:
        """Also twice."""
        if self._fd is None:
            return
        try:
            self._announce()
        finally:
            self._shut()

    def _announce(self) -> None:
        self._write(0, header(self._samples))
        self._announced = self._samples

    def _write(self, place: int, data: bytes) -> None:
        assert self._fd is not None
        while data:
            written = os.pwrite(self._fd, data, place)
            place, data = place + written, data[written:]

    def _shut(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None


def as_pcm(samples: Samples) -> NDArray[np.int16]:
    """Little-endian, as WAV has it."""
    whole = np.clip(np.rint(samples * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1)
    return np.asarray(whole, "<i2")


def header(samples: int) -> bytes:
    """Of a WAV file with so many samples of sound behind it."""
    size = 2 * samples
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", size + HEADER_BYTES - 8, b"WAVE") + form + struct.pack("<4sI", b"data", size)
