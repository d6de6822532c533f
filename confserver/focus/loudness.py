"""How loud a leg is to the others, and they to it, and where they hear it: what the rooms say of its participant, told
to its worker.

A leg that opens is as loud as it comes; so a worker's heir is told anew, and so is the worker of a phone that takes
another's place.
"""

from __future__ import annotations

from confserver.contract import SetGain
from confserver.focus.legs import Leg, Stage
from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.participant import Participant


class Loudness:
    """Follows the gains of those who are present."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def follow(self, event: tell.Event) -> None:
        match event:
            case (
                tell.GainChanged(participant=participant) | tell.ParticipantPlaced(participant=participant)
                | tell.ParticipantReplaced(participant=participant)
            ):  # fmt: skip
                leg = self._scene.legs.by_participant.get(participant)
                if leg is not None:
                    self.tell(leg, is_new=isinstance(event, tell.ParticipantReplaced))
            case tell.ParticipantMoved(participant=participant) if event.room == event.to_room:
                leg = self._scene.legs.by_participant.get(participant)
                if leg is not None:
                    self.tell(leg)

    def worker_ready(self, worker: int) -> None:
        """Its legs are open there; those that never were changed need no word."""
        for leg in self._scene.legs.at_worker(worker):
            if not leg.place.is_lost:
                self.tell(leg, is_new=True)

    def tell(self, leg: Leg, *, is_new: bool = False) -> None:
        """``is_new``: the leg is as loud as it comes."""
        person = self._person(leg)
        if person is None or leg.stage is Stage.LEAVING or (is_new and _is_usual(person)):
            return
        incoming, outgoing = 10 ** (person.incoming_db / 20), 10 ** (person.outgoing_db / 20)
        command = SetGain(leg=leg.id, incoming=incoming, outgoing=outgoing, pan=person.pan)
        self._scene.tell_worker(leg.place, command)

    def _person(self, leg: Leg) -> Participant | None:
        rooms = self._scene.rooms
        return rooms.get(leg.room).places.get(leg.participant) if leg.room in rooms else None


def _is_usual(person: Participant) -> bool:
    return not person.incoming_db and not person.outgoing_db and person.pan is None
