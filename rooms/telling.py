"""What has happened, as plain data for everybody outside: event streams, webhooks, whoever reads JSON.

Each event has a name, that of its class in small letters (``participant-arrived``), and the members of its class. Names
and members are promised to scripts: a class that is called otherwise one day keeps its name by a row in ``NAMES``;
members may be added, never taken away. What must not be read by whoever may read events is left out here, in this one
place: secret rules, keys that were pressed towards somebody. Who hears whom is told in words: whole, it would grow with
the square of a room.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import fields
from typing import Any

from rooms import events
from rooms.events import Event
from rooms.events.event import members
from rooms.hearing import Hearing
from rooms.policy import SECRETS, RoomPolicy

MOST_NAMED = 6
MEMBER_BYTES, THING_BYTES = 40, 100
"""Of a member with its name, and of one thing in a list, as ``size_of`` reckons."""
SET = "set"
"""What is told of a secret that there is."""
NAMES: Mapping[str, str] = {}
"""Class -> name, where it is not that of the class."""


def name_of(kind: type[Event]) -> str:
    """ParticipantArrived -> participant-arrived"""
    return _NAMES.get(kind) or _named_after(kind)


def _named_after(kind: type[Event]) -> str:
    return NAMES.get(kind.__name__) or re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


TYPES: Mapping[str, type[Event]] = {
    _named_after(kind): kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
"""All events by their names."""
_NAMES = {kind: name for name, kind in TYPES.items()}


def help_of(name: str) -> str:
    """The first line of the event's docstring, for people."""
    return (TYPES[name].__doc__ or "").splitlines()[0].replace("``", "")


def members_of(name: str) -> tuple[str, ...]:
    """What is told beside ``type``, ``room``, ``number`` and ``at``."""
    kind = TYPES[name]
    renamed = {field: words for field, (words, _) in _OTHERWISE.get(kind, {}).items()}
    return tuple(renamed.get(f.name, f.name) for f in fields(kind) if f.name not in ("room", "number", "at"))


def tell(event: Event) -> dict[str, Any]:
    """Everything about an event that may be told."""
    kind = type(event)
    told: dict[str, Any] = {"type": name_of(kind), "room": event.room, "number": event.number, "at": event.at}
    for member, name, worded in _WORDINGS.get(kind) or _wording_of(kind):
        told[name] = worded(getattr(event, member))
    return told


def _wording_of(kind: type[Event]) -> tuple[tuple[str, str, Callable[[Any], object]], ...]:
    """Of each member that is told beside what all events have: its name, what it is called, and how it is told."""
    rows = []
    for each in fields(kind):
        name, worded = _OTHERWISE.get(kind, {}).get(each.name, (each.name, _plain))
        rows.append((each.name, name, _hidden if each.metadata.get("secret") else worded))
    return tuple(row for row in rows if row[0] not in ("room", "number", "at"))


def size_of(event: Event) -> int:
    """How many bytes an event holds, or is told in, roughly: by its members, its texts, the things in its lists."""
    size = 0
    for value in members(event).values():
        size += MEMBER_BYTES
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, Hearing):
            size += THING_BYTES * (len(value.listeners) + sum(len(mix.sources) for mix in value.mixes))
        elif isinstance(value, Sized):
            size += THING_BYTES * len(value)
    return size


def _hidden(value: object) -> str:
    return SET if value else ""


def _plain(value: object) -> object:
    match value:
        case RoomPolicy():
            return value.describe(secrets=False)
        case enum.Enum():
            return value.value
        case tuple() | list() | set() | frozenset():
            return [_plain(each) for each in value]
        case Mapping():
            return {str(name): SET if name in SECRETS and each else _plain(each) for name, each in value.items()}
        case str() | int() | float() | None:
            return value
    return str(value)


# ------------------------------------------------------------------ who hears whom
def hearing_in_words(hearing: Hearing) -> list[str]:
    """One line for each group of listeners that hear the same, then one for each exception; people by their ids."""
    groups: dict[int, list[str]] = {}
    abroad = dict(hearing.guests)
    for listening in hearing.listeners:
        groups.setdefault(listening.mix, []).append(listening.listener)
    lines = []
    for mix, listeners in sorted(groups.items()):
        sources = [_from(source, abroad) for source, gain in hearing.mixes[mix].sources if gain > 0]
        hears = "hears" if len(listeners) == 1 else "hear"
        lines.append(f"{_named(listeners)} {hears} {_named(sources) or 'nobody'}")
    apart = [each for each in hearing.listeners if each.exceptions]
    for each in apart[:MOST_NAMED]:
        told = ", ".join(f"{source} {_gain(gain)}" for source, gain in each.exceptions[:MOST_NAMED])
        lines.append(f"{each.listener} hears {told}")
    if len(apart) > MOST_NAMED:
        lines.append(f"{len(apart) - MOST_NAMED} more hear somebody otherwise")
    for number, mix in hearing.forwards:
        sources = [source for source, gain in hearing.mixes[mix].sources if gain > 0]
        lines.append(f"forward {number} hears {_named(sources) or 'nobody'}")
    return lines


def _from(source: str, abroad: Mapping[str, str]) -> str:
    return f"{source} from {abroad[source]}" if source in abroad else source


def _named(people: Iterable[str]) -> str:
    names = list(people)
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _gain(gain: float) -> str:
    return f"at {20 * math.log10(gain):+.0f} dB" if gain > 0 else "not"


_OTHERWISE: Mapping[type[Event], Mapping[str, tuple[str, Callable[[Any], object]]]] = {
    events.HearingChanged: {"hearing": ("words", hearing_in_words)},
    events.DigitsSent: {"digits": ("keys", len)},
}
"""Members that are told otherwise: under which name, and how."""
_WORDINGS = {kind: _wording_of(kind) for kind in TYPES.values()}
