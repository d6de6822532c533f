"""Times, lengths and opinions in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from confserver.admin.report.facts import Meeting, Person

GRADES = ((4.0, "good"), (3.6, "fair"), (3.1, "poor"), (0.0, "bad"))
"""From which mean opinion on, after ITU-T G.107 annex B: satisfied, some not, many not, nearly all not."""


def clock(at: float, zone: tzinfo | None, seconds: bool = False) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def day(at: float, zone: tzinfo | None) -> str:
    """Such as Sunday, 29 November 2026."""
    found = datetime.fromtimestamp(at, zone)
    return f"{found:%A}, {found.day} {found:%B %Y}"


def zone_name(at: float, zone: tzinfo | None) -> str:
    found = datetime.fromtimestamp(at, zone)
    return (found if found.tzinfo else found.astimezone()).strftime("%Z")


def length(seconds: float) -> str:
    """Such as 1 h 05 min, 12 min, 40 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{minutes} min" if not hours else f"{hours} h {minutes:02} min" if minutes else f"{hours} h"


def share(part: float) -> str:
    return "under 1 %" if 0 < part < 0.01 else f"{part * 100:.0f} %"


def grade(opinion: float | None) -> str:
    if not opinion:
        return "unknown"
    return next(word for least, word in GRADES if opinion >= least)


def when(meeting: Meeting, zone: tzinfo | None) -> str:
    begun, ended = clock(meeting.begun, zone), clock(meeting.ended, zone)
    name = zone_name(meeting.begun, zone)
    until = f"to {ended}" if meeting.is_over else "and still going on"
    return f"{day(meeting.begun, zone)}, {begun} {until} ({name})"


def summary(meeting: Meeting, zone: tzinfo | None) -> str:
    """In one or two sentences; also what a picture says to who cannot see it."""
    count = len(meeting.people)
    people = "Nobody was" if not count else "One person was" if count == 1 else f"{count} people were"
    most = f", at most {meeting.most} at once" if count > 1 else ""
    words = f"{people} in {meeting.room} for {length(meeting.length_s)} from {clock(meeting.begun, zone)}{most}."
    talkers = sorted((each for each in meeting.people if each.share), key=lambda each: -each.share)[:3]
    if talkers:
        words += " Who spoke most: " + ", ".join(f"{each.name} ({share(each.share)})" for each in talkers) + "."
    return words


def stays(person: Person, zone: tzinfo | None) -> str:
    return ", ".join(f"{clock(begun, zone)} to {clock(ended, zone)}" for begun, ended in person.stays)


def lane(person: Person, zone: tzinfo | None) -> str:
    """One line of the picture in words."""
    words = f"{person.name}: {stays(person, zone)}; "
    words += f"talked {length(person.talk_s)} ({share(person.share)})" if person.talk_s else "did not talk"
    return words + (f"; muted {length(person.muted_s)}" if person.muted_s else "")


def sound(person: Person) -> str:
    """What the sound was worth both ways, or that nobody knows."""
    if person.mos_in is None and person.mos_out is None:
        return "unknown"
    ways = [
        _way("from", person.mos_in, person.loss_in),
        _way("to", person.mos_out, person.loss_out),
    ]
    return ", ".join(way for way in ways if way)


def _way(word: str, opinion: float | None, loss: float | None) -> str:
    if opinion is None:
        return ""
    lost = f", {loss * 100:.1f} % lost" if loss and loss >= 0.001 else ""
    return f"{word} {grade(opinion)} ({opinion:.1f}{lost})"


def finding(told: Mapping[str, Any], zone: tzinfo | None) -> str:
    """What was wrong, and when."""
    words = str(told.get("text") or "")
    since, until = told.get("since"), told.get("until")
    if isinstance(since, int | float):
        words += f" ({clock(since, zone)}"
        words += f" to {clock(until, zone)})" if isinstance(until, int | float) else " on)"
    return words


def findings(people: Sequence[Person]) -> list[tuple[Person, dict[str, Any]]]:
    told = [(person, each) for person in people for each in person.findings if each.get("text")]
    return sorted(told, key=lambda each: float(each[1].get("since") or 0.0))
