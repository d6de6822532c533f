"""How a room comes to its end by itself: why, when, with which warnings; put off by Extend.

Reasons are rows of ``REASONS``: each reads from the room's state when it would end the room. The nearest is the plan;
it is made anew after whatever happens (``follow``) and when its time comes (``fire``), so that the state is the truth.

::

    plan ──warnings (end_warnings_s before)──► announced ──its time──► ENDING, everybody is hung up on
      └──the reason is gone (a moderator is back, somebody speaks, Extend)──► another plan, or none
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms import schedule
from rooms.commands import ending as ask
from rooms.commands.command import Command
from rooms.errors import Conflict, Invalid
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Actor, Participant, Role

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

ALARM = "ending"
MOST_EXTENSION = 480


@dataclass(frozen=True, slots=True)
class Plan:
    """The room ends at a time, for a cause."""

    at: float
    cause: str


@dataclass(slots=True)
class Ending:
    """What is known towards a room's end; from its opening to its closing."""

    plan: Plan | None = None
    warned: set[int] = field(default_factory=set)
    """Warnings of this plan that have been given, or whose time had passed when it was made."""
    had_host: bool = False
    had_person: bool = False
    """Somebody who is no robot has been there."""
    host_gone_at: float | None = None
    robots_since: float | None = None
    alone_since: float | None = None
    heard_at: float | None = None
    """When somebody was heard last, or came in."""
    more_s: dict[str, float] = field(default_factory=dict)
    """By cause: so much later."""


# ------------------------------------------------------------------ why and when
def is_robot(room: Room, person: Participant) -> bool:
    names = (person.agent.lower(), person.name.lower(), person.user.lower())
    return any(fnmatchcase(name, pattern.lower()) for pattern in room.policy.robots for name in names if name)


def _by_limit(room: Room) -> float | None:
    return room.opened_at + room.policy.time_limit_s if room.policy.time_limit_s and room.opened_at else None


def _without_host(room: Room) -> float | None:
    at = room.ending.host_gone_at
    return at + room.policy.end_grace_s if room.policy.end_when_moderator_leaves and at is not None else None


def _with_robots(room: Room) -> float | None:
    at = room.ending.robots_since
    return at + room.policy.end_grace_s if room.policy.end_when_only_robots and at is not None else None


def _alone(room: Room) -> float | None:
    at = room.ending.alone_since
    return at + 60.0 * room.policy.alone_minutes if room.policy.alone_minutes and at is not None else None


def _in_silence(room: Room) -> float | None:
    at = room.ending.heard_at
    if not room.policy.silent_minutes or at is None or any(each.talking for each in room.present):
        return None
    return at + 60.0 * room.policy.silent_minutes


LIMIT, NO_HOST, ROBOTS, SILENCE = "time limit", "the moderator has left", "only robots remain", "nobody speaks"
ALONE = "nobody else is there"
REASONS: dict[str, Callable[[Room], float | None]] = {
    LIMIT: _by_limit,
    NO_HOST: _without_host,
    ROBOTS: _with_robots,
    ALONE: _alone,
    SILENCE: _in_silence,
    schedule.OVER: schedule.ends_at,
}
_AT_ONCE = (NO_HOST, ROBOTS)
"""Said as soon as they begin."""


def _plan(room: Room) -> Plan | None:
    if room.state not in (State.ALONE, State.LIVE):
        return None
    plans = [
        Plan(at + room.ending.more_s.get(cause, 0.0), cause)
        for cause, when in REASONS.items()
        if (at := when(room)) is not None
    ]
    return min(plans, key=lambda plan: plan.at, default=None)


# ------------------------------------------------------------------ what happens
def hear(room: Room, minutes: Minutes) -> bool:
    """Somebody speaks, or has spoken; somebody has come in. Gives whether it matters for the room's end."""
    if not any(isinstance(event, tell.TalkingChanged | tell.ParticipantArrived) for event in minutes.events):
        return False
    room.ending.heard_at = minutes.at
    return room.policy.silent_minutes > 0


