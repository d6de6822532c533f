"""Who pours something into a room that is no speech: steady noise, hold music, the tones of the network.

Speech is told from the rest by two things: it pauses all the time, and it never holds a note. Of each leg that talks::

    every tick     level, and the frame brought down to 4 kHz
    every 80 ms    spectrum; *likeness*, how much its fine structure is that of 80 ms before (chords stay as they are,
                   voices glide, noise is another each time); whether it is *pure*, one or two lines and nothing else
    every 0.5 s    over the last 3.5 s: *swing* of the level between its 10th and 90th percentile, mean likeness

        likeness |  music  ____/      tones: pure for 0.7 s, whatever the rest says
                 |     ___/   speech
                 |____/_____
                 | noise |
                 +---------------- swing

Twice in a row is believed. It is over when there was no sign of it for as long as such things pause. Legs take turns,
so that each tick has an equal share of the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, Rows, Samples
from confserver.engine.seats import Seats

NOISE, MUSIC, TONE = "noise", "music", "tone"
KINDS = ("", NOISE, MUSIC, TONE)
"""By code; 0: nothing of the sort."""
ENDS_AFTER: dict[str, int] = {NOISE: 100, MUSIC: 200, TONE: 300}
"""Ticks without a sign. A ringing tone is silent for 4 s."""

_SIZE = 80
"""Samples of a tick at 4 kHz."""
_STEPS = tuple(frame // _SIZE for frame in FRAMES)
"""Samples of each band that become one of these."""
_TICKS = 4
"""Of a spectrum."""
_FIRST_BIN, _LAST_BIN = 12, 150
"""150 to 1,875 Hz, in steps of 12.5."""
_SMOOTH = 6
"""Bins to each side, over which the coarse shape of a spectrum is taken off."""
_WINDOW = 176
"""Ticks that are judged together."""
_SPECTRA = _WINDOW // _TICKS
_JUDGED_EVERY = 6
"""Spectra."""
_BELIEVED = 2
_STEADY_DB = 9.5
"""Swing of noise; the sound of a fan that comes and goes has 8, fast speech in loud noise 15."""
_LEAST_STEADY_DB = -46.0
"""What is softer is no talker for long: ``speech`` follows it with its floor."""
_HUMS_DB = 1.5
"""Swing of what is neither music nor noise, where its likeness is as high as that of a tone."""
_ACTIVE = 10**-2.5
"""Spectra so much weaker than the strongest are pauses."""
_LIKE_AT_5_DB, _LIKE_A_DB = 0.30, 0.025
_LEAST_LIKE, _MOST_LIKE = 0.30, 0.72
"""Likeness above which it is music, rising with the swing."""
_PURE = 0.97
"""Share of the two strongest lines."""
_STAYS = 0.8
"""Likeness of a tone."""
_PURE_SPECTRA = 8
_LEAST_LEVEL_DB = -90.0

_window = np.hanning(_SIZE * _TICKS + 1)[:-1].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Noticed:
    """A leg pours something in, or (``kind`` empty) does so no more."""

    row: int
    kind: str


class Guard:
    """Listens to the legs that are watched while they talk; one call a tick."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._tick = 0
        self._watched = np.zeros(0, np.bool_)
        self._heard = np.zeros(0, np.int32)
        """Ticks for which the leg has talked."""
        self._frames = np.zeros((0, _TICKS, _SIZE), np.float32)
        self._shape = np.zeros((0, _LAST_BIN - _FIRST_BIN), np.float32)
        """Fine structure of the last spectrum, of length 1."""
        self._level = np.zeros((0, _WINDOW), np.float16)
        self._power = np.zeros((0, _SPECTRA), np.float32)
        self._likeness = np.zeros((0, _SPECTRA), np.float32)
        self._pure = np.zeros(0, np.int16)
        """Pure spectra, less those that were not; pauses and beginnings between bursts count little."""
        self._votes = np.zeros(0, np.int8)
        self._told = np.zeros(0, np.int8)
        """Code of what has been told and is not over."""
        self._seen = np.zeros(0, np.int64)
        """Tick of its last sign."""

    def watch(self, row: int, wanted: bool) -> list[Noticed]:
        """Listen to a leg from now on, or no more. Gives the end of what was told of it."""
        if row >= len(self._watched):
            self._fit(self._seats.capacity)
        if wanted == self._watched[row]:
            return []
        self._watched[row] = wanted
        told = bool(self._told[row])
        self._heard[row] = self._told[row] = self._pure[row] = 0
        return [Noticed(row, "")] if told else []

    def _fit(self, capacity: int) -> None:
        for name, column in list(vars(self).items()):
            if isinstance(column, np.ndarray):
                wider = np.zeros((capacity, *column.shape[1:]), column.dtype)
                wider[: len(column)] = column
                setattr(self, name, wider)

    # ------------------------------------------------------------------ the tick
    def listen(self) -> list[Noticed]:
        """Look at this tick's frames; wanted once it is known who talks."""
        self._tick += 1
        high = min(self._seats.high, len(self._watched))
        watched, talks = self._watched[:high], self._seats.talks[:high]
        self._heard[:high][~talks] = 0
        rows = np.flatnonzero(watched & talks)
        noticed: list[Noticed] = []
        if len(rows):
            begin = rows[self._heard[rows] == 0]
            self._power[begin] = 0
            self._votes[begin] = 0
            self._take_in(rows)
            noticed = self._judge(rows[self._heard[rows] % _TICKS == 0])
        return noticed + self._ended(high)

    def _take_in(self, rows: Rows) -> None:
        seats, heard = self._seats, self._heard[rows]
        bands = seats.in_band[rows]
        for band, step in enumerate(_STEPS):
            mine = np.flatnonzero(bands == band)
            if len(mine):
                frames = seats.signals[band][rows[mine]]
                slow = frames[:, ::step] + frames[:, 1::step]
                for at in range(2, step):
                    slow += frames[:, at::step]
                slow *= np.float32(1 / step)
                self._frames[rows[mine], heard[mine] % _TICKS] = slow
        level = np.maximum(seats.energy[rows], np.float32(10 ** (_LEAST_LEVEL_DB / 10)))
        self._level[rows, heard % _WINDOW] = 10 * np.log10(level)
        self._heard[rows] += 1

    def _judge(self, rows: Rows) -> list[Noticed]:
        """These have a whole spectrum more."""
        if not len(rows):
            return []
        self._analyse(rows)
        spectra = self._heard[rows] // _TICKS
        codes = np.where(self._pure[rows] >= _PURE_SPECTRA, KINDS.index(TONE), 0)
        whole = np.flatnonzero((spectra >= _SPECTRA) & (spectra % _JUDGED_EVERY == 0))
        if len(whole):
            found = self._found(rows[whole])
            votes = np.where(found != 0, self._votes[rows[whole]] + 1, 0)
            self._votes[rows[whole]] = np.minimum(votes, _BELIEVED)
            believed = np.where((votes >= _BELIEVED) | (self._told[rows[whole]] != 0), found, 0)
            codes[whole] = np.where(codes[whole] != 0, codes[whole], believed)
        signs = np.flatnonzero(codes)
        self._seen[rows[signs]] = self._tick
        fresh = signs[self._told[rows[signs]] == 0]
        self._told[rows[fresh]] = codes[fresh]
        return [Noticed(int(rows[place]), KINDS[codes[place]]) for place in fresh.tolist()]

    def _analyse(self, rows: Rows) -> None:
        frames = self._frames[rows].reshape(len(rows), -1) * _window
        spectrum = np.fft.rfft(frames, axis=1)[:, :_LAST_BIN]
        power = np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)
        shape = _fine(np.sqrt(np.sqrt(power[:, _FIRST_BIN:])))
        likeness = np.vecdot(shape, self._shape[rows])
        slot = (self._heard[rows] // _TICKS - 1) % _SPECTRA
        self._power[rows, slot] = power.sum(axis=1)
        self._likeness[rows, slot] = likeness
        sounds = self._power[rows, slot] > self._power[rows].max(axis=1) * _ACTIVE
        self._shape[rows[sounds]] = shape[sounds]
        pure = likeness > _STAYS
        pure[pure] = _is_pure(power[pure])
        step = np.where(pure, 1, np.where(sounds, -1, 0))
        self._pure[rows] = np.clip(self._pure[rows] + step, 0, _PURE_SPECTRA)

    def _found(self, rows: Rows) -> NDArray[np.int8]:
        """Codes of what the last window sounds like."""
        level = np.sort(self._level[rows].astype(np.float32), axis=1)
        low, high = level[:, _WINDOW // 10], level[:, -_WINDOW // 10]
        swing = high - low
        power = self._power[rows]
        active = power > power.max(axis=1, keepdims=True) * _ACTIVE
        likeness = (self._likeness[rows] * active).sum(axis=1) / np.maximum(active.sum(axis=1), 1)
        wanted = np.clip(_LIKE_AT_5_DB + _LIKE_A_DB * (swing - 5), _LEAST_LIKE, _MOST_LIKE)
        codes = np.where(swing < _STEADY_DB, KINDS.index(NOISE), 0)
        codes = np.where(likeness > wanted, KINDS.index(MUSIC), codes)
        codes = np.where((swing < _HUMS_DB) & (likeness > _STAYS), KINDS.index(TONE), codes)
        return np.where(high > _LEAST_STEADY_DB, codes, 0).astype(np.int8)

    def _ended(self, high: int) -> list[Noticed]:
        told = np.flatnonzero(self._told[:high])
        ended = [row for row in told.tolist() if self._tick - self._seen[row] > ENDS_AFTER[KINDS[self._told[row]]]]
        self._told[ended] = 0
        return [Noticed(row, "") for row in ended]


def _fine(spectrum: Samples) -> Samples:
    """What is left of a spectrum without its coarse shape, scaled to length 1. float32 (rows, bins)."""
    fine = spectrum @ _without_shape(spectrum.shape[1])
    length = np.sqrt(np.vecdot(fine, fine))[:, None]
    return np.asarray(fine / np.maximum(length, 1e-9), np.float32)


@cache
def _without_shape(bins: int) -> Samples:
    """Takes from each bin the mean of those around it; beyond its ends a spectrum goes on as it ends."""
    every = np.arange(bins)
    around = np.clip(every[:, None] + np.arange(-_SMOOTH, _SMOOTH + 1), 0, bins - 1)
    smooth = np.zeros((bins, bins))
    np.add.at(smooth, (around, every[:, None]), 1 / around.shape[1])
    return np.asarray(np.eye(bins) - smooth, np.float32)


def _is_pure(power: Samples) -> NDArray[np.bool_]:
    """Whether one or two lines are all there is. float32 (rows, bins)."""
    total = power.sum(axis=1)
    every, left = np.arange(len(power))[:, None], power.copy()
    found = np.zeros(len(power), np.float32)
    for _ in range(2):
        line = np.clip(left.argmax(axis=1), 2, power.shape[1] - 3)[:, None] + np.arange(-2, 3)
        found += left[every, line].sum(axis=1)
        left[every, line] = 0
    return np.asarray((found > _PURE * total) & (total > 0))
