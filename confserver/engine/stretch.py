"""Sound made shorter or longer by pitch periods, so that nobody hears it.

::

    shorter:  [ a | b c d ...  ->  [ a fading into c | d ...      b is left out
    longer:   x | a b ...      ->  x | a fading into x | a b ...  x sounds twice

Lengths are samples at 8 kHz times ``scale``.
"""

from __future__ import annotations

import numpy as np

from confserver.engine.frame import FRAME, Samples
from confserver.engine.pitch import faded, match

_SHORTEST, _LONGEST = 40, 120
"""Samples of which sound is made longer at a time."""
_LEAST, _MOST = 40, FRAME
"""Samples of which sound can be made shorter."""
_OVERLAP = 80
_TEMPLATE = 160


def shorter(whole: Samples, least: int, most: int, scale: int = 1) -> tuple[Samples, int]:
    """Leave out the stretch of least to most samples after which the sound is most like its beginning.

    whole: at least a frame and ``most`` samples. Gives what is left, and how many samples were left out.
    """
    least, most = max(least, _LEAST * scale), min(most, _MOST * scale)
    if most < least:
        return whole, 0
    overlap, template = _OVERLAP * scale, _TEMPLATE * scale
    gone = least + int(match(whole[None, :template], whole[None, least : most + template], scale)[0][0])
    rest = whole[gone:].copy()
    rising = ((np.arange(overlap) + 1) / (overlap + 1)).astype(np.float32)
    rest[:overlap] = faded(whole[:overlap], rest[:overlap], rising)
    return rest, gone


def longer(before: Samples, whole: Samples, scale: int = 1) -> tuple[Samples, int]:
    """Let the end of what sounded before sound once more. before, whole: at least a frame."""
    frame, overlap = FRAME * scale, _OVERLAP * scale
    joined = np.concatenate((before[-frame:], whole))
    template = joined[None, frame : frame + overlap]
    field = joined[None, frame - _LONGEST * scale : frame - _SHORTEST * scale + overlap]
    more = _LONGEST * scale - int(match(template, field, scale)[0][0])
    rising = ((np.arange(more) + 1) / (more + 1)).astype(np.float32)
    again = faded(whole[:more], joined[frame - more : frame], rising)
    return np.concatenate((again, whole)), more
