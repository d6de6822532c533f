"""From the rules for when a room is open to the times of its meetings. Pure arithmetic, in the rules' own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, rrulestr

from rooms.errors import Invalid
from rooms.rules_of_time import RulesOfTime

MOST_EARLY = 1440
MOST_TEXT = 256
MOST_YEARS = 30
"""So far ahead meetings are looked for."""
_SOON = {YEARLY: 366 * 9, MONTHLY: 366 * 2, WEEKLY: 400, DAILY: 400}
"""Within so many days there is a first one: what never comes would be looked for long."""


@dataclass(frozen=True, slots=True)
class Window:
    """One meeting; epoch seconds. ``ends``: None where nothing is said."""

    starts: float
    ends: float | None


# ------------------------------------------------------------------ the rules
def check(rules: RulesOfTime) -> None:
    """Raises Invalid."""
    if not 0 <= rules.early_minutes <= MOST_EARLY:
        raise Invalid(f"early_minutes must be 0 to {MOST_EARLY}, not {rules.early_minutes}")
    _zone(rules.time_zone)
    if not rules.starts:
        if rules.ends or rules.recurs:
            raise Invalid("starts must be given where ends or recurs are")
        return
    starts = _local("starts", rules.starts)
    ends = _local("ends", rules.ends) if rules.ends else None
    if ends is not None and ends <= starts:
        raise Invalid(f"ends must be after starts, not {rules.ends}")
    if rules.recurs:
        if ends is None:
            raise Invalid("ends must be given where the room recurs")
        _rule(rules.starts, rules.recurs)


def _local(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text[:MOST_TEXT])
    except ValueError:
        raise Invalid(f"{name} must be a local time such as 2026-12-01T10:00, not {text[:64]!r}") from None
    if found.tzinfo is not None:
        raise Invalid(f"{name} is local time, without a zone: time_zone names it")
    if not 1980 <= found.year <= 2200:
        raise Invalid(f"{name}: the year {found.year} is too far away")
    return found


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"there is no time zone {name[:64]!r}; such as Europe/Berlin, or UTC") from None


@lru_cache(maxsize=4096)
def _rule(starts: str, text: str) -> Any:
    """Days, weeks, months or years apart; bounded, so that what never comes is not looked for long. Raises Invalid."""
    if len(text) > MOST_TEXT or "\n" in text or ":" in text.removeprefix("RRULE:"):
        raise Invalid("recurs must be one RRULE, such as FREQ=WEEKLY;BYDAY=MO")
    start = _local("starts", starts)
    try:
        found = rrulestr(text, dtstart=start, cache=True)
        if not isinstance(found, rrule) or found._freq > DAILY:
            raise ValueError("it must be DAILY, WEEKLY, MONTHLY or YEARLY")
        if found._count is None and found._until is None:
            found = found.replace(until=start + timedelta(days=366 * MOST_YEARS))
        soon = found.replace(count=None, until=start + timedelta(days=_SOON[found._freq]))
        if next(iter(soon), None) is None:
            raise ValueError("it never comes, or not for a long time")
        return found
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise Invalid(f"recurs cannot be {text[:64]!r}: {error}") from None


# ------------------------------------------------------------------ the times
def window(rules: RulesOfTime, now: float) -> Window | None:
    """The meeting that is on, or the next one; None: there is none any more."""
    zone, starts = _zone(rules.time_zone), _local("starts", rules.starts)
    length = _local("ends", rules.ends) - starts if rules.ends else None
    if not rules.recurs:
        found = _window(starts, length, zone)
        return found if found.ends is None or found.ends > now else None
    local = datetime.fromtimestamp(now, UTC).astimezone(zone).replace(tzinfo=None)
    since = local - (length or timedelta()) - timedelta(days=1)
    for each in _rule(rules.starts, rules.recurs).xafter(since, inc=True):
        found = _window(each, length, zone)
        if found.ends is None or found.ends > now:
            return found
    return None


def _window(local: datetime, length: timedelta | None, zone: ZoneInfo) -> Window:
    ends = (local + length).replace(tzinfo=zone).timestamp() if length is not None else None
    return Window(local.replace(tzinfo=zone).timestamp(), ends)


def written(at: float, rules: RulesOfTime) -> str:
    """For people: in the room's own time."""
    return datetime.fromtimestamp(at, UTC).astimezone(_zone(rules.time_zone)).strftime("%Y-%m-%d %H:%M %Z")
