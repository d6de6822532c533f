"""What is counted of the media of calls while they run: packets, losses, and what they are worth now.

::

    LegReports (every 5 s), LegClosed (the last word) -> what is new since the leg's report before -> counters
                                                      -> its opinion scores of now -> so many legs of each class

Counters never go back: what is lost and comes after all is not taken off again. The heir of a lost worker goes on
from what its forerunner has told last (``contract.Resume``), but for what is counted anew there (``ANEW``), which adds
to it.
So a scrape costs what there are classes, not what there are legs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from confserver.contract import FromWorker, LegClosed, LegId, LegReport, LegReports
from confserver.rtp.emodel import mos

COUNTS = ("received", "sent", "lost", "late", "lost_out")
ANEW = "late"
"""From nothing at an heir; the phone's own count, ``lost_out``, where it gets another SSRC of ours."""
CLASSES = ("bad", "poor", "low", "medium", "high", "best")
"""ITU-T G.109 table 1, and what it does not recommend, worst first."""
BOUNDS = tuple(mos(r) for r in (50.0, 60.0, 70.0, 80.0, 90.0))
"""Between the classes, as opinion scores."""
FORGOTTEN_S = 120.0
"""A leg of which nothing was told for so long has ended at a worker that was lost: others tell every 5 s."""


@dataclass(slots=True)
class Known:
    """What has been counted of one leg. ``scores``: in and out, 0 for unknown."""

    worker: int
    at: float
    highest: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    scores: tuple[float, float] = (0.0, 0.0)
    ssrc: int = 0


class RunningMedia:
    """Of all legs, running and ended, since the server's start."""

    def __init__(self) -> None:
        self.packets: Counter[str] = Counter()
        self._legs: dict[LegId, Known] = {}
        self._swept_at = 0.0

    def hear(self, worker: int, event: FromWorker, now: float) -> None:
        match event:
            case LegReports(reports=reports):
                for report in reports:
                    self._count(worker, report, now)
                self._sweep(now)
            case LegClosed(leg=leg, report=report):
                self._count(worker, report, now)
                self._legs.pop(leg, None)

    def lost(self, worker: int) -> None:
        """What its legs are worth is not known until its heir tells."""
        for known in self._legs.values():
            if known.worker == worker:
                known.highest[ANEW] = 0
                known.scores = 0.0, 0.0

    def _count(self, worker: int, report: LegReport, now: float) -> None:
        known = self._legs.get(report.leg)
        if known is None:
            known = self._legs[report.leg] = Known(worker, now)
        known.worker, known.at, known.scores = worker, now, (report.mos_in, report.mos_out)
        highest = known.highest
        if known.ssrc != report.ssrc:
            known.ssrc, highest["lost_out"] = report.ssrc, 0
        for name in COUNTS:
            count = getattr(report, name)
            if count > highest[name]:
                self.packets[name] += count - highest[name]
                highest[name] = count

    def _sweep(self, now: float) -> None:
        if now < self._swept_at + FORGOTTEN_S:
            return
        self._swept_at = now
        for leg in [leg for leg, known in self._legs.items() if known.at <= now - FORGOTTEN_S]:
            del self._legs[leg]

    # ------------------------------------------------------------------ now
    def worth(self) -> Iterator[tuple[str, str, int]]:
        """Direction, class, and how many running legs are of it; those that nothing is known of are left out."""
        for index, direction in enumerate(("in", "out")):
            scores = [known.scores[index] for known in self._legs.values() if known.scores[index]]
            found = Counter(CLASSES[bisect_right(BOUNDS, score)] for score in scores)
            for name in CLASSES:
                yield direction, name, found[name]

    def __len__(self) -> int:
        return len(self._legs)
