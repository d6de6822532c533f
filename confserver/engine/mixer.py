"""Sums of talkers, and each talker's sum without himself.

A *mix* is one row here: up to SLOTS talkers with their gains. Every listener of a mix who does not talk hears its sum;
a talker hears the sum minus exactly what he put in. Every change of a gain is a ramp within one frame: 5 ms up (a
talker's first word must not be cut), the whole frame down.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAMES, NARROW, Rows, Samples
from confserver.engine.seats import SILENT, Seats

MOST_TALKERS, MOST_PLAYERS, MOST_GUESTS = 16, 4, 4
"""Talkers with those who fade out, players, and talkers of other rooms with those who fade out, at most, in one mix."""
SLOTS = MOST_TALKERS + MOST_PLAYERS + MOST_GUESTS
NOBODY = 0
"""The mix without sources."""


class Mixer:
    """All mixes of one band. Only the talkers of a mix, and players, have a slot in it."""

    def __init__(self, seats: Seats, band: int = NARROW) -> None:
        self._seats = seats
        self.band = band
        self.frame = FRAMES[band]
        at = np.arange(1, self.frame + 1, dtype=np.float32)
        self._still_up = (1 - np.minimum(at / (self.frame // 4), 1)).astype(np.float32)
        self._still_down = (1 - at / self.frame).astype(np.float32)
        """How much of the gain before is still there."""
        self._size = 256
        self.high = 1
        self.seat: NDArray[np.int32] = np.zeros((self._size, SLOTS), np.int32)
        self._wish: NDArray[np.float32] = np.zeros((self._size, SLOTS), np.float32)
        self._before: NDArray[np.float32] = np.zeros((self._size, SLOTS), np.float32)
        self._came_from: NDArray[np.float32] = np.zeros((self._size, SLOTS), np.float32)
        """The gains from which the latest frame came; ``_before`` are those at its end."""
        self.sums: Samples = np.zeros((1, self.frame), np.float32)
        """Of the latest tick, by mix."""
        self.with_noise: NDArray[np.bool_] = np.zeros(self._size, np.bool_)
        """Whose listeners hear comfort noise where nobody talks."""
        self.noisy: NDArray[np.bool_] = np.zeros(self._size, np.bool_)
        """Those in which it was to be heard in the latest frame."""
        self.limit: NDArray[np.float32] = np.ones(self._size, np.float32)
        self.right: NDArray[np.int32] = np.zeros(self._size, np.int32)
        """The mix for the right ear beside one for the left; 0: none."""
        self._gains: dict[int, dict[int, float]] = {NOBODY: {}}
        self._free = list(range(self._size - 1, NOBODY, -1))
        self.own_mix: Rows = np.zeros(0, np.intp)
        self.own_slot: Rows = np.zeros(0, np.intp)
        self.own_seat: Rows = np.zeros(0, np.intp)
        self.left = 0
        """So many of these hear by the mix itself, the others by that for the right ear."""
        self._used = 0
        self.stale = True
        self.has_guests = False
        """Somebody whose own mix is in another band may have a slot here."""

    # ------------------------------------------------------------------ between ticks
    def open(self) -> int:
        if not self._free:
            self._grow()
        mix = self._free.pop()
        self._gains[mix] = {}
        self.seat[mix] = SILENT
        self._wish[mix] = self._before[mix] = 0
        self.limit[mix] = 1
        self.with_noise[mix] = self.noisy[mix] = False
        self.high = max(self.high, mix + 1)
        return mix

    def close(self, mix: int) -> None:
        del self._gains[mix]
        self.right[mix] = 0
        self.seat[mix] = SILENT
        self._wish[mix] = self._before[mix] = 0
        self._free.append(mix)
        self.stale = True

    def set_gains(self, mix: int, gains: dict[int, float]) -> None:
        """Who may be heard in a mix (row -> gain); those who talk now ramp to it."""
        self._gains[mix] = gains
        for slot in np.flatnonzero(self.seat[mix]).tolist():
            self._wish[mix, slot] = gains.get(int(self.seat[mix, slot]), 0.0)

    def admit(self, mix: int, row: int) -> None:
        """Give a talker a slot, silent until the next frame. Where none is free he is not heard."""
        free = self.seat[mix] == SILENT
        if row in self.seat[mix] or not free.any():
            return
        slot = int(free.argmax())
        self.seat[mix, slot] = row
        self._wish[mix, slot] = self._gains[mix].get(row, 0.0)
        self._before[mix, slot] = 0
        self.stale = True

    def dismiss(self, mix: int, row: int) -> None:
        """Take a slot back; its envelope has come to zero."""
        slots = np.flatnonzero(self.seat[mix] == row)
        self.seat[mix, slots] = SILENT
        self._wish[mix, slots] = self._before[mix, slots] = 0
        self.stale = True

    def hush(self, mix: int) -> None:
        """Let everything in a mix come to zero within the next frame."""
        self._wish[mix] = 0

    def sounds(self, mix: int) -> bool:
        """Whether something was in a mix at the end of the latest frame."""
        return bool(self._before[mix].any())

    def carry_over(self, old: int, new: int) -> None:
        """A listener goes from one mix to another of the same talkers: their gains ramp from where they were."""
        before = dict(zip(self.seat[old].tolist(), self._before[old].tolist(), strict=True))
        self._before[new] = [before.get(seat, 0.0) if seat else 0.0 for seat in self.seat[new].tolist()]
        self.limit[new] = self.limit[old]

    def _grow(self) -> None:
        old, self._size = self._size, self._size * 2
        for name in ("seat", "_wish", "_before", "_came_from", "limit", "with_noise", "noisy", "right"):
            column = getattr(self, name)
            wider = np.zeros((self._size, *column.shape[1:]), column.dtype)
            wider[:old] = column
            setattr(self, name, wider)
        self.limit[old:] = 1
        self._free.extend(range(self._size - 1, old - 1, -1))

    @property
    def count(self) -> int:
        return len(self._gains) - 1

    # ------------------------------------------------------------------ the tick
    def mix(self, out: Samples | None = None) -> tuple[Samples, Samples]:
        """Give the sums of all mixes (mixes, samples) and what each talker hears (as ``own_seat``, samples).

        out: where to write both, one after the other.
        """
        high, signal = self.high, self._seats.signals[self.band]
        if out is None:
            out = np.empty((high + len(self.own_seat), self.frame), np.float32)
        seat = self.seat[:high, : self._used]
        gain = np.zeros((high, SLOTS), np.float32)
        gain[:, : self._used] = self._wish[:high, : self._used] * self._seats.envelope[seat] * self._seats.gain[seat]
        before = self._before[:high]
        self.sums = sums = out[:high]
        sums[...] = 0
        for slot in range(self._used):
            sums += signal[seat[:, slot]] * gain[:, slot, None]
        own = out[high : high + len(self.own_seat)]
        np.subtract(
            sums[self.own_mix],
            signal[self.own_seat] * gain[self.own_mix, self.own_slot][:, None],
            out=own,
        )
        changing = np.flatnonzero((before != gain).any(axis=1))
        if len(changing):
            self._ramp(changing, before, gain, sums, own)
        self._came_from[:high] = before
        self._before[:high] = gain
        return sums, own

    def _ramp(
        self, mixes: Rows, before: NDArray[np.float32], gain: NDArray[np.float32], sums: Samples, own: Samples
    ) -> None:
        """Put back, in the mixes whose gains change, what is still there of the gains before."""
        signal = self._seats.signals[self.band]
        mine = np.flatnonzero(np.isin(self.own_mix, mixes))
        own[mine] -= sums[self.own_mix[mine]]
        for slot in range(self._used):
            change = before[mixes, slot] - gain[mixes, slot]
            if change.any():
                sums[mixes] += self._remainder(change) * signal[self.seat[mixes, slot]]
        if not len(mine):
            return
        mix, slot_of, seat = self.own_mix[mine], self.own_slot[mine], self.own_seat[mine]
        change = before[mix, slot_of] - gain[mix, slot_of]
        own[mine] += sums[mix] - self._remainder(change) * signal[seat]

    def _remainder(self, change: NDArray[np.float32]) -> Samples:
        """change: gain before minus gain after, one a row. What of it still sounds at each sample of the frame."""
        falling = np.maximum(change, 0)[:, None] * self._still_down
        rising = np.minimum(change, 0)[:, None] * self._still_up
        return np.asarray(falling + rising, np.float32)

    def part_of(self, mix: int, row: int) -> Samples:
        """What a talker has put into a mix in the latest frame; zeros where he has no slot there."""
        slots = np.flatnonzero(self.seat[mix] == row)
        if row == SILENT or not len(slots):
            return np.zeros(self.frame, np.float32)
        gain = self._before[mix, slots]
        ramp = gain[:, None] + self._remainder(self._came_from[mix, slots] - gain)
        return np.asarray(self._seats.signals[self.band][row] * ramp[0], np.float32)

    def sounding(self, mix: int) -> tuple[Rows, NDArray[np.float32]]:
        """Who is in a mix at the end of the latest frame, and with what gain."""
        slots = np.flatnonzero((self.seat[mix] != SILENT) & (self._before[mix] > 0))
        return self.seat[mix, slots].astype(np.intp), self._before[mix, slots]

    def find_own(self) -> None:
        """Find who has a slot in the very mix he listens to; wanted before ``mix`` whenever ``stale``."""
        seat, mix = self.seat[: self.high], np.arange(self.high)[:, None]
        taken = seat != SILENT
        if self.has_guests:
            taken &= self._seats.band[seat] == self.band
        listens = self._seats.mix[seat]
        mixes, slots = np.nonzero((listens == mix) & taken)
        self.left = len(mixes)
        if self.right[: self.high].any():
            right = self.right[np.where(taken, listens, NOBODY)]
            others = np.nonzero((right == mix) & taken & (right != NOBODY))
            mixes, slots = np.concatenate((mixes, others[0])), np.concatenate((slots, others[1]))
        self.own_mix, self.own_slot, self.own_seat = mixes, slots, seat[mixes, slots].astype(np.intp)
        used = np.flatnonzero((seat != SILENT).any(axis=0))
        self._used = int(used[-1]) + 1 if len(used) else 0
        self.stale = False
