"""What Opus packets tell by their first bytes, many at once: how long they sound, whether they hold a frame before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import Bytes, Lengths

CLOCK_HZ = 48000
"""Of the RTP timestamps, whatever the rate of the sound (RFC 7587 section 4.1)."""
LONGEST = CLOCK_HZ * 120 // 1000
"""RFC 6716 section 3.2.5, R5."""
LARGEST_FRAME = 1275
"""Bytes: R2."""

_MS = [10, 20, 40, 60] * 3 + [10, 20] * 2 + [2.5, 5, 10, 20] * 4
_FRAME = np.array([int(ms * CLOCK_HZ / 1000) for ms in _MS], np.int32)
"""Ticks of a frame, by the configuration in the upper five bits of the first byte (section 3.1, table 2)."""
_FRAMES = np.array([1, 2, 2, 0], np.int32)
"""By the lowest two bits, the code; for 3 the second byte tells (section 3.2)."""
_LOOKED_AT = 3
"""Bytes."""
_CELT_ONLY = 16
"""The first configuration without the layer that is made for speech, SILK."""
_FRAME_OF_SILK = CLOCK_HZ * 20 // 1000


def is_active(payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
    """Whether packets may hold speech: so their encoder says, or it says nothing of it (RFC 6716 section 4.2.3).

    As for ``has_redundancy``. libopus says no only where it is nearly sure.
    """
    first, second = payload[:, 0].astype(np.int32), payload[:, 1].astype(np.int32)
    tells = (first >> 3 < _CELT_ONLY) & (first & 3 == 0) & (length > 1)
    parts = np.maximum(_FRAME[first >> 3] // _FRAME_OF_SILK, 1)
    middle = second >> 8 - parts
    side = (second >> np.maximum(7 - 2 * parts, 0) & (1 << parts) - 1) * (first >> 2 & 1)
    return np.asarray(~tells | (middle | side > 0))


def has_redundancy(payload: Bytes, length: Lengths) -> NDArray[np.bool_]:
    """Whether packets of one frame hold a coarser copy of the frame before: LBRR (RFC 6716 section 4.2.3).

    payload: uint8 (packets, width); length: int32 (packets). Behind a flag for each 20 ms that says whether there is
    speech comes the one that says so, and the same of the side channel where there are two.
    """
    first, second = payload[:, 0].astype(np.int32), payload[:, 1].astype(np.int32)
    by_silk = (first >> 3 < _CELT_ONLY) & (first & 3 == 0) & (length > 1)
    parts = np.maximum(_FRAME[first >> 3] // _FRAME_OF_SILK, 1)
    middle = second >> 7 - parts & 1
    side = (second >> np.maximum(6 - 2 * parts, 0) & 1) * (first >> 2 & 1)
    return np.asarray(by_silk & (middle | side > 0))


def duration(payload: Bytes, length: Lengths) -> Lengths:
    """RFC 6716 section 3. In ticks of the clock; 0 where the packet is malformed, as far as the first bytes tell.

    payload: uint8 (packets, width); length, int32 (packets): how much of each counts, at most the width.
    """
    head = payload[:, :_LOOKED_AT].astype(np.int32)
    if head.shape[1] < _LOOKED_AT:
        head = np.pad(head, ((0, 0), (0, _LOOKED_AT - head.shape[1])))
    rest = length.astype(np.int32) - 1
    code = head[:, 0] & 3
    ticks = _FRAME[head[:, 0] >> 3]
    good = (rest >= 0) & (rest <= LARGEST_FRAME)
    several = np.flatnonzero(code)
    if several.size:
        count, fits = _several(code[several], rest[several], head[several, 1], head[several, 2])
        ticks[several] *= count
        good[several] = fits
        good &= (ticks > 0) & (ticks <= LONGEST)
    return np.where(good, ticks, 0).astype(np.int32)


def _several(code: Lengths, rest: Lengths, second: Lengths, third: Lengths) -> tuple[Lengths, NDArray[np.bool_]]:
    """How many frames, and whether they can be so, in packets of code 1 to 3. rest: bytes after the first."""
    count = np.where(code == 3, second & 63, 2).astype(np.int32)
    equal = (rest % 2 == 0) & (rest <= 2 * LARGEST_FRAME)
    wide = second >= 252
    size = np.where(wide, second + 4 * third, second)
    left = rest - 1 - wide - size
    two = (rest > wide) & (left >= 0) & (left <= LARGEST_FRAME)
    is_plain = second & 0xC0 == 0  # of one size and without padding
    even = ((rest - 1) % np.maximum(count, 1) == 0) & (rest - 1 <= LARGEST_FRAME * count)
    many = (rest >= 1) & (count > 0) & (even | ~is_plain)
    return count, np.choose(code - 1, (equal, two, many))
