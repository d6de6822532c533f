"""Names that their owners have said, over a meeting: who comes back has his, and with the last room all go.

Who has left is known again where he was vouched for both times. Names of others are kept until others leave, for they
are still to be said of who has just gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms import events as tell
from rooms.callers import Caller
from rooms.participant import Participant, Presence
from rooms.rules_of_life import RecordNames

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room


def _key(person: Participant) -> str:
    """What he is known by again; "" for who is not vouched for, and may call himself anything."""
    is_known = person.is_verified or person.user
    return Caller(person.address, person.source, person.user, person.is_verified).key if is_known else ""


def known(room: Room, person: Participant) -> str:
    """The sound of who has been here before, or is still, by another phone or a call that has not ended yet."""
    key = _key(person)
    if not key or person.dialled:
        return ""
    there = (each.own_name.sound for each in room.places.values() if each.own_name.sound and _key(each) == key)
    return room.names.left.get(key) or next(there, "")


def recall(room: Room, person: Participant) -> bool:
    """Who comes back has his name."""
    own = person.own_name
    sound = known(room, person) if room.policy.record_names is not RecordNames.NONE and not own.sound else ""
    if sound:
        room.names.left.pop(_key(person), None)
        own.sound, own.is_asked = sound, True
    return bool(sound)


def greet(person: Participant, minutes: Minutes, *, is_back: bool) -> None:
    """It is told once it is known that he is there."""
    if is_back:
        minutes.say(tell.NameRecorded, person.id)


def remember(room: Room, person: Participant, minutes: Minutes) -> None:
    """He leaves."""
    sound = person.own_name.sound
    if not sound:
        return
    key = _key(person) or (f" {person.id}" if person.presence is Presence.PRESENT else "")
    for each in room.names.put(key, sound) if key else [sound]:
        forget_sound(room, person, each, minutes)


def forget_sound(room: Room, person: Participant, sound: str, minutes: Minutes) -> None:
    """Unless it is somebody else's as well, who calls by two phones."""
    others = (each.own_name.sound for each in room.places.values() if each is not person)
    if sound and sound not in others and sound not in room.names.left.values():
        minutes.say(tell.NameForgotten, person.id, sound)


def open_room(room: Room) -> None:
    room.names.rooms.add(room.name)


def close_room(room: Room, minutes: Minutes) -> None:
    """With the last room of a meeting its names go."""
    room.names.rooms.discard(room.name)
    if not room.names.rooms:
        for sound in room.names.left.values():
            minutes.say(tell.NameForgotten, "", sound)
        room.names.left.clear()
