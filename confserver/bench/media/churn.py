"""Legs that come and go beside others that talk."""

from __future__ import annotations

from confserver.bench.media.load import Load, seat_of
from confserver.bench.media.rig import Rig, rig
from confserver.bench.media.tables import Column, Table
from confserver.bench.media.terms import Terms, told

A_SECOND = 100
STAY_S = 1.0


class Coming:
    """Who opens and closes legs, steadily: each stays for STAY_S."""

    def __init__(self, one: Rig, first: int) -> None:
        self._rig, self._first = one, first
        self._opened = 0
        self._began = 0.0
        self._leaving: list[tuple[float, int]] = []
        self.closed = 0

    def step(self, now: float) -> None:
        """What is due by now, in small batches, as from a signalling process. Numbers go round."""
        rooms: set[int] = set()
        self._began = self._began or now
        while self._opened < (now - self._began) * A_SECOND:
            number = self._first + self._opened % (3 * A_SECOND)
            self._rig.ask([number])
            rooms.add(seat_of(self._rig.load, number).room)
            self._leaving.append((now + STAY_S, number))
            self._opened += 1
        going = [number for at, number in self._leaving if at <= now]
        if going:
            self._leaving = self._leaving[len(going) :]
            self._rig.close(going)
            rooms |= {seat_of(self._rig.load, number).room for number in going}
            self.closed += len(going)
        self._rig.let_hear(rooms)

    @property
    def opened(self) -> int:
        return self._opened


def churn(terms: Terms) -> Table:
    """The same legs in peace and beside a hundred others a second."""
    (legs,) = terms.sized((500,))
    legs -= legs % Load().rooms_of if legs > Load().rooms_of else 0
    with rig(Load(), terms.realtime) as one:
        one.grow(legs)
        one.settle(terms.settle)
        told(f"{legs} legs in peace")
        quiet, _ = one.recorded(terms.seconds, most=legs)
        told(f"{legs} legs, and {A_SECOND} others that come and go each second")
        coming = Coming(one, legs)
        one.settle(2 * STAY_S, coming.step)
        busy, _ = one.recorded(terms.seconds, coming.step, most=legs)
    rows: list[tuple[float | str | None, ...]] = [
        (name, legs, came, found.missed, found.longest_ms, found.gap_ms.p50, found.gap_ms.p99, found.gap_ms.max,
         found.lost, found.cpu_s * 1000 / found.seconds)
        for name, came, found in (("in peace", 0, quiet), (f"{A_SECOND} legs a second beside", coming.opened, busy))
    ]  # fmt: skip
    columns = (Column("load"), Column("legs that talk"), Column("legs opened"), Column("ticks missed", 0, max),
               Column("longest tick so far, ms", 1, max), Column("largest gap p50, ms", 1), Column("p99", 1),
               Column("max", 1, max), Column("packets lost", 0, sum), Column("CPU-ms a second", 0))  # fmt: skip
    return Table("Legs that come and go beside others", columns, rows, quiet.remarks() + busy.remarks())
