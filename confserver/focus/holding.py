"""Music for those whom a host has put on hold, each by himself, from the beginning; until he is back, or gone.

    HeldByHost --> music to this leg, over and over;  ReleasedByHost, or the phone's own hold --> its end

A worker's heir plays it anew.
"""

from __future__ import annotations

from confserver.focus.legs import Leg, Stage
from confserver.focus.playing import Piece, Playing
from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.participant import ParticipantId


class Holding:
    """The music of all who are held."""

    def __init__(self, scene: Scene, playing: Playing) -> None:
        self._scene = scene
        self._playing = playing
        self._pieces: dict[ParticipantId, Piece] = {}

    def __len__(self) -> int:
        return len(self._pieces)

    def follow(self, event: tell.Event) -> None:
        match event:
            case (
                tell.HeldByHost(participant=participant) | tell.ReleasedByHost(participant=participant)
                | tell.ParticipantHeld(participant=participant) | tell.ParticipantResumed(participant=participant)
                | tell.ParticipantReplaced(participant=participant) | tell.ParticipantLeft(participant=participant)
                | tell.ParticipantArrived(participant=participant) | tell.ParticipantKicked(participant=participant)
            ):  # fmt: skip
                self._review(event.room, participant)

    def worker_ready(self, worker: int) -> None:
        for leg in self._scene.legs.at_worker(worker):
            self._review(leg.room, leg.participant)

    def _is_played_to(self, piece: Piece, leg: Leg) -> bool:
        return piece.leg == leg.id and piece.place is leg.place and self._playing.plays(piece)

    def _review(self, name: str, participant: ParticipantId) -> None:
        """Begin or end the music, as it should be now."""
        leg, old = self._scene.legs.by_participant.get(participant), self._pieces.get(participant)
        person = self._scene.rooms.get(name).places.get(participant) if name in self._scene.rooms else None
        is_heard = leg is not None and leg.stage is not Stage.LEAVING and not leg.place.is_lost
        wants = person is not None and person.held_by_host and not (person.held or person.kicked) and is_heard
        if old is not None and (not wants or leg is None or not self._is_played_to(old, leg)):
            del self._pieces[participant]
            self._playing.stop(old)
            old = None
        if wants and leg is not None and old is None:
            self._pieces[participant] = self._playing.play_music(name, leg.place, leg.id)
