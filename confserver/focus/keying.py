"""What people want by keys and the room alone cannot grant: asked here like everything from outside, fence and all."""

from __future__ import annotations

from collections.abc import Callable

from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.commands import Command, NoteKeysAnswered
from rooms.errors import Refused
from rooms.keypad import actor_of
from rooms.participant import SYSTEM, Actor
from rooms.wishes import WISHES


class Keying:
    """``checks``: whether a command may be carried out, each raising Refused."""

    def __init__(self, scene: Scene, *checks: Callable[[Command, Actor, float], None]) -> None:
        self._scene = scene
        self._checks = checks

    def follow(self, event: tell.Event) -> None:
        if isinstance(event, tell.KeysAsked):
            note = NoteKeysAnswered(event.room, event.participant, event.action, self._refusal(event))
            self._scene.try_ask(note, SYSTEM, event.at)

    def _refusal(self, event: tell.KeysAsked) -> str:
        """Its kind; "" where it has been done."""
        try:
            room = self._scene.rooms.get(event.room)
            person = room.person(event.participant)
            command, by = WISHES[event.action](room, person, event.argument), actor_of(person)
            self._check(command, by, event.at)
            self._scene.ask(command, by, event.at)
        except Refused as refused:
            return refused.kind
        return ""

    def _check(self, command: Command, by: Actor, at: float) -> None:
        """Raises Refused."""
        try:
            for check in self._checks:
                check(command, by, at)
        except Refused as refused:
            self._scene.audit(command, by, at, refused)
            raise
