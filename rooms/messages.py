"""Text to those in a room, from one of them, from outside, or from an administrator.

Who is present when it is said gets it, by the focus; what is kept of it, ``chat`` says.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rooms import events as tell
from rooms.chat import DAY_S
from rooms.commands.command import Command
from rooms.commands.messages import NoteText, SendText
from rooms.errors import Invalid, NotFound, NotOpen
from rooms.participant import MOST_NAME, Actor, Presence, readable

if TYPE_CHECKING:
    from rooms.minutes import Minutes
    from rooms.room import Room

MOST_TEXT = 16_384


def send_text(room: Room, command: SendText, by: Actor, minutes: Minutes) -> None:
    """Raises Invalid, NotFound, NotOpen."""
    text = checked_text(command.text)
    if command.participant:
        person = room.places.get(command.participant)
        if person is None or person.presence is not Presence.PRESENT:
            raise NotFound(f"{command.participant} is not in {room.name}")
    elif not room.present:
        raise NotOpen(f"nobody is in {room.name}")
    say(room, minutes, "", by.name, "", text, command.participant)


def note_text(room: Room, command: NoteText, by: Actor, minutes: Minutes) -> None:
    """Raises Invalid, NotFound, NotOpen."""
    text = checked_text(command.text)
    person = room.places.get(command.participant) if command.participant else None
    if command.participant and (person is None or person.presence is not Presence.PRESENT):
        raise NotFound(f"{command.participant} is not in {room.name}")
    if not room.present:
        raise NotOpen(f"nobody is in {room.name}")
    name = person.name if person else readable(command.name, MOST_NAME)
    address = person.address if person else readable(command.address)
    say(room, minutes, command.participant, name, address, text, "")


def say(room: Room, minutes: Minutes, participant: str, name: str, address: str, text: str, to: str) -> None:
    days = room.policy.chat_days
    until = minutes.at + days * DAY_S if days and not to else None
    room.chat.hear(minutes.say(tell.Message, participant, name, address, text, to, until))


def checked_text(text: str) -> str:
    """Without what could move a terminal's cursor; lines stay. Raises Invalid."""
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    if not kept.strip():
        raise Invalid("a message without text")
    if len(kept) > MOST_TEXT:
        raise Invalid(f"a message of {len(kept)} characters; {MOST_TEXT} are the most")
    return kept


HANDLERS: dict[type[Command], Callable[[Room, Any, Actor, Minutes], None]] = {
    SendText: send_text,
    NoteText: note_text,
}
