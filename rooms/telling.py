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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from rooms import events
from rooms.events import Event
from rooms.hearing import Hearing
from rooms.policy import SECRETS, RoomPolicy

MOST_NAMED = 6
SET = "set"
"""What is told of a secret that there is."""
NAMES: Mapping[str, str] = {}
"""Class -> name, where it is not that of the class."""


def name_of(kind: type[Event]) -> str:
    """ParticipantArrived -> participant-arrived"""
    return NAMES.get(kind.__name__) or re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


TYPES: Mapping[str, type[Event]] = {
    name_of(kind): kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}
"""All events by their names."""


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
    told: dict[str, Any] = {"type": name_of(type(event)), "room": event.room, "number": event.number, "at": event.at}
    otherwise = _OTHERWISE.get(type(event), {})
    for each in fields(event):
        if each.name in told:
            continue
        value = getattr(event, each.name)
        if each.metadata.get("secret"):
            told[each.name] = SET if value else ""
        elif each.name in otherwise:
            name, worded = otherwise[each.name]
            told[name] = worded(value)
        else:
            told[each.name] = _plain(value)
    return told


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
    for listening in hearing.listeners:
        groups.setdefault(listening.mix, []).append(listening.listener)
    lines = []
    for mix, listeners in sorted(groups.items()):
        sources = [source for source, gain in hearing.mixes[mix].sources if gain > 0]
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
