"""Lectures, raised hands and the floor.

In a lecture all but moderators are muted, for a cause of its own. Raised hands are a queue, in the order in which they
went up. Who is given the floor is heard, whatever the host, the server or the lecture has muted; when he loses it he is
muted as he was. Where the room has the rule ``one_speaker``, nobody else is heard then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms import voices
from rooms.commands import assembly as ask
from rooms.commands.command import Command
from rooms.errors import NotFound, NotOpen
from rooms.lifecycle import State
from rooms.participant import SYSTEM, Actor, MuteCause, Participant, ParticipantId, Role

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

OPENED = (MuteCause.HOST, MuteCause.ENTRY, MuteCause.LECTURE)
"""What the floor opens, in this order. Who has muted himself opens that himself; noise stays out."""
YOU_ARE_HEARD, YOU_ARE_MUTED, HAND_IS_UP = ("prompt:unmuted",), ("prompt:muted",), ("prompt:hand-raised",)


@dataclass(slots=True)
class Assembly:
    """How the people of one room take turns."""

    lecture: bool = False
    hands: list[ParticipantId] = field(default_factory=list)
    """In the order in which they went up."""
    floor: dict[ParticipantId, tuple[MuteCause, ...]] = field(default_factory=dict)
    """Who has it, and what was opened for him."""

    def describe(self) -> dict[str, Any]:
        return {"in_lecture": self.lecture, "hands": list(self.hands), "floor": list(self.floor)}


# ------------------------------------------------------------------ lectures
def start_lecture(room: Room, command: ask.StartLecture, by: Actor, minutes: Minutes) -> None:
    """Raises NotOpen."""
    if room.state not in (State.ALONE, State.LIVE):
        raise NotOpen(f"nobody is in {room.name}")
    if not room.assembly.lecture:
        room.assembly.lecture = True
        minutes.say(tell.LectureStarted, by.name)
        for person in room.present:
            review(room, person, minutes, by)


def end_lecture(room: Room, command: ask.EndLecture, by: Actor, minutes: Minutes) -> None:
    """Who has the floor keeps being heard."""
    if room.assembly.lecture:
        room.assembly.lecture = False
        minutes.say(tell.LectureEnded, by.name)
        for person in room.present:
            review(room, person, minutes, by)
        for who in list(room.assembly.floor):
            room.assembly.floor[who] = ()
            _take(room, room.person(who), by, minutes)


def review(room: Room, person: Participant, minutes: Minutes, by: Actor = SYSTEM) -> None:
    """Mute, or open, for a lecture, as it should be now; he has come, or it has begun or ended."""
    is_listener = room.assembly.lecture and person.role < Role.MODERATOR and person.id not in room.assembly.floor
    if is_listener:
        voices.add_mute(room, person, MuteCause.LECTURE, by, minutes)
    else:
        voices.lift(room, person, (MuteCause.LECTURE,), by, minutes)


# ------------------------------------------------------------------ hands
def raise_hand(room: Room, command: ask.RaiseHand, by: Actor, minutes: Minutes) -> None:
    """Moderators may be told aloud."""
    person, hands = room.person(command.participant), room.assembly.hands
    if person.id in hands:
        return
    hands.append(person.id)
    minutes.say(tell.HandRaised, person.id, len(hands))
    if room.policy.announce_hands:
        for moderator in room.present:
            if moderator.role >= Role.MODERATOR and moderator is not person:
                minutes.say(tell.Announced, HAND_IS_UP, moderator.id)


def lower_hand(room: Room, command: ask.LowerHand, by: Actor, minutes: Minutes) -> None:
    _lower(room, room.person(command.participant), by, minutes)


def _lower(room: Room, person: Participant, by: Actor, minutes: Minutes) -> None:
    if person.id in room.assembly.hands:
        room.assembly.hands.remove(person.id)
        minutes.say(tell.HandLowered, person.id, by.name)


# ------------------------------------------------------------------ the floor
def give_floor(room: Room, command: ask.GiveFloor, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound."""
    who = command.participant or next(iter(room.assembly.hands), "")
    if not who:
        raise NotFound(f"nobody in {room.name} has raised a hand")
    person, floor = room.person(who), room.assembly.floor
    if not command.keep:
        _take_all(room, (each for each in floor if each != person.id), by, minutes)
    _lower(room, person, by, minutes)
    if person.id in floor:
        return
    opened = tuple(cause for cause in OPENED if cause in person.muted)
    floor[person.id] = opened
    minutes.say(tell.FloorGiven, person.id, by.name)
    voices.lift(room, person, opened, by, minutes)
    if opened:
        minutes.say(tell.Announced, YOU_ARE_HEARD, person.id)


def take_floor(room: Room, command: ask.TakeFloor, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound."""
    named = [room.person(command.participant).id] if command.participant else list(room.assembly.floor)
    _take_all(room, named, by, minutes)


def _take_all(room: Room, people: Iterable[ParticipantId], by: Actor, minutes: Minutes) -> None:
    for who in list(people):
        if who in room.assembly.floor:
            _take(room, room.person(who), by, minutes)


def _take(room: Room, person: Participant, by: Actor, minutes: Minutes) -> None:
    opened = room.assembly.floor.pop(person.id)
    minutes.say(tell.FloorTaken, person.id, by.name)
    for cause in opened:
        if cause is not MuteCause.LECTURE:
            voices.add_mute(room, person, cause, by, minutes)
    review(room, person, minutes, by)
    if opened:
        minutes.say(tell.Announced, YOU_ARE_MUTED, person.id)


# ------------------------------------------------------------------ coming and going
def open_room(room: Room, minutes: Minutes) -> None:
    """A meeting begins as the room's rules say."""
    room.assembly = Assembly(room.policy.lecture)
    if room.policy.lecture:
        minutes.say(tell.LectureStarted, SYSTEM.name)


def leave(room: Room, person: Participant, minutes: Minutes) -> None:
    """Who goes has neither hand nor floor."""
    _lower(room, person, SYSTEM, minutes)
    if room.assembly.floor.pop(person.id, None) is not None:
        minutes.say(tell.FloorTaken, person.id, SYSTEM.name)


def close_room(room: Room, minutes: Minutes) -> None:
    if room.assembly.lecture:
        minutes.say(tell.LectureEnded, SYSTEM.name)
    room.assembly = Assembly()


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.StartLecture: start_lecture,
    ask.EndLecture: end_lecture,
    ask.RaiseHand: raise_hand,
    ask.LowerHand: lower_hand,
    ask.GiveFloor: give_floor,
    ask.TakeFloor: take_floor,
}
