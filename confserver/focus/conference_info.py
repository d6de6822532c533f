"""Conference documents (RFC 4575 section 5): a room and its people as XML, whole or what has changed.

Written by hand from escaped text: no document type, no entities but the five of XML, no character that XML has not.
What belongs to one person is written once a change, and shared by all documents; only the room's URI differs, for it
is the one that the subscriber has used, so its place is marked by ``HERE``.

The room's own version travels as an extension: ``room:number`` counts its events, and begins anew with another
``room:epoch``; ``version`` counts the documents of one subscription (5.1). ``conference_extension`` has the others.

``call-info`` (5.7.9) is never written: with Call-ID and tags anybody could ask to take over the call (RFC 3891).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from confserver.focus import conference_extension as ours
from confserver.focus.xml_text import text as text
from confserver.focus.xml_text import time, word
from confserver.sip.uri import escape_user
from rooms import events as tell
from rooms.hearing import may_be_heard, may_hear
from rooms.participant import Participant, ParticipantId, Presence, Role
from rooms.room import Room

TYPE = "application/conference-info+xml"
NAMESPACE = "urn:ietf:params:xml:ns:conference-info"
EXTENSION = "urn:confserver:params:xml:ns:room"
HERE = "\0"
"""Stands for the room's URI; no text of anybody can hold it."""
HOST = "\2"
"""Stands for the host in that URI."""
HOST_INFO = (
    f"<host-info><display-text>{HOST}</display-text><uris><entry><uri>sip:{HOST}</uri></entry></uris></host-info>"
)
"""Who has the conference (5.4): the server, as the subscriber has called it."""
_SIBLING = re.compile(f"{ours.SIBLING}([^{ours.SIBLING}]*){ours.SIBLING}")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which state of which room this is."""

    version: int
    """Of the subscription."""
    number: int
    """Of the room's last event."""
    epoch: int


@dataclass(frozen=True, slots=True)
class Departure:
    """How a call has ended: departed, booted, failed or busy (5.7.5)."""

    method: str
    at: float
    reason: str


def document(entity: str, stamp: Stamp, *, is_full: bool, parts: Iterable[str]) -> bytes:
    """The whole document (5.2), without any space that means nothing."""
    state = "full" if is_full else "partial"
    head = (
        f'<conference-info xmlns="{NAMESPACE}" xmlns:room="{EXTENSION}" entity="{HERE}" state="{state}" '
        f'version="{stamp.version}" room:epoch="{stamp.epoch}" room:number="{stamp.number}">'
    )
    whole = "".join(('<?xml version="1.0" encoding="UTF-8"?>\n', head, *parts, "</conference-info>\n"))
    scheme, _, rest = entity.partition(":")
    host = rest.rpartition("@")[2]
    whole = _SIBLING.sub(lambda found: text(f"{scheme}:{escape_user(found[1])}@{host}"), whole)
    return whole.replace(HERE, text(entity)).replace(HOST, text(host)).encode("utf-8")


def description(room: Room) -> str:
    """What the conference is, and what it has to offer (5.3, 5.3.4)."""
    most = room.policy.max_participants
    limit = f"<maximum-user-count>{most}</maximum-user-count>" if most else ""
    return (
        f"<conference-description><display-text>{text(room.name)}</display-text>"
        f"<conf-uris><entry><uri>{HERE}</uri><purpose>participation</purpose></entry></conf-uris>{limit}"
        '<available-media><entry label="1"><type>audio</type><status>sendrecv</status></entry></available-media>'
        f"{ours.of_description(room)}</conference-description>"
    )


def state(room: Room) -> str:
    """How it stands (5.5)."""
    present = len(room.present)
    return (
        f"<conference-state><user-count>{present}</user-count><active>{word(present > 0)}</active>"
        f"<locked>{word(room.locked)}</locked>{ours.of_state(room)}</conference-state>"
    )


def sidebars(names: Iterable[str], *, is_over: bool = False) -> str:
    """The breakout rooms, each a conference by itself that can be watched (5.9.1); ``is_over``: they are closed."""
    entries = (
        f"<entry><uri>{ours.sibling(name)}</uri><display-text>{text(name)}</display-text></entry>" for name in names
    )
    return f'<sidebars-by-ref state="{"deleted" if is_over else "full"}">{"".join(entries)}</sidebars-by-ref>'


