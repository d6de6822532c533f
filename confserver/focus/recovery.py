"""A media worker is lost, and its heir carries on: the same rooms and legs, ports and streams.

::

    lost --> rooms and legs wait --heir stands--> OpenRoom, OpenLeg(resume), SetHearing; new keys for protected calls
                                 --no heir in HEIR_S, or lost MOST_LOSSES times in LOSSES_S--> BYE to all of them
"""

from __future__ import annotations

from collections.abc import Callable

from confserver.contract import OpenLeg, Resume
from confserver.focus.answers import unavailable
from confserver.focus.deadlines import soonest
from confserver.focus.legs import Leg, Place, Stage
from confserver.focus.reoffers import Reoffers
from confserver.focus.scene import Scene
from rooms.commands import NoteDominant, NoteNoise, NoteTalking
from rooms.participant import SYSTEM

HEIR_S = 10.0
"""So long calls wait in silence for their worker's heir."""
MOST_LOSSES = 3
LOSSES_S = 30.0
"""Who is lost so often in so short a time is lost by what its calls do: they would take down every heir."""


class Recovery:
    """Keeps the rooms of lost workers until they go on elsewhere."""

    def __init__(self, scene: Scene, reoffers: Reoffers) -> None:
        self._scene = scene
        self._reoffers = reoffers
        self._waiting: dict[int, float] = {}
        """Lost workers, and until when their calls wait."""
        self._losses: dict[int, list[float]] = {}
        self.openers: list[Callable[[int], None]] = []
        """Who else has legs, with ports of their own."""

    def lost(self, worker: int, now: float) -> None:
        """Whoever was there is heard and hears no more, until the heir stands."""
        scene = self._scene
        scene.forget_worker(worker)
        legs = scene.legs.at_worker(worker)
        for place in [*scene.places.values(), *(leg.place for leg in legs)]:
            place.is_lost = place.is_lost or place.worker == worker
        self._end_unanswered(legs)
        losses = [at for at in self._losses.get(worker, ()) if now - at < LOSSES_S]
        self._losses[worker] = [*losses, now]
        if len(self._losses[worker]) >= MOST_LOSSES:
            self._give_up(worker)
            return
        self._waiting[worker] = now + HEIR_S
        for leg in legs:
            if leg.stage is Stage.PRESENT:
                scene.try_ask(NoteTalking(leg.room, leg.participant, False), SYSTEM, now)
                scene.try_ask(NoteNoise(leg.room, leg.participant, ""), SYSTEM, now)
        for room in [room for room, place in scene.places.items() if place.worker == worker]:
            scene.try_ask(NoteDominant(room, ""), SYSTEM, now)

    def stands(self, worker: int) -> None:
        """Tell a worker what its forebear had: first the legs that have their ports, lest others get them."""
        scene = self._scene
        scene.workers.add(worker)
        self._waiting.pop(worker, None)
        places = {room: place for room, place in scene.places.items() if place.worker == worker and place.is_lost}
        for room, place in places.items():
            place.is_lost = False
            scene.open_room(room, place)
        for reopen in self.openers:
            reopen(worker)
        legs = [leg for leg in scene.legs.at_worker(worker) if leg.stage is not Stage.LEAVING]
        for leg in sorted(legs, key=lambda each: each.stage is Stage.OPENING):
            if not leg.place.is_lost:
                self._open(leg)
        for room in places:
            hearing = scene.rooms.get(room).hearing
            if hearing.listeners:
                scene.tell_hearing(room, hearing)

    def _open(self, leg: Leg) -> None:
        """At the heir. The counters of a protected leg are lost, and one used twice under one key would give the sound
        away (RFC 3711 section 9.1): it gets another key, which its phone is told.

        A leg that waits to be opened gets another SSRC, and with it counters of its own.
        """
        is_protected = leg.stage is not Stage.OPENING and leg.agreed is not None and leg.agreed.crypto is not None
        if is_protected:
            self._reoffers.renew(leg)
        self._scene.tell_worker(leg.place, _opening(leg))
        if is_protected:
            self._reoffers.ask(leg)

    def _end_unanswered(self, legs: list[Leg]) -> None:
        """Before the ACK of our 200 there can be no re-INVITE, and so no other key."""
        for leg in legs:
            if leg.agreed and leg.agreed.crypto and leg.stage is Stage.ANSWERED:
                self._scene.hang_up(leg, "its media worker is gone, and its keys with it")

    def _give_up(self, worker: int) -> None:
        """Its calls end, and its rooms find other places."""
        scene = self._scene
        self._waiting.pop(worker, None)
        for leg in scene.legs.at_worker(worker):
            scene.hang_up(leg, "its media worker is gone", unavailable("the media worker is gone"))
        scene.places = {room: place for room, place in scene.places.items() if not _is_of(place, worker)}

    # ------------------------------------------------------------------ time
    def next_deadline(self) -> float | None:
        return soonest(*self._waiting.values(), self._reoffers.next_deadline())

    def fire(self, now: float) -> None:
        self._reoffers.fire(now)
        for worker in [worker for worker, ends in self._waiting.items() if ends <= now]:
            self._give_up(worker)


def _is_of(place: Place, worker: int) -> bool:
    return place.is_lost and place.worker == worker


def _opening(leg: Leg) -> OpenLeg:
    """What the heir is told: a leg that has a port goes on there."""
    resume = None
    if leg.stage is not Stage.OPENING and leg.reached:
        report = leg.report
        resume = Resume(
            port=leg.port, ssrc=leg.ssrc, sequence=leg.reached.sequence, timestamp=leg.reached.timestamp,
            at=leg.reached.at, latched=leg.remote, sent=report.sent if report else 0,
            received=report.received if report else 0, lost=report.lost if report else 0,
        )  # fmt: skip
    return OpenLeg(leg=leg.id, room=leg.place.number, ipv6=leg.is_ipv6, plan=leg.plan, resume=resume)
