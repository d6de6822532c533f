"""What a host does to the voices of others: hold with music, mutes of many at once, a mute there and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms import voices
from rooms.commands import people
from rooms.commands import voices as ask
from rooms.commands.command import Command
from rooms.participant import Actor, MuteCause, Role
from rooms.policy import LIFTS

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room


def hold(room: Room, command: ask.HoldParticipant, by: Actor, minutes: Minutes) -> None:
    person = room.person(command.participant)
    if not person.held_by_host:
        voices.hush(room, person, minutes)
        person.held_by_host = True
        minutes.say(tell.HeldByHost, person.id, by.name)


def release(room: Room, command: ask.ReleaseParticipant, by: Actor, minutes: Minutes) -> None:
    person = room.person(command.participant)
    if person.held_by_host:
        person.held_by_host = False
        minutes.say(tell.ReleasedByHost, person.id, by.name)
        voices.give_voice(room, person, minutes)


def toggle_mute(room: Room, command: ask.ToggleMute, by: Actor, minutes: Minutes) -> None:
    """Somebody who is muted for any of the causes that the other way would take back is heard again."""
    person = room.person(command.participant)
    if person.muted & {*LIFTS[command.cause]}:
        voices.unmute(room, people.Unmute(room.name, person.id, command.cause), by, minutes)
    else:
        voices.mute(room, people.Mute(room.name, person.id, command.cause), by, minutes)


def mute_all(room: Room, command: ask.MuteAll, by: Actor, minutes: Minutes) -> None:
    """Who asks by phone stays as he is."""
    spared = {room.person(who).id for who in command.but} | {by.participant}
    for person in room.present:
        if person.id not in spared and (command.moderators or person.role < Role.MODERATOR):
            voices.add_mute(room, person, MuteCause.HOST, by, minutes)


def unmute_all(room: Room, command: ask.UnmuteAll, by: Actor, minutes: Minutes) -> None:
    """Who has muted himself stays so."""
    spared = {room.person(who).id for who in command.but}
    for person in room.present:
        if person.id not in spared:
            voices.lift(room, person, LIFTS[MuteCause.HOST], by, minutes)


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.HoldParticipant: hold,
    ask.ReleaseParticipant: release,
    ask.ToggleMute: toggle_mute,
    ask.MuteAll: mute_all,
    ask.UnmuteAll: unmute_all,
}
