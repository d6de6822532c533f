"""What legs bring besides speech: keys as tones, the residue of keys, noise; and who has the word.

::

    playout -> hush (keys fade out before anybody takes them) -> speech, floor -> listen (guard, dominance)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from confserver.contract import DigitPressed, DominantChanged, FromWorker, NoiseDetected, NoiseEnded, RoomId
from confserver.engine.codecs import FIRST_EVENT, meaning_of
from confserver.engine.dominant import EVERY, Dominance
from confserver.engine.dtmf import Detector
from confserver.engine.floor import Floor
from confserver.engine.frame import TICK_S, Rows
from confserver.engine.guard import Guard, Noticed
from confserver.engine.hush import Hush
from confserver.engine.legs import Leg, Legs
from confserver.engine.seats import Seats

_RESIDUE_TICKS = 2
"""For which a leg stays hushed after a key that it has sent as events, besides what is still to be played."""


class Listening:
    """One object for the tick. ``delay_s``: how much of a row's sound is still to be played."""

    def __init__(
        self,
        seats: Seats,
        legs: Legs,
        floor: Floor,
        delay_s: Callable[[int], float],
        tell: Callable[[FromWorker], None],
    ) -> None:
        self._seats = seats
        self._legs = legs
        self._floor = floor
        self._delay_s = delay_s
        self._tell = tell
        self.detector = Detector(seats)
        self.guard = Guard(seats)
        self.dominance = Dominance(seats)
        self._hush = Hush(seats)
        self._residue: dict[int, int] = {}
        """Rows that have sent a key as events, and for how many ticks more nobody hears them."""
        self._tick = 0
        self._silenced: Rows = np.zeros(0, np.intp)

    # ------------------------------------------------------------------ between ticks
    def follow(self, leg: Leg, is_new: bool = False) -> None:
        """A leg has a new plan, or has come."""
        room = self._floor.room_of.get(leg.row)
        if room is None:
            return
        if is_new:
            self.dominance.join(leg.row, room.number)
        formats = [incoming.format for incoming in leg.plan.incoming] if leg.plan else []
        sends_events = any(meaning_of(name) >= FIRST_EVENT for name in formats)
        self.detector.watch(leg.row, bool(formats) and not sends_events)
        self._note(self.guard.watch(leg.row, room.sound.guard))

    def follow_room(self, number: RoomId) -> None:
        """A room sounds otherwise from now on."""
        room = self._floor.rooms.get(number)
        for row in room.members if room else ():
            if room and row in self._legs.by_row:
                self._note(self.guard.watch(row, room.sound.guard))

    def forget(self, row: int) -> None:
        """The leg is gone; wanted before it is."""
        self.detector.watch(row, False)
        self._note(self.guard.watch(row, False))
        self.dominance.leave(row)
        self._residue.pop(row, None)

    def close(self, room: RoomId) -> None:
        self.dominance.close(room)

    # ------------------------------------------------------------------ the tick
    def hush(self, pressing: Iterable[int]) -> None:
        """Find keys, and silence them. pressing: rows that send a key as events just now.

        Some phones send such a key as a tone, too.
        """
        for heard in self.detector.listen():
            leg = self._legs.by_row.get(heard.row)
            if leg is not None:
                self._tell(DigitPressed(leg=leg.id, digit=heard.digit, duration_ms=heard.duration_ms))
        for row in list(self._residue):
            self._residue[row] -= 1
            if self._residue[row] <= 0:
                del self._residue[row]
        for row in pressing:
            self._residue[row] = math.ceil(max(self._delay_s(row), 0) / TICK_S) + _RESIDUE_TICKS
        rows = self.detector.hush
        if self._residue:
            rows = np.union1d(rows, np.fromiter(self._residue, np.intp))
        self._hush.apply(rows)

    @property
    def hushed(self) -> Rows:
        """Who presses a key, in this tick."""
        return self._hush.rows

    def listen(self, now: float) -> None:
        """Once it is known who talks."""
        if self._tick % EVERY == 0:
            silenced = {row for room in self._floor.rooms.values() for row in room.talkers - room.public}
            self._silenced = np.array(sorted(silenced), np.intp)
        self._tick += 1
        self._note(self.guard.listen())
        for room, row in self.dominance.listen(self._silenced, now):
            leg = None if row is None else self._legs.by_row.get(row)
            if row is None or leg is not None:
                self._tell(DominantChanged(room=room, leg=leg.id if leg else None))

    def _note(self, noticed: Iterable[Noticed]) -> None:
        for each in noticed:
            leg = self._legs.by_row.get(each.row)
            if leg is not None:
                self._tell(NoiseDetected(leg=leg.id, kind=each.kind) if each.kind else NoiseEnded(leg=leg.id))
