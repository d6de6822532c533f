"""When a room is open, and what that does to who comes early, late, or stays.

::

    closed ── early_minutes before ──► people wait (START) ── starts ──► open ── ends ──► end, lock, or on it goes

Local times are those of the rules' time zone, with its summer time (``calendar``): a meeting at ten is at ten all year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.calendar import window, written
from rooms.errors import NotOpen
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Participant, Role
from rooms.rules_of_time import AtEnd

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

ALARM = "schedule"
OVER = "its time is over"


# ------------------------------------------------------------------ what they do
@dataclass(slots=True)
class Times:
    """Those of one room, as far as they matter now."""

    begins_at: float | None = None
    """The meeting has not begun: who comes waits."""
    over_at: float | None = None
    """When the meeting that is on, or was on when people came, is over."""
    is_over: bool = False


def look(room: Room, now: float) -> None:
    """Read the rules and the clock; before everything that happens in a room."""
    rules, times = room.policy, room.times
    if not rules.starts:
        times.begins_at = times.over_at = None
        return
    found = window(rules, now)
    times.begins_at = found.starts if found is not None and found.starts > now else None
    if room.state in (State.EMPTY, State.OPEN):
        times.over_at, times.is_over = None, False
    if found is not None and times.begins_at is None and not times.is_over:
        times.over_at = found.ends


def check_open(room: Room, now: float) -> None:
    """Raises NotOpen where it is too early to come, or too late."""
    rules = room.policy
    if not rules.starts:
        return
    found = window(rules, now)
    if found is None:
        raise NotOpen(f"{room.name} is over")
    if now < found.starts - 60.0 * rules.early_minutes and not room.present:
        raise NotOpen(f"{room.name} opens at {written(found.starts, rules)}")


def must_wait(room: Room, person: Participant) -> bool:
    return room.times.begins_at is not None and not room.present and person.role < Role.MODERATOR


def ask(room: Room, person: Participant, minutes: Minutes) -> None:
    minutes.say(tell.Announced, ("prompt:not-yet",), person.id)


def ends_at(room: Room) -> float | None:
    """When the conference ends (``ending``); None: not by its times."""
    return room.times.over_at if room.policy.at_end is AtEnd.END else None


def due(room: Room) -> float | None:
    if room.state is State.EMPTY:
        return None
    times, locks = room.times, room.policy.at_end is AtEnd.LOCK
    begins_at = times.begins_at if room.waiting else None
    locked_at = times.over_at if locks and not times.is_over else None
    return min((each for each in (begins_at, locked_at) if each is not None), default=None)


def fire(room: Room, minutes: Minutes) -> None:
    """Who waits for the beginning comes in by himself; at the end the door may be locked."""
    times = room.times
    if times.over_at is not None and times.over_at <= minutes.at and not times.is_over:
        times.is_over = True
        if room.policy.at_end is AtEnd.LOCK:
            room.lock_by(SYSTEM, minutes)


def describe(room: Room, now: float) -> dict[str, Any] | None:
    """The meeting that is on, or the next; None: the room has no times, or no more of them."""
    found = window(room.policy, now) if room.policy.starts else None
    if found is None:
        return None
    return {"starts_at": found.starts, "ends_at": found.ends, "is_on": found.starts <= now}
