"""A WAV file of 16-bit samples, one channel, that is readable whatever becomes of the process that writes it.

::

    RIFF size WAVE | JUNK 28 bytes | fmt  16 bytes | data size | samples ...
    RF64 -1   WAVE | ds64 sizes    | fmt           | data -1   | samples ...     once it is longer than 4 GB

The head is kept right by writing it again after the samples, never before. EBU Tech 3306 gives RF64, and the way to
become it: the JUNK chunk keeps the place of ds64. Silence is a hole in the file and takes no room on the disk.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEAD_BYTES = 80
SAMPLE_BYTES = 2
_MOST_RIFF = 0xFFFFFFFF
_ENOUGH_BYTES = 1 << 20


class WavFile:
    """Written from its beginning to its end; all methods but the first may raise OSError."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Raises OSError, also FileExistsError: nothing is ever overwritten."""
        self.path = path
        self.rate_hz = rate_hz
        self.frames = 0
        """How long it is, with what has not been written yet."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._waiting = bytearray()
        self._kept = 0
        """Frames that the head tells of."""
        self._write_head(0)

    def append(self, samples: NDArray[np.int16] | bytes) -> None:
        self._waiting += samples if isinstance(samples, bytes) else samples.tobytes()
        self.frames += len(samples) // (SAMPLE_BYTES if isinstance(samples, bytes) else 1)
        if len(self._waiting) >= _ENOUGH_BYTES:
            self._write_waiting()

    def skip_to(self, frames: int) -> None:
        """Let there be silence up to that length; a file that is longer stays as it is."""
        if frames > self.frames:
            self._write_waiting()
            self.frames = frames

    def flush(self) -> None:
        """From now on the file tells of all that there is."""
        self._write_waiting()
        if self._kept != self.frames:
            os.ftruncate(self._descriptor, HEAD_BYTES + self.frames * SAMPLE_BYTES)
            self._write_head(self.frames)
            self._kept = self.frames

    def rename(self, path: Path) -> None:
        os.rename(self.path, path)
        self.path = path

    def close(self) -> None:
        """The file is whole and on the disk."""
        try:
            self.flush()
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def abandon(self) -> None:
        """Close it as it is: it tells of what was there at the last flush."""
        os.close(self._descriptor)

    def _write_waiting(self) -> None:
        """Nothing is taken off what waits before all of it is written."""
        if not self._waiting:
            return
        samples = self._waiting if sys.byteorder == "little" else _swapped(self._waiting)
        place = HEAD_BYTES + self.frames * SAMPLE_BYTES - len(samples)
        _write(self._descriptor, samples, place)
        self._waiting = bytearray()

    def _write_head(self, frames: int) -> None:
        _write(self._descriptor, head(self.rate_hz, frames), 0)


def head(rate_hz: int, frames: int) -> bytes:
    """The HEAD_BYTES before so many samples."""
    size = frames * SAMPLE_BYTES
    riff = HEAD_BYTES - 8 + size
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 16)
    if riff <= _MOST_RIFF:
        first = struct.pack("<4sI4s4sI28x", b"RIFF", riff, b"WAVE", b"JUNK", 28)
        return first + form + struct.pack("<4sI", b"data", size)
    first = struct.pack("<4sI4s4sIQQQI", b"RF64", _MOST_RIFF, b"WAVE", b"ds64", 28, riff, size, frames, 0)
    return first + form + struct.pack("<4sI", b"data", _MOST_RIFF)


def lengthen(path: Path, rate_hz: int, before: int, frames: int) -> None:
    """Let a file of ours that broke off after ``before`` frames end in silence after ``frames``. Raises OSError."""
    with path.open("r+b") as file:
        file.truncate(HEAD_BYTES + before * SAMPLE_BYTES)
        file.truncate(HEAD_BYTES + frames * SAMPLE_BYTES)
        file.write(head(rate_hz, frames))


def _write(descriptor: int, data: bytes | bytearray, place: int) -> None:
    """All of it: a disk that is nearly full takes a part first."""
    left = memoryview(data)
    while left:
        count = os.pwrite(descriptor, left, place)
        left, place = left[count:], place + count


def _swapped(samples: bytearray) -> bytes:
    return np.frombuffer(samples, np.int16).byteswap().tobytes()
