"""A sound file of any kind, rate and number of channels to plain samples of the rates that are wanted.

Read once, in blocks; nothing but a block is held at a time, however long the file is.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from confserver.contract import Sound

MOST_SECONDS = 4 * 3600
_BLOCK_SAMPLES = 1 << 18
_LOWEST_HZ, _HIGHEST_HZ = 1000, 768_000
_MOST_CHANNELS = 64
_FULL_SCALE = 32768.0

Samples = NDArray[np.float32]


class Unplayable(Exception):
    """A file that cannot be made ready for playing; the text says why, in words for an administrator."""


@dataclass(frozen=True, slots=True)
class Source:
    """An open sound file; its format is found by what is in it, not by its name."""

    file: soundfile.SoundFile
    descriptor: int
    rate_hz: int
    channels: int
    """That are kept: one, or two of two."""

    def told(self) -> os.stat_result:
        """What the system says of the file."""
        return os.fstat(self.descriptor)

    def close(self) -> None:
        self.file.close()
        os.close(self.descriptor)

    def blocks(self) -> Iterator[Samples]:
        """float32 (frames, channels of the file). Raises Unplayable."""
        size, left = max(_BLOCK_SAMPLES // self.file.channels, 1), MOST_SECONDS * self.rate_hz
        while True:
            try:
                block = self.file.read(size, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, RuntimeError, ValueError, MemoryError) as broken:
                raise Unplayable(f"it cannot be read to its end: {_plain(broken)}") from broken
            if not len(block):
                return
            left -= len(block)
            if left < 0:
                raise too_long()
            yield block


class Target:
    """One file of samples that is being made: int16 in this machine's order, interleaved."""

    def __init__(self, path: Path, source: Source, rate_hz: int, take: Callable[[int], None]) -> None:
        """``take`` is asked for each number of bytes before they are written, and may raise Unplayable."""
        self.path = path
        self.rate_hz = rate_hz
        self.channels = source.channels
        self.frames = 0
        self._take = take
        self._resample = None
        if rate_hz != source.rate_hz:
            self._resample = soxr.ResampleStream(source.rate_hz, rate_hz, source.channels, "float32", "HQ")
        self._file: BinaryIO = path.open("wb", buffering=0)

    def add(self, block: Samples, last: bool = False) -> None:
        """Raises OSError, Unplayable."""
        if self._resample is not None:
            block = self._resample.resample_chunk(block, last=last)
        block = np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0) * np.float32(_FULL_SCALE)
        samples = np.clip(np.rint(block), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        self._take(samples.nbytes)
        self.frames += len(samples)
        waiting = memoryview(samples.tobytes())
        while waiting:
            waiting = waiting[self._file.write(waiting) :]

    def sound(self) -> Sound:
        return Sound(path=str(self.path), rate_hz=self.rate_hz, channels=self.channels, frames=self.frames)

    def close(self) -> None:
        self._file.close()


def open_source(path: str, stereo: bool) -> Source:
    """Raises Unplayable for what is missing, no regular file, or no sound."""
    descriptor = _open_regular(path)
    try:
        file = soundfile.SoundFile(descriptor, closefd=False)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as unknown:
        os.close(descriptor)
        raise Unplayable(f"it is no sound file that can be read: {_plain(unknown)}") from unknown
    source = Source(file, descriptor, file.samplerate, 2 if stereo and file.channels == 2 else 1)
    try:
        _check(file)
    except Unplayable:
        source.close()
        raise
    return source


def _check(file: soundfile.SoundFile) -> None:
    if not _LOWEST_HZ <= file.samplerate <= _HIGHEST_HZ:
        raise Unplayable(f"its sampling rate is {file.samplerate} Hz")
    if not 1 <= file.channels <= _MOST_CHANNELS:
        raise Unplayable(f"it has {file.channels} channels")
    if file.frames > MOST_SECONDS * file.samplerate:
        raise too_long()


def convert(source: Source, targets: Sequence[Target]) -> None:
    """Read the whole file into all targets. Raises Unplayable, OSError."""
    count = 0
    for block in source.blocks():
        count += len(block)
        mixed = block if block.shape[1] == source.channels else block.mean(axis=1, keepdims=True, dtype=np.float32)
        for target in targets:
            target.add(np.ascontiguousarray(mixed))
    if not count:
        raise Unplayable("there is no sound in it")
    for target in targets:
        target.add(np.zeros((0, source.channels), np.float32), last=True)


def too_long() -> Unplayable:
    return Unplayable(f"it is longer than {MOST_SECONDS // 3600} hours")


def _open_regular(path: str) -> int:
    """Never waits, as opening a pipe that nobody writes to would."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except ValueError as bad:
        raise Unplayable(f"no file can be called so: {bad}") from bad
    except OSError as error:
        raise Unplayable(_WORDS.get(error.errno or 0, error.strerror or str(error))) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unplayable("it is no file")
    return descriptor


def _plain(error: Exception) -> str:
    """libsndfile's own words, without its prefix and Python's name for the file."""
    return str(error).rpartition(": ")[2].strip().rstrip(".") or type(error).__name__


_WORDS = {
    errno.ENOENT: "there is no such file",
    errno.EACCES: "it may not be read",
    errno.ELOOP: "its links lead in a circle",
    errno.ENAMETOOLONG: "no file can be called so: the name is too long",
}
