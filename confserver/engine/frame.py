"""The measures of a tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TICK_S = 0.020
RATE_HZ = 8000
"""Rate of the mix."""
FRAME = 160
"""Samples of one tick at RATE_HZ."""
FULL_SCALE = 32768.0

Rows = NDArray[np.intp]
Samples = NDArray[np.float32]
"""Full scale is 1.0."""
Bytes = NDArray[np.uint8]
Lengths = NDArray[np.int32]
