"""Who hears whom: the only truth about mute, deaf, hold, whispers, sidebars and the floor.

It gives out *mixes*: sets of sources with gains. Every listener has one mix and, where one source must
sound different for one listener only, a sparse list of exceptions. Nobody ever hears himself: the
engine subtracts a listener's own voice from his mix.

::

    mix 0   silence       who is deaf, on hold, or waits
    mix 1   the room      all others
    mix 2.. sidebars      those in each: one another, and the room more softly
    guests                in all mixes but the first: who is in another room and speaks to this one (``broadcasting``)
    mix ..  forwards      one voice of the room, that is sent on to a program (``rooms.forwarding``)
    exceptions            a whisper or a coach (heard by one), and whom somebody does not hear
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rooms.participant import MuteCause

if TYPE_CHECKING:
    from rooms.links import Line, Links, Sidebar
    from rooms.participant import Participant, ParticipantId

SILENCE = 0
ROOM = 1


@dataclass(frozen=True, slots=True)
class Mix:
    """What one group of listeners hears: sources and their gains (1.0 = as they speak)."""

    sources: tuple[tuple[ParticipantId, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Listening:
    """One listener's mix, by index, and the sources that sound different for this listener only."""

    listener: ParticipantId
    mix: int
    exceptions: tuple[tuple[ParticipantId, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who hears whom in one room."""

    mixes: tuple[Mix, ...] = field(default=(Mix(), Mix()))
    listeners: tuple[Listening, ...] = ()
    private: tuple[ParticipantId, ...] = ()
    """Those who speak to some alone: they are not recorded."""
    guests: tuple[tuple[ParticipantId, str], ...] = ()
    """Sources that are in other rooms, and in which; they hear nothing of this one."""
    waiting: tuple[ParticipantId, ...] = ()
    """Those who wait and are recorded all the same, each by himself: nobody hears them (``recording``)."""
    forwards: tuple[tuple[int, int], ...] = ()
    """What is sent on to programs, by number (``rooms.forwarding``), and the mix that it hears."""
    bare: tuple[int, ...] = ()
    """The mixes that hold voices and nothing else, not even what plays to everybody."""


def is_away(participant: Participant) -> bool:
    """He is not to be heard, and hears nobody, whatever he may."""
    is_on_hold = participant.held or participant.held_by_host
    return is_on_hold or participant.says_name or participant.kicked


def may_be_heard(participant: Participant) -> bool:
    return not (participant.muted or is_away(participant))


def may_hear(participant: Participant) -> bool:
    return not (participant.deaf or is_away(participant))


def may_be_heard_by(participant: Participant, line: Line) -> bool:
    """Of a whisper. What mutes a coach for the room does not mute him for his trainee, unless it is his own mute."""
    if not line.is_coach:
        return may_be_heard(participant)
    return MuteCause.SELF not in participant.muted and not is_away(participant)


def hearing_of(
    present: Iterable[Participant],
    waiting: Iterable[Participant] = (),
    links: Links | None = None,
    speakers: Collection[ParticipantId] | None = None,
    guests: tuple[tuple[ParticipantId, str], ...] = (),
) -> Hearing:
    """Work out who hears whom among those present; who waits hears nobody, and nobody hears him.

    ``speakers``: where not None, the only ones whom the room hears. ``guests``: who is heard from other rooms, whoever
    has the floor here, and in which they are.
    """
    people = sorted(present, key=lambda p: p.id)
    private = tuple(p.id for p in people if links is not None and links.is_private(p.id))
    heard = [p.id for p in people if may_be_heard(p) and p.id not in private]
    room = Mix(tuple((who, 1.0) for who in heard if speakers is None or who in speakers))
    abroad = tuple((who, 1.0) for who, _ in guests)
    sidebars = list(links.sidebars.values()) if links is not None else []
    inside = (room, *(_sidebar_mix(each, room, people, links) for each in sidebars))
    mixes = (Mix(), *(Mix(each.sources + abroad) for each in inside))
    place = {who: ROOM + 1 + index for index, each in enumerate(sidebars) for who in each.people}
    listeners = tuple(Listening(p.id, place.get(p.id, ROOM) if may_hear(p) else SILENCE) for p in people)
    if links is not None and (links.lines or links.unheard):
        listeners = _with_exceptions(listeners, mixes, people, links)
    return Hearing(mixes, listeners + tuple(Listening(p.id, SILENCE) for p in waiting), private, guests)


def _sidebar_mix(sidebar: Sidebar, room: Mix, people: list[Participant], links: Links | None) -> Mix:
    """Its people as they speak, and the room more softly."""
    lines = links.lines if links is not None else {}
    inside = [p.id for p in people if p.id in sidebar.people and may_be_heard(p) and p.id not in lines]
    gain = 0.0 if sidebar.room_db is None else 10 ** (sidebar.room_db / 20)
    outside = [(who, own * gain) for who, own in room.sources if gain]
    return Mix(tuple(sorted([(who, 1.0) for who in inside] + outside)))


def _with_exceptions(
    listeners: tuple[Listening, ...], mixes: tuple[Mix, ...], people: list[Participant], links: Links
) -> tuple[Listening, ...]:
    """Whispers, and whom somebody does not hear, which goes before them; as few as do it."""
    by_id = {p.id: p for p in people}
    own: dict[ParticipantId, dict[ParticipantId, float]] = {}
    for who, line in links.lines.items():
        if may_be_heard_by(by_id[who], line):
            own.setdefault(line.to, {})[who] = 1.0
    for listener, source in links.unheard:
        own.setdefault(listener, {})[source] = 0.0
    found = []
    for each in listeners:
        usual = dict(mixes[each.mix].sources)
        differs = {who: gain for who, gain in own.get(each.listener, {}).items() if usual.get(who, 0.0) != gain}
        exceptions = tuple(sorted(differs.items())) if each.mix != SILENCE else ()
        found.append(Listening(each.listener, each.mix, exceptions))
    return tuple(found)
