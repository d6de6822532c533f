"""The door of a room: who may come in, by which PIN, with whose leave; and those who are moderators.

::

    Reserve ──denied, locked out, wrong PIN──► refused
       │
    Arrive ──► PIN ──wrong, late: asked again──► turned away, and locked out
                │ right
                ▼
            APPROVAL (he knocks) ──Admit──► in          TurnAway, nobody comes to the door ──► turned away

Digits of a PIN are kept here until ``#`` and go nowhere else: no event has them. Who may go on by what happens here is
let in by ``entrance.review``, after each command.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import assembly, naming, schedule
from rooms import events as tell
from rooms.callers import Caller, is_meant
from rooms.commands import door as ask
from rooms.commands.command import Command
from rooms.commands.life import Reserve
from rooms.errors import Conflict, Forbidden, Full, Locked, LockedOut, NotFound, NotOpen, WrongPin
from rooms.lifecycle import State
from rooms.participant import Actor, Manner, Participant, Presence, Role, Wait, readable
from rooms.rules_of_life import MOST_PIN, Lobby

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.policy import RoomPolicy
    from rooms.room import Room

ALARM = "door"
FIRST_DIGIT_S, NEXT_DIGIT_S = 15.0, 5.0
"""The first with the prompt before it."""
CLEAR, ENTER = "*", "#"


# ------------------------------------------------------------------ at the call
def caller_of(person: Participant) -> Caller:
    return Caller(person.address, person.source, person.user, person.is_verified)


def check(room: Room, caller: Caller, pin: str, now: float) -> tuple[Role, bool]:
    """Whether who calls may; as what he comes, and whether he has the PIN. Raises Forbidden, LockedOut, WrongPin.

    A wrong PIN is counted though the command is refused.
    """
    policy = room.policy
    if is_meant(caller, policy.moderators, verified=True):
        return Role.MODERATOR, True
    if is_denied(room, caller):
        raise Forbidden(f"{room.name} is closed to this caller")
    if policy.allow and not is_meant(caller, policy.allow, verified=True):
        raise Forbidden(f"{room.name} is open to certain callers only")
    if not (policy.pin or policy.moderator_pin):
        return Role.PARTICIPANT, True
    left_s = room.lockouts.left_s(room.name, caller.key, now, policy.pin_tries, policy.lockout_s)
    if left_s:
        raise LockedOut(f"this caller has guessed the PIN of {room.name} too often", left_s)
    if not pin:
        return Role.PARTICIPANT, not policy.pin
    role = _role_by(policy, pin)
    if role is None:
        room.lockouts.note(room.name, caller.key, now, policy.lockout_s)
        raise WrongPin(f"that is not the PIN of {room.name}")
    room.lockouts.forgive(room.name, caller.key)
    return role, True


def is_denied(room: Room, caller: Caller) -> bool:
    """Whether the room's list keeps him out; its moderators are never kept out."""
    policy = room.policy
    return is_meant(caller, policy.deny, verified=False) and not is_meant(caller, policy.moderators, verified=True)


def _role_by(policy: RoomPolicy, pin: str) -> Role | None:
    """Takes as long for every PIN."""
    given = pin.encode()
    is_moderator = bool(policy.moderator_pin) & hmac.compare_digest(policy.moderator_pin.encode(), given)
    is_right = bool(policy.pin) & hmac.compare_digest(policy.pin.encode(), given)
    if is_moderator:
        return Role.MODERATOR
    return Role.PARTICIPANT if is_right or (not policy.pin and not policy.moderator_pin) else None


def note_refused(room: Room, command: ask.NoteCallerRefused, by: Actor, minutes: Minutes) -> None:
    address, source = readable(command.address), readable(command.source)
    minutes.say(tell.CallerRefused, address, source, readable(command.cause))


