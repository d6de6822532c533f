"""Calling somebody into a room, and sending somebody elsewhere.

Who is called has a place at once, which is given back where the call comes to nothing.

The room only says what is wanted and what has come of it; whether such a call is allowed is the focus's to ask,
before it puts ``Dial`` to the room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.commands import calls as ask
from rooms.commands.command import Command
from rooms.errors import Conflict, Invalid, NotFound
from rooms.participant import Actor, Manner, Participant, Presence, readable

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_RING_S = 600.0
USED_UP = "prompt:minutes-used-up"


def dial(room: Room, command: ask.Dial, by: Actor, minutes: Minutes) -> None:
    """Raises Invalid, NotOpen, Full."""
    uri = readable(command.uri)
    if not uri:
        raise Invalid("nobody is named who could be called")
    if not 0 <= command.ring_s <= MOST_RING_S:
        raise Invalid(f"a phone rings for up to {MOST_RING_S:.0f} s, not for {command.ring_s:g}")
    room.check_entrance(is_called=True)
    person = room.keep_place(command.name, uri, "", minutes)
    person.dialled, person.must_confirm = True, command.confirm
    person.called_by = by.participant or ""
    person.manner = Manner(command.muted, command.deaf, by.name)
    caller_id = readable(command.caller_id)
    minutes.say(tell.Dialled, person.id, person.name, uri, command.ring_s, by.name, command.confirm, caller_id)


def note_ringing(room: Room, command: ask.NoteRinging, by: Actor, minutes: Minutes) -> None:
    """Said again and again by some networks; told once."""
    person = _called(room, command.participant)
    if person is not None and person.ringing != command.status:
        person.ringing = command.status
        minutes.say(tell.DialRinging, person.id, command.status)


def note_redirected(room: Room, command: ask.NoteRedirected, by: Actor, minutes: Minutes) -> None:
    person = _called(room, command.participant)
    if person is not None:
        person.ringing = 0
        minutes.say(tell.DialRedirected, person.id, readable(command.uri))


def note_failed(room: Room, command: ask.NoteDialFailed, by: Actor, minutes: Minutes) -> None:
    person = _called(room, command.participant)
    if person is not None:
        minutes.say(tell.DialFailed, person.id, readable(command.cause), command.status)
        room.give_back(person, "", minutes)


def note_refused(room: Room, command: ask.NoteDialRefused, by: Actor, minutes: Minutes) -> None:
    minutes.say(tell.DialRefused, readable(command.uri), readable(command.reason), readable(command.by))


def note_used_up(room: Room, command: ask.NoteUsedUp, by: Actor, minutes: Minutes) -> None:
    """The focus hangs up when it has been said."""
    minutes.say(tell.Announced, (USED_UP,), room.place(command.participant).id)


def _called(room: Room, participant: str) -> Participant | None:
    """Somebody whom we call; None where he is there by now, or gone."""
    person = room.places.get(participant)
    return person if person and person.dialled and person.presence is Presence.RESERVED else None


def note_replaced(room: Room, command: ask.NoteReplaced, by: Actor, minutes: Minutes) -> None:
    """Ignored for those not present: the call has taken a place that was being left."""
    person = room.places.get(command.participant)
    if person is None or person.presence is not Presence.PRESENT:
        return
    person.address, person.source = readable(command.address), readable(command.source)
    person.agent = readable(command.agent)
    person.voice, person.talking = False, _quiet(person, minutes)
    minutes.say(tell.ParticipantReplaced, person.id, person.name, person.address, person.source)


def _quiet(person: Participant, minutes: Minutes) -> bool:
    """What the old phone was saying ends."""
    if person.talking:
        minutes.say(tell.TalkingChanged, person.id, False)
    return False


# ------------------------------------------------------------------ transfer
def transfer(room: Room, command: ask.Transfer, by: Actor, minutes: Minutes) -> None:
    """The focus asks the phone. Raises NotFound, Invalid, Conflict."""
    person, uri = _present(room, command.participant), readable(command.uri)
    if not uri:
        raise Invalid("nobody is named to whom the call could go")
    if person.transferring:
        raise Conflict(f"{person.id} is on the way elsewhere already")
    person.transferring = True
    minutes.say(tell.Transferring, person.id, uri, by.name)


def note_transferred(room: Room, command: ask.NoteTransferred, by: Actor, minutes: Minutes) -> None:
    person = room.places.get(command.participant)
    if person is not None and person.transferring:
        person.transferring = False
        minutes.say(tell.TransferEnded, person.id, readable(command.cause), command.status)


def leave(person: Participant, cause: str, minutes: Minutes) -> None:
    """Who goes is not asked to go elsewhere any more."""
    if person.transferring:
        person.transferring = False
        minutes.say(tell.TransferEnded, person.id, cause, 0)


def _present(room: Room, participant: str) -> Participant:
    person = room.places.get(participant)
    if person is None or person.presence is not Presence.PRESENT:
        raise NotFound(f"{participant} is not in {room.name}")
    return person


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.Dial: dial,
    ask.NoteRinging: note_ringing,
    ask.NoteRedirected: note_redirected,
    ask.NoteDialFailed: note_failed,
    ask.NoteDialRefused: note_refused,
    ask.NoteUsedUp: note_used_up,
    ask.NoteReplaced: note_replaced,
    ask.Transfer: transfer,
    ask.NoteTransferred: note_transferred,
}
