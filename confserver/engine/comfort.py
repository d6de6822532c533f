"""Comfort noise: what a silent room sounds like, so that the line does not seem dead.

The spectrum is that of a quiet room (Hoth noise falls by 5 dB an octave, ITU-T P.800 B.1), without the rumble below
100 Hz. All rates have the same noise, as far as they reach: whoever comes with another phone hears the same room.
It is made once, as a loop of some seconds without a seam, from a spectrum of random phases: so its level is exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, RATES_HZ, Samples

LEVEL_DB = -65.0
"""Over the whole loop, where 0 dB is a square wave of full scale (dBov of RFC 3389); no frame comes near -60."""

_LOOP_FRAMES = 211
"""4.2 s: too long for an ear to find it again. A prime, so that nothing else of the engine beats with it."""
_LOWEST_HZ, _HIGHEST_HZ = 100.0, 7500.0
_SLOPE = 5 / (20 * np.log10(2))
"""Amplitudes fall with this power of the frequency."""
_SEED = 2
"""Of those tried, the one with the most even level: a frame is at most 3 dB above the whole."""


class ComfortNoise:
    """One noise a rate, shared by all rooms."""

    def __init__(self) -> None:
        self._loops = [_loop(band) for band in range(len(FRAMES))]
        self._next = [0] * len(FRAMES)

    def frames(self, band: int) -> Samples:
        """The next frame of this band: float32 (FRAMES[band]), a view that is not to be written to."""
        place = self._next[band]
        self._next[band] = (place + 1) % _LOOP_FRAMES
        frame: Samples = self._loops[band][place]
        return frame


def add(samples: Samples, noise: Samples, before: NDArray[np.bool_], now: NDArray[np.bool_]) -> None:
    """Add a frame of noise in place, to each row that shall have it; it comes and goes over a whole frame.

    samples: float32 (rows, frame). before, now: (rows), whether a row had noise in the frame before, and shall have it.
    """
    steady = np.flatnonzero(before & now)
    if len(steady):
        samples[steady] += noise
    coming, going = np.flatnonzero(now & ~before), np.flatnonzero(before & ~now)
    if len(coming) or len(going):
        rising = noise * (np.arange(1, len(noise) + 1, dtype=np.float32) / np.float32(len(noise)))
        samples[coming] += rising
        samples[going] += noise - rising


def _loop(band: int) -> Samples:
    rate_hz = RATES_HZ[band]
    length = _LOOP_FRAMES * FRAMES[band]
    hz = np.fft.rfftfreq(length, 1 / rate_hz)
    falling = np.maximum(hz, _LOWEST_HZ) ** -_SLOPE * np.minimum(hz / _LOWEST_HZ, 1) ** 2
    ceiling = 0.85 * min(rate_hz / 2, _HIGHEST_HZ)
    amplitudes = falling / (1 + (hz / ceiling) ** 12)
    phases = np.random.default_rng(_SEED).uniform(0, 2 * np.pi, len(hz))
    sound = np.fft.irfft(amplitudes * np.exp(1j * phases), length)
    sound *= 10 ** (LEVEL_DB / 20) / np.sqrt(np.mean(sound**2))
    loop = sound.astype(np.float32).reshape(_LOOP_FRAMES, -1)
    loop.flags.writeable = False
    return loop
