"""Who is in a room, and what they may do there."""

from __future__ import annotations

import enum
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from rooms.own_name import OwnName, Step

ParticipantId = str
"""Short and unique in the life of a server, e.g. ``p7``; people type it."""

MOST_NAME = 64
MOST_TEXT = 256


class Role(enum.IntEnum):
    """What an actor may do; a higher role may do all that a lower one may."""

    OBSERVER = 0
    PARTICIPANT = 1
    MODERATOR = 2
    ADMIN = 3


class Presence(enum.Enum):
    """How far a participant has come."""

    RESERVED = "reserved"  # counts for the limits, nobody else knows
    WAITING = "waiting"  # the call is up; hears what is played to him, and nobody hears him
    PRESENT = "present"
    LEFT = "left"


class Wait(enum.Enum):
    """What somebody waits for whose call is up."""

    ROOM = "room"  # he is asked for the number of one
    CONFIRM = "confirm"  # we have called him; he is asked to press a key
    PIN = "pin"  # he is asked for it
    NAME = "name"  # he is asked to say it
    START = "start"  # the room opens later
    MODERATOR = "moderator"  # none is there yet
    APPROVAL = "approval"  # he has knocked


class MuteCause(enum.Enum):
    """Why a participant is muted; each cause is set and undone separately."""

    SELF = "self"
    HOST = "host"
    ENTRY = "entry"
    LECTURE = "lecture"
    NOISE = "noise"


class Relation(enum.Enum):
    """What somebody may not have to do with another."""

    NOHEAR = "nohear"  # he does not hear him
    NOSPEAK = "nospeak"  # he is not heard by him
    CLEAR = "clear"  # nothing is in their way


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a script with a token, or a participant by keypad."""

    name: str
    role: Role
    participant: ParticipantId | None = None
    face: str = field(default="", compare=False)
    """How he asks: http, cli, python, sip, keypad; ``source``: from which address."""
    source: str = field(default="", compare=False)


SYSTEM = Actor("system", Role.ADMIN)
"""The server itself, e.g. when a phone hangs up."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with somebody's sound, in words.

    ``way``: in, what others hear of the participant; out, what he hears; both. ``since``: epoch seconds.
    """

    kind: str
    way: str
    side: str
    """Whose it is: the participant's network or phone, the participant, or this server."""
    text: str
    advice: str
    since: float

    def describe(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "way": self.way, "side": self.side, "text": self.text, "advice": self.advice,
            "since": self.since,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody comes in: muted, deaf, or as all do; ``by`` whom it was asked for, empty: by himself."""

    muted: bool = False
    deaf: bool = False
    by: str = ""


@dataclass(slots=True)
class Participant:
    """One person in one room.

    ``name`` is what people read (From's display name, else its user part); two people of one
    name stay distinct by ``id``. Times are epoch seconds.
    """

    id: ParticipantId
    name: str
    address: str
    """The SIP URI the participant called from."""
    source: str
    """The network address the call came from, ``host:port``."""
    reserved_at: float
    role: Role = Role.PARTICIPANT
    presence: Presence = Presence.RESERVED
    arrived_at: float | None = None
    waits_for: Wait | None = None
    """While ``presence`` is WAITING."""
    waits_since: float | None = None
    muted: frozenset[MuteCause] = frozenset()
    deaf: bool = False
    deafened_himself: bool = False
    """So he may take it back himself."""
    held: bool = False
    """The participant's own phone has put the call on hold."""
    held_by_host: bool = False
    """A host has put the participant on hold, whatever his phone does."""
    incoming_db: float = 0.0
    """By so much louder the others hear the participant; ``outgoing_db``: the participant the others."""
    outgoing_db: float = 0.0
    pan: float | None = None
    """Where he is heard between left (-1) and right (1) by who hears two channels; None: where the room places him."""
    told_muted_at: float | None = None
    """When he was told last that nobody hears him."""
    is_verified: bool = False
    """Somebody who is believed vouches for him."""
    has_pin: bool = False
    """He has given the room's PIN, or needs none."""
    must_confirm: bool = False
    """Who answers our call comes in when he has pressed a key."""
    has_confirmed: bool = False
    """And he has."""
    own_name: OwnName = field(default_factory=OwnName)
    """As he has said it himself."""
    manner: Manner = Manner()
    is_admitted: bool = False
    """He need not knock any more."""
    typed: str = ""
    """Digits of a PIN, as far as they have come."""
    tries: int = 0
    """PINs that were wrong, or did not come, in this call."""
    deadline: float | None = None
    """So long he may take for what he waits for."""
    turned_away: str = ""
    """Why he is about to be hung up on, once he has heard so."""
    voice: bool = False
    """The media engine detects a voice, whether or not others may hear it."""
    talking: bool = False
    """The others hear the voice: what ``TalkingChanged`` has said last."""
    noise: str = ""
    """What the participant pours into the room that is no speech (noise, music or tone), if anything."""
    findings: dict[str, Finding] = field(default_factory=dict)
    """What is wrong with his sound now, by kind."""
    kicked: bool = False
    dialled: bool = False
    """We have called the participant; until the answer comes, ``ringing`` is the last 1xx, 0 for none."""
    ringing: int = 0
    transferring: bool = False
    """His phone has been asked to call somebody else."""
    agent: str = ""
    """What the participant's phone calls itself."""
    referred_by: str = ""
    """On whose wish the participant calls, as his phone says (RFC 3892)."""
    called_by: ParticipantId = ""
    """Who of the room has had him called; "" for nobody of it."""
    diverted_by: str = ""
    """The address that was called first, and has sent the call on to the room."""
    user: str = ""
    """The user of this server whose password the caller has shown; "" for all others."""
    attributes: dict[str, str] = field(default_factory=dict)
    """What else his call has said of him, by headers that the settings name (``sip.attribute_headers``)."""

    @property
    def says_name(self) -> bool:
        """He is busy with that, and hears nobody."""
        return self.own_name.step is not Step.NONE


class ParticipantIds:
    """Gives out participant ids: p1, p2 ...

    Counting goes on from ``last``, the last number of earlier runs, so that a script which still holds
    an old id finds nobody rather than somebody else.
    """

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def __call__(self) -> ParticipantId:
        self.last += 1
        return f"p{self.last}"


def id_number(participant: ParticipantId) -> int:
    """Give the number in an id. Raises ValueError when it is not one of ours."""
    if not participant.startswith("p"):
        raise ValueError(f"not a participant id: {participant!r}")
    return int(participant[1:])


_TURNS_TEXT_AROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def readable(text: str, most: int = MOST_TEXT) -> str:
    """Make a stranger's text fit for a terminal, a list and the store.

    Names come from the network: control characters, lone surrogates and marks that reverse the text around
    them are dropped, all white space becomes single blanks, what is too long is cut.
    """
    if len(text) <= most and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # nearly all are
    spaced = " ".join(text[: 4 * most].split())
    if spaced.isascii() and spaced.isprintable():
        return spaced[:most].strip()
    kept = (c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs") and c not in _TURNS_TEXT_AROUND)
    return unicodedata.normalize("NFC", "".join(kept))[:most].strip()
