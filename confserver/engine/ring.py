"""The packets of each leg that wait to be played, undecoded.

A packet takes the first place that is free, which nearly always is place 0: so a leg without jitter needs few bytes,
which stay in the processor's cache, and all legs in step are read as one block. Short payloads (all of 20 ms of G.711,
G.722 and most of Opus) lie apart from long ones; memory of the latter is touched only where they come.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.engine.frame import Bytes, Lengths, Rows
from confserver.rtp.statistics import signed32

PLACES = 32
"""Packets a leg's ring holds: 640 ms of 20 ms packets, 80 ms of the shortest of Opus."""
SHORT, LONG = 160, 1440
"""Bytes of the longest payload of each kind: 20 ms of G.711, and what an Ethernet packet holds."""
NEVER = np.iinfo(np.int64).max

_SHORT_ITEM, _LONG_ITEM = np.dtype(f"V{SHORT}"), np.dtype(f"V{LONG}")


class Ring:
    """Columns (PLACES, rows): timestamp; bytes, 0 where nothing lies; duration in ticks of the RTP clock; meaning."""

    def __init__(self, capacity: int) -> None:
        self.timestamp: NDArray[np.uint32] = np.zeros((PLACES, capacity), np.uint32)
        self.length: NDArray[np.uint16] = np.zeros((PLACES, capacity), np.uint16)
        self.duration: NDArray[np.uint16] = np.zeros((PLACES, capacity), np.uint16)
        self.meaning: NDArray[np.uint8] = np.zeros((PLACES, capacity), np.uint8)
        self.held: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        """Packets of each leg."""
        self._short: NDArray[np.void] = np.zeros((PLACES, capacity), _SHORT_ITEM)
        self._short_bytes: Bytes = self._short.view(np.uint8).reshape(PLACES, capacity, SHORT)
        self._long: NDArray[np.void] = np.zeros((PLACES, capacity), _LONG_ITEM)

    @property
    def capacity(self) -> int:
        return len(self.held)

    def fit(self, capacity: int) -> None:
        """Grow as the seats have grown; what nobody uses is not touched."""
        old = Ring.__new__(Ring)
        old.__dict__.update(self.__dict__)
        if capacity <= old.capacity:
            return
        self.__init__(capacity)  # type: ignore[misc]
        size = old.capacity
        self.held[:size] = old.held
        for name in ("timestamp", "length", "duration", "meaning"):
            getattr(self, name)[:, :size] = getattr(old, name)
        for place, row in zip(*np.nonzero(old.length), strict=True):
            name = "_short" if old.length[place, row] <= SHORT else "_long"
            getattr(self, name)[place, row] = getattr(old, name)[place, row]

    # ------------------------------------------------------------------ in
    def put(
        self,
        rows: Rows,
        payload: Bytes,
        timestamp: NDArray[np.uint32],
        length: Lengths,
        duration: Lengths,
        meaning: NDArray[np.uint8],
        now_playing: NDArray[np.uint32],
        lines: Rows,
    ) -> None:
        """Take at most one packet a row.

        payload: uint8 (lines of a batch, at least LONG), of which ``lines`` are meant.
        now_playing: what ends before this timestamp of the row's makes room.
        """
        where = self._where(rows, timestamp, now_playing)
        self.timestamp[where] = timestamp
        self.length[where] = length
        self.duration[where] = duration
        self.meaning[where] = meaning
        long = length > SHORT
        if not long.any():
            self._short[where] = _items(payload, _SHORT_ITEM)[lines]
            return
        place = np.broadcast_to(where[0], rows.shape)
        short = ~long
        self._short[place[short], rows[short]] = _items(payload, _SHORT_ITEM)[lines[short]]
        self._long[place[long], rows[long]] = _items(payload, _LONG_ITEM)[lines[long]]

    def _where(
        self, rows: Rows, timestamp: NDArray[np.uint32], now_playing: NDArray[np.uint32]
    ) -> tuple[Rows | int, Rows]:
        """A free place of each row; that of the same packet, where it has come before; else the oldest one's."""
        held = self.held[rows]
        some = np.flatnonzero(held)
        if not len(some):
            self.held[rows] = 1
            return 0, rows
        place = np.zeros(len(rows), np.intp)
        mine = rows[some]
        self.drop_before(mine, now_playing[some])
        length, stamp = self.length[:, mine], self.timestamp[:, mine]
        same = (stamp == timestamp[some]) & (length > 0)
        free = length == 0
        again, fits = same.any(axis=0), free.any(axis=0)
        oldest = signed32(stamp - timestamp[some]).argmin(axis=0)
        place[some] = np.where(again, same.argmax(axis=0), np.where(fits, free.argmax(axis=0), oldest))
        self.held[rows[held == 0]] = 1
        self.held[mine] += ~again & fits
        return place, rows

    # ------------------------------------------------------------------ looking
    def due(self, wanting: NDArray[np.bool_], timestamp: NDArray[np.uint32]) -> tuple[Rows, Rows, Rows]:
        """Of the first rows, those that want: which have a packet that begins just then, and its place; who has none.

        Rows are in ascending order.
        """
        high = len(wanting)
        first = (self.timestamp[0, :high] == timestamp) & (self.length[0, :high] > 0) & wanting
        found = np.flatnonzero(first)
        missing = np.flatnonzero(wanting & ~first)
        place = np.zeros(len(found), np.intp)
        holding = np.flatnonzero(self.held[missing])
        if not len(holding):
            return found, place, missing
        more = missing[holding]
        hit = (self.timestamp[1:, more] == timestamp[more]) & (self.length[1:, more] > 0)
        any_hit = hit.any(axis=0)
        others = more[any_hit]
        missing = np.delete(missing, holding[any_hit])
        found = np.concatenate((found, others))
        place = np.concatenate((place, 1 + hit[:, any_hit].argmax(axis=0)))
        order = np.argsort(found)
        return found[order], place[order], missing

    def begun(self, rows: Rows, timestamp: NDArray[np.uint32]) -> tuple[NDArray[np.int64], Rows]:
        """How far into a packet of its each row's timestamp is (NEVER: into none), and its place."""
        behind = signed32(timestamp - self.timestamp[:, rows]).astype(np.int64)
        inside = (self.length[:, rows] > 0) & (behind > 0) & (behind < self.duration[:, rows])
        place = inside.argmax(axis=0)
        columns = np.arange(len(rows))
        return np.where(inside[place, columns], behind[place, columns], NEVER), place

    def next_after(
        self, rows: Rows, timestamp: NDArray[np.uint32], full: NDArray[np.int64], anew: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Rows]:
        """RTP time until the next packet of each row (NEVER: there is none), and its place.

        full: where the newest is further ahead than this, all but the last ``anew`` is passed over.
        """
        held = self.length[:, rows] > 0
        ahead = np.where(held, signed32(self.timestamp[:, rows] - timestamp).astype(np.int64), 0)
        newest = ahead.max(axis=0)
        least = np.where(newest >= full, newest - anew, 1)
        distance = np.where(ahead >= least, ahead, NEVER)
        place = distance.argmin(axis=0)
        return distance[place, np.arange(len(rows))], place

    def ahead(self, rows: Rows, timestamp: NDArray[np.uint32]) -> NDArray[np.int64]:
        """RTP time from a timestamp of each row to the end of its newest packet, gaps included."""
        end = signed32(self.timestamp[:, rows] - timestamp).astype(np.int64) + self.duration[:, rows]
        stored: NDArray[np.int64] = np.where(self.length[:, rows] > 0, end, 0).max(axis=0)
        return np.maximum(stored, 0)

    # ------------------------------------------------------------------ out
    def payload(self, rows: Rows, place: Rows, longest: int) -> Bytes:
        """uint8 (rows, longest or more), C-contiguous; all of one kind, as ``longest`` says. rows: ascending."""
        ring = self._short if longest <= SHORT else self._long
        count = len(rows)
        if count and not place.any() and int(rows[-1]) - int(rows[0]) == count - 1:
            items = ring[0, int(rows[0]) : int(rows[0]) + count]
        else:
            items = ring[place, rows]
        return items.view(np.uint8).reshape(count, -1)

    def heads(self, rows: Rows, place: Rows, count: int) -> Bytes:
        """The first bytes of payloads, all of them short: uint8 (rows, count)."""
        heads: Bytes = self._short_bytes[place, rows, :count]
        return heads

    def release(self, rows: Rows, place: Rows) -> None:
        """These have been played."""
        self.length[place, rows] = 0
        self.held[rows] -= 1

    def clear(self, rows: Rows | int) -> None:
        self.length[:, rows] = 0
        self.held[rows] = 0

    def drop_before(self, rows: Rows, timestamp: NDArray[np.uint32]) -> None:
        """Forget what ends before a timestamp of each row's: it will never be played."""
        left = signed32(self.timestamp[:, rows] - timestamp) + self.duration[:, rows].astype(np.int32)
        over = (self.length[:, rows] > 0) & (left <= 0)
        if over.any():
            places, columns = np.nonzero(over)
            self.length[places, rows[columns]] = 0
            self.held[rows] -= np.count_nonzero(over, axis=0).astype(np.uint8)


def _items(payload: Bytes, item: np.dtype[np.void]) -> NDArray[np.void]:
    """Each line's first bytes as one item."""
    lines: NDArray[np.void] = payload[:, : item.itemsize].view(item)[:, 0]
    return lines
