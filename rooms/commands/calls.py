"""What one may ask of a room about calls of ours, and what these say of themselves (see ``commands``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rooms.commands.command import Command
from rooms.participant import ParticipantId, Role


@dataclass(frozen=True, slots=True)
class Dial(Command):
    """Call somebody into the room.

    Whom: sip:USER@HOST, tel:NUMBER, or a number. The settings under dialout say who may be called at all. Without a
    name, what was dialled stands for it. Who answers comes in at once, or, asked to confirm, when he has pressed 1.
    """

    path: ClassVar[str] = "/rooms/{room}/dial"
    verb: ClassVar[str] = "dial"

    uri: str
    name: str = ""
    ring_s: float = 0.0
    confirm: bool = False
    caller_id: str = ""
    muted: bool = False
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class Transfer(Command):
    """Ask a participant's phone to call somebody else instead.

    Whom: sip:USER@HOST, tel:NUMBER, or a number; another room is called like anybody. He leaves when it has answered.
    """

    path: ClassVar[str] = "/rooms/{room}/participants/{participant}/transfer"
    verb: ClassVar[str] = "transfer"

    participant: ParticipantId
    uri: str


@dataclass(frozen=True, slots=True)
class NoteTransferred(Command):
    """The phone that was asked to call elsewhere has done so, or has not."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    cause: str
    status: int = 0


@dataclass(frozen=True, slots=True)
class NoteRinging(Command):
    """The phone that is being called rings, or its network says something of it (``status``: that of the 1xx)."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    status: int


@dataclass(frozen=True, slots=True)
class NoteRedirected(Command):
    """The call to somebody goes on to another address, by a 3xx."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    uri: str


@dataclass(frozen=True, slots=True)
class NoteReplaced(Command):
    """Another call has taken the participant's place: he is the same, his phone is another."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    address: str
    source: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class NoteDialRefused(Command):
    """A call that somebody (``by``) has asked for is not made."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    uri: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class NoteUsedUp(Command):
    """What the settings allow calls to cost is spent: the participant hears so, and is hung up on."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class NoteDialFailed(Command):
    """The call to somebody has come to nothing: his place is given back."""

    needs: ClassVar[Role] = Role.PARTICIPANT

    participant: ParticipantId
    cause: str
    status: int = 0
