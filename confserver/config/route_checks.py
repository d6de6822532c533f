"""What a type cannot say of a row of the route table; raises ValueError with the reason in words."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Sequence

from confserver.config.routes import Group, Route

MOST_PATTERN, MOST_STARS = 64, 4
"""As ``routing.patterns`` has them (a test compares)."""
_ADDRESS = re.compile(r"sips?:[^@<>\s;?]+@[^@<>\s?]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})")
_WANTS_TARGET = ("trunk", "address", "redirect")


def check_patterns(what: str, patterns: tuple[str, ...]) -> None:
    for text in patterns:
        if not text or len(text) > MOST_PATTERN or not text.isprintable() or " " in text:
            raise ValueError(f"{what}: {text[:MOST_PATTERN]!r} is no pattern: 1 to 64 characters without spaces")
        if text.count("*") > MOST_STARS:
            raise ValueError(f"{what}: {text!r} has more than {MOST_STARS} stars")


def check_routes(rows: Sequence[Route], groups: Collection[str], trunks: Collection[str]) -> None:
    """``groups``, ``trunks``: the names of those that there are."""
    for number, row in enumerate(rows, 1):
        try:
            check_row(row)
            check_names(row, groups, trunks)
        except ValueError as error:
            raise ValueError(f"{titled(number, row.name)}: {error}") from None


def titled(number: int, name: str) -> str:
    return f"row {number}{f' ({name})' if name else ''}"


def check_groups(groups: Sequence[Group]) -> None:
    for group in groups:
        check_group(group)
    if len({group.name for group in groups}) < len(groups):
        raise ValueError("two have the same name")


def check_group(group: Group) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", group.name):
        raise ValueError(f"{group.name[:64]!r} is no name: letters, digits, dots, lines")
    check_patterns("members", group.members)


def check_names(row: Route, groups: Collection[str], trunks: Collection[str]) -> None:
    """What a row names must be there."""
    if strange := [name for name in row.group if name not in groups]:
        raise ValueError(f"group: there is no [[groups]] called {strange[0]!r}")
    if row.to == "trunk" and row.target and row.target[0] not in trunks:
        raise ValueError(f"target: there is no [[trunks]] called {row.target[0]!r}")


def check_row(row: Route) -> None:
    """What can be said of it alone."""
    for what, patterns in (("domain", row.domain), ("user", row.user), ("identity", row.identity)):
        check_patterns(what, patterns)
    for method in row.method:
        if not re.fullmatch(r"[A-Z]{1,32}", method):
            raise ValueError(f"method: {method!r} is no method such as INVITE, in capitals")
        if method in ("REGISTER", "ACK", "CANCEL"):
            raise ValueError(f"method: {method} is never routed by the table")
    for text in row.source:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise ValueError(f"source: {text!r} is not a network such as 192.0.2.0/24") from None
    _check_hours(row.hours)
    _check_target(row)
    _check_answer(row)


def _check_hours(text: str) -> None:
    if not text:
        return
    found = _TIME.fullmatch(text)
    times = [int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])] if found else []
    if not found or max(int(found[2]), int(found[4])) > 59 or max(times) > 24 * 60 or times[0] == times[1]:
        raise ValueError(f"hours: {text!r} is not a time of day from and to, such as 08:00-18:00")


def _check_target(row: Route) -> None:
    if row.to == "reject":
        if row.target or row.strip or row.prepend:
            raise ValueError("a refusal has no target, and nothing to rewrite")
        return
    if not row.target and row.to in _WANTS_TARGET:
        raise ValueError(f"to = {row.to!r} wants a target")
    if len(row.target) > 1 and row.to in ("room", "user", "trunk"):
        raise ValueError(f"to = {row.to!r} takes one target")
    for text in row.target:
        if row.to in ("address", "redirect") and not _ADDRESS.fullmatch(text.replace("{user}", "x")):
            raise ValueError(f"target: {text!r} is not an address such as sip:bob@192.0.2.5")
        if not text or not text.isprintable() or len(text) > 256:
            raise ValueError(f"target: {text[:64]!r} cannot be used")
    if not row.prepend.isprintable() or len(row.prepend) > 64:
        raise ValueError("prepend: cannot be used")


def _check_answer(row: Route) -> None:
    lowest, highest = {"redirect": (300, 399), "reject": (400, 699)}.get(row.to, (0, 0))
    if row.status and not lowest <= row.status <= highest:
        raise ValueError(f"status: to = {row.to!r} takes {f'{lowest} to {highest}' if highest else 'none'}")
    if row.reason and not (row.to in ("redirect", "reject") and row.reason.isascii() and row.reason.isprintable()):
        raise ValueError("reason: printable ASCII, for a redirection or a refusal")
    if len(row.reason) > 80:
        raise ValueError("reason: is longer than 80 characters")
