"""Phones of muted participants are asked to send nothing, where the settings say so: the mute then shows on the phone.

    muted, for whatever cause --> our re-INVITE, sendonly;  no cause left --> our re-INVITE, sendrecv

A phone that refuses is muted all the same: the rooms decide who is heard.
"""

from __future__ import annotations

from confserver.focus.legs import Stage
from confserver.focus.reoffers import Reoffers
from confserver.focus.scene import Scene
from confserver.sdp.direction import Direction
from rooms import events as tell


class Quieting:
    """Follows mutes of those who are present."""

    def __init__(self, scene: Scene, reoffers: Reoffers) -> None:
        self._scene = scene
        self._reoffers = reoffers

    def follow(self, event: tell.Event) -> None:
        match event:
            case tell.ParticipantMuted():
                self._want(event.participant, Direction.SENDONLY)
            case tell.ParticipantUnmuted(silent=False):
                self._want(event.participant, Direction.SENDRECV)

    def _want(self, participant: str, direction: Direction) -> None:
        leg = self._scene.legs.by_participant.get(participant)
        if leg is None or leg.allow is direction:
            return
        leg.allow = direction
        if leg.stage in (Stage.ANSWERED, Stage.PRESENT) and leg.agreed is not None:
            self._reoffers.ask(leg, is_vital=False)  # before the ACK: it is tried again
