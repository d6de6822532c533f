"""What media workers hear of those who are there: who talks, pours in noise, has the word, has fallen silent."""

from __future__ import annotations

from confserver.contract import DominantChanged, LegId, LegSilent, NoiseDetected, NoiseEnded, RoomId, SpeakingChanged
from confserver.focus.legs import Leg, Stage
from confserver.focus.outputs import Probe
from confserver.focus.scene import Scene
from confserver.sip.outputs import CallId
from rooms.commands import NoteDominant, NoteNoise, NoteTalking
from rooms.participant import SYSTEM

Noted = SpeakingChanged | NoiseDetected | NoiseEnded | DominantChanged | LegSilent


class Noting:
    """Tells the rooms; asks the phones of silent legs whether they live."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def heard(self, event: Noted, now: float) -> None:
        """Of legs that are gone by now nothing is told."""
        if isinstance(event, DominantChanged):
            self._dominant(event.room, event.leg, now)
            return
        leg = self._scene.legs.by_id.get(event.leg)
        if leg is None:
            return
        match event:
            case SpeakingChanged(speaking=speaking):
                self._scene.try_ask(NoteTalking(leg.room, leg.participant, speaking), SYSTEM, now)
            case NoiseDetected(kind=kind):
                self._noise(leg, kind, now)
            case NoiseEnded():
                self._noise(leg, "", now)
            case LegSilent():
                self._probe(leg)

    def _noise(self, leg: Leg, kind: str, now: float) -> None:
        mutes = self._scene.terms(leg.room).mutes_noise
        self._scene.try_ask(NoteNoise(leg.room, leg.participant, kind, mutes), SYSTEM, now)

    def _dominant(self, place: RoomId, number: LegId | None, now: float) -> None:
        leg = None if number is None else self._scene.legs.by_id.get(number)
        for room in [name for name, each in self._scene.places.items() if each.number == place]:
            self._scene.try_ask(NoteDominant(room, leg.participant if leg else ""), SYSTEM, now)

    def _probe(self, leg: Leg) -> None:
        if leg.stage is Stage.PRESENT and not leg.is_probed:
            leg.is_probed = True
            self._scene.say(Probe(leg.call))

    def probed(self, call: CallId) -> None:
        """Its phone has answered."""
        leg = self._scene.legs.by_call.get(call)
        if leg:
            leg.is_probed = False
