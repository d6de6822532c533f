"""What our namespace adds to conference documents: whoever does not know it passes it over (RFC 4575 section 4.4).

Each element stands last in what it belongs to, as RFC 4575 section 6 has it; docs/conference-room.xsd is their schema.
Only what is otherwise than usual is written. Whom somebody whispers to or coaches, and who waits outside, is not for
all: of those who whisper it is said that they do so, of coaches nothing, of those who wait how many.
"""

from __future__ import annotations

from confserver.focus.xml_text import text, word
from rooms.participant import Participant
from rooms.room import Room

SIBLING = "\1"
"""Stands around the name of another room, for its URI (``conference_info.document``)."""


def of_description(room: Room) -> str:
    """Whose breakout room it is."""
    parent = room.ties.parent
    return f"<room:breakout-of>{sibling(parent)}</room:breakout-of>" if parent else ""


def of_state(room: Room) -> str:
    """The recording (its text is true while it runs), a lecture, how many wait, who speaks to several rooms."""
    recording = room.recording
    how = ("paused" if recording.paused else "on") if recording else "off"
    parts = [f'<room:recording state="{how}">{word(how == "on")}</room:recording>']
    parts += ["<room:lecture>true</room:lecture>"] if room.assembly.lecture else []
    waiting = len(room.waiting)
    parts += [f"<room:waiting>{waiting}</room:waiting>"] if waiting else []
    return "".join([*parts, *_broadcasts(room)])


def _broadcasts(room: Room) -> list[str]:
    """Of those who speak to other rooms from here, and of those who are heard here from elsewhere."""
    own = [(who, room.places[who].name, room.name, to) for who, to in room.abroad.speaking.items()]
    guests = [(who, each.name, each.room, each.rooms) for who, each in room.abroad.guests.items()]
    return [
        f'<room:broadcast participant="{who}" from="{sibling(home)}" rooms="{" ".join(to) or "all"}">'
        f"{text(name)}</room:broadcast>"
        for who, name, home, to in [*own, *guests]
    ]


def of_endpoint(person: Participant, room: Room) -> str:
    """How loud he is, and the others to him, in dB; where he is heard; his hand, the floor; that he steps aside."""
    loudness = [("incoming", person.incoming_db), ("outgoing", person.outgoing_db)]
    given = [f' {name}="{value:g}"' for name, value in loudness if value]
    given += [f' pan="{person.pan:g}"'] if person.pan is not None else []
    parts = [f"<room:sound{''.join(given)}/>"] if given else []
    hands = room.assembly.hands
    parts += [f"<room:hand>{hands.index(person.id) + 1}</room:hand>"] if person.id in hands else []
    parts += ["<room:floor>true</room:floor>"] if person.id in room.assembly.floor else []
    sidebar, line = room.links.sidebar_of(person.id), room.links.lines.get(person.id)
    if sidebar is not None:
        parts.append(f"<room:sidebar>{sidebar.number}</room:sidebar>")
    if line is not None and not line.is_coach:
        parts.append("<room:apart>true</room:apart>")
    return "".join(parts)


def sibling(name: str) -> str:
    """The URI of another room, by which the subscriber would reach it."""
    return f"{SIBLING}{name}{SIBLING}"
