"""A soft limiter for rows of samples: looks ahead within the frame, so it costs no delay.

The gain falls at once, within the first 2 ms of the frame in which it must, and rises by at most 1 dB a frame.
What still stands above the ceiling in those 2 ms is bent, not cut.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import TICK_S, Samples

CEILING = np.float32(0.94)
_RELEASE = np.float32(10 ** (1 / 20))
_ATTACK_S = 0.002


def limit(samples: Samples, gain: NDArray[np.float32]) -> None:
    """Limit in place.

    samples: float32 (rows, a frame of any band). gain: float32 (rows), each row's gain so far; becomes the new one.
    """
    if not len(samples) or (samples.max() <= CEILING and samples.min() >= -CEILING and gain.min() >= 1):
        return
    peak = np.maximum(samples.max(axis=1), -samples.min(axis=1))
    busy = np.flatnonzero((peak > CEILING) | (gain < 1))
    if not len(busy):
        return
    before = gain[busy]
    after = np.minimum(np.minimum(CEILING / np.maximum(peak[busy], CEILING), before * _RELEASE), 1).astype(np.float32)
    fall, rise = _ways(samples.shape[1])
    way = np.where((after < before)[:, None], fall, rise)
    rows = samples[busy] * (before[:, None] + (after - before)[:, None] * way)
    samples[busy] = _bend(rows)
    gain[busy] = after


@cache
def _ways(samples: int) -> tuple[Samples, Samples]:
    """How a gain falls and how it rises within a frame of so many samples, as parts of its change."""
    passed = np.arange(1, samples + 1) / samples
    return np.minimum(passed * (TICK_S / _ATTACK_S), 1).astype(np.float32), passed.astype(np.float32)


def _bend(samples: Samples) -> Samples:
    """Bring what stands above the ceiling into the little room that is left below full scale."""
    room = np.float32(1) - CEILING
    over = np.abs(samples) - CEILING
    bent = np.sign(samples) * (CEILING + room * np.tanh(np.maximum(over, 0) / room))
    return np.where(over > 0, bent, samples).astype(np.float32)
