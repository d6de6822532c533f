"""Phones of muted participants are asked to send nothing, where the settings say so: the mute then shows on the phone.

    muted, for whatever cause, or on hold by the host --> our re-INVITE, sendonly (the hold of RFC 3264 8.4)
    neither any more ----------------------------------> our re-INVITE, sendrecv

A phone that refuses is muted all the same: the rooms decide who is heard.
"""

from __future__ import annotations

from confserver.focus.legs import Stage
from confserver.focus.reoffers import Reoffers
from confserver.focus.scene import Scene
from confserver.sdp.direction import Direction
from rooms import events as tell


class Quieting:
    """Follows mutes of those who are present, and holds by the host."""

    def __init__(self, scene: Scene, reoffers: Reoffers) -> None:
        self._scene = scene
        self._reoffers = reoffers

    def follow(self, event: tell.Event) -> None:
        match event:
            case tell.ParticipantMuted() | tell.ParticipantUnmuted() | tell.HeldByHost() | tell.ReleasedByHost() if (
                event.room in self._scene.rooms
            ):
                person = self._scene.rooms.get(event.room).places.get(event.participant)
                if person is not None:
                    is_quiet = bool(person.muted) or person.held_by_host
                    self._want(person.id, Direction.SENDONLY if is_quiet else Direction.SENDRECV)

    def _want(self, participant: str, direction: Direction) -> None:
        leg = self._scene.legs.by_participant.get(participant)
        if leg is None or leg.allow is direction:
            return
        leg.allow = direction
        if leg.stage in (Stage.ANSWERED, Stage.PRESENT) and leg.agreed is not None:
            self._reoffers.ask(leg, is_vital=False)  # before the ACK: it is tried again
