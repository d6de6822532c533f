"""Who hears whom: the only truth about mute, deaf and hold.

It gives out *mixes*: sets of sources with gains. Every listener has one mix and, where one source must
sound different for one listener only, a sparse list of exceptions. Nobody ever hears himself: the
engine subtracts a listener's own voice from his mix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def may_be_heard(participant: Participant) -> bool:
    return not (participant.muted or participant.held or participant.held_by_host)


def may_hear(participant: Participant) -> bool:
    return not (participant.deaf or participant.held or participant.held_by_host)


def hearing_of(present: Iterable[Participant], waiting: Iterable[Participant] = ()) -> Hearing:
    """Work out who hears whom among those present; who waits hears nobody, and nobody hears him."""
    people = sorted(present, key=lambda p: p.id)
    room = Mix(tuple((p.id, 1.0) for p in people if may_be_heard(p)))
    listeners = tuple(Listening(p.id, ROOM if may_hear(p) else SILENCE) for p in people)
    listeners += tuple(Listening(p.id, SILENCE) for p in waiting)
    return Hearing((Mix(), room), listeners)
