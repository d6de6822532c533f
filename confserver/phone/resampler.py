"""Any sampling rate to 8 kHz: a polyphase filter, a windowed sinc that lets speech pass and folds nothing back.

Flat to 3.4 kHz (the telephone band) and 75 dB down from 4 kHz on. Its delay is taken out: sample n is the moment
n / 8000 s.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE_HZ = 8000
LOWEST_HZ, HIGHEST_HZ = 1000, 400_000
HALF_WIDTH = 32
"""Zero crossings of the sinc on each side."""
KAISER_BETA = 8.0
"""80 dB in the stop band."""
TRANSITION = 0.08
"""Of the lower rate: half of it lies on each side of the cut-off."""
BLOCK = 4000
"""Output samples worked out at once: bounds the memory, not the result."""


def resampled(samples: Samples, rate_hz: int) -> Samples:
    """The same sound at 8 kHz; ceil(len * 8000 / rate) samples, silence taken before and behind.

    samples: float32 (n,). Raises ValueError for a rate out of LOWEST_HZ ... HIGHEST_HZ.
    """
    if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        raise ValueError(f"{rate_hz} Hz is no sampling rate between {LOWEST_HZ} and {HIGHEST_HZ}")
    if rate_hz == RATE_HZ or not len(samples):
        return samples
    common = math.gcd(RATE_HZ, rate_hz)
    phases, step = RATE_HZ // common, rate_hz // common
    taps = _phase_filters(rate_hz, phases)
    half = taps.shape[1] // 2
    padded = np.concatenate((np.zeros(half, np.float32), samples, np.zeros(half + 1, np.float32)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, taps.shape[1])
    out = np.empty(-(-len(samples) * phases // step), np.float32)
    for start in range(0, len(out), BLOCK):
        at = np.arange(start, min(start + BLOCK, len(out)), dtype=np.int64) * step
        np.einsum("nt,nt->n", windows[at // phases], taps[at % phases], out=out[start : start + len(at)])
    return out


def _phase_filters(rate_hz: int, phases: int) -> Samples:
    """float32 (phases, taps): row p weighs the input around an output that lies p / phases of a sample behind one."""
    lower = min(rate_hz, RATE_HZ)
    cut_off = lower / rate_hz * (1 - TRANSITION)  # of half the input rate
    half = math.ceil(HALF_WIDTH * rate_hz / lower)
    offset = np.arange(-half, half + 1)[np.newaxis, :] - np.arange(phases)[:, np.newaxis] / phases
    window = np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (offset / (half + 1)) ** 2, 0, 1))) / np.i0(KAISER_BETA)
    taps = cut_off * np.sinc(cut_off * offset) * window
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)
