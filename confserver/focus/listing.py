"""Lists of people who are called: each wish of the rooms becomes a call like any other, or a refusal."""

from __future__ import annotations

from collections.abc import Callable

from confserver.focus.scene import Scene
from rooms import events as tell
from rooms.commands import Command, Dial, NoteListed
from rooms.errors import Refused
from rooms.participant import SYSTEM, Actor, Role

Check = Callable[[Command, Actor, float], None]


class Listing:
    """``check`` says whether a call may be made (``Dialout.check``)."""

    def __init__(self, scene: Scene, check: Check) -> None:
        self._scene = scene
        self._check = check

    def follow(self, event: tell.Event) -> None:
        if isinstance(event, tell.DialWanted):
            participant, reason = self._dial(event)
            note = NoteListed(event.room, event.list, event.entry, participant, reason)
            self._scene.try_ask(note, SYSTEM, event.at)

    def _dial(self, event: tell.DialWanted) -> tuple[str, str]:
        """Who is being called, or why nobody is."""
        command = Dial(event.room, event.uri, event.name, event.ring_s, event.confirm, event.caller_id)
        by = Actor(event.by, Role.MODERATOR)
        try:
            self._check(command, by, event.at)
            events = self._scene.ask(command, by, event.at)
        except Refused as refused:
            return "", refused.reason
        return next(each.participant for each in events if isinstance(each, tell.Dialled)), ""
