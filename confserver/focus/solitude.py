"""Who is alone in a room is told so and hears music until somebody comes, as far as settings and rules let.

Here it is known who that is; the ``announcer`` says it and plays the music, each in its turn among whatever else he is
told. Of the music the rooms know nothing.
"""

from __future__ import annotations

from confserver.focus.announcer import Announcer
from confserver.focus.languages import Languages
from confserver.focus.legs import Stage
from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.hearing import may_hear
from rooms.lifecycle import State
from rooms.participant import ParticipantId

PROMPT = "only-one"


class Solitude:
    """Those of all rooms, by room."""

    def __init__(self, scene: Scene, announcer: Announcer, languages: Languages) -> None:
        self._scene = scene
        self._announcer = announcer
        self._languages = languages
        self._alone: dict[str, ParticipantId] = {}

    def __len__(self) -> int:
        return len(self._alone)

    def follow(self, event: tell.Event) -> None:
        match event:
            case (
                tell.ParticipantArrived(room=room) | tell.ParticipantLeft(room=room)
                | tell.ParticipantHeld(room=room) | tell.ParticipantResumed(room=room)
                | tell.ParticipantDeafened(room=room) | tell.ParticipantUndeafened(room=room)
                | tell.ParticipantReplaced(room=room) | tell.ParticipantKicked(room=room)
                | tell.NameAsked(room=room) | tell.NameEnded(room=room)
                | tell.HeldByHost(room=room) | tell.ReleasedByHost(room=room)
                | tell.RoomChanged(room=room) | tell.RoomCreated(room=room) | tell.RoomEnding(room=room)
                | tell.RoomClosed(room=room)
            ):  # fmt: skip
                self._review(room, event.at)

    def _review(self, room: str, now: float) -> None:
        who, before = self._alone_in(room), self._alone.get(room)
        if who == before:
            return
        if before is not None:
            del self._alone[room]
            self._announcer.in_company(room, before, now)
        if who is not None:
            self._alone[room] = who
            self._announcer.alone(room, who, self._languages.of_room(room).prompt(PROMPT), now)

    def _alone_in(self, name: str) -> ParticipantId | None:
        """Who should hear music: he alone is present, and can hear."""
        room = self._scene.rooms.find(name)
        if room is None or name not in self._scene.places or self._scene.is_closing or room.state is not State.ALONE:
            return None
        own = room.policy.music_when_alone
        if not (self._languages.repertoire.music_when_alone if own is None else own):
            return None
        [person] = room.present
        leg = self._scene.legs.by_participant.get(person.id)
        is_there = leg is not None and leg.stage is not Stage.LEAVING and may_hear(person)
        return person.id if is_there else None
