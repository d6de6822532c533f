"""A participant goes to another room, and his leg with him: within a worker as it is, between workers by re-INVITE.

::

    ParticipantMoved --same worker--> MoveLeg, and all goes on
                     --another worker--> its leg waits there in an anteroom, and is sent silence
                                         OpenLeg --LegOpened--> our re-INVITE with the new port
                                                 --200--> SetLeg: it sends and hears; the old leg is closed
                                                 --LegFailed, or a refusal--> back to the room that he came from

A room that comes into being by a move lives where its people have come from.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import structs

from confserver.contract import CloseLeg, CloseRoom, LegFailed, LegId, LegOpened, MediaPlan, MoveLeg, OpenLeg
from confserver.focus.legs import Leg, Place, Reached, Stage
from confserver.focus.outputs import NameRoom
from confserver.focus.reoffers import Reoffers
from confserver.focus.scene import Scene
from confserver.sdp.agreement import Agreed
from confserver.sip.uri import escape_user
from rooms import events as tell
from rooms.commands import Move
from rooms.participant import SYSTEM

LOST = "its room is at another media worker, and it has not followed"


@dataclass(slots=True)
class Crossing:
    """A leg on its way to another worker, and what it is where it came from."""

    leg: Leg
    anteroom: Place
    id: LegId
    port: int
    ssrc: int
    reached: Reached | None
    agreed: Agreed | None
    plan: MediaPlan | None
    room: str
    """Where he goes back to if it comes to nothing."""
    is_asked: bool = False
    """Its phone has been told of the new port."""


class Moving:
    """All moves of legs."""

    def __init__(self, scene: Scene, reoffers: Reoffers) -> None:
        self._scene = scene
        self._reoffers = reoffers
        self._crossings: dict[Leg, Crossing] = {}
        reoffers.followers.append(self._answered)

    def __len__(self) -> int:
        return len(self._crossings)

    # ------------------------------------------------------------------ what the rooms say
    def follow(self, event: tell.Event) -> None:
        if isinstance(event, tell.ParticipantMoved) and event.room == event.from_room:
            self._move(event)
        for leg in [leg for leg in self._crossings if not self._lives(leg)]:
            self._leave_anteroom(self._crossings.pop(leg))

    def _lives(self, leg: Leg) -> bool:
        return leg.stage is not Stage.LEAVING and self._scene.legs.by_id.get(leg.id) is leg

    def _move(self, event: tell.ParticipantMoved) -> None:
        """With those who are about to take his place."""
        scene = self._scene
        leg = scene.legs.by_participant.get(event.participant)
        if leg is None:
            return
        here = self._crossings[leg].anteroom if leg in self._crossings else leg.place
        place = scene.place_of(event.to_room, near=here)
        for each in [leg, *(heir for heir in scene.legs.in_room(leg.room) if heir.takes_over is leg)]:
            self._take(each, event.to_room, place)
            if each.call > 0 and each.stage is not Stage.LEAVING:
                scene.say(
                    NameRoom(each.call, escape_user(event.to_room))
                )  # RFC 4579 5.1: the Contact is the conference

    def _take(self, leg: Leg, room: str, place: Place) -> None:
        scene, crossing = self._scene, self._crossings.get(leg)
        if leg.stage is Stage.LEAVING:
            scene.legs.move(leg, room, place)
        elif place.worker == leg.place.worker:
            self._sit_down(leg, room, place)
        elif crossing is not None and crossing.anteroom.worker == place.worker:
            self._turn_back(crossing)
            self._sit_down(leg, room, place)
            self._leave_anteroom(self._crossings.pop(leg), keeps_leg=True)
            if crossing.is_asked:
                self._reoffers.ask(leg, is_vital=False)
        else:
            self._cross(leg, room, place)

    def _sit_down(self, leg: Leg, room: str, place: Place) -> None:
        self._scene.legs.move(leg, room, place)
        self._scene.tell_worker(place, MoveLeg(leg=leg.id, room=place.number))

    # ------------------------------------------------------------------ to another worker
    def _cross(self, leg: Leg, room: str, place: Place) -> None:
        """The counters of a protected leg stay behind, and one used twice under one key would give the sound away (RFC
        3711 section 9.1): it gets another key."""
        scene = self._scene
        if leg in self._crossings or leg.stage in (Stage.OPENING, Stage.CALLING):
            scene.tell_worker(leg.place, CloseLeg(leg=leg.id))
        else:
            self._crossings[leg] = self._to_anteroom(leg)
        scene.legs.move(leg, room, place, scene.number())
        leg.reached, leg.remote = None, None
        self._reoffers.renew(leg)
        is_silent = leg in self._crossings and leg.plan is not None
        plan = structs.replace(leg.plan, sends=False) if leg.plan is not None and is_silent else leg.plan
        scene.tell_worker(place, OpenLeg(leg=leg.id, room=place.number, ipv6=leg.is_ipv6, plan=plan))

    def _to_anteroom(self, leg: Leg) -> Crossing:
        """It is sent silence until its phone has followed."""
        anteroom = Place(self._scene.number(), leg.place.worker, leg.place.is_lost)
        self._scene.open_room(leg.room, anteroom)
        self._scene.tell_worker(anteroom, MoveLeg(leg=leg.id, room=anteroom.number))
        return Crossing(leg, anteroom, leg.id, leg.port, leg.ssrc, leg.reached, leg.agreed, leg.plan, leg.room)

    def opened(self, event: LegOpened) -> None:
        """The leg has its port at the other worker: its phone is told."""
        leg = self._scene.legs.by_id.get(event.leg)
        crossing = self._crossings.get(leg) if leg else None
        if leg is not None and crossing is not None:
            leg.port, crossing.is_asked = event.port, True
            self._reoffers.ask(leg, is_vital=False)

    def failed(self, event: LegFailed, now: float) -> bool:
        """Whether it was a leg on its way, which goes back."""
        leg = self._scene.legs.by_id.get(event.leg)
        crossing = self._crossings.get(leg) if leg else None
        if crossing is None:
            return False
        self._go_back(crossing, now)
        return True

    def _answered(self, leg: Leg, is_taken: bool, now: float) -> None:
        """The phone's last word on an offer of ours."""
        crossing = self._crossings.get(leg)
        if crossing is None or not crossing.is_asked:
            return
        if is_taken:
            self._leave_anteroom(self._crossings.pop(leg))
        else:
            crossing.is_asked = False
            self._go_back(crossing, now)

    def _go_back(self, crossing: Crossing, now: float) -> None:
        """To the room he came from, as if nothing had been; where that cannot be any more, the call ends."""
        leg = crossing.leg
        if (
            crossing.anteroom.is_lost
            or not self._scene.try_ask(Move(leg.room, leg.participant, crossing.room, force=True), SYSTEM, now)
            or leg in self._crossings
        ):
            self._scene.hang_up(leg, LOST)

    def _turn_back(self, crossing: Crossing) -> None:
        """It is again what it was at the old worker; the new one forgets it."""
        leg = crossing.leg
        self._scene.tell_worker(leg.place, CloseLeg(leg=leg.id))
        self._scene.legs.move(leg, leg.room, crossing.anteroom, crossing.id)
        leg.port, leg.ssrc, leg.reached = crossing.port, crossing.ssrc, crossing.reached
        leg.agreed, leg.plan = crossing.agreed, crossing.plan

    def _leave_anteroom(self, crossing: Crossing, *, keeps_leg: bool = False) -> None:
        if not keeps_leg:
            self._scene.tell_worker(crossing.anteroom, CloseLeg(leg=crossing.id))
        self._scene.tell_worker(crossing.anteroom, CloseRoom(room=crossing.anteroom.number))

    def worker_lost(self, worker: int, now: float) -> None:
        """Who has come from there cannot go back; who was to go there goes back."""
        for crossing in list(self._crossings.values()):
            if crossing.anteroom.worker == worker:
                crossing.anteroom.is_lost = True
            elif crossing.leg.place.worker == worker and self._lives(crossing.leg):
                self._go_back(crossing, now)
