"""Keys pressed as tones within the sound (ITU-T Q.23), heard by the measures of ITU-T Q.24, and kept from the others.

Only legs that send no telephone-events are listened to. Each frame is cut into four blocks of 5 ms; the phasors of
the eight tones over a block are one matrix product for all legs. A *window* is four blocks, 20 ms; one ends with
every block. What could be a key in the coarse is looked at closely: frequencies, levels, twist, and that next to
nothing else sounds, neither harmonics nor speech::

    blocks   | h h h | b b b b |      h: of the frame before
    windows    +-------+ . . .        a key after NEEDED windows in a row; over after OVER without it

A frame in which two windows in a row were a key's is to be hushed at once, and so is the one after: others hear at
most 35 ms of a tone. A press is told when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, RATES_HZ, Rows, Samples
from confserver.engine.seats import Seats

LOW_HZ, HIGH_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = "123A456B789C*0#D"
"""By place: four to a row of the keypad, whose low tone is one of LOW_HZ (Q.23)."""
BLOCK_MS = 5
BLOCKS = 4
"""In a frame, and in a window."""
NEEDED = 4
"""Windows in a row that make a key: 35 ms of it. Q.24 wants all of 40 ms taken and, as AT&T has it, none of 23."""
SUSPECT = 2
"""Windows in a row after which a key is hushed."""
OVER = 8
"""Windows without the key after which it is over: interruptions of 10 ms are none (Q.24), pauses of 40 ms are."""

_TONES_HZ = np.array(LOW_HZ + HIGH_HZ, np.float64)
_SHIFTS = np.linspace(-0.03, 0.03, 13)
"""At which frequencies a tone is looked for, from its own; Q.24: 1.5 % must be taken, 3.5 % must not."""
_MOST_SHIFT = 0.0225
_COARSE_SHARE = 0.3
"""Of the sound, that must be in the two tones where they are looked for at their own frequencies only."""
_SHARE = 0.84
"""The same, where their frequencies are found. Noise 15 dB below leaves 0.97; a second harmonic cannot be strong."""
_APART = 10 ** (6 / 10)
"""The next tone of a group is weaker by so much."""
_LEAST_TONE = 10 ** (-43 / 10)
"""Mean square of the weaker one."""
_LEAST_BOTH = 10 ** (-36 / 10)
_LEAST_TWIST, _MOST_TWIST = 10 ** (-11 / 10), 10 ** (6 / 10)
"""The high tone to the low one; Q.24: -8 to +4 dB must be taken."""
_NO_KEY = -1

Codes = NDArray[np.int8]
Phasors = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Heard:
    """A press that is over."""

    row: int
    digit: str
    duration_ms: int


def _table(band: int) -> Samples:
    """(samples of a block, two for each tone): block @ table is the phasor of each tone, 1/4 of its amplitude."""
    size = FRAMES[band] // BLOCKS
    turns = np.arange(size)[:, None] * _TONES_HZ / RATES_HZ[band]
    phasor = np.exp(-2j * np.pi * turns) * (2 / (size * BLOCKS))
    return np.ascontiguousarray(phasor, np.complex64).view(np.float32)


def _turned(hz: NDArray[np.float64], blocks: int) -> Phasors:
    """(blocks, tones): by what the phasors of one block after another are turned so that they add up."""
    turns = np.arange(blocks)[:, None] * hz * (BLOCK_MS / 1000)
    return np.asarray(np.exp(-2j * np.pi * turns), np.complex64)


_TABLES = tuple(_table(band) for band in range(len(FRAMES)))
_ROUND = _turned(_TONES_HZ, 2 * BLOCKS - 1)
_FINE = np.stack([_turned(_TONES_HZ * shift, BLOCKS) for shift in _SHIFTS], axis=1)
"""(blocks, shifts, tones)."""


class Detector:
    """Listens to the legs that are watched, one call a tick."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._watched = np.zeros(0, np.bool_)
        self._warm = np.zeros(0, np.bool_)
        """Whether there is anything in the columns below."""
        self._phasors: Phasors = np.zeros((0, BLOCKS - 1, len(_TONES_HZ)), np.complex64)
        self._energy: Samples = np.zeros((0, BLOCKS - 1), np.float32)
        self._key: Codes = np.zeros(0, np.int8)
        self._run = np.zeros(0, np.int32)
        """Windows in which the key was found."""
        self._gap = np.zeros(0, np.int32)
        """Windows since then."""
        self._span = np.zeros(0, np.int32)
        """Windows from the first to the last in which it was found."""
        self._sounded = np.zeros(0, np.bool_)
        """Whether a key sounded in the last frame."""
        self.hush: Rows = np.zeros(0, np.intp)
        """Whose frames of this tick nobody else shall hear."""
        self.legs = 0
        """How many are watched."""

    def watch(self, row: int, wanted: bool) -> None:
        """Listen to a leg from now on, or no more; whatever was heard of the row is forgotten."""
        if row >= len(self._watched):
            self._fit(self._seats.capacity)
        self.legs += int(wanted) - int(self._watched[row])
        if wanted or self._watched[row]:
            self._forget(np.array([row]))
        self._watched[row] = wanted

    def _fit(self, capacity: int) -> None:
        for name in ("_watched", "_warm", "_phasors", "_energy", "_key", "_run", "_gap", "_span", "_sounded"):
            column = getattr(self, name)
            wider = np.zeros((capacity, *column.shape[1:]), column.dtype)
            wider[: len(column)] = column
            setattr(self, name, wider)

    def _forget(self, rows: Rows) -> None:
        self._warm[rows] = self._sounded[rows] = False
        self._phasors[rows] = 0
        self._energy[rows] = 0
        self._key[rows] = _NO_KEY
        self._run[rows] = self._gap[rows] = self._span[rows] = 0

    # ------------------------------------------------------------------ the tick
    def listen(self) -> list[Heard]:
        """Look at this tick's frames; wanted after playout. Finds ``hush``, too."""
        self.hush = self.hush[:0]
        if not self.legs:
            return []
        high = min(self._seats.high, len(self._watched))
        rows = np.flatnonzero(self._watched[:high])
        bands = self._seats.in_band[rows]
        heard: list[Heard] = []
        for band in np.unique(bands).tolist():
            heard += self._listen_in(rows[bands == band], band)
        return heard

    def _listen_in(self, rows: Rows, band: int) -> list[Heard]:
        frames = self._seats.signals[band][rows]
        loud = np.vecdot(frames, frames) > np.float32(_LEAST_BOTH / 4 * FRAMES[band])
        loud |= self._warm[rows]
        rows = rows[loud]
        if not len(rows):
            return []
        blocks = frames[loud].reshape(len(rows), BLOCKS, -1)
        phasors, energy = self._with_history(rows, blocks, band)
        heard = self._follow(rows, _codes(phasors, energy))
        self._find_hush(rows)
        quiet = energy[:, BLOCKS - 1 :].sum(axis=1) < _LEAST_BOTH
        quiet &= (self._key[rows] == _NO_KEY) & ~self._sounded[rows]
        self._forget(rows[quiet])
        return heard

    def _with_history(self, rows: Rows, blocks: Samples, band: int) -> tuple[Phasors, Samples]:
        """Phasors (rows, 7, tones) and mean squares (rows, 7) of the last three blocks and of these four."""
        fresh = (blocks @ _TABLES[band]).view(np.complex64)
        energy = np.vecdot(blocks, blocks) / np.float32(blocks.shape[2])
        phasors = np.concatenate((self._phasors[rows], fresh), axis=1)
        energies = np.concatenate((self._energy[rows], energy), axis=1)
        self._phasors[rows] = fresh[:, 1:]
        self._energy[rows] = energy[:, 1:]
        self._warm[rows] = True
        return phasors, energies

    def _follow(self, rows: Rows, codes: Codes) -> list[Heard]:
        """One window after another: presses begin, go on, end. Gives those that have ended."""
        busy = np.flatnonzero((codes != _NO_KEY).any(axis=1) | (self._key[rows] != _NO_KEY))
        rows, codes = rows[busy], codes[busy]
        heard: list[Heard] = []
        for window in range(BLOCKS if len(rows) else 0):
            heard += self._step(rows, codes[:, window])
        return heard

    def _step(self, rows: Rows, code: Codes) -> list[Heard]:
        key, run, gap = self._key[rows], self._run[rows], self._gap[rows]
        sure = run >= NEEDED
        same = (code == key) & (code != _NO_KEY)
        gap = np.where(same, 0, gap + 1)
        over = (key != _NO_KEY) & (gap >= np.where(sure, OVER, 2))
        heard = [self._heard(int(row)) for row in rows[over & sure]]
        fresh = (code != _NO_KEY) & ~same & (~sure | over)
        self._key[rows] = np.where(fresh, code, np.where(over, _NO_KEY, key))
        self._span[rows] = np.where(same, self._span[rows] + self._gap[rows] + 1, np.where(fresh, 1, self._span[rows]))
        self._run[rows] = np.where(same, run + 1, np.where(fresh, 1, np.where(over, 0, run)))
        self._gap[rows] = np.where(fresh, 0, gap)
        return heard

    def _heard(self, row: int) -> Heard:
        duration = (int(self._span[row]) + BLOCKS - 1) * BLOCK_MS
        return Heard(row, KEYS[self._key[row]], duration)

    def _find_hush(self, rows: Rows) -> None:
        """Where a key sounds; the frame after its last window may hold the rest of it."""
        sounds = (self._key[rows] != _NO_KEY) & (self._run[rows] >= SUSPECT) & (self._gap[rows] < BLOCKS)
        self.hush = np.concatenate((self.hush, rows[sounds | self._sounded[rows]]))
        self._sounded[rows] = sounds


