"""Which packet plays now, by RTP timestamp.

::

    idle --first packet--> waiting --margin over--> playing --nothing for half a second--> idle

A playing leg whose ring is empty *starves*: the clock of its stream stands still, so that packets which are only
late play later instead of being lost. Where a later packet is there but not this one, it is *lost*: the clock goes on,
also by what it stood still, so that the later packet plays in its place. ``concealment`` bridges either. The delay
grown by starving is given back while the participant is quiet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.arrival import MARGIN_S
from confserver.engine.codecs import CODECS, codec_of
from confserver.engine.concealment import Concealment
from confserver.engine.frame import FRAME, TICK_S, Rows, Samples
from confserver.engine.seats import RING, SPENT, Seats
from confserver.rtp.statistics import signed32

_GIVE_UP = 25 * FRAME
"""Samples of time without a packet after which a stream has ended."""
_LONGEST_GAP = (SPENT + 1) * FRAME
"""Samples of a gap that are waited for when what follows is already there; a longer one is jumped."""
_FULL = (RING - 1) * FRAME
"""Samples ahead that a ring holds; beyond, new packets overwrite those that should play next."""
_ANEW = 4 * FRAME
"""From a ring that has overflown so much is still played."""
_REVIEW = 50
"""Ticks between two looks at whether a leg's delay can shrink."""
_MOST_DELAY_S = 0.120
"""Beyond this the delay shrinks even while the participant talks."""
_NONE = np.iinfo(np.int64).max
_UNKNOWN = 9.0
_NO_SAMPLES: Samples = np.zeros(0, np.float32)


