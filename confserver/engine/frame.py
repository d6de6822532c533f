"""The measures of a tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TICK_S = 0.020
RATES_HZ = (8000, 16000, 48000)
"""Rates at which sound is decoded, mixed and encoded. A *band* is the place of a rate here."""
NARROW, WIDE, FULL = 0, 1, 2
"""The bands."""
FRAMES = (160, 320, 960)
"""Samples of one tick in each band."""
FULL_SCALE = 32768.0

RATE_HZ = RATES_HZ[NARROW]
FRAME = FRAMES[NARROW]

Rows = NDArray[np.intp]
Samples = NDArray[np.float32]
"""Full scale is 1.0."""
Bytes = NDArray[np.uint8]
Lengths = NDArray[np.int32]


def band_of(rate_hz: int) -> int:
    """Raises ValueError for a rate that is none of ours."""
    return RATES_HZ.index(rate_hz)
