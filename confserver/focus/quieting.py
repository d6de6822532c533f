"""Phones of muted participants are asked to send nothing, where the settings say so: the mute then shows on the phone.

    muted, for whatever cause, or on hold by the host --> our re-INVITE, sendonly (the hold of RFC 3264 8.4)
    neither any more ----------------------------------> our re-INVITE, sendrecv

A coach is heard by his trainee, whatever mutes him for the room: his phone sends, unless he has muted himself. A phone
that refuses is muted all the same: the rooms decide who is heard.
"""

from __future__ import annotations

from confserver.focus.legs import Stage
from confserver.focus.reoffers import Reoffers
from confserver.focus.scene import Scene
from confserver.sdp.direction import Direction
from rooms import events as tell
from rooms.participant import MuteCause


class Quieting:
    """Follows mutes of those who are present, and holds by the host."""

    def __init__(self, scene: Scene, reoffers: Reoffers) -> None:
        self._scene = scene
        self._reoffers = reoffers

    def follow(self, event: tell.Event) -> None:
        match event:
            case (
                tell.ParticipantMuted(participant=participant) | tell.ParticipantUnmuted(participant=participant)
                | tell.HeldByHost(participant=participant) | tell.ReleasedByHost(participant=participant)
                | tell.WhisperBegan(participant=participant) | tell.WhisperEnded(participant=participant)
                | tell.ParticipantMoved(participant=participant)
            ):  # fmt: skip
                self._review(event.room, participant)

    def _review(self, name: str, participant: str) -> None:
        room = self._scene.rooms.get(name) if name in self._scene.rooms else None
        person = room.places.get(participant) if room else None
        if room is None or person is None:
            return
        line = room.links.lines.get(participant)
        coaches = line is not None and line.is_coach and MuteCause.SELF not in person.muted
        is_quiet = (bool(person.muted) and not coaches) or person.held_by_host
        self._want(participant, Direction.SENDONLY if is_quiet else Direction.SENDRECV)

    def _want(self, participant: str, direction: Direction) -> None:
        leg = self._scene.legs.by_participant.get(participant)
        if leg is None or leg.allow is direction:
            return
        leg.allow = direction
        if leg.stage in (Stage.ANSWERED, Stage.PRESENT) and leg.agreed is not None:
            self._reoffers.ask(leg, is_vital=False)  # before the ACK: it is tried again
