"""Conference documents (RFC 4575 section 5): a room and its people as XML, whole or what has changed.

Written by hand from escaped text: no document type, no entities but the five of XML, no character that XML has not.
What belongs to one person is written once a change, and shared by all documents; only the room's URI differs, for it
is the one that the subscriber has used, so its place is marked by ``HERE``.

The room's own version travels as an extension: ``room:number`` counts its events, and begins anew with another
``room:epoch``; ``version`` counts the documents of one subscription (5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from rooms.hearing import may_be_heard, may_hear
from rooms.participant import Participant, Presence, Role
from rooms.room import Room

TYPE = "application/conference-info+xml"
NAMESPACE = "urn:ietf:params:xml:ns:conference-info"
EXTENSION = "urn:confserver:params:xml:ns:room"
HERE = "\0"
"""Stands for the room's URI; no text of anybody can hold it."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, section 2.2."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which state of which room this is."""

    version: int
    """Of the subscription."""
    number: int
    """Of the room's last event."""
    epoch: int


def text(value: str) -> str:
    """Fit for content and for attributes in double quotes."""
    return escape(_NOT_XML.sub("\ufffd", value), {'"': "&quot;"})


def document(entity: str, stamp: Stamp, *, is_full: bool, parts: Iterable[str]) -> bytes:
    """The whole document (5.2), without any space that means nothing."""
    state = "full" if is_full else "partial"
    head = (
        f'<conference-info xmlns="{NAMESPACE}" xmlns:room="{EXTENSION}" entity="{HERE}" state="{state}" '
        f'version="{stamp.version}" room:epoch="{stamp.epoch}" room:number="{stamp.number}">'
    )
    whole = "".join(('<?xml version="1.0" encoding="UTF-8"?>\n', head, *parts, "</conference-info>\n"))
    return whole.replace(HERE, text(entity)).encode("utf-8")


def description(room: Room) -> str:
    """What the conference is, and what it has to offer (5.3, 5.3.4)."""
    most = room.policy.max_participants
    limit = f"<maximum-user-count>{most}</maximum-user-count>" if most else ""
    return (
        f"<conference-description><display-text>{text(room.name)}</display-text>"
        f"<conf-uris><entry><uri>{HERE}</uri><purpose>participation</purpose></entry></conf-uris>{limit}"
        '<available-media><entry label="1"><type>audio</type><status>sendrecv</status></entry></available-media>'
        "</conference-description>"
    )


def state(room: Room) -> str:
    """How it stands (5.5)."""
    present = len(room.present)
    is_recorded = bool(room.recording) and not room.recording.paused
    return (
        f"<conference-state><user-count>{present}</user-count><active>{_word(present > 0)}</active>"
        f"<locked>{_word(room.locked)}</locked>"
        f"<room:recording>{_word(is_recorded)}</room:recording></conference-state>"
    )


def _word(value: bool) -> str:
    return "true" if value else "false"


def users(parts: Iterable[str], *, is_full: bool) -> str:
    """All users, or those that have changed (5.6)."""
    return f'<users state="{"full" if is_full else "partial"}">{"".join(parts)}</users>'


def gone(entity: str) -> str:
    return f'<user entity="{text(entity)}" state="deleted"/>'


def entity_of(person: Participant) -> str:
    """By which a user is known to the others (5.6): who wishes to be unknown is a stranger of his own."""
    host = person.address.rpartition("@")[2]
    if person.address.startswith(("sip:", "sips:", "tel:")) and not host.startswith("anonymous.invalid"):
        return person.address
    return f"sip:anonymous-{person.id}@anonymous.invalid"


def user(entity: str, people: Iterable[Participant]) -> str:
    """One user with all his phones (5.6, 5.7)."""
    people = list(people)
    role = "moderator" if any(person.role >= Role.MODERATOR for person in people) else "participant"
    return (
        f'<user entity="{text(entity)}" state="full"><display-text>{text(people[0].name)}</display-text>'
        f"<roles><entry>{role}</entry></roles>{''.join(map(endpoint, people))}</user>"
    )


def endpoint(person: Participant) -> str:
    """One call (5.7). The address of the phone itself is nobody else's business: its URI is the room's, with our id."""
    joined = ""
    if person.presence is Presence.PRESENT and person.arrived_at is not None:
        when = datetime.fromtimestamp(person.arrived_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        joined = f"<joining-info><when>{when}</when></joining-info>"
    return (
        f'<endpoint entity="{HERE};participant={text(person.id)}" state="full">'
        f"<display-text>{text(person.name)}</display-text><status>{_status(person)}</status>"
        f"<joining-method>{'dialed-out' if person.dialled else 'dialed-in'}</joining-method>{joined}{_media(person)}"
        "</endpoint>"
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
