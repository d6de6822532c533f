"""A version as an entity tag (RFC 9110 8.8.3), and requests that depend on it (section 13): rooms, and few things else.

The tag names what the room's events have told so far. Two answers of one tag may differ in what is no event: the
time of the telling, and the figures of media.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from confserver.admin.problems import Problem

_TAGS = re.compile(r'\s*(?:,\s*)*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|\Z)')


def tag_of(told: Mapping[str, Any]) -> str:
    """Without its quotes; of a room, or of what tells its version as a text."""
    version = told["version"]
    return version if isinstance(version, str) else f"{version['epoch']}-{version['number']}"


def is_fresh(if_none_match: str | None, tag: str) -> bool:
    """Whether a client has this version already (weak comparison, RFC 9110 13.1.2)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in [each for _, each in _tags_in(if_none_match)]


def check(if_match: str | None, if_none_match: str | None, tag: str | None, what: str = "room") -> None:
    """Whether a change may go on; ``tag`` None: there is no such thing (RFC 9110 13.1.1). Raises Problem 412.

    What is no list of tags matches nothing.
    """
    if if_match is not None:
        named = if_match.strip()
        strong = [each for is_weak, each in _tags_in(named) if not is_weak]
        if tag is None or (named != "*" and tag not in strong):
            now = f'it is at "{tag}" now' if tag else "it is not there"
            raise Problem(412, f"the {what} has changed since; {now}", kind="changed")
    elif if_none_match is not None and tag is not None and is_fresh(if_none_match, tag):
        raise Problem(412, f'the {what} is there already, at "{tag}"', kind="changed")


def _tags_in(header: str) -> list[tuple[bool, str]]:
    """Weak or not, and the tag; nothing where the header makes no sense."""
    found, place = [], 0
    while place < len(header):
        match = _TAGS.match(header, place)
        if match is None:
            return []
        found.append((match[1] is not None, match[2]))
        place = match.end()
    return found
