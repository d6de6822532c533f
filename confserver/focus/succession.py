"""One call takes the place of another (RFC 3891): the participant stays, with name, role and mute, on another phone.

::

    INVITE with Replaces -> the room of the call that it names -> OpenLeg, 200 (no place is asked for: it has one)
    ACK or first packet  -> the old leg is nobody's, the new one is the participant's -> BYE or CANCEL to the old one
    the old call ends before  -> the place waits for the new one; but not that of who was kicked
"""

from __future__ import annotations

from collections.abc import Callable

from confserver.focus.legs import Leg, Stage
from confserver.focus.scene import Scene
from rooms.commands import Arrive, Hold, NoteReplaced, Resume
from rooms.participant import SYSTEM

CAUSE = "replaced by another call"
TOO_LATE = "the call that it replaces has ended"


def heir_of(scene: Scene, leg: Leg) -> Leg | None:
    """The leg that is about to take this one's place."""
    waiting = (each for each in scene.legs.in_room(leg.room) if each.takes_over is leg)
    return next((each for each in waiting if each.stage is not Stage.LEAVING), None)


def take_over(scene: Scene, leg: Leg, forget: Callable[[Leg], None], now: float) -> None:
    """The new call is up. ``forget`` is told of a call of ours that still rings."""
    old = leg.takes_over
    if old is not None:
        if old.stage in (Stage.LEAVING, Stage.PARTING):
            scene.hang_up(leg, TOO_LATE)
            return
        inherit(scene, old, leg, forget)
        scene.hang_up(old, CAUSE)
    leg.has_place = False
    replaced = NoteReplaced(leg.room, leg.participant, leg.address, leg.source, leg.agent)
    if scene.try_ask(replaced, SYSTEM, now):
        scene.try_ask(Arrive(leg.room, leg.participant, leg.source, leg.agent), SYSTEM, now)
    change = Hold if leg.agreed is not None and leg.agreed.held else Resume
    scene.try_ask(change(leg.room, leg.participant), SYSTEM, now)
    for name in scene.rooms.family(leg.room):
        room = scene.rooms.find(name)
        if room is not None and (name == leg.room or leg.participant in room.abroad.guests):
            scene.tell_hearing(name, room.hearing)


def inherit(scene: Scene, old: Leg, heir: Leg, forget: Callable[[Leg], None]) -> None:
    """The place is the heir's from now on, be it up yet or not."""
    forget(old)
    scene.legs.succeed(old, heir)
    heir.takes_over, heir.has_place = None, True


def ended(scene: Scene, leg: Leg, forget: Callable[[Leg], None]) -> bool:
    """A call has ended whose place another is about to take. False: there is no such other, or it may not."""
    heir = heir_of(scene, leg)
    if heir is None:
        return False
    if leg.stage in (Stage.LEAVING, Stage.PARTING):
        scene.hang_up(heir, TOO_LATE)
        return False
    inherit(scene, leg, heir, forget)
    return True
