"""Which packet plays now, by RTP timestamp.

::

    idle --first packet--> waiting --margin over--> playing --nothing for half a second--> idle

A playing leg whose ring is empty *starves*: the clock of its stream stands still, so that packets which are only
late play later instead of being lost. Where a later packet is there but not this one, it is *lost*: the clock goes on,
also by what it stood still, so that the later packet plays in its place. ``standin`` bridges either. ``depth`` says
whose delay is too long or too short, ``stretch`` mends it by pitch periods.

Each tick looks for packets in rounds: in the first for all legs, and again for those who have less than a frame then.
A packet that is a frame, of a leg that holds no samples, goes to ``seats.signals`` straight; all else through the queue
of samples. Time in the ring is RTP time, sound is in samples of the leg's band.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from confserver.engine.codecs import COMFORT
from confserver.engine.decoding import Decoding
from confserver.engine.depth import MOST_DELAY_S, Depth
from confserver.engine.frame import FRAMES, NARROW, Rows, Samples
from confserver.engine.ring import NEVER
from confserver.engine.sample_queue import SampleQueue
from confserver.engine.seats import SPENT, TICKS_A_SECOND, Seats
from confserver.engine.standin import STEPS, StandIn, bands
from confserver.engine.stretch import longer, shorter
from confserver.rtp.statistics import signed32

_GIVE_UP = 25
"""Ticks without a packet after which a stream has ended."""
_LONGEST_GAP = SPENT + 1
"""Ticks of a gap that are waited for when what follows is already there; a longer one is jumped."""
_FULL, _ANEW = 15, 4
"""Ticks ahead that a ring should hold; of one that has overflown, so much is still played."""
_ROUNDS = 16
"""Packets of one leg in a tick, stand-ins too: the shortest are 2.5 ms."""
_FRAME = np.array(FRAMES, np.int32)
_NO_ROWS: Rows = np.zeros(0, np.intp)


class Playout:
    """Fills every leg's frame for one tick, in ``seats.signals[in_band]``."""

    def __init__(self, seats: Seats, most_delay_s: float = MOST_DELAY_S) -> None:
        self._seats = seats
        self._queue = SampleQueue(seats)
        self._decoding = Decoding(seats)
        self._standin = StandIn(seats, self._queue, self._decoding)
        self._depth = Depth(seats, most_delay_s)
        self._special: NDArray[np.bool_] = np.zeros(seats.capacity, np.bool_)
        """Rows whose sound is made shorter or longer on this tick."""
        self._doubled: NDArray[np.int32] = np.zeros(seats.capacity, np.int32)
        """1 for those of them whose sound is made shorter, else 0."""
        self._shrinking: dict[int, tuple[int, int]] = {}
        """By how many samples at 8 kHz at least and at most."""
        self._growing: list[int] = []
        self._played_to: NDArray[np.uint32] = np.zeros(seats.capacity, np.uint32)
        """RTP time of what plays next, as it should be by the last tick."""
        self._still: NDArray[np.bool_] = np.ones(seats.capacity, np.bool_)
        """Rows whose frame is known to be silence."""
        self._capacity = seats.capacity

    def skip(self, ticks: int) -> None:
        """Ticks were missed: what should have played meanwhile is over."""
        seats, high = self._seats, self._seats.high
        rows = np.flatnonzero(seats.playing[:high])
        passed = (ticks * seats.units[rows]).astype(np.uint32)
        seats.next_timestamp[rows] += passed
        self._played_to[rows] += passed
        seats.ring.drop_before(rows, seats.next_timestamp[rows])

    def play(self, now: float) -> None:
        """Decode or make up one frame of each leg."""
        seats, high = self._seats, self._seats.high
        self._fit()
        self._start(np.flatnonzero(seats.waiting[:high] & (seats.start_at[:high] <= now)))
        playing = seats.playing[:high]
        self._still[:high] &= ~playing
        wanting = playing & (self._queue.held[:high] < self._needed(slice(0, high)))
        self._find(wanting)
        self._follow_depth()
        self._pop()
        self._fade_out(playing)
        self._standin.remember()
        self._note_time(np.flatnonzero(playing))
        self._review()

    def forget(self, row: int) -> None:
        """The leg is gone."""
        self._queue.empty(row)
        self._decoding.end(row)
        self._standin.forget(row)
        self._special[row] = False
        self._doubled[row] = 0
        self._shrinking.pop(row, None)
        self._growing = [other for other in self._growing if other != row]

    def delay_s(self, row: int) -> float:
        """How long the leg's packets lie in ring and queue at least, of late."""
        return self._depth.delay_s(row)

    # ------------------------------------------------------------------ a tick
    def _fit(self) -> None:
        seats = self._seats
        self._depth.fit()
        more = seats.capacity - self._capacity
        if more <= 0:
            return
        for part in (self._queue, self._decoding, self._standin):
            part.fit()
        self._special = np.concatenate((self._special, np.zeros(more, np.bool_)))
        self._doubled = np.concatenate((self._doubled, np.zeros(more, np.int32)))
        self._still = np.concatenate((self._still, np.ones(more, np.bool_)))
        self._played_to = np.concatenate((self._played_to, np.zeros(more, np.uint32)))
        self._capacity = seats.capacity

    def _start(self, rows: Rows) -> None:
        if not len(rows):
            return
        seats = self._seats
        seats.playing[rows] = True
        seats.waiting[rows] = False
        seats.starved[rows] = 0
        self._played_to[rows] = seats.next_timestamp[rows]
        self._depth.begin(rows)
        self._queue.empty(rows)

    def _needed(self, rows: Rows | slice) -> NDArray[np.int32]:
        """Samples that legs must have by the end of the rounds; two frames where something is to be left out."""
        return np.asarray(_FRAME[self._seats.in_band[rows]] << self._doubled[rows])

    def _find(self, wanting: NDArray[np.bool_]) -> None:
        """Round by round: what is due is decoded, what is missing made up."""
        seats, high = self._seats, len(wanting)
        for _ in range(_ROUNDS):
            found, place, missing = seats.ring.due(wanting, seats.next_timestamp[:high])
            more = self._take(found, place) if len(found) else _NO_ROWS
            if len(missing) and self._shrinking:
                missing = missing[self._queue.held[missing] < _FRAME[seats.in_band[missing]]]
            if len(missing):
                more = np.concatenate((more, self._seek(missing)))
            more = more[self._queue.held[more] < self._needed(more)]
            if not len(more):
                return
            wanting = np.zeros(high, np.bool_)
            wanting[more] = True

    def _take(self, rows: Rows, place: Rows) -> Rows:
        """Play these packets; gives the rows that may want more."""
        seats, ring = self._seats, self._seats.ring
        meaning = ring.meaning[place, rows]
        changing = meaning != seats.coding[rows]
        if changing.any():
            self._change(rows[changing], meaning[changing])
        duration = ring.duration[place, rows]
        straight = (duration == seats.units[rows]) & (self._queue.held[rows] == 0) & ~self._special[rows]
        more = _NO_ROWS
        if straight.all():
            self._decode(rows, place, True)
        else:
            self._decode(rows[straight], place[straight], True)
            crooked = ~straight
            more = rows[crooked]
            self._decode(more, place[crooked], False)
        seats.next_timestamp[rows] = ring.timestamp[place, rows] + duration
        ring.release(rows, place)
        return more

    def _decode(self, rows: Rows, place: Rows, straight: bool) -> None:
        if not len(rows):
            return
        seats = self._seats
        seats.paused[rows] = False
        for mine, _, band, frames in self._decoding.decode(rows, place, straight):
            self._standin.come_back(band, mine, frames)
            if not straight:
                self._queue.append(band, mine, frames)
            elif frames.base is not seats.signals[band]:
                seats.signals[band][mine] = frames
        seats.starved[rows] = seats.missed[rows] = 0
        comfort = seats.ring.meaning[place, rows] == COMFORT
        if comfort.any():
            seats.paused[rows[comfort]] = True
            self._standin.pause(rows[comfort])

    def _change(self, rows: Rows, meaning: NDArray[np.uint8]) -> None:
        """Another codec, one leg at a time: softly from the old sound to the new, also into another band."""
        seats = self._seats
        for row, new in zip(rows.tolist(), meaning.tolist(), strict=True):
            one = np.array([row])
            self._standin.break_off(one)
            if new == COMFORT:
                continue
            band = self._decoding.band_of(row, new)
            if band != seats.in_band[row]:
                self._standin.move(row, band)
            self._decoding.begin(row, new)

    # ------------------------------------------------------------------ what is not there
    def _seek(self, rows: Rows) -> Rows:
        """Nothing begins at this time: take what should have played by now, else make something up.

        Gives the rows that are to be looked at again.
        """
        seats, ring, units = self._seats, self._seats.ring, self._seats.units[rows].astype(np.int64)
        at = seats.next_timestamp[rows]
        again = [self._enter(rows, at)] if ring.held[rows].any() else []
        if again and len(again[0]):
            left = ~np.isin(rows, again[0])
            rows, at, units = rows[left], at[left], units[left]
        distance, place = ring.next_after(rows, at, _FULL * units, _ANEW * units)
        there = distance < NEVER
        gap = distance - seats.starved[rows]
        longest = np.where(seats.paused[rows], _GIVE_UP, _LONGEST_GAP) * units
        jumps = there & ((gap <= 0) | (gap > longest))
        if jumps.any():
            over = rows[jumps]
            self._note_redundancy(over, place[jumps])
            seats.next_timestamp[over] += distance[jumps].astype(np.uint32)
            seats.starved[over] = 0
            ring.drop_before(over, seats.next_timestamp[over])
            self._depth.skip(over[~seats.paused[over]])
            self._depth.excuse(over[seats.paused[over]])
            again.append(over)
            afar = gap[jumps] > 0
            self._played_to[over[afar]] += distance[jumps][afar].astype(np.uint32)
            self._depth.begin(over[afar])
        missing = ~jumps
        if missing.any():
            again.append(self._miss(rows[missing], distance[missing], place[missing]))
        return np.concatenate(again) if again else _NO_ROWS

    def _enter(self, rows: Rows, at: NDArray[np.uint32]) -> Rows:
        """Play the rest of packets that have begun before their turn (another length, or a small jump); gives whose."""
        seats, ring = self._seats, self._seats.ring
        into, place = ring.begun(rows, at)
        for index in np.flatnonzero(into < NEVER).tolist():
            row, slot, passed = int(rows[index]), int(place[index]), int(into[index])
            one, where = rows[index : index + 1], place[index : index + 1]
            if ring.meaning[slot, row] != seats.coding[row]:
                self._change(one, ring.meaning[slot, one])
            seats.next_timestamp[row] = ring.timestamp[slot, row] + ring.duration[slot, row]
            for _, _, band, frames in self._decoding.decode(one, where, False):
                rest = frames[:, passed * FRAMES[band] // int(seats.units[row]) :]
                self._standin.come_back(band, one, rest)
                self._queue.append(band, one, rest)
            ring.release(one, where)
            seats.starved[row] = seats.missed[row] = 0
        return rows[into < NEVER]

    def _miss(self, rows: Rows, distance: NDArray[np.int64], place: Rows) -> Rows:
        """Something is missing in this frame: it is lost, late, or the stream has paused.

        Gives the rows whose next packet belongs into this frame too.
        """
        seats = self._seats
        units, band = seats.units[rows].astype(np.int64), seats.in_band[rows]
        lost, wanted = distance < NEVER, self._missing(rows, band)
        amount = wanted * units // _FRAME[band]
        gap = np.where(lost, distance - seats.starved[rows], 0)
        bridged = lost & (gap <= amount)
        amount = np.where(bridged, gap, amount)
        wanted = np.where(bridged, gap * _FRAME[band] // units, wanted)
        # what the packet that follows can tell, it tells of the frame right before it
        told = bridged & self._decoding.may_recover(rows, place)
        self._note_redundancy(rows[told], place[told])
        for key, mine in _alike(band.astype(np.int64) << 16 | wanted):
            if key & 0xFFFF:
                own, count = rows[mine], key & 0xFFFF
                self._emit(key >> 16, own, self._standin.sound(key >> 16, own, count, place[mine], told[mine]))
        counts = (2 * amount >= units) | (seats.missed[rows] == 0)
        seats.concealed[rows[counts & (seats.missed[rows] < SPENT) & ~seats.paused[rows]]] += 1
        seats.missed[rows] += counts
        passed = seats.starved[rows] + amount
        seats.next_timestamp[rows] += np.where(lost, passed, 0).astype(np.uint32)
        active = ~seats.paused[rows]
        self._depth.stall(rows[~lost & active])
        self._depth.skip(rows[lost & active])
        seats.starved[rows] = np.where(lost, 0, passed)
        seats.playing[rows[seats.starved[rows] > _GIVE_UP * units]] = False
        return rows[bridged & (wanted < _FRAME[band])]

    def _note_redundancy(self, rows: Rows, place: Rows) -> None:
        """These packets come after a lost one. If they tell of it, the next such are wanted in time to be asked."""
        if len(rows) and self._decoding.conceals(rows).any():
            telling = self._decoding.has_redundancy(rows, place)
            mine = rows[telling]
            self._depth.foretell(mine, self._seats.ring.duration[place[telling], mine])

    def _missing(self, rows: Rows, band: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Samples that are missing in this frame; of a decoder that makes them up as many as it can."""
        frame = _FRAME[band].astype(np.int64)
        wanted = frame - self._queue.held[rows]
        uneven = (wanted % (frame // STEPS) > 0) & self._decoding.conceals(rows)
        return np.where(uneven, frame, wanted)

    def _emit(self, band: int, rows: Rows, frames: Samples) -> None:
        """Samples made up: a frame plays, unless something is held; all else is joined to what is held."""
        queued = (self._queue.held[rows] > 0) | self._special[rows] | (frames.shape[1] < FRAMES[band])
        if not queued.all():
            self._seats.signals[band][rows[~queued]] = frames[~queued]
        if queued.any():
            self._queue.append(band, rows[queued], frames[queued])

    # ------------------------------------------------------------------ what is held, and what has ended
    def _pop(self) -> None:
        """Who holds samples plays them first."""
        seats, high = self._seats, self._seats.high
        if not self._queue.held[:high].any():
            return
        rows = np.flatnonzero((self._queue.held[:high] > 0) & seats.playing[:high])
        for band, mine in bands(seats.in_band[rows]):
            seats.signals[band][rows[mine]] = self._queue.pop(band, rows[mine])

    def _fade_out(self, playing: NDArray[np.bool_]) -> None:
        """Streams that have ended."""
        seats, high = self._seats, len(playing)
        over = np.flatnonzero(~playing & ~self._still[:high])
        if not len(over):
            return
        self._queue.empty(over)
        sounding = seats.missed[over] < SPENT
        ending, silent = over[sounding], over[~sounding]
        for band, mine in bands(seats.in_band[ending]):
            seats.signals[band][ending[mine]] = self._standin.sound(band, ending[mine], FRAMES[band])
        seats.missed[ending] += 1
        for band, mine in bands(seats.in_band[silent]):
            seats.signals[band][silent[mine]] = 0
        # what they have played is forgotten when it has been silence for as long as it is remembered
        self._still[silent[self._standin.is_silent(silent)]] = True

    # ------------------------------------------------------------------ delay
    def _note_time(self, rows: Rows) -> None:
        """See whose stream has moved against its clock since the last tick: its packets are heard earlier or later."""
        seats = self._seats
        units = seats.units[rows]
        if self._queue.held[: seats.high].any() or seats.queued[: seats.high].any():
            seats.queued[rows] = self._queue.held[rows].astype(np.int64) * units // _FRAME[seats.in_band[rows]]
        now_at = seats.next_timestamp[rows] - seats.queued[rows].astype(np.uint32)
        moved = units - signed32(now_at - self._played_to[rows])
        self._played_to[rows] = now_at
        some = np.flatnonzero(moved)
        if len(some):
            self._depth.move(rows[some], moved[some] / (units[some] * TICKS_A_SECOND))

    def _review(self) -> None:
        """See who is to play sooner or later on the next tick."""
        done = list(self._shrinking)
        self._special[done] = False
        self._doubled[done] = 0
        self._special[self._growing] = False
        (rows, least, most), growing = self._depth.review()
        self._shrinking = dict(zip(rows.tolist(), zip(least.tolist(), most.tolist(), strict=True), strict=True))
        self._growing = growing.tolist()
        self._special[rows] = True
        self._doubled[rows] = 1
        self._special[growing] = True

    def _follow_depth(self) -> None:
        """Make this tick's sound of some legs shorter or longer."""
        seats, queue = self._seats, self._queue
        for row in self._growing:
            if seats.playing[row] and not seats.missed[row]:
                band = int(seats.in_band[row])
                before = self._standin.last(band, row)
                queue.put(row, longer(before, queue.of(row), FRAMES[band] // FRAMES[NARROW])[0])
                self._depth.stall(np.array([row]))
        for row, (least, most) in self._shrinking.items():
            band = int(seats.in_band[row])
            scale = FRAMES[band] // FRAMES[NARROW]
            whole = queue.of(row)
            most = min(most * scale, len(whole) - FRAMES[band])
            if seats.playing[row] and not seats.missed[row] and most >= least * scale:
                queue.put(row, shorter(whole, least * scale, most, scale)[0])


def _alike(keys: NDArray[np.int64]) -> Iterator[tuple[int, Rows]]:
    """Each key, and the places where it is."""
    if (keys == keys[0]).all():
        yield int(keys[0]), np.arange(len(keys))
        return
    for key in np.unique(keys).tolist():
        yield key, np.flatnonzero(keys == key)
