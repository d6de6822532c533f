"""Who has the word in each room.

After I. Volfin and I. Cohen, "Dominant speaker identification for multipoint videoconferencing" (2013): activity is
looked at over three times, each longer than the one before. A challenger takes the word where he is the more active
one over the short and the middle time, and has been so for long enough to count against the long one::

    IMMEDIATE  0.1 s   he speaks now, and the other does not, or hardly
    MEDIUM     0.4 s   it is no cough
    LONG       1.5 s   half of what the other has: a word of assent in somebody's pause does not take the word

The word changes at most once a second in a room, and is nobody's after SILENT_S without anybody's voice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.contract import RoomId
from confserver.engine.frame import TICK_S, Rows
from confserver.engine.seats import SILENT, Seats

TIMES_S = (0.1, 0.4, 1.5)
SILENT_S = 3.0
LEAST_S = 1.0
"""Between two changes in a room."""
EVERY = 5
"""Ticks between two looks."""
_LONG_SHARE = 0.5
_BEGINS = (0.3, 0.3, 0.12)
"""Scores with which the word is taken that nobody has."""
_AHEAD = 1.1
_GONE = 0.01
_HEARD = 0.05
_SPAN_DB = 40.0
_LEAST_DB = -60.0
"""Full activity is 40 dB above this."""
_IMMEDIATE, _MEDIUM, _LONG = range(3)
_STEPS = np.array([1 - np.exp(-TICK_S / time_s) for time_s in TIMES_S], np.float32)[:, None]


@dataclass(slots=True)
class Word:
    """Of one room: who has it, since when, and when anybody was heard last."""

    row: int
    """SILENT: nobody has it."""
    since: float
    heard: float
    has_left: bool = False


class Dominance:
    """Scores of all who talk, and who has the word in each room."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._room: NDArray[np.int64] = np.zeros(0, np.int64)
        self._scores = np.zeros((3, 0), np.float32)
        self._words: dict[RoomId, Word] = {}
        self._tick = 0

    def join(self, row: int, room: RoomId) -> None:
        """Somebody new sits there."""
        more = self._seats.capacity - len(self._room)
        if more > 0:
            self._room = np.concatenate((self._room, np.zeros(more, np.int64)))
            self._scores = np.concatenate((self._scores, np.zeros((3, more), np.float32)), axis=1)
        self._room[row] = room
        self._scores[:, row] = 0

    def leave(self, row: int) -> None:
        if row >= len(self._room):
            return
        word = self._words.get(int(self._room[row]))
        if word and word.row == row:
            word.has_left = True
        self._room[row] = 0
        self._scores[:, row] = 0

    def close(self, room: RoomId) -> None:
        self._words.pop(room, None)

    # ------------------------------------------------------------------ the tick
    def listen(self, silenced: Rows, now: float) -> list[tuple[RoomId, int | None]]:
        """Wanted each tick, once it is known who talks. silenced: rows that speak and are not to be heard by anybody.

        Gives the rooms in which the word has changed, and whose it is.
        """
        self._tick += 1
        high = min(self._seats.high, len(self._room))
        scores, talks = self._scores[:, :high], self._seats.talks[:high]
        rows = np.flatnonzero((self._room[:high] > 0) & (talks | (scores[_LONG] > _GONE)))
        scores[:, rows] += (self._activity(rows, silenced) - scores[:, rows]) * _STEPS
        return self._look(rows, now) if self._tick % EVERY == 0 else []

    def _activity(self, rows: Rows, silenced: Rows) -> NDArray[np.float32]:
        seats = self._seats
        level = 10 * np.log10(np.maximum(seats.energy[rows], 1e-9))
        active = seats.talks[rows] & (seats.quiet_frames[rows] == 0)
        if len(silenced):
            active &= ~np.isin(rows, silenced)
        return np.where(active, np.clip((level - _LEAST_DB) / _SPAN_DB, 0.1, 1), 0).astype(np.float32)

    def _look(self, rows: Rows, now: float) -> list[tuple[RoomId, int | None]]:
        changed: list[tuple[RoomId, int | None]] = []
        self._note_heard(rows, now)
        for room, row in self._challengers(rows):
            word, score = self._words.get(room), self._scores[:, row]
            if word and now - word.since < LEAST_S:
                continue
            if word is None or word.row == SILENT:
                takes = bool((score > _BEGINS).all())
            else:
                takes = row != word.row and self._beats(score, word.row)
            if takes:
                self._words[room] = Word(row, now, now)
                changed.append((room, row))
        return changed + self._ended(now)

    def _challengers(self, rows: Rows) -> list[tuple[RoomId, int]]:
        """The most active one of each room besides who has the word; else the latter."""
        rooms, medium = self._room[rows], self._scores[_MEDIUM, rows].copy()
        holders = [word.row for word in self._words.values() if not word.has_left]
        medium[np.isin(rows, holders)] = -1
        order = np.lexsort((medium, rooms))
        last = np.flatnonzero(np.diff(rooms[order], append=-1))
        best = order[last]
        return list(zip(rooms[best].tolist(), rows[best].tolist(), strict=True))

    def _beats(self, score: NDArray[np.float32], holder: int) -> bool:
        his = self._scores[:, holder]
        short = score[:_LONG] > np.maximum(his[:_LONG] * _AHEAD, _BEGINS[:_LONG])
        return bool(short.all() and score[_LONG] > his[_LONG] * _LONG_SHARE)

    def _note_heard(self, rows: Rows, now: float) -> None:
        for room in np.unique(self._room[rows[self._scores[_MEDIUM, rows] > _HEARD]]).tolist():
            if room in self._words:
                self._words[room].heard = now

    def _ended(self, now: float) -> list[tuple[RoomId, int | None]]:
        """Nobody has spoken for long, or who had the word is gone."""
        over = [room for room, word in self._words.items() if word.row != SILENT and _is_over(word, now)]
        for room in over:
            self._words[room] = Word(SILENT, now, now)
        return [(room, None) for room in over]


def _is_over(word: Word, now: float) -> bool:
    return now - word.heard >= SILENT_S or (word.has_left and now - word.since >= LEAST_S)
