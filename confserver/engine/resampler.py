"""From one rate to another, for many streams at once: exactly a frame for a frame, with the history of each.

A polyphase FIR as few matrix products: a block of samples with the history before it, times one banded matrix, gives
a block at the other rate. All blocks of all rows go in one call, so the cost is that of the multiplications.
One whole-frame matrix would multiply mostly zeros; soxr and samplerate give no whole frames or cost ten times more.

The low pass lets through what both telephone bands carry (3.4 kHz beside 8 kHz, 7 kHz between 16 and 48 kHz) and
is designed here, as small as its purpose allows, by weighted least squares until all errors are equal (Lawson 1961).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, FULL, NARROW, RATES_HZ, WIDE, Rows, Samples


@dataclass(frozen=True, slots=True)
class Filter:
    """A low pass between two bands, at the higher rate."""

    taps: int
    """Odd. The delay is half of them."""
    pass_hz: float
    stop_hz: float


FILTERS = {
    (NARROW, WIDE): Filter(taps=49, pass_hz=3400, stop_hz=4600),
    (WIDE, FULL): Filter(taps=87, pass_hz=7000, stop_hz=9000),
    (NARROW, FULL): Filter(taps=149, pass_hz=3400, stop_hz=4600),
}
"""By the lower and the higher band: ripple 0.02 dB, images and aliases below -74 dB, delay 0.9 to 1.6 ms."""

BLOCKS = {
    (NARROW, WIDE): 16,
    (WIDE, NARROW): 32,
    (WIDE, FULL): 16,
    (FULL, WIDE): 48,
    (NARROW, FULL): 16,
    (FULL, NARROW): 96,
}
"""Samples taken in by one product, as measured to be fastest; each divides its frame."""

_AT_ONCE = 512
"""Rows of one product: more would leave the processor's cache, fewer cost more calls."""
_STOP_WEIGHT = 10.0
"""How much more an error in the stop band counts than one in the pass band."""
_ROUNDS = 8
_POINTS_A_TAP = 12