def _codes(phasors: Phasors, energy: Samples) -> Codes:
    """The key in each of the four windows that end in this frame, int8 (rows, 4); -1: none.

    phasors: (rows, 7, tones); energy: mean squares (rows, 7).
    """
    turned = phasors * _ROUND
    whole = np.stack([turned[:, at : at + BLOCKS].sum(axis=1) for at in range(BLOCKS)], axis=1)
    power = (whole.real**2 + whole.imag**2) / 2
    square = np.stack([energy[:, at : at + BLOCKS].mean(axis=1) for at in range(BLOCKS)], axis=1)
    low, high = power[:, :, :4], power[:, :, 4:]
    both = low.max(axis=2) + high.max(axis=2)
    codes = np.full(square.shape, _NO_KEY, np.int8)
    row, window = np.nonzero((both > _COARSE_SHARE * square) & (square > _LEAST_BOTH))
    if len(row):
        parts = turned[row[:, None], window[:, None] + np.arange(BLOCKS)]
        codes[row, window] = _closely(parts, power[row, window], square[row, window])
    return codes


def _closely(parts: Phasors, power: Samples, square: Samples) -> Codes:
    """The key in each window. parts: (windows, blocks, tones); power, of each tone: (windows, tones)."""
    every = np.arange(len(parts))
    good = np.ones(len(parts), np.bool_)
    found, places = [], []
    for group in (slice(0, 4), slice(4, 8)):
        place = power[:, group].argmax(axis=1)
        others = np.sort(power[:, group], axis=1)
        tone = place + group.start
        swept = np.abs(np.einsum("wb,bsw->ws", parts[every, :, tone], _FINE[:, :, tone])) ** 2 / 2
        best = swept.argmax(axis=1)
        strength = swept[every, best]
        good &= (np.abs(_SHIFTS[best]) <= _MOST_SHIFT) & (others[:, 3] > _APART * others[:, 2])
        good &= strength > _LEAST_TONE
        found.append(strength)
        places.append(place)
    low, high = found
    good &= (high > _LEAST_TWIST * low) & (high < _MOST_TWIST * low) & (low + high > _SHARE * square)
    return np.where(good, places[0] * 4 + places[1], _NO_KEY).astype(np.int8)
