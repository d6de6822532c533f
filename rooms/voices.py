"""What is heard of a participant, and what he hears: mutes by cause, deafness, hold, who talks and who has the word."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import commands as ask
from rooms import events as tell
from rooms.errors import Forbidden
from rooms.hearing import may_be_heard, may_hear
from rooms.keys import checked_digits
from rooms.menus import menu_for
from rooms.participant import SYSTEM, Actor, MuteCause, Participant, ParticipantId, Presence, Role
from rooms.policy import LIFTS
from rooms.wishes import how_to

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

TELLS_AGAIN_S = 30.0
BY_HOST = {MuteCause.HOST, MuteCause.LECTURE}
"""Mutes that nobody takes back by himself."""
YOU_ARE_MUTED: tuple[str, ...] = ("prompt:muted",)
MUTED_BY_HOST: tuple[str, ...] = ("prompt:muted-by-host",)


def mute(room: Room, command: ask.Mute, by: Actor, minutes: Minutes) -> None:
    add_mute(room, room.person(command.participant), command.cause, by, minutes)


def add_mute(room: Room, person: Participant, cause: MuteCause, by: Actor, minutes: Minutes) -> None:
    if cause not in person.muted:
        hush(room, person, minutes)
        person.muted |= {cause}
        minutes.say(tell.ParticipantMuted, person.id, cause, by.name)


def enter(room: Room, person: Participant, minutes: Minutes) -> None:
    """What he is from his first moment in the room on, by its rules and as it was asked for with the call."""
    manner = person.manner
    if room.policy.mute_on_entry:
        add_mute(room, person, MuteCause.ENTRY, SYSTEM, minutes)
    by = Actor(manner.by or person.name, Role.PARTICIPANT)
    if manner.muted:
        add_mute(room, person, MuteCause.HOST if manner.by else MuteCause.SELF, by, minutes)
    if manner.deaf:
        person.deaf, person.deafened_himself = True, not manner.by
        minutes.say(tell.ParticipantDeafened, person.id, by.name)


def unmute(room: Room, command: ask.Unmute, by: Actor, minutes: Minutes) -> None:
    person = room.person(command.participant)
    lift(room, person, LIFTS[command.cause], by, minutes)


def lift(room: Room, person: Participant, causes: tuple[MuteCause, ...], by: Actor, minutes: Minutes) -> None:
    for cause in causes:
        if cause in person.muted:
            person.muted -= {cause}
            minutes.say(tell.ParticipantUnmuted, person.id, cause, by.name, bool(person.muted))
    give_voice(room, person, minutes)


def deafen(room: Room, command: ask.Deafen, by: Actor, minutes: Minutes) -> None:
    """Also who has done it himself: then he cannot take it back any more, which is said."""
    person = room.person(command.participant)
    is_himself = person.id == by.participant
    if not person.deaf or (person.deafened_himself and not is_himself):
        person.deaf, person.deafened_himself = True, is_himself
        minutes.say(tell.ParticipantDeafened, person.id, by.name)


def undeafen(room: Room, command: ask.Undeafen, by: Actor, minutes: Minutes) -> None:
    person = room.person(command.participant)
    if by.role < Role.MODERATOR and person.deaf and not person.deafened_himself:
        raise Forbidden("a host has done this, and only a host takes it back")
    if person.deaf:
        person.deaf = False
        minutes.say(tell.ParticipantUndeafened, person.id, by.name)


def send_digits(room: Room, command: ask.SendDigits, by: Actor, minutes: Minutes) -> None:
    """The focus presses them."""
    person, digits = room.person(command.participant), checked_digits(command)
    minutes.say(tell.DigitsSent, person.id, digits, command.duration_ms, command.gap_ms, by.name)


def hold(room: Room, command: ask.Hold, by: Actor, minutes: Minutes) -> None:
    """A call may be on hold before it arrives; the others learn of it then."""
    person = room.place(command.participant)
    if not person.held:
        hush(room, person, minutes)
        person.held = True
        if person.presence is Presence.PRESENT:
            minutes.say(tell.ParticipantHeld, person.id)


def resume(room: Room, command: ask.Resume, by: Actor, minutes: Minutes) -> None:
    person = room.place(command.participant)
    if person.held:
        person.held = False
        if person.presence is Presence.PRESENT:
            minutes.say(tell.ParticipantResumed, person.id)
            give_voice(room, person, minutes)


def note_talking(room: Room, command: ask.NoteTalking, by: Actor, minutes: Minutes) -> None:
    """Ignored for those not present: the engine's word and a departure may cross."""
    person = room.places.get(command.participant)
    if person is None or person.presence is not Presence.PRESENT:
        return
    person.voice = command.talking
    if person.voice:
        give_voice(room, person, minutes)
        tell_muted(room, person, minutes)
    else:
        hush(room, person, minutes)


