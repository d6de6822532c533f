"""When a room has something to do by itself: read from its state after each change, in this one place.

A row of ``DUE`` says when; the row of ``ALARMS`` under the same purpose says what is done then. Who fires looks again
whether it is time, so that an alarm may be early, and never late.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rooms import confirming, door, ending, entrance, naming, schedule, staying
from rooms import events as tell

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

DUE: dict[str, Callable[[Room], float | None]] = {
    door.ALARM: door.due,
    confirming.ALARM: confirming.due,
    naming.ALARM: naming.due,
    ending.ALARM: ending.due,
    schedule.ALARM: schedule.due,
    staying.ALARM: staying.due,
}
ALARMS: dict[str, Callable[[Room, Minutes], None]] = {
    door.ALARM: door.fire,
    confirming.ALARM: confirming.fire,
    naming.ALARM: naming.fire,
    ending.ALARM: ending.fire,
    schedule.ALARM: schedule.fire,
    staying.ALARM: staying.fire,
}
_NO_MATTER = (tell.TalkingChanged, tell.DominantSpeaker, tell.NoiseChanged, tell.DigitReceived, tell.HearingChanged)
"""Many, and nobody comes in or goes by them."""


def follow(room: Room, minutes: Minutes) -> None:
    """After everything that has happened: who waits is asked again, alarms are set anew."""
    is_heard = ending.hear(room, minutes)
    if not is_heard and minutes.events and all(isinstance(event, _NO_MATTER) for event in minutes.events):
        return
    schedule.look(room, minutes.at)
    if room.waiting:
        entrance.review(room, minutes)
    ending.follow(room, minutes)
    for purpose, due in DUE.items():
        at = due(room)
        if at is None:
            room.alarms.clear(purpose)
        else:
            room.alarms.set(purpose, at)
