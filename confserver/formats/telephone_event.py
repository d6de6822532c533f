"""Key presses as named events (RFC 4733), beside sound whose clock they share: 8000 Hz, or 48000 Hz (Opus)."""

from __future__ import annotations

import re

from confserver.formats.format import Format

UNDERSTOOD = range(17)
"""The sixteen keys, and flash, which we take and make no use of (RFC 4733 section 3.2)."""
DEFAULT = "0-15"
"""What a peer that names no events can do (RFC 4733 section 2.4.1), and what our offers name."""
MOST_RANGES = 64

_RANGE = re.compile(r"\s*([0-9]{1,3})\s*(?:-\s*([0-9]{1,3})\s*)?")


def answer_events(offered: str) -> str | None:
    """Those of the offered events that we understand, e.g. ``0-11,16,66`` -> ``0-11,16``.

    A list that cannot be read counts as none: phones that err here still send the sixteen keys.
    """
    if not offered.strip():
        return DEFAULT
    events = _events(offered)
    if events is None:
        return DEFAULT
    return _written(sorted(events.intersection(UNDERSTOOD))) or None


def _events(text: str) -> set[int] | None:
    """The events of a list of numbers and ranges (RFC 4733 section 2.4.1); None if it is not one."""
    events: set[int] = set()
    for part in text.split(",", MOST_RANGES):
        match = _RANGE.fullmatch(part)
        if match is None:
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= 255:
            return None
        events.update(range(first, last + 1))
    return events


def _written(events: list[int]) -> str:
    ranges: list[list[int]] = []
    for event in events:
        if ranges and ranges[-1][1] == event - 1:
            ranges[-1][1] = event
        else:
            ranges.append([event, event])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _events_at(name: str, clock_hz: int, usual_payload_type: int) -> Format:
    return Format(
        name=name,
        encoding="telephone-event",
        clock_hz=clock_hz,
        usual_payload_type=usual_payload_type,
        fmtp=DEFAULT,
        answer_fmtp=answer_events,
        is_audio=False,
    )


TELEPHONE_EVENT = _events_at("telephone-event", 8000, 101)
"""101 is fixed nowhere, but some gateways know no other."""
TELEPHONE_EVENT_48 = _events_at("telephone-event-48", 48000, 110)
