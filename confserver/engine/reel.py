"""What is played, as one stretch of samples at each rate: sounds one after another without a gap, or tones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, FULL_SCALE, RATES_HZ, Samples
from confserver.engine.tones import CLOCK_HZ, Tones

Track = NDArray[np.int16]
"""Samples of one sound at one rate: (samples, channels)."""
Tracks = dict[int, Track]
"""One sound: its track in each band in which it lies ready."""

_SCALE = np.float32(1 / FULL_SCALE)


class Unplayable(Exception):
    """What cannot be played; the text says why."""


class Reel(Protocol):
    """Positions are in samples of the band."""

    def band_for(self, band: int) -> int:
        """The band to read in a room of this band: the same, or the next best that there is."""
        ...

    def frames(self, band: int) -> int | None:
        """How long it is, None: without end."""
        ...

    def read(self, position: int, band: int, out: Samples) -> None:
        """Write the samples from a position on; silence beyond the end."""
        ...

    def wrapped(self, position: int, band: int) -> int:
        """The same place, told as in the first round, of what goes over and over."""
        ...

    def window(self, band: int) -> Track | None:
        """All there is as one mono track, where it is that simple."""
        ...


class SoundReel:
    """Sounds one after another, over and over where it loops."""

    def __init__(self, sounds: Sequence[Tracks], loop: bool = False) -> None:
        """Raises Unplayable."""
        self._bands = sorted(set.intersection(*(set(sound) for sound in sounds))) if sounds else []
        if not self._bands:
            raise Unplayable("there is no rate at which all sounds of it lie ready")
        self._tracks = {band: [sound[band] for sound in sounds] for band in self._bands}
        self._ends = {band: np.cumsum([len(track) for track in self._tracks[band]]) for band in self._bands}
        self._loop = loop
        if any(self._ends[band][-1] < FRAMES[band] for band in self._bands if loop):
            raise Unplayable("too short to be played over and over")

    def band_for(self, band: int) -> int:
        return next((each for each in self._bands if each >= band), self._bands[-1])

    def frames(self, band: int) -> int | None:
        return None if self._loop else int(self._ends[band][-1])

    def read(self, position: int, band: int, out: Samples) -> None:
        ends, filled = self._ends[band], 0
        while filled < len(out):
            at = position + filled
            if self._loop:
                at %= int(ends[-1])
            place = int(np.searchsorted(ends, at, "right"))
            if place == len(ends):
                out[filled:] = 0
                return
            track = self._tracks[band][place]
            start = at - int(ends[place]) + len(track)
            part = track[start : start + len(out) - filled]
            out[filled : filled + len(part)] = _mono(part)
            filled += len(part)

    def wrapped(self, position: int, band: int) -> int:
        return position % int(self._ends[band][-1]) if self._loop else position

    def window(self, band: int) -> Track | None:
        tracks = self._tracks[band]
        return tracks[0] if len(tracks) == 1 and tracks[0].shape[1] == 1 else None


class ToneReel:
    """Tones, which are there at any rate."""

    def __init__(self, tones: Tones) -> None:
        self._tones = tones

    def band_for(self, band: int) -> int:
        return band

    def frames(self, band: int) -> int | None:
        return None if self._tones.length is None else self._tones.length * RATES_HZ[band] // CLOCK_HZ

    def read(self, position: int, band: int, out: Samples) -> None:
        rate = RATES_HZ[band]
        self._tones.render(position * (CLOCK_HZ // rate), rate, out)

    def wrapped(self, position: int, band: int) -> int:
        return (
            position if self._tones.length is not None else position % (self._tones.round * RATES_HZ[band] // CLOCK_HZ)
        )

    def window(self, band: int) -> Track | None:
        return None


def _mono(part: Track) -> Samples:
    """Full scale 1.0, all channels together."""
    samples = part[:, 0] if part.shape[1] == 1 else part.mean(axis=1, dtype=np.float32)
    return np.asarray(samples * _SCALE, np.float32)