def users(parts: Iterable[str], *, is_full: bool) -> str:
    """All users, or those that have changed (5.6)."""
    return f'<users state="{"full" if is_full else "partial"}">{"".join(parts)}</users>'


def gone(entity: str, ended: Iterable[tuple[ParticipantId, Departure]] = ()) -> str:
    """Who is no user any more, and how his calls have ended, for who reads it (5.7.5, 5.7.6)."""
    calls = "".join(
        f'<endpoint entity="{HERE};participant={text(who)}" state="deleted"><status>disconnected</status>'
        f"<disconnection-method>{how.method}</disconnection-method><disconnection-info><when>{time(how.at)}</when>"
        f"<reason>{text(how.reason)}</reason></disconnection-info></endpoint>"
        for who, how in ended
    )
    return f'<user entity="{text(entity)}" state="deleted">{calls}</user>'


def departure(event: tell.Event) -> tuple[ParticipantId, Departure] | None:
    """Whose call ends by this, and how; where he has gone to is nobody else's business."""
    match event:
        case tell.ParticipantKicked(participant=who, cause=cause):
            return who, Departure("departed" if cause.startswith(_BY_HIMSELF) else "booted", event.at, cause)
        case tell.ParticipantLeft(participant=who, cause=cause) if cause.startswith("moved to "):
            return who, Departure("departed", event.at, "moved to another room")
        case tell.ParticipantLeft(participant=who, cause=cause):
            method = "departed" if cause.startswith(_BY_HIMSELF) else "booted" if cause in _BY_US else "failed"
            return who, Departure(method, event.at, cause)
        case tell.DialFailed(participant=who, cause=cause, status=status):
            return who, Departure("busy" if status in (486, 600) else "failed", event.at, cause)
    return None


_BY_HIMSELF = ("hung up", "left by key")
_BY_US = ("kicked", "the room has ended", "the server is stopping")


def entity_of(person: Participant) -> str:
    """By which a user is known to the others (5.6): who wishes to be unknown is a stranger of his own."""
    host = person.address.rpartition("@")[2]
    if person.address.startswith(("sip:", "sips:", "tel:")) and not host.startswith("anonymous.invalid"):
        return person.address
    return f"sip:anonymous-{person.id}@anonymous.invalid"


def user(entity: str, people: Iterable[Participant], room: Room) -> str:
    """One user with all his phones (5.6, 5.7)."""
    people = list(people)
    role = "moderator" if any(person.role >= Role.MODERATOR for person in people) else "participant"
    return (
        f'<user entity="{text(entity)}" state="full"><display-text>{text(people[0].name)}</display-text>'
        f"<roles><entry>{role}</entry></roles>{''.join(endpoint(person, room) for person in people)}</user>"
    )


def endpoint(person: Participant, room: Room) -> str:
    """One call (5.7). The address of the phone itself is nobody else's business: its URI is the room's, with our id."""
    is_present = person.presence is Presence.PRESENT
    when = f"<when>{time(person.arrived_at)}</when>" if is_present and person.arrived_at is not None else ""
    caller = room.places.get(person.called_by)
    by = f"<by>{text(entity_of(caller))}</by>" if caller is not None else ""
    joined = f"<joining-info>{when}{by}</joining-info>" if when or by else ""
    return (
        f'<endpoint entity="{HERE};participant={text(person.id)}" state="full">'
        f"<display-text>{text(person.name)}</display-text><status>{_status(person)}</status>"
        f"<joining-method>{'dialed-out' if person.dialled else 'dialed-in'}</joining-method>{joined}{_media(person)}"
        f"{ours.of_endpoint(person, room) if is_present else ''}</endpoint>"
    )


def _status(person: Participant) -> str:
    """RFC 4575 5.7.2."""
    if person.presence is not Presence.PRESENT:
        return "alerting" if person.ringing else "dialing-out"
    if person.kicked:
        return "disconnecting"
    if person.held or person.held_by_host:
        return "on-hold"
    return "muted-via-focus" if person.muted else "connected"


def _media(person: Participant) -> str:
    """The one stream (5.8), seen from the participant: who is muted only receives."""
    if person.presence is not Presence.PRESENT:
        return ""
    sends, receives = may_be_heard(person), may_hear(person)
    way = {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly", (False, False): "inactive"}
    return f'<media id="1"><type>audio</type><label>1</label><status>{way[sends, receives]}</status></media>'
