"""Who comes and goes, in words: names, and how many are there. Beeps are the affair of ``playing``.

Names are as their owners have said them (``naming``), else spoken where the server can speak (espeak-ng), else it is
"somebody" who has joined. Nothing is said in rooms of more than ``quiet_above`` people, nor to who comes first.
"""

from __future__ import annotations

from confserver.focus.announcer import Announcer
from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.calling_roll import how_many
from rooms.participant import ParticipantId
from rooms.plays import named, said
from rooms.policy import Announce


class Greeting:
    """``announce``: where a room's own rules do not say."""

    def __init__(self, scene: Scene, announcer: Announcer, announce: Announce) -> None:
        self._scene = scene
        self._announcer = announcer
        self._announce = announce
        self._names: dict[ParticipantId, str] = {}
        """As sounds."""

    def __len__(self) -> int:
        return len(self._names)

    def follow(self, event: tell.Event) -> None:
        match event:
            case tell.ParticipantArrived():
                self._note(event.room, event.participant, said(event.name))
                self._greet(event, self._names[event.participant], "prompt:has-joined", least=2)
            case tell.NameRecorded() | tell.NameForgotten() if event.participant in self._names:
                self._note(event.room, event.participant, self._names[event.participant])
            case tell.ParticipantLeft():
                name = self._names.pop(event.participant, "")
                self._greet(event, name, "prompt:has-left", least=1)

    def _note(self, name: str, who: ParticipantId, otherwise: str) -> None:
        """``otherwise``: who is gone by now is called so."""
        room = self._scene.rooms.find(name)
        person = room.places.get(who) if room else None
        self._names[who] = named(person) if person else otherwise

    def _greet(self, event: tell.Event, name: str, what: str, least: int) -> None:
        room = self._scene.rooms.get(event.room) if event.room in self._scene.rooms else None
        if room is None or not least <= len(room.present) <= room.policy.quiet_above:
            return
        wanted, there = room.policy.announces(self._announce), len(room.present)
        is_threshold = least == 2 and there in room.policy.announce_count
        if wanted is Announce.NAME:
            self._say(event, (name, what))
        if wanted is Announce.COUNT or is_threshold:
            self._say(event, how_many(room))

    def _say(self, event: tell.Event, sounds: tuple[str, ...]) -> None:
        self._announcer.follow(tell.Announced(event.room, event.number, event.at, sounds))
