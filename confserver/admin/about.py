"""What there is to know of a room beside its people, for the command line: names, doors, times, who waits.

Only what is otherwise than in an ordinary room is told, one line each, so that a list of people stays one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]

WAITS = {
    "room": "for the number of a room",
    "name": "to say his name",
    "confirm": "to press a key",
    "pin": "for a PIN",
    "start": "for the beginning",
    "moderator": "for a moderator",
    "approval": "to be let in",
}
_DOORS = (
    ("pin", "asks for a PIN"), ("wait_for_moderator", "waits for a moderator"), ("lecture", "a lecture"),
    ("one_speaker", "one speaker at a time"),
)  # fmt: skip


def lines(room: Record) -> Iterator[str]:
    """In reading order."""
    words = [f"profile {room['profile']}"] if room["profile"] else []
    words += [f"numbers {', '.join(room['numbers'])}"] if room["numbers"] else []
    words += [word for rule, word in _DOORS if room[rule]]
    words += [f"lobby for {room['lobby']}"] if room["lobby"] != "off" else []
    if words:
        yield ", ".join(words)
    if (when := _meeting(room)) is not None:
        yield when
    if room["ends_at"]:
        yield f"ends at {_clock(room['ends_at'], room['at'])}: {room['ends_because'] or 'as planned'}"
    for person in room["waiting"]:
        yield _waiting(person, room["at"])


def _meeting(room: Record) -> str | None:
    """The meeting that is on, or the next; None: the room has no times."""
    schedule, has_times = room["schedule"], bool(room["starts"] or room["ends"])
    if schedule is None:
        return "all its meetings are over" if has_times else None
    begins, ends = _clock(schedule["starts_at"], room["at"]), schedule["ends_at"]
    until = f" to {_clock(ends, schedule['starts_at'])}" if ends else ""
    again = f", {room['recurs']} in {room['time_zone']}" if room["recurs"] else ""
    return f"{'meets now, since' if schedule['is_on'] else 'next meeting'} {begins}{until}{again}"


def _clock(at: float, near: float) -> str:
    """The time of this machine; with the day, unless it is that of another time near by."""
    there, here = time.localtime(at), time.localtime(near)
    return time.strftime("%H:%M" if there[:3] == here[:3] else "%Y-%m-%d %H:%M", there)


def _waiting(person: Record, now: float) -> str:
    since = f" for {max(int(now - person['since']), 0)} s" if person["since"] is not None else ""
    away = f", is turned away: {person['turned_away']}" if person.get("turned_away") else ""
    what = WAITS.get(str(person["waits_for"]), "")
    return f"{person['id']} ({person['name']}), {person['address']}, waits{since} {what}{away}".rstrip()