def tell_muted(room: Room, person: Participant, minutes: Minutes) -> None:
    """Who talks and does not know that others have muted him is told so; not again and again."""
    causes = person.muted - {MuteCause.SELF}
    is_told = person.told_muted_at is not None and minutes.at - person.told_muted_at < TELLS_AGAIN_S
    if not causes or person.noise or is_told or not room.policy.tell_muted or not may_hear(person):
        return
    person.told_muted_at = minutes.at
    sounds = YOU_ARE_MUTED
    if not causes.isdisjoint(BY_HOST):
        sounds = MUTED_BY_HOST + how_to(menu_for(room.policy.menu, person.role), "hand")
    minutes.say(tell.Announced, sounds, person.id)


def note_noise(room: Room, command: ask.NoteNoise, by: Actor, minutes: Minutes) -> None:
    """Ignored for those not present, as above. One whom a host has let be heard all the same stays so."""
    person = room.places.get(command.participant)
    if person is None or person.presence is not Presence.PRESENT or person.noise == command.kind:
        return
    person.noise = command.kind
    minutes.say(tell.NoiseChanged, person.id, person.noise)
    if not person.noise:
        lift(room, person, (MuteCause.NOISE,), by, minutes)
    elif command.mutes:
        add_mute(room, person, MuteCause.NOISE, by, minutes)


def note_dominant(room: Room, command: ask.NoteDominant, by: Actor, minutes: Minutes) -> None:
    """Who has just left has no word."""
    person = room.places.get(command.participant)
    is_there = person is not None and person.presence is Presence.PRESENT
    give_word(room, command.participant if is_there else None, minutes)


def give_word(room: Room, participant: ParticipantId | None, minutes: Minutes) -> None:
    if participant != room.dominant:
        room.dominant = participant
        minutes.say(tell.DominantSpeaker, participant)


def hush(room: Room, person: Participant, minutes: Minutes) -> None:
    """The others hear the participant's voice no more."""
    if person.talking:
        person.talking = False
        minutes.say(tell.TalkingChanged, person.id, False)


def is_heard(room: Room, person: Participant) -> bool:
    """By the room."""
    speakers = room.speakers
    is_let = speakers is None or person.id in speakers
    return is_let and may_be_heard(person) and not room.links.is_private(person.id)


def review(room: Room, minutes: Minutes) -> None:
    """Somebody's floor, whisper or sidebar may have changed who of all is heard."""
    for person in room.present:
        if not is_heard(room, person):
            hush(room, person, minutes)
        else:
            give_voice(room, person, minutes)


def give_voice(room: Room, person: Participant, minutes: Minutes) -> None:
    """Who talks and may be heard is talking, also one whose mute ends in the middle of a word."""
    if person.voice and is_heard(room, person) and not person.talking:
        person.talking = True
        minutes.say(tell.TalkingChanged, person.id, True)


HANDLERS: dict[type[ask.Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    ask.Mute: mute,
    ask.Unmute: unmute,
    ask.Deafen: deafen,
    ask.Undeafen: undeafen,
    ask.SendDigits: send_digits,
    ask.Hold: hold,
    ask.Resume: resume,
    ask.NoteTalking: note_talking,
    ask.NoteNoise: note_noise,
    ask.NoteDominant: note_dominant,
}
