"""From the rules for when a room is open to the times of its meetings. Pure arithmetic, in the rules' own time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

from rooms.errors import Invalid
from rooms.rules_of_time import RulesOfTime

MOST_EARLY = 1440
MOST_TEXT = 256
MOST_YEARS = 30
"""So far ahead meetings are looked for."""


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


# ------------------------------------------------------------------ again and again
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS")
_MAY: Mapping[str, tuple[str, ...]] = {
    "DAILY": ("BYDAY",),
    "WEEKLY": ("BYDAY",),
    "MONTHLY": ("BYDAY", "BYMONTHDAY", "BYSETPOS"),
    "YEARLY": ("BYDAY", "BYMONTHDAY", "BYSETPOS", "BYMONTH"),
}
_DAY = re.compile(r"(?:[+-]?[1-4])?(?:MO|TU|WE|TH|FR|SA|SU)\Z")
MOST_INTERVAL, MOST_COUNT, MOST_DAY, MOST_PLACE = 100, 10_000, 28, 4


@lru_cache(maxsize=4096)
def _rule(starts: str, text: str) -> Any:
    """What meetings need of RFC 5545 3.3.10, and always comes again before long: what never comes, such as the 30th of
    February, would be looked for year by year. Raises Invalid.
    """
    start = _local("starts", starts)
    try:
        _check_parts(_parts_of(text))
        found = rrulestr(text, dtstart=start, cache=True)
        if "COUNT=" not in text.upper() and "UNTIL=" not in text.upper():
            found = found.replace(until=start + timedelta(days=366 * MOST_YEARS))
        return found
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        raise Invalid(f"recurs cannot be {text[:64]!r}: {error}") from None


def _parts_of(text: str) -> dict[str, str]:
    """Raises ValueError."""
    pairs = [part.partition("=") for part in text.upper().removeprefix("RRULE:").split(";")]
    parts = {name: value for name, _, value in pairs}
    if len(text) > MOST_TEXT or len(parts) < len(pairs) or not all(parts.values()):
        raise ValueError("it is one RRULE, such as FREQ=WEEKLY;BYDAY=MO")
    for name in parts:
        if name not in _PARTS:
            raise ValueError(f"{name[:16]} is none of {', '.join(_PARTS)}")
    return parts


def _check_parts(parts: Mapping[str, str]) -> None:
    """Raises ValueError."""
    freq = parts.get("FREQ", "")
    if freq not in _MAY:
        raise ValueError(f"FREQ is {', '.join(_MAY)}")
    for name in parts:
        if name.startswith("BY") and name not in _MAY[freq]:
            raise ValueError(f"{freq} takes no {name}")
    interval = _whole("INTERVAL", parts.get("INTERVAL", "1"), 1, MOST_INTERVAL)
    _whole("COUNT", parts.get("COUNT", "1"), 1, MOST_COUNT)
    days = parts["BYDAY"].split(",") if "BYDAY" in parts else []
    if not all(_DAY.match(day) and (len(day) == 2 or freq in ("MONTHLY", "YEARLY")) for day in days):
        raise ValueError("BYDAY is days such as MO, in months and years also 1MO to 4MO and -1MO")
    if freq == "DAILY" and days and interval > 1:
        raise ValueError("DAILY takes BYDAY without INTERVAL")
    if days and "BYMONTHDAY" in parts:
        raise ValueError("it takes BYDAY or BYMONTHDAY")
    if freq == "YEARLY" and (days or "BYMONTHDAY" in parts) and "BYMONTH" not in parts:
        raise ValueError("YEARLY wants BYMONTH too")
    _check_places(parts, len(days))


def _check_places(parts: Mapping[str, str], days: int) -> None:
    for day in parts["BYMONTHDAY"].split(",") if "BYMONTHDAY" in parts else ():
        _whole("BYMONTHDAY", day.lstrip("+-"), 1, MOST_DAY, " (-1 is the last)")
    for place in parts["BYSETPOS"].split(",") if "BYSETPOS" in parts else ():
        _whole("BYSETPOS", place.lstrip("+-"), 1, MOST_PLACE)
        if not days:
            raise ValueError("BYSETPOS wants BYDAY")
    for month in parts["BYMONTH"].split(",") if "BYMONTH" in parts else ():
        _whole("BYMONTH", month, 1, 12)


def _whole(name: str, text: str, least: int, most: int, more: str = "") -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7 and least <= int(text) <= most):
        raise ValueError(f"{name} is {least} to {most}{more}")
    return int(text)


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
