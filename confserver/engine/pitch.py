"""Where in a stretch of sound it repeats itself best: normalised correlation, for many legs at once."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from confserver.engine.frame import Rows, Samples

_FAINT = np.float32(1e-6)
"""Energy of a stretch below which nothing in it counts as alike (about -80 dB in 10 ms)."""


def match(template: Samples, field: Samples, scale: int = 1) -> tuple[Rows, Samples]:
    """The offset in each row of the field at which it is most like the row's template, and how alike: -1 to 1.

    template: float32 (rows, length). field: float32 (rows, length + offsets - 1). scale: their rate over 8 kHz; where
    it is above 1, 8 kHz are searched and the rest only near to what was found there.
    """
    length = template.shape[1]
    last = field.shape[1] - length
    if scale == 1 or last < 4 * scale:
        return _match(template, field)
    coarse, _ = _match(_thinned(template, scale), _thinned(field, scale))
    first = np.clip(coarse * scale - scale, 0, last - 2 * scale)
    near = np.take_along_axis(field, first[:, None] + np.arange(length + 2 * scale), axis=1)
    fine, alike = _match(template, near)
    return first + fine, alike


def _match(template: Samples, field: Samples) -> tuple[Rows, Samples]:
    length = template.shape[1]
    windows = sliding_window_view(field, length, axis=1)
    product = np.vecdot(windows, template[:, None, :])
    sums = np.cumsum(np.square(field, dtype=np.float64), axis=1)
    energy = sums[:, length - 1 :].copy()
    energy[:, 1:] -= sums[:, :-length]
    alike = product / np.sqrt(np.maximum(energy, _FAINT))
    offset = alike.argmax(axis=1)
    own = np.sqrt(np.maximum(np.vecdot(template, template), _FAINT))
    best = alike[np.arange(len(alike)), offset] / own
    return offset, np.asarray(best, np.float32)


def _thinned(sound: Samples, scale: int) -> Samples:
    """At 8 kHz, well enough to find a pitch."""
    count = sound.shape[1] // scale
    thin: Samples = sound[:, : count * scale].reshape(len(sound), count, scale).mean(axis=2)
    return thin


def faded(before: Samples, after: Samples, rising: NDArray[np.float32]) -> Samples:
    """One sound going over into another. rising: share of the second, per sample."""
    return np.asarray(before + (after - before) * rising, np.float32)
