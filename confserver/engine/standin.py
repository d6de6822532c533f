"""Stand-ins for lost frames: the last one mirrored, softer from frame to frame.

Mirrored, so that it goes on where the sound broke off; the first frame after the gap joins its end within 5 ms.
A missing frame so is a blur, never a click.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAME, Samples
from confserver.engine.seats import SPENT

_LEVELS = (1.0, 0.8, 0.4, 0.0)
"""Loudness before the first stand-in and at the end of each; after the third, nothing sounds (``seats.SPENT``)."""
_RATIO = np.array([after / before for before, after in itertools.pairwise(_LEVELS)], np.float32)
_WAY = (np.arange(1, FRAME + 1) / FRAME).astype(np.float32)
_JOIN = 40
_IN = ((np.arange(_JOIN) + 1) / (_JOIN + 1)).astype(np.float32)
_OUT = 1 - _IN


def after(frames: Samples, missed: NDArray[np.int32]) -> Samples:
    """The frames that stand in after these. missed: how many have stood in before."""
    ratio = _RATIO[np.minimum(missed, SPENT - 1)]
    loudness = (1 + (ratio[:, None] - 1) * _WAY) * (missed < SPENT)[:, None]
    return np.asarray(frames[:, ::-1] * loudness, np.float32)


def tail(frames: Samples) -> Samples:
    """What still sounds of these frames while the next ones begin."""
    return np.asarray(frames[:, : -_JOIN - 1 : -1] * _OUT, np.float32)


def joined(tails: Samples, frames: Samples) -> Samples:
    """The first frames after a gap, faded into what still sounds."""
    result = frames.copy()
    result[:, :_JOIN] = result[:, :_JOIN] * _IN + tails
    return result
