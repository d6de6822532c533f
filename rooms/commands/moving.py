"""What one may ask about going from room to room: one, many, all; breakout rooms and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId


@dataclass(frozen=True, slots=True)
class Move(Command):
    """Take one participant to another room.

    That is a host's leave: lock, PIN, lobby and the list of those who may come are not asked. Whom the other room's
    rule deny keeps out is taken there by force only.
    """

    others: ClassVar[tuple[str, ...]] = ("to",)
    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/move"
    verb: ClassVar[str] = "move"

    participant: ParticipantId
    to: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class MoveAll(Command):
    """Take many, or everybody, to another room.

    Where nobody is named, everybody is taken but those who are excepted. Nobody is where the other room's rule deny
    keeps one of them out, but by force.
    """

    people: ClassVar[tuple[str, ...]] = ("participants", "but")
    others: ClassVar[tuple[str, ...]] = ("to",)
    path: ClassVar[str] = "/rooms/{room}/move"
    verb: ClassVar[str] = "move-all"

    to: str
    participants: tuple[ParticipantId, ...] = ()
    but: tuple[ParticipantId, ...] = ()
    force: bool = False


@dataclass(frozen=True, slots=True)
class Merge(Command):
    """Take everybody to another room, also those who are still on the way.

    Until the room has closed, whoever arrives in it is taken along. Nobody is taken where the other room's rule deny
    keeps one of those present out, but by force; one who arrives later stays then.
    """

    others: ClassVar[tuple[str, ...]] = ("to",)
    path: ClassVar[str] = "/rooms/{room}/merge"
    verb: ClassVar[str] = "merge"

    to: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class OpenBreakouts(Command):
    """Open breakout rooms and divide people among them.

    They have the room's rules, and its name with a number unless they are named. Those for whom nothing is said
    (WHO=ROOM) are divided evenly; moderators stay.
    """

    others: ClassVar[tuple[str, ...]] = ("names",)
    path: ClassVar[str] = "/rooms/{room}/breakouts"
    verb: ClassVar[str] = "open-breakouts"

    count: int = 0
    names: tuple[str, ...] = ()
    assign: tuple[str, ...] = ()
    evenly: bool = True


@dataclass(frozen=True, slots=True)
class CloseBreakouts(Command):
    """Take everybody back from the breakout rooms.

    With a countdown those there are told how many seconds are left.
    """

    method: ClassVar[str] = "DELETE"
    path: ClassVar[str] = "/rooms/{room}/breakouts"
    verb: ClassVar[str] = "close-breakouts"

    countdown_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Broadcast(Command):
    """Play sounds, or send text, to a room and all its breakout rooms."""

    path: ClassVar[str] = "/rooms/{room}/broadcast"
    verb: ClassVar[str] = "broadcast"

    sounds: tuple[str, ...] = ()
    text: str = ""
