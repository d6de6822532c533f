"""Sounds that the scribe has laid ready, mapped into memory between ticks."""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Sequence

import numpy as np

from confserver.contract import Play, Sound
from confserver.engine.frame import RATES_HZ, band_of
from confserver.engine.reel import Reel, SoundReel, ToneReel, Track, Tracks, Unplayable
from confserver.engine.tones import BadTones, parse

MOST_CHANNELS = 8
_SAMPLE_BYTES = 2
_TOUCHED_BYTES = 4 * 1024 * 1024
"""So much of a file is looked at when it is opened: no tick then waits for a page of it. The rest costs it little, for
the file lies in memory."""

_Identity = tuple[int, int, int, int]
"""Device, inode, size and time of the last change of a file."""


class Sounds:
    """Maps each file once, for as long as something plays it."""

    def __init__(self) -> None:
        self._tracks: weakref.WeakValueDictionary[tuple[_Identity, int], Track] = weakref.WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._tracks)

    def reel_of(self, command: Play) -> Reel:
        """Make ready what a command wants to hear. Raises Unplayable."""
        if command.tones and command.sounds:
            raise Unplayable("sounds or tones, not both")
        if command.tones:
            try:
                return ToneReel(parse(command.tones, command.loop))
            except BadTones as bad:
                raise Unplayable(str(bad)) from bad
        return SoundReel([self._all_rates(sound) for sound in command.sounds], command.loop)

    def _all_rates(self, sound: Sequence[Sound]) -> Tracks:
        return {band_of(each.rate_hz): self._mapped(each) for each in sound if each.rate_hz in RATES_HZ}

    def _mapped(self, sound: Sound) -> Track:
        """Raises Unplayable where the file is not there, or not what it is said to be."""
        if not 1 <= sound.channels <= MOST_CHANNELS or sound.frames < 1:
            raise Unplayable(f"{sound.path}: {sound.frames} samples of {sound.channels} channels are no sound")
        wanted = sound.frames * sound.channels * _SAMPLE_BYTES
        try:
            file = os.open(sound.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                is_now = os.fstat(file)
                if is_now.st_size < wanted:
                    raise Unplayable(f"{sound.path}: {is_now.st_size} of {wanted} bytes are there")
                key = (is_now.st_dev, is_now.st_ino, is_now.st_size, is_now.st_mtime_ns), sound.channels
                track = self._tracks.get(key)
                if track is None or len(track) != sound.frames:
                    track = self._tracks[key] = _map(file, wanted).reshape(sound.frames, sound.channels)
            finally:
                os.close(file)
        except (OSError, ValueError) as error:
            raise Unplayable(f"{sound.path}: {error}") from error
        return track


def _map(file: int, size: int) -> Track:
    """The mapping lives as long as the array. Its pages are those of the file itself, shared by all workers."""
    samples: Track = np.frombuffer(mmap.mmap(file, size, access=mmap.ACCESS_READ), np.int16)
    samples[: _TOUCHED_BYTES // _SAMPLE_BYTES : mmap.PAGESIZE // _SAMPLE_BYTES].max()
    return samples
