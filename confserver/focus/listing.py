"""Lists of people who are called: each wish of the rooms becomes a call like any other, or a refusal."""

from __future__ import annotations

from collections import deque
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
        self._wanted: deque[tell.DialWanted] = deque()
        self._is_calling = False

    def follow(self, event: tell.Event) -> None:
        """A refusal has the room want the next call at once: one after another, never one within another."""
        if not isinstance(event, tell.DialWanted):
            return
        self._wanted.append(event)
        if self._is_calling:
            return
        self._is_calling = True
        try:
            while self._wanted:
                self._note(self._wanted.popleft())
        finally:
            self._is_calling = False

    def _note(self, event: tell.DialWanted) -> None:
        participant, reason = self._dial(event)
        self._scene.try_ask(NoteListed(event.room, event.list, event.entry, participant, reason), SYSTEM, event.at)

    def _dial(self, event: tell.DialWanted) -> tuple[str, str]:
        """Who is being called, or why nobody is."""
        how = event.ring_s, event.confirm, event.caller_id, event.muted, event.deaf
        command = Dial(event.room, event.uri, event.name, *how)
        by = Actor(event.by, Role.MODERATOR)
        try:
            self._check(command, by, event.at)
            events = self._scene.ask(command, by, event.at)
        except Refused as refused:
            return "", refused.reason
        return next(each.participant for each in events if isinstance(each, tell.Dialled)), ""
