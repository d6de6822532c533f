"""The keypad of each participant: from single presses to actions of his menu, and what he is told of them.

::

    READY ──beginning of a key──► TYPING ──the rest of it──► the action; READY
      ▲                             │  └──nothing more for a while: what has been typed acts, if it is a key
      ├──no such key, # ────────────┘
      ├──#, the number is whole── NUMBER ◄──an action that wants a number
      └──1: yes, else no───────── CONFIRM ◄──an action that cannot be taken back

Who has pressed is told what has come of it, and nobody else. Of a number that is typed no key is told to anybody.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rooms import confirming, door, naming
from rooms import events as tell
from rooms.commands import keys as ask
from rooms.commands.command import Command
from rooms.errors import Forbidden, Refused
from rooms.menus import After, Menu, Step, menu_for, waits_for_more
from rooms.participant import Actor, Participant, ParticipantId, Presence, Wait
from rooms.records.audit import Entry
from rooms.wishes import OUTSIDE, SAYINGS, WISHES, WRONG, answer

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

ALARM = "keypad"
NUMBER_S = 10.0
"""So long somebody may think before the next key of a number, or before he says yes."""
MOST_DIGITS = 32
MOST_ASKED = 100
YES = "1"


class State(enum.Enum):
    """Where somebody is in his menu; READY is not kept."""

    READY = "ready"
    TYPING = "typing"
    NUMBER = "number"
    CONFIRM = "confirm"


class Stroke(enum.Enum):
    """What a press, or a time-out, means where somebody is."""

    PART = "beginning of a key"
    ACTS = "key of an action"
    ASKS = "key of an action that wants a number"
    RISKS = "key of an action to confirm"
    GIVES_UP = "# ends what was begun"
    WRONG = "no such key"
    DIGIT = "digit"
    WHOLE = "# ends the number"
    YES = "yes"
    NO = "no"
    LATE = "too late"


class Do(enum.Enum):
    """What is done at a stroke."""

    KEEP = "keep"
    ACT = "act"
    ASK = "ask"
    SAY_WRONG = "say that it is no key"
    CANCEL = "say that it is cancelled"


@dataclass(frozen=True, slots=True)
class Row:
    """What follows."""

    next: State
    actions: tuple[Do, ...] = ()


KEYPAD: Mapping[tuple[State, Stroke], Row] = {
    (State.READY, Stroke.PART): Row(State.TYPING, (Do.KEEP,)),
    (State.READY, Stroke.ACTS): Row(State.READY, (Do.ACT,)),
    (State.READY, Stroke.ASKS): Row(State.NUMBER, (Do.ASK,)),
    (State.READY, Stroke.RISKS): Row(State.CONFIRM, (Do.ASK,)),
    (State.READY, Stroke.GIVES_UP): Row(State.READY),
    (State.READY, Stroke.WRONG): Row(State.READY, (Do.SAY_WRONG,)),
    (State.TYPING, Stroke.PART): Row(State.TYPING, (Do.KEEP,)),
    (State.TYPING, Stroke.ACTS): Row(State.READY, (Do.ACT,)),
    (State.TYPING, Stroke.ASKS): Row(State.NUMBER, (Do.ASK,)),
    (State.TYPING, Stroke.RISKS): Row(State.CONFIRM, (Do.ASK,)),
    (State.TYPING, Stroke.GIVES_UP): Row(State.READY),
    (State.TYPING, Stroke.WRONG): Row(State.READY, (Do.SAY_WRONG,)),
    (State.NUMBER, Stroke.DIGIT): Row(State.NUMBER, (Do.KEEP,)),
    (State.NUMBER, Stroke.WHOLE): Row(State.READY, (Do.ACT,)),
    (State.NUMBER, Stroke.NO): Row(State.READY, (Do.CANCEL,)),
    (State.NUMBER, Stroke.LATE): Row(State.READY, (Do.CANCEL,)),
    (State.CONFIRM, Stroke.YES): Row(State.READY, (Do.ACT,)),
    (State.CONFIRM, Stroke.NO): Row(State.READY, (Do.CANCEL,)),
    (State.CONFIRM, Stroke.LATE): Row(State.READY, (Do.CANCEL,)),
}


@dataclass(slots=True)
class Typing:
    """Somebody in the middle of something."""

    state: State = State.READY
    typed: str = ""
    due: float = 0.0
    step: Step | None = None
    """What waits for a number, or for a yes."""


class Keypads:
    """Those of one room who are in the middle of something."""

    def __init__(self) -> None:
        self._typing: dict[ParticipantId, Typing] = {}
        self.asked: list[Entry] = []
        """What has been asked for by keys, for the audit log."""

    def __len__(self) -> int:
        return len(self._typing)

    def is_secret(self, who: ParticipantId) -> bool:
        """Whether what is pressed now is nobody else's business."""
        return who in self._typing and self._typing[who].state is State.NUMBER

    def leave(self, who: ParticipantId) -> None:
        self._typing.pop(who, None)

    def next_due(self) -> float | None:
        return min((typing.due for typing in self._typing.values()), default=None)

    def due(self, now: float) -> list[ParticipantId]:
        return [who for who, typing in self._typing.items() if typing.due <= now]

    def note(self, command: Command, person: Participant, at: float, refused: Refused | None = None) -> None:
        """For the audit log; what somebody does with himself is nobody's affair."""
        if getattr(command, "participant", "") != person.id and len(self.asked) < MOST_ASKED:
            said = (refused.kind, refused.reason) if refused else ()
            self.asked.append(Entry(command, actor_of(person), at, *said))

    def take_asked(self) -> list[Entry]:
        """What has been asked for since the last time."""
        asked, self.asked = self.asked, []
        return asked

    def press(self, room: Room, person: Participant, digit: str, minutes: Minutes) -> None:
        """``digit`` "": nothing more has come in time."""
        menu = menu_for(room.policy.menu, person.role)
        typing = self._typing.pop(person.id, None) or Typing()
        typed = typing.typed + digit
        steps = _steps(menu, typing, typed)
        stroke = _stroke(menu, typing, typed, digit, steps)
        row = KEYPAD[typing.state, stroke]
        if row.next is not State.READY:
            is_asked = Do.ASK in row.actions
            wait = room.policy.menu_timeout_s if row.next is State.TYPING else NUMBER_S
            self._typing[person.id] = Typing(
                row.next,
                "" if is_asked else typed[:MOST_DIGITS],
                minutes.at + wait,
                steps[0] if is_asked else typing.step,
            )
        for do in row.actions if menu else ():
            _do(room, person, do, steps, typing, menu, minutes)