def reserve(room: Room, command: Reserve, by: Actor, minutes: Minutes) -> None:
    """Raises NotOpen, Locked, Full; and see ``check``."""
    caller = Caller(command.address, command.source, command.user, command.is_verified)
    schedule.check_open(room, minutes.at)
    role, has_pin = check(room, caller, command.pin, minutes.at)
    check_room(room, is_moderator=role >= Role.MODERATOR)
    person = room.keep_place(command.name, command.address, command.source, minutes)
    person.agent, person.diverted_by = readable(command.agent), readable(command.diverted_by)
    person.referred_by = readable(command.referred_by)
    person.user, person.is_verified = readable(command.user), command.is_verified
    person.role, person.has_pin = role, has_pin
    person.manner = Manner(command.muted, command.deaf)
    person.attributes = {readable(name): readable(value) for name, value in command.attributes}


def check_room(room: Room, *, is_called: bool = False, is_moderator: bool = False) -> None:
    """Raises NotOpen, Locked, Full."""
    if room.state is State.ENDING:
        raise NotOpen(f"{room.name} is ending")
    if room.locked and not is_called:
        raise Locked(f"{room.name} is locked")
    kept = 0 if is_moderator else room.policy.moderator_places - _moderators(room)
    if room.policy.is_full(len(room.places) + max(kept, 0)):
        raise Full(f"{room.name} is full: {len(room.places)} of {room.policy.max_participants} places are taken")


def _moderators(room: Room) -> int:
    """Who have one of the places that are kept for them."""
    if not room.policy.moderator_places:
        return 0
    return sum(each.role >= Role.MODERATOR for each in room.places.values())


def change_rooms(person: Participant, role: Role, has_pin: bool) -> None:
    """He stands at another room's door, which has been asked (``check``), and knows nothing of the last one's."""
    person.role, person.has_pin = role, has_pin
    person.is_admitted, person.typed, person.tries, person.deadline = False, "", 0, None


# ------------------------------------------------------------------ what is waited for
def needs_pin(room: Room, person: Participant) -> bool:
    return bool(room.policy.pin) and not person.has_pin and person.role < Role.MODERATOR


def needs_leave(room: Room, person: Participant) -> bool:
    lobby = room.policy.lobby
    is_asked = lobby is Lobby.ALL or (lobby is Lobby.STRANGERS and not person.is_verified)
    return is_asked and person.role < Role.MODERATOR


def ask_pin(room: Room, person: Participant, minutes: Minutes) -> None:
    person.typed, person.deadline = "", minutes.at + FIRST_DIGIT_S
    minutes.say(tell.Announced, ("prompt:enter-pin",), person.id)


def knock(room: Room, person: Participant, minutes: Minutes) -> None:
    person.deadline = minutes.at + room.policy.knock_s if room.policy.knock_s else None
    minutes.say(tell.Announced, ("prompt:lobby",), person.id)
    for host in room.present:
        if host.role >= Role.MODERATOR:
            minutes.say(tell.Announced, naming.knock_of(person), host.id)


# ------------------------------------------------------------------ keys
def press(room: Room, person: Participant, digit: str, minutes: Minutes) -> bool:
    """A key of somebody who waits; True: it may be of a PIN. Whatever he waits for, the moderator's lets him in."""
    if not (room.policy.pin or room.policy.moderator_pin):
        return person.waits_for is Wait.PIN
    if person.turned_away:
        return True
    if digit == ENTER:
        _judge(room, person, minutes)
    elif digit == CLEAR:
        person.typed = ""
    elif len(person.typed) <= MOST_PIN:
        person.typed += digit
    if person.waits_for is Wait.PIN and digit != ENTER:
        person.deadline = minutes.at + NEXT_DIGIT_S
    return True


def _judge(room: Room, person: Participant, minutes: Minutes) -> None:
    """What he has typed is all."""
    typed, person.typed = person.typed, ""
    if not typed:
        return
    role, caller = _role_by(room.policy, typed), caller_of(person).key
    if role is None:
        room.lockouts.note(room.name, caller, minutes.at, room.policy.lockout_s)
        _once_more(room, person, "wrong PIN", "prompt:wrong-pin", minutes)
        return
    room.lockouts.forgive(room.name, caller)
    person.has_pin = True
    minutes.say(tell.PinAccepted, person.id)
    set_role(person, max(role, person.role), person.name, minutes)


