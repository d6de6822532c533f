"""What comes from people just now, for those who look on: asked of the workers only while somebody does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from confserver.contract import LegId, WatchedReports, WatchRooms
from confserver.focus.legs import Stage
from confserver.focus.measuring import worth_of
from confserver.focus.outputs import Output, TellWorker
from confserver.focus.scene import Scene

MOST_TOLD = 500
"""People at once: where there are more, rooms have their turns."""
Wanted = Callable[[str], bool] | None


class Levels:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._asked: dict[int, frozenset[int]] = {}
        """Of which rooms each worker has been asked to tell."""
        self._now: dict[LegId, float] = {}
        self._last = ""

    def watch(self, wanted: Wanted) -> list[Output]:
        """Have the workers tell what is wanted now; None: nothing."""
        places = [place for name, place in self._scene.places.items() if wanted is not None and wanted(name)]
        workers = {place.worker for place in places} | set(self._asked)
        for worker in sorted(workers):
            rooms = frozenset(place.number for place in places if place.worker == worker)
            if rooms != self._asked.get(worker, frozenset()):
                self._scene.say(TellWorker(worker, WatchRooms(rooms=sorted(rooms))))
                self._asked[worker] = rooms
            if not rooms:
                self._asked.pop(worker, None)
        if wanted is None:
            self._now.clear()
        return self._scene.taken()

    def heard(self, event: WatchedReports) -> None:
        for report, level in zip(event.reports, event.levels_db, strict=False):
            leg = self._scene.legs.by_id.get(report.leg)
            if leg is not None:
                leg.report = report
                self._now[report.leg] = level

    def worker_lost(self, worker: int) -> None:
        """Its heir knows nothing of it."""
        self._asked.pop(worker, None)

    def of_rooms(self, wanted: Wanted) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Room -> participant -> what comes from him, for as many rooms as have their turn."""
        names = sorted(name for name in self._scene.places if wanted is not None and wanted(name))
        later = [name for name in names if name > self._last]
        told: dict[str, dict[str, Mapping[str, Any]]] = {}
        count = 0
        for name in [*later, *names[: len(names) - len(later)]]:
            legs = [leg for leg in self._scene.legs.in_room(name) if leg.stage is Stage.PRESENT]
            if count and count + len(legs) > MOST_TOLD:
                break
            count += len(legs)
            told[name] = {leg.participant: {"level_db": self._now.get(leg.id), **worth_of(leg.report)} for leg in legs}
            self._last = name
        self._now = {leg: level for leg, level in self._now.items() if leg in self._scene.legs.by_id}
        return told
