"""The rules for when a room is open, and by which numbers it is called; a part of ``policy.RoomPolicy``."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rooms.errors import Invalid
from rooms.rule import rule

MOST_NUMBERS = 50
_SEPARATORS = str.maketrans("", "", " ()/")
_NUMBER = re.compile(r"\+?[a-z0-9](?:[a-z0-9._+~-]{0,62}[a-z0-9])?\Z")


class AtEnd(enum.Enum):
    """What happens when a room's time is over and people are still in it."""

    END = "end"
    LOCK = "lock"
    RUN_ON = "run-on"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesOfTime:
    """``schedule`` makes times of them."""

    starts: str = rule("", "When the room opens, as local time such as 2026-12-01T10:00; empty: it is always open.")
    ends: str = rule("", "When it closes; empty: it stays open.")
    recurs: str = rule("", "When it opens again: an RRULE (RFC 5545) such as FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10.")
    time_zone: str = rule("UTC", "Whose local time that is, such as Europe/Berlin.")
    early_minutes: int = rule(10, "So many minutes before it opens people may come, and wait.")
    at_end: AtEnd = rule(AtEnd.END, "What happens at its end: the conference ends, lets nobody else in, or goes on.")
    numbers: tuple[str, ...] = rule((), "Other names, and telephone numbers, under which the room is called.")


def spelled(text: str) -> str:
    """The one spelling of a number or name; "" for what cannot be one."""
    number = text.translate(_SEPARATORS).strip().lower()
    return number if _NUMBER.match(number) else ""


def check_numbers(numbers: Iterable[str]) -> None:
    """Raises Invalid."""
    found = [spelled(each) for each in numbers]
    if len(found) > MOST_NUMBERS:
        raise Invalid(f"numbers may be {MOST_NUMBERS}, not {len(found)}")
    if not all(found) or len(set(found)) < len(found):
        raise Invalid("numbers must be names or numbers such as 7001 or +4930123, each once")
