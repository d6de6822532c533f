"""Other ports of ours, for phones that move to where another leg of the same port is heard from.

Legs share ports, and are told apart by where their packets come from. Where an offer would bring two of one port to one
address, or two of which nobody knows yet from where they will be heard, the answer waits for another port and names it:

    offer --taken?--> ChangePort --PortChanged--> the answer, with the new port
                                 --none, or no word for 2 s--> 500: all is as it was
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from confserver.contract import Address, ChangePort, LegId, PortChanged
from confserver.focus.legs import Leg, Stage
from confserver.focus.outputs import RefuseOffer
from confserver.focus.scene import OPENING_S, Scene
from confserver.sip.outputs import OfferArrived

LATER = (("Retry-After", "2"),)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An offer whose answer waits for a port."""

    offer: OfferArrived
    deadline: float


class Ports:
    """``answer`` is called again with the offer, once the leg has its port."""

    def __init__(self, scene: Scene, answer: Callable[[OfferArrived, float], None]) -> None:
        self._scene = scene
        self._answer = answer
        self._waiting: dict[LegId, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def is_mistakable(self, leg: Leg, remote: Address | None) -> bool:
        """Whether its packets from there could be taken for another leg's."""
        if remote is None or remote == leg.remote or (leg.plan is not None and remote == leg.plan.remote):
            return False
        return any(
            other is not leg
            and (other.port, other.is_ipv6) == (leg.port, leg.is_ipv6)
            and other.stage is not Stage.LEAVING
            and (other.remote is None or remote in (other.remote, other.plan.remote if other.plan else None))
            for other in self._scene.legs.at_worker(leg.worker)
        )

    def ask(self, leg: Leg, offer: OfferArrived, remote: Address, now: float) -> None:
        self._waiting[leg.id] = Waiting(offer, now + OPENING_S)
        self._scene.tell_worker(leg.place, ChangePort(leg=leg.id, ipv6=leg.is_ipv6, remote=remote))

    def changed(self, event: PortChanged, now: float) -> None:
        """Also where nobody waits any more: the leg is there from now on."""
        leg, waiting = self._scene.legs.by_id.get(event.leg), self._waiting.pop(event.leg, None)
        if leg is not None and event.port:
            leg.port = event.port
        if waiting is None:
            return
        if leg is None or not event.port:
            self._refuse(waiting)
        else:
            self._answer(waiting.offer, now)

    def _refuse(self, waiting: Waiting) -> None:
        self._scene.say(RefuseOffer(waiting.offer.call, 500, "No Port", LATER))

    def next_deadline(self) -> float | None:
        """All wait equally long: the first is due first."""
        return next((waiting.deadline for waiting in self._waiting.values()), None)

    def fire(self, now: float) -> None:
        for leg, waiting in [each for each in self._waiting.items() if each[1].deadline <= now]:
            del self._waiting[leg]
            self._refuse(waiting)
