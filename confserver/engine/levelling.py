"""Soft and loud voices come nearer to each other: slowly, one gain per speaker, as a room may wish.

How loud somebody speaks is the level above which a quarter of the frames of speech lie: a cough or a pause hardly
moves it. Beside it go the level below which a quarter of them lies, and that below which a tenth lies with the pauses
between words. Speech has many decibels between them, noise few: then no gain moves, so that neither noise nor silence
is made louder. Nor is a voice by so much that the noise behind it would become plain. Between words all stays as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import TICK_S, Rows
from confserver.engine.seats import Seats

TARGET_DB = -23.0
"""Where the louder frames of speech shall lie (0 dB: a square wave of full scale). P.56 calls such speech -26 dBov."""
MOST_DB, LEAST_DB = 15.0, -9.0
"""The gains, at most and at least."""
RISE_DB_S, FALL_DB_S = 4.0, 6.0
"""How fast a gain may change, while its speaker speaks."""
STEP_DB = 0.25
"""Gains are given out in such steps: one that has settled moves no more."""

_SOFTEST_DB = -50.0
"""What is softer than this is not somebody speaking into his phone."""
_NOISE_DB = -50.0
"""So far the noise behind a voice may be raised."""
_ABOVE_NOISE_DB = 9.0
"""What is less above the noise is not sound."""
_RUN = 5
"""Sound must last for so many frames before it counts: knocks and keys do not."""
_KNOWN = 25
"""Frames of speech that must have been heard before a gain moves."""
_LIVELY_DB = 4.0
"""Speech has at least so much between its upper and its lower quarter; white noise has 1."""
_DEEP_DB = 14.0
"""So much lies between the upper quarter and the pauses; even the most restless noise has no more than 11."""
_SETTLING = 50
"""Frames in which a level is found roughly; later on it is followed slowly."""
_QUICK_DB, _SLOW_DB = 1.0, 0.15
"""How far one frame moves a level, at first and later."""
_WINDOW = 200
"""The noise behind a voice is its softest frame of so many and as many before them: 4 to 8 s, with words and pauses."""
_SLACK_DB = 1.0
"""A level that is off by less is right."""
_APPROACH = TICK_S / 0.5
"""Of what is missing, made good with each frame."""
_LEAST = np.float32(1e-9)

_COLUMNS = ("_loud", "_lower", "_soft", "_noise", "_noise_before", "_gain", "_run", "_spoken", "_talked")

Levels = NDArray[np.float32]
Counts = NDArray[np.int32]


class Levelling:
    """What is known of each speaker, by row of the seats, while the leg lives. Levels and gains are in dB."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._loud: Levels = np.zeros(0, np.float32)
        self._lower: Levels = np.zeros(0, np.float32)
        self._soft: Levels = np.zeros(0, np.float32)
        self._noise: Levels = np.zeros(0, np.float32)
        self._noise_before: Levels = np.zeros(0, np.float32)
        self._gain: Levels = np.zeros(0, np.float32)
        self._run: Counts = np.zeros(0, np.int32)
        """Frames of sound without a gap."""
        self._spoken: Counts = np.zeros(0, np.int32)
        """Frames of sound from which was learned."""
        self._talked: Counts = np.zeros(0, np.int32)
        """Frames with the pauses between words."""
        self._fit()

    def begin(self, row: int) -> None:
        """Somebody new has this row: nothing is known of him."""
        self._fit()
        self._gain[row] = 0
        self._run[row] = self._spoken[row] = self._talked[row] = 0

    def step(self, rows: Rows) -> Levels:
        """Learn from this tick's frames of these rows, after speech has measured them. Gives their gains."""
        self._fit()
        talking = rows[self._seats.talks[rows]]
        if len(talking):
            level = (10 * np.log10(np.maximum(self._seats.energy[talking], _LEAST))).astype(np.float32)
            self._follow_soft(talking, level)
            lasting = self._is_lasting(talking, level)
            self._follow_loud(talking[lasting], level[lasting])
            self._approach(talking[lasting])
        return self.gains(rows)

    def gains(self, rows: Rows) -> Levels:
        """What each row's sound is to be multiplied by."""
        steps = np.round(self._gain[rows] / np.float32(STEP_DB)) * np.float32(STEP_DB)
        return np.asarray(np.power(np.float32(10), steps / np.float32(20)), np.float32)

    def _is_lasting(self, rows: Rows, level: Levels) -> NDArray[np.bool_]:
        """Whether a frame is one of several of sound well above the noise."""
        sounds = (self._seats.quiet_frames[rows] == 0) & (level > self._noise_behind(rows) + _ABOVE_NOISE_DB)
        self._run[rows] = np.where(sounds, self._run[rows] + 1, 0)
        return np.asarray(self._run[rows] >= _RUN)

    def _noise_behind(self, rows: Rows) -> Levels:
        return np.minimum(self._noise[rows], self._noise_before[rows])

    def _follow_loud(self, rows: Rows, level: Levels) -> None:
        """A quarter of the frames of sound shall lie above ``_loud``, a quarter below ``_lower``."""
        spoken = self._spoken[rows]
        pace = np.where(spoken < _SETTLING, _QUICK_DB, _SLOW_DB)
        loud = np.where(spoken == 0, level, self._loud[rows])
        self._loud[rows] = loud + pace * np.where(level > loud, 0.75, -0.25)
        lower = np.where(spoken == 0, level, self._lower[rows])
        self._lower[rows] = lower + pace * np.where(level < lower, -0.75, 0.25)
        self._spoken[rows] = spoken + 1

    def _follow_soft(self, rows: Rows, level: Levels) -> None:
        """A tenth of all frames, with the pauses, shall lie below; and what was the softest of late."""
        talked = self._talked[rows]
        soft = np.where(talked == 0, level, self._soft[rows])
        pace = 2 * np.where(talked < _SETTLING, _QUICK_DB, _SLOW_DB)
        self._soft[rows] = soft + pace * np.where(level < soft, -0.9, 0.1)
        anew = talked % _WINDOW == 0
        before = np.where(anew, self._noise[rows], self._noise_before[rows])
        self._noise_before[rows] = np.where(talked < _WINDOW, level, before)
        self._noise[rows] = np.where(anew, level, np.minimum(self._noise[rows], level))
        self._talked[rows] = talked + 1

    def _approach(self, rows: Rows) -> None:
        """Move the gains of those who are known to speak towards what they should be."""
        loud, gain = self._loud[rows], self._gain[rows]
        most = np.clip(_NOISE_DB - self._noise_behind(rows), 0, MOST_DB)
        missing = np.clip(TARGET_DB - loud, LEAST_DB, most) - gain
        missing = np.sign(missing) * np.maximum(np.abs(missing) - _SLACK_DB, 0)
        change = np.clip(missing * _APPROACH, -FALL_DB_S * TICK_S, RISE_DB_S * TICK_S)
        self._gain[rows] = np.where(self._is_speech(rows), gain + change, gain)

    def _is_speech(self, rows: Rows) -> NDArray[np.bool_]:
        loud = self._loud[rows]
        known = (self._spoken[rows] >= _KNOWN) & (loud > _SOFTEST_DB)
        return known & (loud - self._lower[rows] >= _LIVELY_DB) & (loud - self._soft[rows] >= _DEEP_DB)

    def _fit(self) -> None:
        """Have room for as many rows as the seats have."""
        more = self._seats.capacity - len(self._gain)
        if more > 0:
            for name in _COLUMNS:
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros(more, column.dtype)]))

    def describe(self, row: int) -> dict[str, float]:
        """For administration."""
        return {
            "gain_db": round(float(self._gain[row]), 2),
            "loud_db": round(float(self._loud[row]), 1),
            "soft_db": round(float(self._soft[row]), 1),
            "spoken_s": round(float(self._spoken[row]) * TICK_S, 1),
        }