def follow(room: Room, minutes: Minutes) -> None:
    """Make the plan anew; tell of it where it is another."""
    ending, present = room.ending, room.present
    has_host = any(each.role >= Role.MODERATOR for each in present)
    has_person = bool(present) and not (room.policy.robots and all(is_robot(room, each) for each in present))
    ending.had_host, ending.had_person = ending.had_host or has_host, ending.had_person or has_person
    is_left = bool(present) and ending.had_host and not has_host
    ending.host_gone_at = (ending.host_gone_at or minutes.at) if is_left else None
    is_empty_talk = bool(present) and ending.had_person and not has_person
    ending.robots_since = (ending.robots_since or minutes.at) if is_empty_talk else None
    ending.alone_since = (ending.alone_since or minutes.at) if _is_alone(room) else None
    for cause, at in ((NO_HOST, ending.host_gone_at), (ROBOTS, ending.robots_since), (ALONE, ending.alone_since)):
        if at is None:
            ending.more_s.pop(cause, None)
    plan, was = _plan(room), ending.plan
    if plan == was:
        return
    ending.plan = plan
    was_told = bool(ending.warned)
    ending.warned = {w for w in room.policy.end_warnings_s if plan is not None and plan.at - w <= minutes.at}
    if plan is not None and plan.cause == SILENCE and (was is None or was.cause == SILENCE):
        return
    minutes.say(tell.EndPlanned, plan.at if plan else None, plan.cause if plan else "")
    if plan is not None and plan.cause in _AT_ONCE and (was is None or was.cause != plan.cause):
        _warn(room, plan.at - minutes.at, minutes)
    elif was_told and not ending.warned and room.state in (State.ALONE, State.LIVE):
        minutes.say(tell.Announced, ("prompt:goes-on",))


def _is_alone(room: Room) -> bool:
    """Nobody else is there, at the door, being called, or in a breakout room."""
    return len(room.present) == 1 and not (room.waiting or room.dialling or room.ties.breakouts)


def due(room: Room) -> float | None:
    plan = room.ending.plan
    if plan is None:
        return None
    return min([plan.at, *(plan.at - w for w in room.policy.end_warnings_s if w not in room.ending.warned)])


def fire(room: Room, minutes: Minutes) -> None:
    follow(room, minutes)
    ending, plan = room.ending, room.ending.plan
    if plan is None:
        return
    if plan.at <= minutes.at:
        room.end_by(SYSTEM, plan.cause, minutes)
        return
    given = {w for w in room.policy.end_warnings_s if w not in ending.warned and plan.at - w <= minutes.at}
    if given:
        ending.warned |= given
        _warn(room, plan.at - minutes.at, minutes)


def _warn(room: Room, left_s: float, minutes: Minutes) -> None:
    """In whole minutes where there are some."""
    seconds = max(round(left_s), 1)
    if seconds < 60:
        sounds = ("prompt:ends-in", f"number:{seconds}", "prompt:seconds")
    else:
        count = round(seconds / 60)
        sounds = ("prompt:ends-in", f"number:{count}", "prompt:minute" if count == 1 else "prompt:minutes")
    minutes.say(tell.Announced, sounds)


# ------------------------------------------------------------------ what moderators do
def extend(room: Room, command: ask.Extend, by: Actor, minutes: Minutes) -> None:
    """Raises Invalid, Conflict."""
    if not 1 <= command.minutes <= MOST_EXTENSION:
        raise Invalid(f"minutes must be 1 to {MOST_EXTENSION}, not {command.minutes}")
    plan = room.ending.plan
    if plan is None:
        raise Conflict(f"{room.name} does not end by itself")
    more_s = room.ending.more_s
    more_s[plan.cause] = more_s.get(plan.cause, 0.0) + 60.0 * command.minutes
    minutes.say(tell.EndPutOff, command.minutes, by.name)


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {ask.Extend: extend}
