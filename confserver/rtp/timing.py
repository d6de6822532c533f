"""When the next RTCP packet is due (RFC 3550 sections 6.2 and 6.3, appendix A.7). Arrays in, arrays out.

Each leg is a session of two. Its share of the bandwidth never asks for more than the least interval: two compound
packets of 200 octets every 5 s are 640 bit/s, 5 % of 12.8 kbit/s, and no format of ours with its headers takes less.
So the least interval is the deterministic one; what remains is to spread it at random, and to draw again at its end.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LEAST_S = 5.0
"""Section 6.2; half of it before the first packet."""
COMPENSATION = math.e - 1.5
"""Section 6.3.1: drawing again at the end of each interval makes the mean longer; this makes up for it."""

Times = NDArray[np.float64]


def interval_s(chance: Times, is_first: NDArray[np.bool_]) -> Times:
    """chance: 0..1 at random. 0.5 to 1.5 of the least interval, compensated; half of that before the first packet."""
    least: Times = np.where(is_first, LEAST_S / 2, LEAST_S)
    return least * (0.5 + chance) / COMPENSATION


def reconsidered(
    now: float, last: Times, chance: Times, is_first: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], Times]:
    """Timers have run out (section 6.3.6). Gives whether each may send now, and when it is due else.

    last: when each sent last, or began.
    """
    due: Times = last + interval_s(chance, is_first)
    return due <= now, due
