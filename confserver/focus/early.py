"""Waiting before the answer: who would have to wait hears prompts and music by 183, and is answered when he is let in.

Rule ``early_prompts``; nothing is charged for a call that waits so. RFC 3960 section 3.2: the media of a 183 are what the
phone plays instead of ringing. Keys may not come before the answer: many phones send none.
"""

from __future__ import annotations

from confserver.focus.admission import Admission
from confserver.focus.legs import Leg, Stage
from confserver.focus.scene import Scene
from confserver.focus.verdict import Verdict
from rooms import events as tell
from rooms.commands import Arrive
from rooms.entrance import next_wait
from rooms.participant import SYSTEM


class Early:
    """Decides for the rooms whether a call is answered at once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def decide(self, leg: Leg) -> Verdict:
        room = self._scene.rooms.get(leg.room)
        person = room.places.get(leg.participant)
        waits = person is not None and room.policy.early_prompts and next_wait(room, person) is not None
        leg.waits_early = waits
        return Verdict.LISTEN if waits else Verdict.COME

    def opened(self, leg: Leg | None, now: float) -> None:
        """Its 183 is on its way: it is at the door."""
        if leg is not None and leg.waits_early and leg.stage is Stage.WAITING:
            self._scene.try_ask(Arrive(leg.room, leg.participant), SYSTEM, now)

    def follow(self, event: tell.Event, admission: Admission) -> None:
        if isinstance(event, tell.ParticipantArrived):
            leg = self._scene.legs.by_participant.get(event.participant)
            if leg is not None and leg.waits_early:
                admission.let_in(leg)
