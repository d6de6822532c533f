"""What sounds in place of lost frames: the last sound, repeated by its pitch, softer and softer.

The way of ITU-T G.711 Appendix I, without its delay of 3.75 ms and for all lost legs at once:

- The pitch is the lag of 5 to 15 ms at which the last 10 ms are most like what was before them.
- The last period is repeated; where its end goes over into its beginning, a quarter of a period overlaps. (The two and
  three periods of Appendix I sounded worse by 0.1 MOS-LQO at a loss of 3 and of 10 %, as did its longer overlap with
  the first frame that is there again.)
- After 10 ms the loudness falls by a fifth each 10 ms; after 60 ms nothing sounds (``seats.SPENT``).
- The first frame that is there again overlaps with what would have followed.

Which sample of the past sounds when depends on the pitch alone: it is read from tables made once. A leg without loss
costs one copy of its frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAME, Rows, Samples
from confserver.engine.pitch import faded, match
from confserver.engine.seats import SPENT, Seats

_SHORTEST, _LONGEST = 40, 120
"""Samples of a pitch period: 200 to 66 Hz; of a higher voice, several periods."""
_FRAMES = 3
_PAST = _FRAMES * FRAME
"""Samples of the past that are kept."""
_TEMPLATE = 80
_STEP = 80
"""Samples in which the loudness falls by a fifth; before the first of them it stays."""
_MOST = SPENT * FRAME
_BACK = (40, 24, 24, 40)
"""Samples of overlap at the end, by frames missed."""


def _tables() -> tuple[NDArray[np.intp], NDArray[np.intp], Samples]:
    """For each pitch: which sample of the past sounds when, which other one overlaps with it, and its share."""
    pitch = np.arange(_SHORTEST, _LONGEST + 1)[:, None]
    turn = np.arange(_MOST + FRAME) % pitch
    source = _PAST - pitch + turn
    overlapping = turn - (pitch - pitch // 4)
    share = np.maximum(overlapping + 1, 0) / (pitch // 4 + 1)
    return source, source - pitch, share.astype(np.float32)


_SOURCE, _OTHER, _SHARE = _tables()
_AT = np.arange(_MOST + 2 * FRAME)
_LOUDNESS = np.clip(1.2 - _AT / (5 * _STEP), 0, 1).astype(np.float32)
_LOUDNESS[_MOST:] = 0
_FRAME_AT = np.arange(FRAME)
_JOIN = max(_BACK)
_RETURN = np.stack([np.clip((_FRAME_AT[:_JOIN] + 1) / (length + 1), 0, 1) for length in _BACK]).astype(np.float32)
"""Share of the first frame that is there again, by frames missed."""


class Concealment:
    """The past of every leg, and what is made of it."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._slot = 0
        self._past: Samples = np.zeros((seats.capacity, _FRAMES, FRAME), np.float32)
        self._kept: Samples = np.zeros((seats.capacity, _PAST), np.float32)
        self._pitch: NDArray[np.intp] = np.full(seats.capacity, _LONGEST)
        self._step: Samples = np.zeros(seats.capacity, np.float32)
        self._passed: NDArray[np.intp] = np.zeros(seats.capacity, np.intp)

    def forget(self, row: int) -> None:
        """The leg is gone: nobody hears what he said."""
        self._past[row] = self._kept[row] = self._step[row] = 0
        self._passed[row] = _MOST

    def remember(self, resting: Rows) -> None:
        """Keep this tick's frame of every leg, ``seats.signal``. resting: who has none, as he plays what he holds."""
        high = self._seats.high
        kept = self._past[resting]
        self._slot = (self._slot + 1) % _FRAMES
        self._past[:high, self._slot] = self._seats.signal[:high]
        if len(resting):
            self._past[resting] = np.roll(kept, 1, axis=1)

    def remember_also(self, rows: Rows, frames: Samples) -> None:
        """Keep a frame that came before this tick's and is not in ``seats.signal``."""
        before = (self._slot - 1) % _FRAMES
        self._past[rows, before] = self._past[rows, self._slot]
        self._past[rows, self._slot] = frames

    def begin(self, rows: Rows, after: Samples | None = None) -> None:
        """Sound breaks off: find its pitch. after: what has been heard since the last whole frame, (1, samples)."""
        order = (self._slot + 1 + np.arange(_FRAMES)) % _FRAMES
        past = self._past[rows[:, None], order].reshape(len(rows), _PAST)
        if after is not None:
            past = np.concatenate((past, after), axis=1)[:, -_PAST:]
        offset, _ = match(past[:, -_TEMPLATE:], past[:, -_TEMPLATE - _LONGEST : -_SHORTEST])
        pitch = _LONGEST - offset
        self._kept[rows] = past
        self._pitch[rows] = pitch
        self._step[rows] = past[:, -1] - past[np.arange(len(rows)), _PAST - 1 - pitch]
        self._passed[rows] = 0

    def go_on(self, rows: Rows, samples: int = FRAME) -> Samples:
        """The frame that follows; time passes by so many samples of it."""
        frames = self._follow(rows)
        self._passed[rows] = np.minimum(self._passed[rows] + samples, _MOST)
        return frames

    def come_back(self, rows: Rows, frames: Samples) -> Samples:
        """The first frames that are there again, overlapped with what would have followed."""
        rising = _RETURN[np.minimum(self._seats.missed[rows], SPENT)]
        result = frames.copy()
        result[:, :_JOIN] = faded(self._follow(rows, _JOIN), frames[:, :_JOIN], rising)
        return result

    def _follow(self, rows: Rows, samples: int = FRAME) -> Samples:
        at = self._passed[rows, None] + _FRAME_AT[:samples]
        table = self._pitch[rows, None] - _SHORTEST
        place = np.minimum(at, _MOST + FRAME - 1)
        row, share = rows[:, None], _SHARE[table, place]
        frames = self._kept[row, _SOURCE[table, place]] * (1 - share) + self._kept[row, _OTHER[table, place]] * share
        # the first period begins where the sound broke off, not where the period began: the step between dies away
        fading = np.maximum(1 - (at + 1) / (self._pitch[rows, None] // 4 + 1), 0)
        frames += self._step[row] * fading
        return np.asarray(frames * _LOUDNESS[at], np.float32)

    def fit(self) -> None:
        """Grow as the seats have grown."""
        if self._seats.capacity == len(self._past):
            return
        for name in ("_past", "_kept", "_pitch", "_step", "_passed"):
            old = getattr(self, name)
            new = np.zeros((self._seats.capacity, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)