def _steps(menu: Menu, typing: Typing, typed: str) -> tuple[Step, ...]:
    if typing.state in (State.READY, State.TYPING):
        return menu.get(typed, ())
    return (typing.step,) if typing.step else ()


def _stroke(menu: Menu, typing: Typing, typed: str, digit: str, steps: tuple[Step, ...]) -> Stroke:
    if typing.state is State.NUMBER:
        if not digit:
            return Stroke.LATE
        if digit == "#":
            return Stroke.WHOLE if typing.typed else Stroke.NO
        return Stroke.DIGIT if digit.isdigit() else Stroke.NO
    if typing.state is State.CONFIRM:
        return Stroke.LATE if not digit else Stroke.YES if digit == YES else Stroke.NO
    if digit and waits_for_more(menu, typed):
        return Stroke.PART
    if steps:
        return {After.NUMBER: Stroke.ASKS, After.YES: Stroke.RISKS}.get(steps[0].after, Stroke.ACTS)
    return Stroke.GIVES_UP if digit == "#" else Stroke.WRONG


# ------------------------------------------------------------------ what is done
def _do(
    room: Room, person: Participant, do: Do, steps: tuple[Step, ...], typing: Typing, menu: Menu, minutes: Minutes
) -> None:
    match do:
        case Do.ACT:
            for place, step in enumerate(steps):
                number = typing.typed if typing.state is State.NUMBER else ""
                _say(room, person, _carry_out(room, person, step, number, menu, minutes), minutes, urgent=not place)
        case Do.ASK:
            is_number = steps[0].after is After.NUMBER
            _say(room, person, ("prompt:enter-phone" if is_number else f"prompt:confirm-{steps[0].name}",), minutes)
        case Do.SAY_WRONG:
            _say(room, person, (WRONG,), minutes)
        case Do.CANCEL:
            _say(room, person, ("prompt:cancelled",), minutes)