class Resampler:
    """From one band to another for many streams."""

    def __init__(self, from_band: int, to_band: int, rows: int) -> None:
        """Raises ValueError where the bands are the same."""
        if from_band == to_band:
            raise ValueError(f"no way to resample from {RATES_HZ[from_band]} Hz to itself")
        self.from_band, self.to_band = from_band, to_band
        self._up = max(RATES_HZ[to_band] // RATES_HZ[from_band], 1)
        self._down = max(RATES_HZ[from_band] // RATES_HZ[to_band], 1)
        self._block = BLOCKS[from_band, to_band]
        self._matrix = _MATRICES[from_band, to_band]
        self._past = len(self._matrix) - self._block
        """Samples of history."""
        self._history: Samples = np.zeros((rows, self._past), np.float32)
        self._make_work()

    def _make_work(self) -> None:
        """Have the place where history and frame stand side by side, and a view of it as blocks that overlap."""
        frame, rows = FRAMES[self.from_band], min(len(self._history), _AT_ONCE)
        self._work: Samples = np.zeros((rows, self._past + frame), np.float32)
        shape = frame // self._block, rows, self._past + self._block
        row, sample = self._work.strides
        self._blocks: Samples = as_strided(self._work, shape, (self._block * sample, row, sample))

    @property
    def delay_s(self) -> float:
        """By which sound comes out later than it went in."""
        low, high = sorted((self.from_band, self.to_band))
        return ((FILTERS[low, high].taps - 1) / 2 - (self._down - 1)) / RATES_HZ[high]

    def run(self, rows: Rows | slice, frames: Samples, out: Samples | None = None) -> Samples:
        """Give these rows' next samples at the other rate.

        rows: one by one, or a slice of neighbours (cheaper; counted from the front, in steps of one).
        frames: float32 (n, FRAMES[from_band]), or the first samples of such frames in any number that makes whole
        samples at the other rate. out: float32 of the result's shape. Raises ValueError where it has another.
        """
        count, width = frames.shape
        shape = count, width * self._up // self._down
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.shape != shape:
            raise ValueError(f"no room for {shape} samples in {out.shape}")
        for first in range(0, count, _AT_ONCE):
            part = slice(first, min(first + _AT_ONCE, count))
            self._run(_part_of(rows, part), frames[part], out[part])
        return out

    def _run(self, rows: Rows | slice, frames: Samples, out: Samples) -> None:
        count, width = frames.shape
        past, block = self._past, self._block
        work = self._work[:count, : past + width]
        work[:, :past] = self._history[rows]
        work[:, past:] = frames
        blocks, rest = divmod(width, block)
        made = self._matrix.shape[1]
        if blocks:
            by_block = out[:, : blocks * made].reshape(count, blocks, made).swapaxes(0, 1)
            np.matmul(self._blocks[:blocks, :count], self._matrix, out=by_block)
        if rest:
            matrix = self._matrix[: past + rest, : rest * self._up // self._down]
            np.matmul(work[:, blocks * block :], matrix, out=out[:, blocks * made :])
        self._history[rows] = work[:, width:]

    def begin(self, rows: Rows) -> None:
        """Silence before. Memory of rows that never sounded stays untouched."""
        self._history[rows[self._history[rows].any(axis=1)]] = 0

    def copy(self, source: Rows, to: Rows) -> None:
        """Let the rows ``to`` go on as those of ``source`` would."""
        self._history[to] = self._history[source]

    def fit(self, rows: int) -> None:
        """Have room for so many rows; those there keep their history."""
        before = self._history
        if rows <= len(before):
            return
        self._history = np.zeros((rows, self._past), np.float32)
        used = np.flatnonzero(before.any(axis=1))
        self._history[used] = before[used]
        self._make_work()


def _part_of(rows: Rows | slice, part: slice) -> Rows | slice:
    if isinstance(rows, slice):
        first = rows.start or 0
        return slice(first + part.start, first + part.stop)
    return rows[part]


def low_pass(wanted: Filter, rate_hz: int) -> NDArray[np.float64]:
    """The taps of a filter of linear phase whose errors are equal all over its bands.

    Least squares, again and again with more weight where the error was larger (C. L. Lawson, 1961; the floor under
    the weights keeps the equations sound).
    """
    points = wanted.taps * _POINTS_A_TAP
    passed = np.linspace(0, wanted.pass_hz, round(points * wanted.pass_hz / rate_hz))
    stopped = np.linspace(wanted.stop_hz, rate_hz / 2, round(points * (rate_hz / 2 - wanted.stop_hz) / rate_hz))
    counts = np.concatenate([np.ones(len(passed)), np.full(len(stopped), _STOP_WEIGHT)])
    aim = np.concatenate([np.ones(len(passed)), np.zeros(len(stopped))])
    turns = 2 * np.pi * np.concatenate([passed, stopped]) / rate_hz
    waves = np.cos(turns[:, None] * np.arange(wanted.taps // 2 + 1))
    weight = counts
    for _ in range(_ROUNDS):
        weighted = (waves * weight[:, None]).T
        half = np.linalg.solve(weighted @ waves, weighted @ aim)
        error = np.abs(waves @ half - aim) * counts
        weight = weight * (error / error.max() + 0.02)
        weight = weight / weight.max()
    return np.concatenate([half[:0:-1] / 2, half[:1], half[1:] / 2])


def _matrix(from_band: int, to_band: int) -> Samples:
    """What turns history and a block, side by side, into a block at the other rate.

    Each sample that goes out stands at the latest one that came in for it, so that reducing a rate adds no delay.
    """
    low, high = sorted((from_band, to_band))
    taps = low_pass(FILTERS[low, high], RATES_HZ[high])
    up, down = max(RATES_HZ[to_band] // RATES_HZ[from_band], 1), max(RATES_HZ[from_band] // RATES_HZ[to_band], 1)
    block = BLOCKS[from_band, to_band]
    past = -(-(len(taps) - up) // up) if up > 1 else len(taps) - down
    come = np.arange(-past, block)[:, None] * up
    gone = np.arange(block * up // down)[None, :] * down + down - 1
    tap = gone - come
    heard = (tap >= 0) & (tap < len(taps))
    matrix = np.where(heard, up * taps[np.clip(tap, 0, len(taps) - 1)], 0).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


_MATRICES = {pair: _matrix(*pair) for pair in BLOCKS}
