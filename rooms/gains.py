"""How loud a participant is to the others, and they to him; and where they hear him, between left and right."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.commands import voices as ask
from rooms.commands.command import Command
from rooms.errors import Invalid
from rooms.participant import Actor, Participant

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

SOFTEST_DB, LOUDEST_DB = -30.0, 12.0


def set_gain(room: Room, command: ask.SetGain, by: Actor, minutes: Minutes) -> None:
    """Raises Invalid, NotFound."""
    person = room.person(command.participant)
    incoming = person.incoming_db if command.incoming_db is None else _checked("incoming_db", command.incoming_db)
    outgoing = person.outgoing_db if command.outgoing_db is None else _checked("outgoing_db", command.outgoing_db)
    _set(person, incoming, outgoing, by, minutes)


def step_gain(room: Room, command: ask.StepGain, by: Actor, minutes: Minutes) -> None:
    """Raises Invalid, NotFound."""
    person = room.person(command.participant)
    incoming = person.incoming_db + _checked("incoming_db", command.incoming_db, LOUDEST_DB - SOFTEST_DB)
    outgoing = person.outgoing_db + _checked("outgoing_db", command.outgoing_db, LOUDEST_DB - SOFTEST_DB)
    _set(person, _bounded(incoming), _bounded(outgoing), by, minutes)


def _set(person: Participant, incoming: float, outgoing: float, by: Actor, minutes: Minutes) -> None:
    if (incoming, outgoing) != (person.incoming_db, person.outgoing_db):
        person.incoming_db, person.outgoing_db = incoming, outgoing
        minutes.say(tell.GainChanged, person.id, incoming, outgoing, by.name)


def place(room: Room, command: ask.Place, by: Actor, minutes: Minutes) -> None:
    """Raises Invalid, NotFound."""
    person = room.person(command.participant)
    if (command.pan is None) is not command.auto:
        raise Invalid("say either where he is to be heard (pan), or that the room places him (auto)")
    if command.pan is not None and not -1 <= command.pan <= 1:
        raise Invalid(f"pan must be -1 (left) to 1 (right), not {command.pan:g}")
    pan = None if command.pan is None else float(command.pan)
    if pan != person.pan:
        person.pan = pan
        minutes.say(tell.ParticipantPlaced, person.id, pan, by.name)


def _checked(name: str, value: float, most: float | None = None) -> float:
    """``most``: of a step, either way. What is no number at all is refused, too."""
    least, most = (SOFTEST_DB, LOUDEST_DB) if most is None else (-most, most)
    if not least <= value <= most:
        raise Invalid(f"{name} must be {least:g} to {most:g}, not {value:g}")
    return float(value)


def _bounded(value: float) -> float:
    return min(max(value, SOFTEST_DB), LOUDEST_DB)


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.SetGain: set_gain,
    ask.StepGain: step_gain,
    ask.Place: place,
}