def _carry_out(
    room: Room, person: Participant, step: Step, number: str, menu: Menu, minutes: Minutes
) -> tuple[str, ...]:
    """By himself, with his own rights. Gives what he is told."""
    if step.name in SAYINGS:
        return SAYINGS[step.name](room, menu)
    before = len(minutes.events)
    try:
        command = WISHES[step.name](room, person, number or step.argument)
    except Refused as refused:
        return refusal(refused)
    if isinstance(command, OUTSIDE):
        minutes.say(tell.KeysAsked, person.id, step.name, number or step.argument)
        return ()
    try:
        room.carry_out(command, actor_of(person), minutes)
    except Refused as refused:
        room.keypads.note(command, person, minutes.at, refused)
        return refusal(refused)
    room.keypads.note(command, person, minutes.at)
    return answer(room, step, minutes.events[before:], person.id)


def actor_of(person: Participant) -> Actor:
    return Actor(person.name, person.role, person.id, "keypad", person.source)


def refusal(refused: Refused) -> tuple[str, ...]:
    return ("prompt:not-allowed",) if isinstance(refused, Forbidden) else ("prompt:not-possible",)


def _say(room: Room, person: Participant, sounds: tuple[str, ...], minutes: Minutes, *, urgent: bool = True) -> None:
    """At once, whatever is being said to him: the menu, say. Who is being hung up on is told nothing more."""
    if sounds and person.id in room.places and not person.kicked:
        minutes.say(tell.Announced, sounds, person.id, urgent)


# ------------------------------------------------------------------ commands and time
def note_digit(room: Room, command: ask.NoteDigit, by: Actor, minutes: Minutes) -> None:
    """Of who waits as well, but for what may be a PIN (``door``): nobody is told that.

    Ignored for all others, as for who is being hung up on: the engine's word and a departure may cross.
    """
    person = room.places.get(command.participant)
    if person is None or person.kicked or person.presence not in (Presence.PRESENT, Presence.WAITING):
        return
    if person.says_name:
        naming.press(room, person, command.digit, minutes)
        return
    if person.presence is Presence.WAITING:
        if person.waits_for is Wait.ROOM:
            room.hall.press(room, person, command.digit, minutes)
        elif person.waits_for is Wait.CONFIRM:
            confirming.press(room, person, command.digit, minutes)
        elif not door.press(room, person, command.digit, minutes):
            minutes.say(tell.DigitReceived, person.id, command.digit, command.duration_ms)
        return
    if not room.keypads.is_secret(person.id):
        minutes.say(tell.DigitReceived, person.id, command.digit, command.duration_ms)
    room.keypads.press(room, person, command.digit, minutes)
    _set_alarm(room)


def depart(room: Room, command: ask.Depart, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound."""
    room.let_go(room.person(command.participant), by, minutes, "left by key")


def note_keys_answered(room: Room, command: ask.NoteKeysAnswered, by: Actor, minutes: Minutes) -> None:
    """What has come of a wish that the room alone could not grant."""
    person = room.places.get(command.participant)
    if person is not None and person.presence is Presence.PRESENT:
        sounds = {"": ("prompt:calling",), "forbidden": ("prompt:not-allowed",)}.get(
            command.refusal, ("prompt:not-possible",)
        )
        if command.refusal or command.action == "dial":
            _say(room, person, sounds, minutes)


def late(room: Room, minutes: Minutes) -> None:
    """Nothing more has been pressed in time."""
    for who in room.keypads.due(minutes.at):
        person = room.places.get(who)
        if person is None or person.presence is not Presence.PRESENT:
            room.keypads.leave(who)
        else:
            room.keypads.press(room, person, "", minutes)
    _set_alarm(room)


def _set_alarm(room: Room) -> None:
    due = room.keypads.next_due()
    if due is None:
        room.alarms.clear(ALARM)
    else:
        room.alarms.set(ALARM, due)


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.NoteDigit: note_digit,
    ask.Depart: depart,
    ask.NoteKeysAnswered: note_keys_answered,
}
ALARMS: dict[str, Callable[[Room, Minutes], None]] = {ALARM: late}
