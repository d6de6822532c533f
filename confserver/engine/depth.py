"""How deep a leg's playout should be: how early its packets have come, and what is to be done about it.

The *slack* of a packet is the time from its arrival until it is heard. The least slack of each tenth of a second is
kept for 1.6 s. When the clock of a stream stands still, or is moved, the slacks that are kept move with it, so that
after a single stall they tell at once how much of the delay is too much. Where a leg holds decoded samples its packets
are wanted before they are heard: what is left of their slack then is what counts; below zero they come too late.

- Packets came too late: the depth *grows*, a pitch period at a time.
- All came earlier than a tick and a margin: it *shrinks* likewise. One stall counts for nothing: the worst two tenths
  of a second are passed over, and in a pause of the talker the delay is given back at once. Where there were two within
  a few seconds, every packet counts, for some time.
- Beyond the bound it shrinks, whatever comes too late.
- Packets that follow lost ones hold something of them (in-band FEC): they are wanted a packet earlier, so that they can
  be asked when the lost one is due.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import FRAME, RATE_HZ, TICK_S, Rows
from confserver.engine.seats import LEAST_MARGIN_S, TICKS_A_SECOND, Seats

REVIEW_TICKS = 5
"""Ticks between two looks, and at most one step a leg."""
_BOUND_TICKS = 25
"""Ticks between two looks at who is beyond the bound."""
_WINDOWS = 16
_PASSED_OVER = 2
"""Windows of least slack that do not count against shrinking after a single stall."""
_ENOUGH_KNOWN = 9
"""Windows that must be known before depth shrinks."""
_UNKNOWN = 9.0
_KNOWN = 4.0
"""Slack above this means that no packet came."""
MOST_DELAY_S = 0.120
"""The bound, unless policy has another: beyond it depth does not grow."""
_OVER_S = 2 * TICK_S
"""So much more sound in store than the bound, and depth shrinks even if packets come too late."""
_MOST_MARGIN_S = 0.008
_JITTERS = 3.0
"""The margin in mean deviations of the arrival (RFC 3550 A.8)."""
_MUCH_S = 0.050
"""Too much delay by so much is given back at every look, else at every third: three steps a second."""
_HASTE = 125
"""Ticks after a single stall in which delay is given back at every look."""
_REMEMBERED = 500
"""Ticks without a packet that came too late before depth shrinks again, unless it is much too long."""
_SAME_STALL = 25
"""Ticks within which standing still again is the same stall."""
_CALM = 200
"""Ticks after which a stall is a single one."""
_PATIENCE = 150
"""Ticks without a stall before depth shrinks where the network is not calm."""
_FORETOLD, _FORGOTTEN = 200, 500
"""Ticks within which packets must have told of lost ones twice; and after which they are not waited for any more."""
_SKIPPED = 25
"""Ticks after a lost packet within which a late one may be that one; else it is a duplicate."""
_PAUSE = 3
"""Quiet frames of a talker after which he makes a pause."""
_LONG_AGO = -10_000
_SINCE = ("_stalled", "_stalled_before", "_skipped", "_late_at", "_foretold")
_SHORTEST, _LONG, _LONGEST = 40, 80, FRAME
"""Samples of a step: 5 ms, or 10 where there is much to give back, to 20 ms."""

Limits = tuple[Rows, NDArray[np.intp], NDArray[np.intp]]
"""Rows that shrink, and by how many samples at least and at most."""
_NO_ROWS: Rows = np.zeros(0, np.intp)
_NOBODY: Limits = (_NO_ROWS, _NO_ROWS, _NO_ROWS)


class Depth:
    """Slack of all legs over time, in columns."""

    def __init__(self, seats: Seats, most_delay_s: float = MOST_DELAY_S) -> None:
        self._seats = seats
        self._most_delay_s = most_delay_s
        self._ticks = 0
        self._window = 0
        self._late = self._hasty = _NO_ROWS
        self._least: NDArray[np.float32] = np.full((seats.capacity, _WINDOWS), _UNKNOWN, np.float32)
        self._stalled: NDArray[np.int64] = np.full(seats.capacity, _LONG_AGO)
        self._stalled_before: NDArray[np.int64] = np.full(seats.capacity, _LONG_AGO)
        self._skipped: NDArray[np.int64] = np.full(seats.capacity, _LONG_AGO)
        self._late_at: NDArray[np.int64] = np.full(seats.capacity, _LONG_AGO)
        self._foretold: NDArray[np.int64] = np.full(seats.capacity, _LONG_AGO)
        self._ahead: NDArray[np.int32] = np.zeros(seats.capacity, np.int32)
        """RTP time by which packets are wanted before their turn, to tell of the one before."""
        self._rest: NDArray[np.int32] = np.zeros(seats.capacity, np.int32)
        """What was held beyond whole frames at least, of late, in RTP time: a stretch has left it there, or packets
        of other lengths than a frame, with which it comes and goes."""
        self._least_rest: NDArray[np.int32] = np.zeros(seats.capacity, np.int32)

    def fit(self) -> None:
        """Grow as the seats have grown."""
        more = self._seats.capacity - len(self._least)
        if more <= 0:
            return
        self._least = np.concatenate((self._least, np.full((more, _WINDOWS), _UNKNOWN, np.float32)))
        for name in ("_rest", "_least_rest", "_ahead"):
            setattr(self, name, np.concatenate((getattr(self, name), np.zeros(more, np.int32))))
        for name in _SINCE:
            setattr(self, name, np.concatenate((getattr(self, name), np.full(more, _LONG_AGO))))

    def begin(self, rows: Rows) -> None:
        """A stream starts: nothing is known."""
        self._least[rows] = _UNKNOWN
        self._ahead[rows] = 0
        for name in _SINCE:
            getattr(self, name)[rows] = _LONG_AGO

    def move(self, rows: Rows, seconds: NDArray[np.float64]) -> None:
        """Packets are heard later by so much than was to be expected; earlier, below zero."""
        self._least[rows] += seconds[:, None].astype(np.float32)
        self._seats.slack[rows] += seconds

    def stall(self, rows: Rows) -> None:
        """The clock of these streams stands still for want of packets, or sound was put in."""
        again = rows[self._ticks - self._stalled[rows] > _SAME_STALL]
        self._stalled_before[again] = self._stalled[again]
        self._stalled[rows] = self._ticks

    def excuse(self, rows: Rows) -> None:
        """It was no stall: the sender had paused."""
        late = rows[self._ticks - self._stalled[rows] <= _SAME_STALL]
        self._stalled[late] = self._stalled_before[late]

    def skip(self, rows: Rows) -> None:
        """A packet that has not come was given up."""
        self._skipped[rows] = self._ticks

    def foretell(self, rows: Rows, duration: NDArray[np.uint16]) -> None:
        """Packets so long have come that tell of a lost one."""
        again = self._ticks - self._foretold[rows] <= _FORETOLD
        self._ahead[rows[again]] = duration[again]
        self._foretold[rows] = self._ticks

    def review(self) -> tuple[Limits, Rows]:
        """Who shrinks, who grows, on the next tick."""
        self._ticks += 1
        self._note_rest()
        if self._ticks % REVIEW_TICKS:
            late = self._late
            if len(late):
                least = self._least[late].min(axis=1) - self._wanted_s(late)
                self._late = late[(least < 0) & (self._stored_s(late) < self._most_delay_s)]
            return self._hurrying(), self._late
        seats, high = self._seats, self._seats.high
        slack = seats.slack[:high]
        self._least[:high, self._window] = slack
        self._window = (self._window + 1) % _WINDOWS
        slack[:] = _UNKNOWN
        windows = self._least[:high]
        if self._ahead[:high].any():
            self._ahead[:high][self._ticks - self._foretold[:high] > _FORGOTTEN] = 0
        least = windows.min(axis=1) - self._wanted_s(slice(0, high))
        playing = seats.playing[:high]
        late = np.flatnonzero(playing & (least < 0) & (self._ticks - self._skipped[:high] <= _SKIPPED))
        if len(late):
            late = late[self._stored_s(late) < self._most_delay_s]
        self._late = late
        self._late_at[late] = self._ticks
        known = playing & (np.count_nonzero(windows < _KNOWN, axis=1) >= _ENOUGH_KNOWN)
        known[late] = False
        self._set_margins()
        held = np.rint(self._rest_s(slice(0, high)) * RATE_HZ).astype(np.intp)
        return self._shrinking(known, least, held), late

    def _note_rest(self) -> None:
        seats, high = self._seats, self._seats.high
        is_due = self._ticks % REVIEW_TICKS == 0
        if seats.queued[:high].any():
            rest = seats.queued[:high] % np.maximum(seats.units[:high], 1)
            least = np.minimum(rest, self._least_rest[:high])
            self._least_rest[:high] = rest if is_due else least
        else:
            least = self._least_rest[:high]
            least[...] = 0
        if is_due:
            self._rest[:high] = least

    def _set_margins(self) -> None:
        """How long the first packet of the next spurt waits."""
        seats, high = self._seats, self._seats.high
        units = np.maximum(seats.units[:high], 1)
        deviation = _JITTERS * seats.jitter[:high] / (units * TICKS_A_SECOND)
        seats.margin[:high] = np.clip(deviation, LEAST_MARGIN_S, _MOST_MARGIN_S)

    def _shrinking(self, known: NDArray[np.bool_], least: NDArray[np.float32], held: NDArray[np.intp]) -> Limits:
        seats, high = self._seats, self._seats.high
        since = self._ticks - self._stalled[:high]
        calm = self._stalled[:high] - self._stalled_before[:high] > _CALM
        single = calm & (since < _HASTE) & known
        recovering = np.flatnonzero(single)
        least[recovering] = np.partition(self._least[recovering], _PASSED_OVER, axis=1)[:, _PASSED_OVER]
        least[recovering] -= self._wanted_s(recovering)
        enough = TICK_S + seats.margin[:high]
        much = least - enough > _MUCH_S
        settled = known & (calm | (since > _PATIENCE))
        settled &= much | (self._ticks - self._late_at[:high] > _REMEMBERED)
        early = settled & (least > enough)
        quiet = ~seats.talks[:high] | (seats.quiet_frames[:high] > _PAUSE)
        turn = (self._ticks // REVIEW_TICKS + np.arange(high)) % 3 == 0
        rests = settled & (held >= np.where(quiet, _SHORTEST, _LONG)) & (least > 0)
        wanted = (early | rests) & (much | single | quiet | turn)
        if self._ticks % _BOUND_TICKS == 0:
            over = np.flatnonzero(known & ~wanted)
            over = over[self._stored_s(over) > self._most_delay_s + _OVER_S]
            wanted[over] = early[over] = True
        self._hasty = np.flatnonzero(early & much & single & quiet)
        rows = np.flatnonzero(wanted)
        shortest = np.where((much | single) & early, _LONG, _SHORTEST)
        return rows, shortest[rows], np.where(early, _LONGEST, np.minimum(held, _LONGEST))[rows]

    def _hurrying(self) -> Limits:
        """Who gives back much after a stall while nothing is said does so at every tick."""
        rows, seats = self._hasty, self._seats
        if not len(rows):
            return _NOBODY
        least = np.partition(self._least[rows], _PASSED_OVER, axis=1)[:, _PASSED_OVER] - self._wanted_s(rows)
        quiet = ~seats.talks[rows] | (seats.quiet_frames[rows] > _PAUSE)
        much = least - TICK_S - seats.margin[rows] > TICK_S
        self._hasty = rows = rows[seats.playing[rows] & quiet & much]
        return rows, np.full(len(rows), _LONG), np.full(len(rows), _LONGEST)

    def _wanted_s(self, rows: Rows | slice) -> NDArray[np.float64]:
        """Seconds before they are heard that the packets of these legs are wanted."""
        units = np.maximum(self._seats.units[rows], 1)
        wanted: NDArray[np.float64] = (self._rest[rows] + self._ahead[rows]) / (units * TICKS_A_SECOND)
        return wanted

    def _rest_s(self, rows: Rows | slice) -> NDArray[np.float64]:
        """Seconds of sound that these legs hold beyond whole frames."""
        seats = self._seats
        units = np.maximum(seats.units[rows], 1)
        rest: NDArray[np.float64] = self._rest[rows] / (units * TICKS_A_SECOND)
        return rest

    def _stored_s(self, rows: Rows) -> NDArray[np.float64]:
        """Seconds of sound in the ring, gaps included."""
        seats = self._seats
        stored = seats.ring.ahead(rows, seats.next_timestamp[rows])
        seconds: NDArray[np.float64] = stored / (seats.units[rows] * TICKS_A_SECOND)
        return seconds

    def delay_s(self, row: int) -> float:
        """How long the leg's packets lie in ring and queue at least, of late."""
        recent = self._least[row, [self._window - 1, self._window - 2]].min()
        least = min(float(self._seats.slack[row]), float(recent))
        rest = float(self._rest_s(slice(row, row + 1))[0])
        return max(least, rest) if least < _KNOWN else rest
