"""What sounds in place of lost frames: the last sound, repeated by its pitch, softer and softer.

The way of ITU-T G.711 Appendix I, without its delay of 3.75 ms and for all lost legs of one band at once:

- The pitch is the lag of 5 to 15 ms at which the last 10 ms are most like what was before them.
- The last period is repeated; where its end goes over into its beginning, a quarter of a period overlaps. (The two and
  three periods of Appendix I sounded worse by 0.1 MOS-LQO at a loss of 3 and of 10 %, as did its longer overlap with
  the first frame that is there again.)
- After 10 ms the loudness falls by a fifth each 10 ms; after 60 ms nothing sounds (``seats.SPENT``).
- The first frame that is there again overlaps with what would have followed.

A leg without loss costs one copy of its frame. Memory of a band is touched only by legs that play in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, NARROW, Rows, Samples
from confserver.engine.pitch import faded, match
from confserver.engine.seats import SPENT, Seats

_SHORTEST, _LONGEST = 40, 120
"""Samples at 8 kHz of a pitch period: 200 to 66 Hz; of a higher voice, several periods."""
_FRAMES = 2
"""Of the past that are kept."""
_TEMPLATE = 80
_STEP = 80
"""Samples in which the loudness falls by a fifth; before the first of them it stays."""
_BACK = (40, 24, 24, 40)
"""Samples of overlap at the end, by frames missed."""


class Concealment:
    """The past of every leg of one band, and what is made of it."""

    def __init__(self, seats: Seats, band: int = NARROW) -> None:
        self._seats = seats
        self._band = band
        self._frame = frame = FRAMES[band]
        self._scale = scale = frame // FRAMES[NARROW]
        self._size = _FRAMES * frame
        self._most = SPENT * frame
        self._join = max(_BACK) * scale
        at = np.arange(self._most + 2 * frame)
        self._loudness = np.clip(1.2 - at / (5 * _STEP * scale), 0, 1).astype(np.float32)
        self._loudness[self._most :] = 0
        at = np.arange(self._join) + 1
        self._return = np.stack([np.clip(at / (length * scale + 1), 0, 1) for length in _BACK]).astype(np.float32)
        """Share of the first frame that is there again, by frames missed."""
        self._slot = 0
        self._past: Samples = np.zeros((_FRAMES, seats.capacity, frame), np.float32)
        self._kept: Samples = np.zeros((seats.capacity, self._size), np.float32)
        self._pitch: NDArray[np.int32] = np.full(seats.capacity, _LONGEST * scale, np.int32)
        self._step: Samples = np.zeros(seats.capacity, np.float32)
        self._passed: NDArray[np.int32] = np.zeros(seats.capacity, np.int32)

    def forget(self, row: int) -> None:
        """The leg is gone: nobody hears what he said. Rows that were never used cost no memory."""
        for sound in (self._past[:, row], self._kept[row]):
            if sound.any():
                sound[...] = 0
        self._step[row] = 0
        self._passed[row] = self._most

    def hand_over(self, row: int, other: Concealment) -> None:
        """Another band takes over what the leg has played, and what it is about to make up."""
        scale = other._frame / self._frame
        order = (np.arange(_FRAMES) + other._slot + 1) % _FRAMES
        past = carried(self.past(np.array([row]))[0], other._size)
        other._past[order, row] = past.reshape(_FRAMES, other._frame)
        other._kept[row] = carried(self._kept[row], other._size)
        other._pitch[row] = round(int(self._pitch[row]) * scale)
        other._step[row] = self._step[row]
        other._passed[row] = min(round(int(self._passed[row]) * scale), other._most)
        self.forget(row)

    def remember(self, rows: Rows | slice) -> None:
        """Keep this tick's frame of these legs, ``seats.signals``."""
        self._past[self._slot, rows] = self._seats.signals[self._band][rows]

    def turn(self) -> None:
        """A tick ends: what is remembered next is its frame."""
        self._slot = (self._slot + 1) % _FRAMES

    def past(self, rows: Rows) -> Samples:
        """What these legs have played last: float32 (rows, two frames)."""
        order = (self._slot + 1 + np.arange(_FRAMES)) % _FRAMES
        return self._past[order, rows[:, None]].reshape(len(rows), self._size)

    def begin(self, rows: Rows, heard: Samples) -> None:
        """Sound breaks off: find its pitch. heard: float32 (rows, two frames), what was before."""
        scale = self._scale
        template = heard[:, -_TEMPLATE * scale :]
        offset, _ = match(template, heard[:, -(_TEMPLATE + _LONGEST) * scale : -_SHORTEST * scale], scale)
        pitch = _LONGEST * scale - offset
        self._kept[rows] = heard
        self._pitch[rows] = pitch
        self._step[rows] = heard[:, -1] - heard[np.arange(len(rows)), self._size - 1 - pitch]
        self._passed[rows] = 0

    def fade(self, rows: Rows) -> None:
        """What has been made up so far is spent: nothing follows any more."""
        self._passed[rows] = self._most

    def go_on(self, rows: Rows, samples: int) -> Samples:
        """So many samples that follow; time passes by them."""
        frames = self._follow(rows, samples)
        self._passed[rows] = np.minimum(self._passed[rows] + samples, self._most)
        return frames

    def come_back(self, rows: Rows, frames: Samples) -> None:
        """Let the first frames that are there again overlap with what would have followed."""
        join = min(self._join, frames.shape[1])
        rising = self._return[np.minimum(self._seats.missed[rows], SPENT), :join]
        frames[:, :join] = faded(self._follow(rows, join), frames[:, :join], rising)

    def _follow(self, rows: Rows, samples: int) -> Samples:
        """Which sample of the past sounds when: by the pitch alone."""
        passed, pitch = self._passed[rows, None], self._pitch[rows, None]
        at = passed + np.arange(samples, dtype=np.int32)
        quarter = pitch // 4
        turn = at % pitch
        source = self._size - pitch + turn
        share = (np.maximum(turn - (pitch - quarter) + 1, 0) / (quarter + 1)).astype(np.float32)
        row = rows[:, None]
        before = self._kept[row, source]
        frames = before + (self._kept[row, source - pitch] - before) * share
        # the first period begins where the sound broke off, not where the period began: the step between dies away
        frames += self._step[rows, None] * np.maximum(1 - (at + 1) / (quarter + 1), 0)
        return np.asarray(frames * self._loudness[at], np.float32)

    def fit(self) -> None:
        """Grow as the seats have grown."""
        old, capacity = len(self._passed), self._seats.capacity
        if capacity == old:
            return
        mine, begun = np.flatnonzero(self._seats.in_band[:old] == self._band), np.flatnonzero(self._passed)
        past, self._past = self._past, np.zeros((_FRAMES, capacity, self._frame), np.float32)
        self._past[:, mine] = past[:, mine]
        for name in ("_kept", "_pitch", "_step", "_passed"):
            column = getattr(self, name)
            wider = np.zeros((capacity, *column.shape[1:]), column.dtype)
            wider[begun] = column[begun]
            setattr(self, name, wider)
        self._pitch[self._pitch == 0] = _LONGEST * self._scale


def carried(sound: Samples, count: int) -> Samples:
    """Sound at another rate, so that it has so many samples: good enough for what fades out within 5 ms."""
    if not len(sound) or not count:
        return np.zeros(count, np.float32)
    return np.asarray(np.interp(np.arange(count) * (len(sound) / count), np.arange(len(sound)), sound), np.float32)
