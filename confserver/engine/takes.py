"""What single legs say, taken for a while: somebody's name, which is played later.

It goes beside the mix: what a leg says is copied at 16 kHz, after the keys are hushed in it, into the row of its slot.
So 250 of them cost a tick little more than one, and no room hears of it.

::

    TakeSound ──► LEAD (what was played before may still echo) ──► taken, tick by tick ──► SoundTaken
                          limit: enough;  quiet: something was said, and nothing more;
                          stopped: a key;  closed: the leg is gone
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from confserver.contract import FromWorker, LegId, SoundTaken, StopTake, TakeId, TakeSound
from confserver.engine.frame import FRAMES, FULL_SCALE, RATES_HZ, TICK_S, WIDE, Rows, Samples
from confserver.engine.resampler import Resampler
from confserver.engine.seats import Seats
from confserver.engine.speech import SPOKEN_FRAMES

MOST = 256
"""At once; a take costs 640 bytes a tick while it lasts."""
MOST_S = 10.0
LEAD_TICKS = 10
"""0.2 s: a beep that comes back from a loudspeaker is over by then, and nobody has heard its end sooner."""
KEY_TICKS = 3
"""Before a key is known to be one: so much of it may have sounded."""


class HasRow(Protocol):
    @property
    def row(self) -> int: ...


class Takes:
    """All takes of a worker; one column each. ``by_id``: the legs."""

    def __init__(self, seats: Seats, by_id: Mapping[LegId, HasRow], say: Callable[[FromWorker], None]) -> None:
        self._seats = seats
        self._by_id = by_id
        self._say = say
        self._slots: dict[TakeId, int] = {}
        self._legs: dict[TakeId, LegId] = {}
        self._row: Rows = np.zeros(MOST, np.intp)
        self._ticks: NDArray[np.int64] = np.zeros(MOST, np.int64)
        self._most: NDArray[np.int64] = np.zeros(MOST, np.int64)
        self._quiet: NDArray[np.int64] = np.zeros(MOST, np.int64)
        self._spoken: NDArray[np.int64] = np.zeros(MOST, np.int64)
        """Ticks with a sound."""
        self._since: NDArray[np.int64] = np.zeros(MOST, np.int64)
        """Ticks without one since the last."""
        self._hushed: NDArray[np.int64] = np.full(MOST, -1, np.int64)
        """Where the last key begins, and was last."""
        self._pressed: NDArray[np.int64] = np.full(MOST, -1, np.int64)
        self._sound: NDArray[np.int16] | None = None
        """(slots, ticks, samples); pages that no take has come to are never touched."""
        self._resamplers: dict[int, Resampler] = {}
        self._bands: NDArray[np.int64] = np.full(MOST, -1, np.int64)
        """In which each has come so far."""

    def __len__(self) -> int:
        return len(self._slots)

    # ------------------------------------------------------------------ between ticks
    def start(self, command: TakeSound) -> None:
        """Always answered by SoundTaken, sooner or later. Another take of the same leg ends."""
        for other in [take for take, leg in self._legs.items() if leg == command.leg]:
            self._end(other, "stopped")
        leg, free = self._by_id.get(command.leg), set(range(MOST)) - set(self._slots.values())
        if leg is None or not free or command.take in self._slots:
            self._say(SoundTaken(take=command.take, cause="closed" if leg is None else "busy"))
            return
        if self._sound is None:
            self._sound = np.zeros((MOST, round(MOST_S / TICK_S), FRAMES[WIDE]), np.int16)
        slot = self._slots[command.take] = min(free)
        self._legs[command.take] = command.leg
        self._row[slot], self._ticks[slot] = leg.row, -LEAD_TICKS
        self._most[slot] = round(min(max(command.most_s, TICK_S), MOST_S) / TICK_S)
        self._quiet[slot] = max(round(command.quiet_s / TICK_S), 1)
        self._spoken[slot] = self._since[slot] = 0
        self._hushed[slot] = self._pressed[slot] = self._bands[slot] = -1

    def stop(self, command: StopTake) -> None:
        self._end(command.take, "stopped")

    def forget_leg(self, leg: LegId) -> None:
        """It is about to be closed."""
        for take in [take for take, taken in self._legs.items() if taken == leg]:
            self._end(take, "closed")

    def _end(self, take: TakeId, cause: str) -> None:
        slot = self._slots.pop(take, None)
        if slot is None:
            return
        del self._legs[take]
        ticks = max(int(self._ticks[slot]), 0)
        if cause == "stopped" and self._hushed[slot] >= 0:
            ticks = min(ticks, max(int(self._hushed[slot]) - KEY_TICKS, 0))
        has_spoken = self._sound is not None and self._spoken[slot] >= SPOKEN_FRAMES
        samples = self._sound[slot, :ticks].tobytes() if self._sound is not None and has_spoken else b""
        self._say(SoundTaken(take=take, cause=cause, rate_hz=RATES_HZ[WIDE], samples=samples))

    # ------------------------------------------------------------------ the tick
    def tick(self, hushed: Rows) -> None:
        """Take the frames that have just been played out, once it is known who talks. hushed: who presses a key."""
        if not self._slots:
            return
        slots = np.fromiter(self._slots.values(), np.intp, len(self._slots))
        rows, ticks = self._row[slots], self._ticks[slots]
        frames = self._frames(slots, rows)
        begun = np.flatnonzero(ticks >= 0)
        if self._sound is not None and len(begun):
            self._sound[slots[begun], ticks[begun]] = frames[begun]
        presses = np.isin(rows, hushed)
        begins = slots[presses & ((self._hushed[slots] < 0) | (self._pressed[slots] < ticks - 1))]
        self._hushed[begins] = np.maximum(self._ticks[begins], 0)
        self._pressed[slots[presses]] = ticks[presses]
        sounds = (self._seats.quiet_frames[rows] == 0) & ~presses & (ticks >= 0)
        self._spoken[slots] += sounds
        self._since[slots] = np.where(sounds, 0, self._since[slots] + 1)
        self._ticks[slots] = ticks + 1
        self._end_due(slots)

    def _frames(self, slots: Rows, rows: Rows) -> NDArray[np.int16]:
        """What these legs have said in this tick, at 16 kHz."""
        bands = self._seats.in_band[rows]
        out = np.empty((len(rows), FRAMES[WIDE]), np.float32)
        for band in np.unique(bands).tolist():
            mine = np.flatnonzero(bands == band)
            said = self._seats.signals[band][rows[mine]]
            out[mine] = said if band == WIDE else self._resampled(band, slots[mine], said)
        self._bands[slots] = bands
        whole: NDArray[np.int16] = np.clip(np.rint(out * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1).astype(
            np.int16
        )
        return whole

    def _resampled(self, band: int, slots: Rows, said: Samples) -> Samples:
        if band not in self._resamplers:
            self._resamplers[band] = Resampler(band, WIDE, MOST)
        fresh = slots[self._bands[slots] != band]
        if len(fresh):
            self._resamplers[band].begin(fresh)
        return self._resamplers[band].run(slots, said)

    def _end_due(self, slots: Rows) -> None:
        full = self._ticks[slots] >= self._most[slots]
        quiet = (self._spoken[slots] >= SPOKEN_FRAMES) & (self._since[slots] >= self._quiet[slots])
        if not (full | quiet).any():
            return
        takes = list(self._slots)
        for place in np.flatnonzero(full | quiet).tolist():
            self._end(takes[place], "quiet" if quiet[place] else "limit")
