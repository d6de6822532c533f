"""Who comes in says his name, and it is he whom the others hear when he comes, goes, knocks or is called up.

::

    NONE ──asked──► ASKED ──said──► it is his name ──► NONE
     ▲                │ └──said, rule review──► HEARS ──1, or nothing──► it is his name ──► NONE
     │                │                           └──2──► ASKED, up to MOST_TRIES in all
     └──nothing said, too late, gone──┘

The focus says the words, takes what is said and has it kept (``NameAsked``); its word is ``NoteName``. Who says nothing
is called by the name that his phone tells. Meanwhile nobody in the room hears him, nor he the room.

Nobody is asked twice in a meeting: not who moves on, and not who comes back and has been vouched for both times. Robots
are not asked, nor whom we have called unless he has pressed a key: an answering machine has no name.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.commands import naming as ask
from rooms.commands.command import Command
from rooms.ending import is_robot
from rooms.errors import NotFound
from rooms.own_name import Step
from rooms.participant import Actor, Participant, Presence
from rooms.plays import NAME
from rooms.recalling import forget_sound, known, remember
from rooms.rules_of_life import RecordNames

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

ALARM = "naming"
ASKED_S = 30.0
"""For the words, the tone, what is said and the keeping of it; the focus needs 15 s of it at most."""
HEARS_S = 18.0
"""For the name, the question and the key."""
MOST_TRIES = 3
ENTER, KEEP, AGAIN = "#", "1", "2"
REVIEW = "prompt:name-review"


class Happens(enum.Enum):
    """What may come of it."""

    ASK = "asked"
    ENTER = "#"
    SAID = "said"
    HEARD = "said, and he is to hear it"
    NOTHING = "nothing said"
    YES = "1"
    AGAIN = "2"
    ENOUGH = "2, once too often"
    LATE = "too late"
    GONE = "he goes, or comes in without"


class Do(enum.Enum):
    """What is done then."""

    ASK = "have him say it"
    HURRY = "to the tone, or to the end"
    PLAY = "let him hear it"
    KEEP = "it is his name"
    FORGET = "it is not"
    END = "he is asked no more"


@dataclass(frozen=True, slots=True)
class Row:
    """What follows."""

    next: Step
    actions: tuple[Do, ...] = ()


NAMING: Mapping[tuple[Step, Happens], Row] = {
    (Step.NONE, Happens.ASK): Row(Step.ASKED, (Do.ASK,)),
    (Step.ASKED, Happens.ENTER): Row(Step.ASKED, (Do.HURRY,)),
    (Step.ASKED, Happens.SAID): Row(Step.NONE, (Do.KEEP, Do.END)),
    (Step.ASKED, Happens.HEARD): Row(Step.HEARS, (Do.PLAY,)),
    (Step.ASKED, Happens.NOTHING): Row(Step.NONE, (Do.END,)),
    (Step.ASKED, Happens.LATE): Row(Step.NONE, (Do.END,)),
    (Step.ASKED, Happens.GONE): Row(Step.NONE, (Do.END,)),
    (Step.HEARS, Happens.YES): Row(Step.NONE, (Do.KEEP, Do.END)),
    (Step.HEARS, Happens.AGAIN): Row(Step.ASKED, (Do.FORGET, Do.ASK)),
    (Step.HEARS, Happens.ENOUGH): Row(Step.NONE, (Do.KEEP, Do.END)),
    (Step.HEARS, Happens.LATE): Row(Step.NONE, (Do.KEEP, Do.END)),
    (Step.HEARS, Happens.GONE): Row(Step.NONE, (Do.KEEP, Do.END)),
}


def _happen(room: Room, person: Participant, what: Happens, minutes: Minutes) -> None:
    """Unlisted is another key, or a word of the focus that has crossed another: nothing comes of it."""
    row = NAMING.get((person.own_name.step, what))
    if row is None:
        return
    person.own_name.step = row.next
    for do in row.actions:
        _DO[do](room, person, minutes)


# ------------------------------------------------------------------ at the door
def must(room: Room, person: Participant) -> bool:
    own = person.own_name
    if own.is_wanted or own.step is not Step.NONE:
        return True
    if own.is_asked or room.policy.record_names is RecordNames.NONE or is_robot(room, person):
        return False
    return (not person.dialled or person.has_confirmed) and not known(room, person)


def begin(room: Room, person: Participant, minutes: Minutes) -> None:
    person.own_name.tries = 0
    _happen(room, person, Happens.ASK, minutes)


def end(room: Room, person: Participant, minutes: Minutes) -> None:
    """He goes, or something else is done with him."""
    person.own_name.is_wanted = False
    _happen(room, person, Happens.GONE, minutes)


def leave(room: Room, person: Participant, minutes: Minutes, *, is_moved: bool) -> None:
    """Where he goes to another room his name goes along."""
    end(room, person, minutes)
    if not is_moved:
        remember(room, person, minutes)


def knock_of(person: Participant) -> tuple[str, ...]:
    """What moderators hear of who would like to come in."""
    sound = person.own_name.sound
    return (f"{NAME}{sound}", "prompt:would-like-to-come-in") if sound else ("prompt:knock",)


# ------------------------------------------------------------------ what is done
def _ask(room: Room, person: Participant, minutes: Minutes) -> None:
    own = person.own_name
    own.tries, own.is_wanted = own.tries + 1, False
    room.names.due[person.id] = minutes.at + ASKED_S
    minutes.say(tell.NameAsked, person.id)


def _hurry(room: Room, person: Participant, minutes: Minutes) -> None:
    minutes.say(tell.NameHurried, person.id)


def _play(room: Room, person: Participant, minutes: Minutes) -> None:
    room.names.due[person.id] = minutes.at + HEARS_S
    minutes.say(tell.Announced, (f"{NAME}{person.own_name.sound}", REVIEW), person.id, urgent=True)


def _keep(room: Room, person: Participant, minutes: Minutes) -> None:
    minutes.say(tell.NameRecorded, person.id)


def _drop(room: Room, person: Participant, minutes: Minutes) -> None:
    sound, person.own_name.sound = person.own_name.sound, ""
    forget_sound(room, person, sound, minutes)


def _end(room: Room, person: Participant, minutes: Minutes) -> None:
    own = person.own_name
    own.is_asked, own.is_wanted = True, False
    room.names.due.pop(person.id, None)
    minutes.say(tell.NameEnded, person.id)


_DO: dict[Do, Callable[[Room, Participant, Minutes], None]] = {
    Do.ASK: _ask,
    Do.HURRY: _hurry,
    Do.PLAY: _play,
    Do.KEEP: _keep,
    Do.FORGET: _drop,
    Do.END: _end,
}


# ------------------------------------------------------------------ keys, time, commands
def press(room: Room, person: Participant, digit: str, minutes: Minutes) -> None:
    """A key of who is asked; others than these mean nothing."""
    is_enough = person.own_name.tries >= MOST_TRIES
    again = Happens.ENOUGH if is_enough else Happens.AGAIN
    what = {ENTER: Happens.ENTER, KEEP: Happens.YES, AGAIN: again}.get(digit)
    if what is not None:
        _happen(room, person, what, minutes)


def due(room: Room) -> float | None:
    return min((at for who, at in room.names.due.items() if who in room.places), default=None)


def fire(room: Room, minutes: Minutes) -> None:
    for who in [who for who, at in room.names.due.items() if at <= minutes.at and who in room.places]:
        _happen(room, room.places[who], Happens.LATE, minutes)


def note(room: Room, command: ask.NoteName, by: Actor, minutes: Minutes) -> None:
    """Ignored for those who are asked no more: the focus's word and a departure may cross."""
    person = room.places.get(command.participant)
    if person is None or person.own_name.step is not Step.ASKED:
        return
    if not command.is_kept:
        _happen(room, person, Happens.NOTHING, minutes)
        return
    before, person.own_name.sound = person.own_name.sound, person.id
    if before != person.id:
        forget_sound(room, person, before, minutes)
    is_heard = room.policy.record_names is RecordNames.REVIEW
    _happen(room, person, Happens.HEARD if is_heard else Happens.SAID, minutes)


def ask_again(room: Room, command: ask.AskName, by: Actor, minutes: Minutes) -> None:
    """Who waits is asked before he goes on. Raises NotFound."""
    person = _there(room, command.participant)
    if person.own_name.step is not Step.NONE or person.kicked or person.turned_away:
        return
    if person.presence is Presence.PRESENT:
        begin(room, person, minutes)
    else:
        person.own_name.is_wanted = True


def forget(room: Room, command: ask.ForgetName, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound."""
    person = _there(room, command.participant)
    end(room, person, minutes)
    _drop(room, person, minutes)


def _there(room: Room, participant: str) -> Participant:
    person = room.place(participant)
    if person.presence is Presence.RESERVED:
        raise NotFound(f"{participant} is not in {room.name}")
    return person


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.AskName: ask_again,
    ask.ForgetName: forget,
    ask.NoteName: note,
}