class Playout:
    """Fills every leg's signal for one tick."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._concealment = Concealment(seats)
        self._samples: dict[int, Samples] = {}
        self._ticks = 0

    def skip(self, ticks: int) -> None:
        """Ticks were missed: what should have played meanwhile is over."""
        seats, high = self._seats, self._seats.high
        seats.next_timestamp[np.flatnonzero(seats.playing[:high])] += np.uint32(ticks * FRAME)

    def play(self, now: float) -> None:
        """Decode or conceal one frame of each leg into ``seats.signal``."""
        seats, high = self._seats, self._seats.high
        self._concealment.fit()
        self._start(np.flatnonzero(seats.waiting[:high] & (seats.start_at[:high] <= now)))
        playing = seats.playing[:high]
        due = (seats.ring_timestamp[:high] == seats.next_timestamp[:high, None]) & (seats.ring_length[:high] > 0)
        slot = due.argmax(axis=1)
        plain = playing & ~seats.odd[:high]
        found = plain & due[np.arange(high), slot]
        rows = np.flatnonzero(found)
        if len(rows):
            self._decode(rows, slot[rows])
        missing = np.flatnonzero(plain & ~found)
        if len(missing):
            self._seek(missing)
        for row in np.flatnonzero(seats.odd[:high] & playing).tolist():
            self._play_odd(row)
        sounding = seats.missed[:high] < SPENT
        seats.signal[np.flatnonzero(~playing & ~sounding)] = 0
        ending = np.flatnonzero(~playing & sounding)
        if len(ending):
            self._conceal(ending)
            seats.missed[ending] += 1
        self._concealment.remember()
        self._ticks += 1
        if self._ticks % _REVIEW == 0:
            self._shrink()

    def forget(self, row: int) -> None:
        """The leg is gone."""
        self._samples.pop(row, None)
        self._concealment.forget(row)

    def _start(self, rows: Rows) -> None:
        seats = self._seats
        seats.playing[rows] = True
        seats.waiting[rows] = False
        seats.starved[rows] = 0
        for row in rows.tolist():
            self._samples.pop(row, None)

    def _decode(self, rows: Rows, slot: Rows) -> None:
        seats = self._seats
        payload = seats.ring[rows, slot, :FRAME]
        meaning = seats.ring_meaning[rows, slot]
        back = rows[seats.missed[rows] > 0]
        frames = np.empty((len(rows), FRAME), np.float32)
        for number, codec in enumerate(CODECS, 1):
            mine = np.flatnonzero(meaning == number)
            if len(mine) == len(rows):
                codec.decode(payload, frames)
            elif len(mine):
                part = np.empty((len(mine), FRAME), np.float32)
                codec.decode(payload[mine], part)
                frames[mine] = part
        seats.signal[rows] = frames
        if len(back):
            seats.signal[back] = self._concealment.come_back(back, seats.signal[back])
        seats.ring_length[rows, slot] = 0
        seats.next_timestamp[rows] += np.uint32(FRAME)
        seats.starved[rows] = seats.missed[rows] = 0

    # ------------------------------------------------------------------ what is not there
    def _seek(self, rows: Rows) -> None:
        """Nothing begins at this time: take what should have played by now, else conceal."""
        seats = self._seats
        distance, slot = self._nearest(rows)
        jumps = _is_jumped(distance, seats.starved[rows])
        if jumps.any():
            over = rows[jumps]
            usual = seats.ring_length[over, slot[jumps]] == FRAME
            seats.next_timestamp[over] += distance[jumps].astype(np.uint32)
            self._decode(over[usual], slot[jumps][usual])
            seats.odd[over[~usual]] = True
        crooked = ~jumps & (distance - seats.starved[rows] < FRAME)
        seats.odd[rows[crooked]] = True
        lost = ~jumps & ~crooked
        self._conceal(rows[lost])
        self._miss(rows[lost], distance[lost], FRAME)

    def _nearest(self, rows: Rows) -> tuple[NDArray[np.int64], Rows]:
        """Samples until the next packet that each ring holds (_NONE: it holds none), and its slot."""
        seats = self._seats
        ahead = signed32(seats.ring_timestamp[rows] - seats.next_timestamp[rows][:, None]).astype(np.int64)
        ahead[seats.ring_length[rows] == 0] = 0
        newest = ahead.max(axis=1)
        least = np.where(newest >= _FULL, newest - _ANEW, 1)
        distance = np.where(ahead >= least[:, None], ahead, _NONE)
        slot = distance.argmin(axis=1)
        return distance[np.arange(len(rows)), slot], slot

    def _miss(self, rows: Rows, distance: NDArray[np.int64], samples: int) -> None:
        """What was missing is lost, late, or the stream has paused. samples: how many of the frame were missing."""
        seats = self._seats
        seats.concealed[rows[seats.missed[rows] < SPENT]] += 1
        seats.missed[rows] += 1
        lost = distance < _NONE
        passed = seats.starved[rows] + samples
        seats.next_timestamp[rows[lost]] += np.minimum(passed, distance)[lost].astype(np.uint32)
        seats.starved[rows] = np.where(lost, 0, passed)
        seats.playing[rows[seats.starved[rows] > _GIVE_UP]] = False

    def _conceal(self, rows: Rows) -> None:
        seats = self._seats
        self._begin(rows)
        seats.signal[rows] = self._concealment.go_on(rows)

    def _begin(self, rows: Rows, after: Samples = _NO_SAMPLES) -> None:
        first = rows[self._seats.missed[rows] == 0]
        if len(first):
            self._concealment.begin(first, after[None])

    # ------------------------------------------------------------------ frames of other lengths
    def _play_odd(self, row: int) -> None:
        """A leg whose packets are not 20 ms long, or not in step: its decoded samples wait in a queue of their own."""
        seats = self._seats
        queue = self._samples.pop(row, _NO_SAMPLES)
        while len(queue) < FRAME:
            part = self._next_samples(row, queue)
            if part is None:
                break
            queue = np.concatenate((queue, part))
        missing = FRAME - len(queue)
        one = np.array([row])
        if missing > 0:
            self._begin(one, queue)
            seats.signal[row] = np.concatenate((queue, self._concealment.go_on(one, missing)[0]))[:FRAME]
            self._miss(one, self._nearest(one)[0], missing)
            return
        frame = queue[:FRAME]
        if seats.missed[row]:
            frame = self._concealment.come_back(one, frame[None])[0]
        seats.signal[row] = frame
        seats.starved[row] = seats.missed[row] = 0
        if len(queue) > FRAME:
            self._samples[row] = queue[FRAME:]
        else:
            held = seats.ring_length[row]
            seats.odd[row] = bool(((held > 0) & (held != FRAME)).any())

    def _next_samples(self, row: int, queue: Samples) -> Samples | None:
        """What follows the queue: of the packet that is due, or a stand-in for less than a frame; None: nothing."""
        seats = self._seats
        behind = signed32(seats.next_timestamp[row] - seats.ring_timestamp[row])
        due = (behind >= 0) & (behind < seats.ring_length[row])
        slot = int(due.argmax())
        if due[slot]:
            return self._opened(row, slot)[int(behind[slot]) :]
        nearest, slots = self._nearest(np.array([row]))
        distance = int(nearest[0])
        if _is_jumped(nearest, seats.starved[row : row + 1])[0]:
            seats.next_timestamp[row] += np.uint32(distance)
            seats.starved[row] = 0
            return self._opened(row, int(slots[0]))
        missing = distance - int(seats.starved[row])
        if missing > FRAME - len(queue):
            return None
        seats.next_timestamp[row] += np.uint32(distance)
        seats.concealed[row] += seats.missed[row] == 0
        one = np.array([row])
        self._begin(one, queue)
        return self._concealment.go_on(one, missing)[0, :missing]

    def _opened(self, row: int, slot: int) -> Samples:
        """Take a packet out of the ring, decoded; the stream's clock goes to its end."""
        seats = self._seats
        size = int(seats.ring_length[row, slot])
        codec = codec_of(int(seats.ring_meaning[row, slot]))
        frame: Samples = np.empty((1, codec.samples_in(size)), np.float32)
        codec.decode(seats.ring[row : row + 1, slot, :size], frame)
        seats.ring_length[row, slot] = 0
        seats.next_timestamp[row] = seats.ring_timestamp[row, slot] + np.uint32(frame.shape[1])
        return np.asarray(frame[0])

    # ------------------------------------------------------------------ delay
    def _shrink(self) -> None:
        """Skip one frame of each quiet leg whose packets have all lain ready a whole frame too early of late."""
        seats, high = self._seats, self._seats.high
        least = np.minimum(seats.slack[:high], seats.slack_before[:high])
        spare = seats.playing[:high] & (least < _UNKNOWN)
        early = spare & ~seats.talks[:high] & (least > TICK_S + MARGIN_S)
        early |= spare & (least > _MOST_DELAY_S)
        rows = np.flatnonzero(early)
        seats.next_timestamp[rows] += np.uint32(FRAME)
        seats.slack_before[:high] = np.where(early, _UNKNOWN, seats.slack[:high])
        seats.slack[:high] = _UNKNOWN

    def delay_s(self, row: int) -> float:
        """How long the leg's packets lie in the ring at least, of late."""
        least = min(float(self._seats.slack[row]), float(self._seats.slack_before[row]))
        return max(least, 0.0) if least < _UNKNOWN else 0.0


def _is_jumped(distance: NDArray[np.int64], starved: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the next packet plays at once: its time has come while the clock stood still, or the gap is too long."""
    late = distance - starved
    return (distance < _NONE) & ((late <= 0) | (late > _LONGEST_GAP))