def _once_more(room: Room, person: Participant, cause: str, prompt: str, minutes: Minutes) -> None:
    person.tries += 1
    left = room.policy.pin_tries - person.tries
    minutes.say(tell.PinRefused, person.id, cause, max(left, 0))
    if left <= 0:
        turn_away(room, person, cause, ("prompt:pin-failed",), "system", minutes)
        return
    person.deadline = minutes.at + FIRST_DIGIT_S if person.waits_for is Wait.PIN else person.deadline
    minutes.say(tell.Announced, (prompt,), person.id)


def turn_away(
    room: Room, person: Participant, cause: str, sounds: tuple[str, ...], by: str, minutes: Minutes
) -> None:  # fmt: skip
    """He hears why, then he is hung up on by the focus."""
    if person.turned_away:
        return
    person.turned_away, person.deadline, person.typed = cause, None, ""
    naming.end(room, person, minutes)
    minutes.say(tell.Announced, sounds, person.id)
    minutes.say(tell.TurnedAway, person.id, cause, by)


# ------------------------------------------------------------------ time
def due(room: Room) -> float | None:
    own = [each for each in room.waiting if each.waits_for is not Wait.CONFIRM]
    return min((each.deadline for each in own if each.deadline is not None), default=None)


def fire(room: Room, minutes: Minutes) -> None:
    for person in room.waiting:
        if person.waits_for is Wait.CONFIRM or person.deadline is None or person.deadline > minutes.at:
            continue
        if person.waits_for is Wait.APPROVAL:
            turn_away(room, person, "nobody has let him in", ("prompt:not-let-in",), "system", minutes)
        elif person.typed:
            _judge(room, person, minutes)
        else:
            _once_more(room, person, "no PIN", "prompt:enter-pin", minutes)


# ------------------------------------------------------------------ what moderators do
def admit(room: Room, command: ask.Admit, by: Actor, minutes: Minutes) -> None:
    """Raises NotFound, Conflict."""
    let_in = [_at_the_door(room, command.participant)] if command.participant else room.waiting
    for person in let_in:
        if not person.turned_away and (command.participant or person.waits_for in (Wait.APPROVAL, Wait.MODERATOR)):
            person.is_admitted, person.deadline = True, None
            minutes.say(tell.Admitted, person.id, by.name)


def refuse(room: Room, command: ask.TurnAway, by: Actor, minutes: Minutes) -> None:
    person = _at_the_door(room, command.participant)
    turn_away(room, person, "turned away", ("prompt:not-let-in",), by.name, minutes)


def _at_the_door(room: Room, participant: str) -> Participant:
    person = room.place(participant)
    if person.presence is Presence.PRESENT:
        raise Conflict(f"{participant} is in {room.name} already")
    if person.presence is not Presence.WAITING:
        raise NotFound(f"{participant} is not at the door of {room.name}")
    return person


def promote(room: Room, command: ask.Promote, by: Actor, minutes: Minutes) -> None:
    _become(room, _there(room, command.participant), Role.MODERATOR, by, minutes)


def demote(room: Room, command: ask.Demote, by: Actor, minutes: Minutes) -> None:
    _become(room, _there(room, command.participant), Role.PARTICIPANT, by, minutes)


def _become(room: Room, person: Participant, role: Role, by: Actor, minutes: Minutes) -> None:
    """A lecture mutes by role."""
    set_role(person, role, by.name, minutes)
    if person.presence is Presence.PRESENT:
        assembly.review(room, person, minutes, by)


def _there(room: Room, participant: str) -> Participant:
    person = room.place(participant)
    if person.presence is Presence.RESERVED:
        raise NotFound(f"{participant} is not in {room.name}")
    return person


def set_role(person: Participant, role: Role, by: str, minutes: Minutes) -> None:
    if role is not person.role:
        person.role = role
        minutes.say(tell.RoleChanged, person.id, role, by)


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    Reserve: reserve,
    ask.Admit: admit,
    ask.TurnAway: refuse,
    ask.Promote: promote,
    ask.Demote: demote,
    ask.NoteCallerRefused: note_refused,
}
