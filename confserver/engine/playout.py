"""Which packet plays now, by RTP timestamp.

::

    idle --first packet--> waiting --margin over--> playing --nothing for half a second--> idle

A playing leg whose ring is empty *starves*: the clock of its stream stands still, so that packets which are only
late play later instead of being lost. Where a later packet is there but not this one, it is *lost*: the clock goes on,
also by what it stood still, so that the later packet plays in its place. ``concealment`` bridges either. ``depth``
says whose delay is too long or too short, ``stretch`` mends it by pitch periods.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import CODECS, codec_of
from confserver.engine.concealment import Concealment
from confserver.engine.depth import Depth
from confserver.engine.frame import FRAME, RATE_HZ, Rows, Samples
from confserver.engine.seats import RING, SPENT, Seats
from confserver.engine.stretch import Stretch, longer, shorter
from confserver.rtp.statistics import signed32

_GIVE_UP = 25 * FRAME
"""Samples of time without a packet after which a stream has ended."""
_LONGEST_GAP = (SPENT + 1) * FRAME
"""Samples of a gap that are waited for when what follows is already there; a longer one is jumped."""
_FULL = (RING - 1) * FRAME
"""Samples ahead that a ring holds; beyond, new packets overwrite those that should play next."""
_ANEW = 4 * FRAME
"""From a ring that has overflown so much is still played."""
_NONE = np.iinfo(np.int64).max
_NO_SAMPLES: Samples = np.zeros(0, np.float32)


class Playout:
    """Fills every leg's signal for one tick."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._concealment = Concealment(seats)
        self._depth = Depth(seats)
        self._stretch = Stretch(seats)
        self._samples: dict[int, Samples] = {}
        self._shrinking: dict[int, tuple[int, int]] = {}
        """Rows whose sound is made shorter on this tick, by how many samples at least and at most."""
        self._growing: set[int] = set()

    def skip(self, ticks: int) -> None:
        """Ticks were missed: what should have played meanwhile is over."""
        seats, high = self._seats, self._seats.high
        seats.next_timestamp[np.flatnonzero(seats.playing[:high])] += np.uint32(ticks * FRAME)

    def play(self, now: float) -> None:
        """Decode or conceal one frame of each leg into ``seats.signal``."""
        seats, high = self._seats, self._seats.high
        for part in (self._concealment, self._depth, self._stretch):
            part.fit()
        self._start(np.flatnonzero(seats.waiting[:high] & (seats.start_at[:high] <= now)))
        playing = seats.playing[:high]
        full = playing & ~seats.odd[:high] & (self._stretch.held[:high] >= FRAME)
        plain = playing & ~seats.odd[:high] & ~full
        before = {row: seats.signal[row].copy() for row in self._growing}
        self._play_plain(plain)
        for row in np.flatnonzero(seats.odd[:high] & playing).tolist():
            self._play_odd(row)
        self._fade_out(playing)
        rests = np.flatnonzero(full)
        self._depth.move(rests, FRAME)
        stretched = self._follow_depth(plain, before)
        self._concealment.remember(rests)
        self._stretch.flow(stretched)
        self._review()

    def _play_plain(self, plain: NDArray[np.bool_]) -> None:
        """The legs whose packets are frames, in step."""
        seats, high = self._seats, self._seats.high
        due = (seats.ring_timestamp[:high] == seats.next_timestamp[:high, None]) & (seats.ring_length[:high] > 0)
        slot = due.argmax(axis=1)
        found = plain & due[np.arange(high), slot]
        rows = np.flatnonzero(found)
        if len(rows):
            self._decode(rows, slot[rows])
        missing = np.flatnonzero(plain & ~found)
        if len(missing):
            self._seek(missing)

    def _fade_out(self, playing: NDArray[np.bool_]) -> None:
        """Streams that have ended."""
        seats = self._seats
        sounding = seats.missed[: seats.high] < SPENT
        seats.signal[np.flatnonzero(~playing & ~sounding)] = 0
        ending = np.flatnonzero(~playing & sounding)
        if len(ending):
            self._conceal(ending)
            seats.missed[ending] += 1

    def forget(self, row: int) -> None:
        """The leg is gone."""
        self._samples.pop(row, None)
        self._concealment.forget(row)
        self._stretch.take(row)

    def _start(self, rows: Rows) -> None:
        seats = self._seats
        seats.playing[rows] = True
        seats.waiting[rows] = False
        seats.starved[rows] = 0
        self._depth.begin(rows)
        for row in rows.tolist():
            self._samples.pop(row, None)
            self._stretch.take(row)

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
            self._depth.move(over, -distance[jumps])
            self._depth.skip(over)
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
        advance = np.where(lost, np.minimum(passed, distance), 0)
        seats.next_timestamp[rows] += advance.astype(np.uint32)
        self._depth.move(rows, samples - advance)
        self._depth.stall(rows[~lost])
        self._depth.skip(rows[lost])
        seats.starved[rows] = np.where(lost, 0, passed)
        seats.playing[rows[seats.starved[rows] > _GIVE_UP]] = False

    def _conceal(self, rows: Rows) -> None:
        seats = self._seats
        self._begin(rows)
        seats.signal[rows] = self._concealment.go_on(rows)

    def _begin(self, rows: Rows, after: Samples = _NO_SAMPLES) -> None:
        first = rows[self._seats.missed[rows] == 0]
        if len(first):
            self._concealment.begin(first, after[None] if len(after) else None)

    # ------------------------------------------------------------------ frames of other lengths
    def _play_odd(self, row: int) -> None:
        """A leg whose packets are not 20 ms long, or not in step: its decoded samples wait in a queue of their own."""
        seats = self._seats
        queue = np.concatenate((self._stretch.take(row), self._samples.pop(row, _NO_SAMPLES)))
        while len(queue) < FRAME * (1 + (row in self._shrinking)):
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
        queue = self._stretched(row, queue)
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
            self._depth.move(np.array([row]), -distance)
            self._depth.skip(np.array([row]))
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
    def _review(self) -> None:
        """See who is to play sooner or later on the next tick."""
        (rows, least, most), growing = self._depth.review(self._stretch.held)
        self._shrinking = dict(zip(rows.tolist(), zip(least.tolist(), most.tolist(), strict=True), strict=True))
        self._growing = set(growing.tolist())

    def _follow_depth(self, plain: NDArray[np.bool_], before: dict[int, Samples]) -> list[int]:
        """Make this tick's sound of some legs shorter or longer. before: what those that grow played last."""
        seats, stretched = self._seats, []
        for row in self._growing:
            if plain[row] and not seats.missed[row] and not seats.odd[row]:
                self._stretch.lengthen(row, before[row], seats.signal[row])
                self._depth.stall(np.array([row]))
                stretched.append(row)
        for row, (least, most) in self._shrinking.items():
            if plain[row] and not seats.missed[row] and not seats.odd[row] and self._shorten(row, least, most):
                stretched.append(row)
        return stretched

    def _shorten(self, row: int, least: int, most: int) -> bool:
        """Leave out so many samples, of those held, else of the next packet's too. False: there are not enough."""
        seats, one, sound = self._seats, np.array([row]), self._seats.signal[row].copy()
        held = int(self._stretch.held[row])
        due = (seats.ring_timestamp[row] == seats.next_timestamp[row]) & (seats.ring_length[row] == FRAME)
        if most > held and due.any():
            self._concealment.remember_also(one, sound[None])
            self._decode(one, due.argmax(keepdims=True))
            self._depth.move(one, -FRAME)
            sound = np.concatenate((sound, seats.signal[row]))
        else:
            most = min(most, held)
        return most >= least and self._stretch.shorten(row, sound, least, most) > 0

    def _stretched(self, row: int, queue: Samples) -> Samples:
        """The queue of a leg out of step, made shorter or longer where that is due."""
        if row in self._shrinking and len(queue) >= 2 * FRAME:
            queue, gone = shorter(queue, *self._shrinking[row])
            self._depth.move(np.array([row]), -gone)
        elif row in self._growing and not self._seats.missed[row]:
            queue, more = longer(self._seats.signal[row], queue)
            self._depth.move(np.array([row]), more)
            self._depth.stall(np.array([row]))
        return queue

    def delay_s(self, row: int) -> float:
        """How long the leg's packets lie in the ring at least, of late."""
        return self._depth.delay_s(row) + float(self._stretch.held[row]) / RATE_HZ


def _is_jumped(distance: NDArray[np.int64], starved: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the next packet plays at once: its time has come while the clock stood still, or the gap is too long."""
    late = distance - starved
    return (distance < _NONE) & ((late <= 0) | (late > _LONGEST_GAP))
