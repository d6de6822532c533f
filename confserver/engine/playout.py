"""Which packet plays now, by RTP timestamp.

::

    idle --first packet--> waiting --margin over--> playing --nothing for half a second--> idle

A playing leg whose ring is empty *starves*: the clock of its stream stands still, so that packets which are only
late play later instead of being lost. Where a later packet is there but not this one, it is *lost*: concealed, and the
clock goes on. The delay grown by starving is given back while the participant is quiet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.arrival import MARGIN_S
from confserver.engine.codecs import CODECS, codec_of
from confserver.engine.frame import FRAME, TICK_S, Rows, Samples
from confserver.engine.seats import Seats
from confserver.rtp.statistics import signed32

_FADE = (0.9, 0.6, 0.3)
"""Loudness of the first, second and third frame that stands in for a lost one; then silence."""
_GIVE_UP = 25
"""Ticks without a packet after which a stream has ended."""
_REVIEW = 50
"""Ticks between two looks at whether a leg's delay can shrink."""
_MOST_DELAY_S = 0.120
"""Beyond this the delay shrinks even while the participant talks."""


class Playout:
    """Fills every leg's signal for one tick."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._samples: dict[int, Samples] = {}
        self._ticks = 0

    def play(self, now: float) -> None:
        """Decode or conceal one frame of each leg into ``seats.signal``."""
        seats, high = self._seats, self._seats.high
        starting = np.flatnonzero(seats.waiting[:high] & (seats.start_at[:high] <= now))
        seats.playing[starting] = True
        seats.waiting[starting] = False
        due = (seats.ring_timestamp[:high] == seats.next_timestamp[:high, None]) & (seats.ring_length[:high] > 0)
        slot = due.argmax(axis=1)
        found = due[np.arange(high), slot] & seats.playing[:high]
        odd = seats.odd[:high] & seats.playing[:high]
        missing = seats.playing[:high] & ~found & ~odd
        found &= ~odd
        rows = np.flatnonzero(found)
        if len(rows):
            self._decode(rows, slot[rows])
        if missing.any():
            self._miss(np.flatnonzero(missing))
        for row in np.flatnonzero(odd).tolist():
            self._play_odd(row)
        seats.signal[np.flatnonzero(~(seats.playing[:high]))] = 0
        self._ticks += 1
        if self._ticks % _REVIEW == 0:
            self._shrink()

    def forget(self, row: int) -> None:
        """The leg is gone."""
        self._samples.pop(row, None)

    def _decode(self, rows: Rows, slot: Rows) -> None:
        seats = self._seats
        payload = seats.ring[rows, slot, :FRAME]
        meaning = seats.ring_meaning[rows, slot]
        for number, codec in enumerate(CODECS, 1):
            mine = meaning == number
            if not mine.any():
                continue
            which = rows[mine]
            frames = np.empty((len(which), FRAME), np.float32)
            codec.decode(payload[mine], frames)
            seats.signal[which] = frames
        seats.ring_length[rows, slot] = 0
        seats.next_timestamp[rows] += np.uint32(FRAME)
        seats.starved[rows] = seats.missed[rows] = 0

    def _miss(self, rows: Rows) -> None:
        """Nothing to play at this time: lost, late, or the stream has paused."""
        seats = self._seats
        self._conceal(rows)
        held = seats.ring_length[rows] > 0
        distance = signed32(seats.ring_timestamp[rows] - seats.next_timestamp[rows][:, None]).astype(np.int64)
        distance = np.where(held & (distance > 0), distance, np.iinfo(np.int64).max).min(axis=1)
        ahead = distance < np.iinfo(np.int64).max
        self._pass_over(rows[ahead], distance[ahead])
        empty = rows[~ahead]
        seats.starved[empty] += 1
        over = empty[seats.starved[empty] > _GIVE_UP]
        seats.playing[over] = False

    def _pass_over(self, rows: Rows, distance: NDArray[np.int64]) -> None:
        """A later packet is there: step towards it, by what the stream stood still meanwhile or by one frame."""
        seats = self._seats
        step = np.maximum(seats.starved[rows], 1) * FRAME
        seats.next_timestamp[rows] += np.minimum(step, distance).astype(np.uint32)
        seats.starved[rows] = 0

    def _conceal(self, rows: Rows) -> None:
        """Let the last frame sound again, ever softer."""
        seats = self._seats
        missed = seats.missed[rows]
        audible = missed < len(_FADE)
        before = np.array((1.0, *_FADE), np.float32)
        fade = np.array((*_FADE, 0.0), np.float32)
        ratio = np.where(audible, fade[np.minimum(missed, len(_FADE))] / before[np.minimum(missed, len(_FADE))], 0)
        seats.signal[rows] *= ratio[:, None].astype(np.float32)
        seats.missed[rows] = missed + 1
        seats.concealed[rows[missed < _GIVE_UP]] += 1

    # ------------------------------------------------------------------ frames of other lengths
    def _play_odd(self, row: int) -> None:
        """A leg whose packets are not 20 ms long: its decoded samples wait in a queue of their own."""
        seats = self._seats
        queue = self._samples.get(row, _NO_SAMPLES)
        while len(queue) < FRAME:
            frame = self._next_packet(row)
            if frame is None:
                break
            queue = np.concatenate((queue, frame))
        if len(queue) >= FRAME:
            seats.signal[row] = queue[:FRAME]
            self._samples[row] = queue[FRAME:]
            seats.starved[row] = seats.missed[row] = 0
            return
        self._samples[row] = queue
        self._miss(np.array([row]))

    def _next_packet(self, row: int) -> Samples | None:
        """Decode the packet that is due, if it is there."""
        seats = self._seats
        due = (seats.ring_timestamp[row] == seats.next_timestamp[row]) & (seats.ring_length[row] > 0)
        slot = int(due.argmax())
        if not due[slot]:
            return None
        size = int(seats.ring_length[row, slot])
        codec = codec_of(int(seats.ring_meaning[row, slot]))
        frame: Samples = np.empty((1, codec.samples_in(size)), np.float32)
        codec.decode(seats.ring[row : row + 1, slot, :size], frame)
        seats.ring_length[row, slot] = 0
        seats.next_timestamp[row] += np.uint32(frame.shape[1])
        return np.asarray(frame[0])

    # ------------------------------------------------------------------ delay
    def _shrink(self) -> None:
        """Skip one frame of each quiet leg whose packets have all lain ready a whole frame too early of late."""
        seats, high = self._seats, self._seats.high
        least = np.minimum(seats.slack[:high], seats.slack_before[:high])
        quiet = ~seats.talks[:high]
        spare = seats.playing[:high] & (least < 1.0)
        early = spare & quiet & (least > TICK_S + MARGIN_S)
        early |= spare & (least > _MOST_DELAY_S)
        seats.next_timestamp[np.flatnonzero(early)] += np.uint32(FRAME)
        seats.slack_before[:high] = np.where(early, _UNKNOWN, seats.slack[:high])
        seats.slack[:high] = _UNKNOWN

    def delay_s(self, row: int) -> float:
        """How long the leg's packets lie in the ring at least, of late."""
        least = min(float(self._seats.slack[row]), float(self._seats.slack_before[row]))
        return max(least, 0.0) if least < _UNKNOWN else 0.0


_UNKNOWN = 9.0
_NO_SAMPLES: Samples = np.zeros(0, np.float32)
