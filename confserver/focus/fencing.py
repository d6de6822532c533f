"""The toll fence at work: what calls to numbers are asked, counted, and ended by (``routing.tolls``).

::

    Dial -> check: refused? -> NoteDialRefused -> DialRefused, an event that says why
    Dialled -> begin    ParticipantArrived, ParticipantWaits -> answered    gone -> ended
    the minutes are used up -> Announced to who is called -> hung up some seconds later
"""

from __future__ import annotations

from collections.abc import Callable

from confserver.focus.deadlines import soonest
from confserver.focus.scene import Scene
from confserver.routing.dialplan import Target
from confserver.routing.fence import number_in
from confserver.routing.tolls import Toll, Tolls
from confserver.sip.uri import Uri
from rooms import events as tell
from rooms.commands import NoteDialRefused, NoteUsedUp
from rooms.errors import Refused
from rooms.participant import SYSTEM

GOODBYE_S = 6.0
"""Between the announcement and the end."""
USED_UP = "the minutes for calls are used up"
Keep = Callable[[Toll], None]


class Fencing:
    """``keep`` is told of each call whose story has gone on."""

    def __init__(self, scene: Scene, tolls: Tolls) -> None:
        self._scene = scene
        self.tolls = tolls
        self.keep: Keep = lambda _: None
        self._wanted = ""
        """The number of the call that is about to be made, where it is one that costs."""
        self._ending: dict[str, float] = {}
        """When those are hung up on whose minutes are used up, by participant."""
        self._now = 0.0

    def check(self, room: str, uri: Uri, ways: list[Target], by: str, now: float) -> None:
        """Raises Unreachable. Calls that do not go through a trunk cost nothing."""
        self._wanted = ""
        number = number_in(uri.user_decoded) if uri.is_sip else number_in(uri.user)
        if ways and ways[0].trunk:
            self.tolls.check(room, number or str(uri), by, now)
            self._wanted = number or str(uri)

    def refused(self, room: str, uri: str, reason: str, by: str, now: float) -> None:
        """Tell the room, where there is one."""
        self._scene.try_ask(NoteDialRefused(room, uri, reason, by), SYSTEM, now)

    def follow(self, event: tell.Event) -> None:
        self._now = event.at
        match event:
            case tell.Dialled(participant=who) if self._wanted:
                self.keep(self.tolls.begin(who, event.room, self._wanted, event.by, event.at))
                self._wanted = ""
            case tell.ParticipantArrived(participant=who) | tell.ParticipantWaits(participant=who):
                self._keep(self.tolls.answered(who, event.at))
            case (
                tell.ParticipantLeft(participant=who) | tell.PlaceReleased(participant=who)
                | tell.WaitEnded(participant=who)
            ):  # fmt: skip
                self._ending.pop(who, None)
                self._keep(self.tolls.ended(who, event.at))

    def _keep(self, toll: Toll | None) -> None:
        if toll is not None:
            self.keep(toll)

    # ------------------------------------------------------------------ time
    def next_deadline(self) -> float | None:
        next_end = min(self._ending.values(), default=None)
        spent = None if self._ending else self.tolls.next_deadline(self._now)
        return soonest(next_end, spent)

    def fire(self, now: float) -> None:
        self._now = now
        for who in self.tolls.used_up(now):
            toll = self.tolls.open(who)
            if who not in self._ending and toll is not None:
                self._ending[who] = now + GOODBYE_S
                self._announce(who, now)
        for who in [who for who, at in self._ending.items() if at <= now]:
            del self._ending[who]
            leg = self._scene.legs.by_participant.get(who)
            if leg is not None:
                self._scene.hang_up(leg, USED_UP)

    def _announce(self, who: str, now: float) -> None:
        try:
            room, _ = self._scene.rooms.find_participant(who)
        except Refused:
            return
        self._scene.try_ask(NoteUsedUp(room.name, who), SYSTEM, now)
