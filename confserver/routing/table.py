"""The route table: rows that are read from the top; the first that matches says where a request goes.

    Facts of a request -> row 1? -> row 2? ... -> none: the default
                                                  a user's name or alias -> his phones; any other name -> a room

A row that is *off* (the trunk that it names is gone) is passed over. A request costs time in proportion to the table:
each row is asked for what it names only, and each group whether the user is in it only once.
Pure data and one interpreter, of which ``explain`` tells the reasons in words.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from confserver.routing.guard import IPNetwork, address_in
from confserver.routing.patterns import Pattern
from confserver.sip.uri import Uri, escape_user

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ANY_USER = "{user}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a request; ``now`` in seconds."""

    method: str
    uri: Uri
    source: str
    """IP address."""
    identity: str = ""
    """The user whose password came with it."""
    now: float = 0.0

    @property
    def user(self) -> str:
        return self.uri.user_decoded if self.uri.user else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Conditions, all of which must hold (none listed: it always does), and where such requests go."""

    name: str = ""
    origin: str = ""
    """``made`` by an administrator while the server ran, or of the ``settings``."""
    off: str = ""
    """Why it is passed over."""
    methods: tuple[str, ...] = ()
    domains: tuple[Pattern, ...] = ()
    users: tuple[Pattern, ...] = ()
    sources: tuple[IPNetwork, ...] = ()
    identities: tuple[Pattern, ...] = ()
    groups: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None
    """Minutes of the day, from and to; over midnight where the first is the larger."""
    to: str = "room"
    """``room``, ``user``, ``trunk``, ``address``, ``redirect`` or ``reject``."""
    targets: tuple[str, ...] = (ANY_USER,)
    strip: int = 0
    prepend: str = ""
    status: int = 0
    reason: str = ""

    def rewritten(self, user: str) -> str:
        return self.prepend + user[self.strip :]

    def filled(self, user: str) -> tuple[str, ...]:
        """The targets for who is called, after rewriting."""
        return tuple(target.replace(ANY_USER, self.rewritten(user)) for target in self.targets)

    def filled_uris(self, user: str) -> tuple[str, ...]:
        """The same where targets are URIs: what the caller wrote stays within the user part."""
        safe = escape_user(self.rewritten(user))
        return tuple(target.replace(ANY_USER, safe) for target in self.targets)

    @property
    def title(self) -> str:
        words = ", ".join(each for each in (self.name, self.origin) if each)
        return f" ({words})" if words else ""

    def describe(self) -> dict[str, object]:
        wanted = [f"{test.name} {test.wanted(self)}" for test in tests_of(self)]
        return {"name": self.name, "when": ", ".join(wanted) or "always", "then": self.in_words()}

    def in_words(self) -> str:
        if self.to == "reject":
            return f"reject {self.status} {self.reason}".rstrip()
        change = f", strip {self.strip}" if self.strip else ""
        change += f", prepend {self.prepend}" if self.prepend else ""
        return f"{self.to} {' '.join(self.targets)}{change}"


Groups = Mapping[str, tuple[Pattern, ...]]


class Membership:
    """In which groups one user is; each is looked at when it is first asked for."""

    def __init__(self, groups: Groups, identity: str) -> None:
        self._groups = groups
        self._identity = identity
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = bool(self._identity) and _any(self._groups.get(name, ()), self._identity)
        return self._known[name]


class Condition(NamedTuple):
    name: str
    is_set: Callable[[Row], bool]
    holds: Callable[[Row, Facts, Membership], bool]
    given: Callable[[Facts], str]
    wanted: Callable[[Row], str]


def _any(patterns: tuple[Pattern, ...], text: str) -> bool:
    return any(pattern.matches(text) for pattern in patterns)


def _is_from(row: Row, facts: Facts) -> bool:
    address = address_in(facts.source)
    return address is not None and any(address.version == net.version and address in net for net in row.sources)


def _is_in_group(row: Row, facts: Facts, groups: Membership) -> bool:
    return any(name in groups for name in row.groups)


def _minute(facts: Facts) -> int:
    there = time.localtime(facts.now)
    return there.tm_hour * 60 + there.tm_min


def _is_within(row: Row, facts: Facts) -> bool:
    if row.hours is None:
        return True
    begin, end = row.hours
    minute = _minute(facts)
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def _day(facts: Facts) -> str:
    return DAYS[time.localtime(facts.now).tm_wday]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _hours(row: Row) -> str:
    return f"{_clock(row.hours[0])}-{_clock(row.hours[1])}" if row.hours else ""


def _texts(values: tuple[object, ...]) -> str:
    return " or ".join(map(str, values))


CONDITIONS = (
    Condition("method", lambda row: bool(row.methods), lambda row, facts, _: facts.method in row.methods,
              lambda facts: facts.method, lambda row: _texts(row.methods)),
    Condition("domain", lambda row: bool(row.domains), lambda row, facts, _: _any(row.domains, facts.uri.host),
              lambda facts: facts.uri.host or "none", lambda row: _texts(row.domains)),
    Condition("user", lambda row: bool(row.users), lambda row, facts, _: _any(row.users, facts.user),
              lambda facts: facts.user or "none", lambda row: _texts(row.users)),
    Condition("source", lambda row: bool(row.sources), lambda row, facts, _: _is_from(row, facts),
              lambda facts: facts.source, lambda row: _texts(row.sources)),
    Condition("identity", lambda row: bool(row.identities),
              lambda row, facts, _: bool(facts.identity) and _any(row.identities, facts.identity),
              lambda facts: facts.identity or "not known", lambda row: _texts(row.identities)),
    Condition("group", lambda row: bool(row.groups), _is_in_group,
              lambda facts: f"that of {facts.identity}" if facts.identity else "none", lambda row: _texts(row.groups)),
    Condition("day", lambda row: bool(row.days), lambda row, facts, _: _day(facts) in row.days, _day,
              lambda row: _texts(row.days)),
    Condition("time", lambda row: row.hours is not None, lambda row, facts, _: _is_within(row, facts),
              lambda facts: _clock(_minute(facts)), _hours),
)  # fmt: skip


def tests_of(row: Row) -> tuple[Condition, ...]:
    """The conditions that it has."""
    return tuple(test for test in CONDITIONS if test.is_set(row))


class Table:
    """Rows in their order, and the groups that they may name."""

    def __init__(self, rows: Sequence[Row] = (), groups: Groups | None = None) -> None:
        self.rows = tuple(rows)
        self.groups: Groups = groups or {}
        self._on = [(row, tests_of(row)) for row in self.rows if not row.off]

    def find(self, facts: Facts) -> Row | None:
        """The first row that matches."""
        if not self._on:
            return None
        member = Membership(self.groups, facts.identity)
        for row, tests in self._on:
            if all(test.holds(row, facts, member) for test in tests):
                return row
        return None

    def explain(self, facts: Facts) -> list[str]:
        """Each row's verdict in words, as far as the first that matches."""
        said: list[str] = []
        member = Membership(self.groups, facts.identity)
        for number, row in enumerate(self.rows, 1):
            title = f"row {number}{row.title}"
            if row.off:
                said.append(f"{title} is off: {row.off}")
                continue
            miss = next((test for test in tests_of(row) if not test.holds(row, facts, member)), None)
            if miss is None:
                return [*said, f"{title} matches: {row.in_words()}"]
            said.append(f"{title} does not: {miss.name} is {miss.given(facts)}, not {miss.wanted(row)}")
        return [*said, "no row matches" if self.rows else "there are no rows"]

    def describe(self) -> list[dict[str, object]]:
        """Each row with its number, as ``explain`` counts them."""
        return [
            {"number": number, "source": row.origin, **row.describe(), "off": row.off}
            for number, row in enumerate(self.rows, 1)
        ]


def network(text: str) -> IPNetwork:
    """Raises ValueError."""
    return ipaddress.ip_network(text)


def minutes(text: str) -> tuple[int, int]:
    """``08:00-18:30``. Raises ValueError."""
    parts = text.split("-")
    if len(parts) == 2:
        begin, end = (_minutes_of(part) for part in parts)
        if begin is not None and end is not None and begin != end:
            return begin, end
    raise ValueError(f"{text!r} is not a time of day from and to, such as 08:00-18:00")


def _minutes_of(text: str) -> int | None:
    hour, colon, minute = text.strip().partition(":")
    if not colon or not (hour + minute).isascii() or not (hour + minute).isdigit() or len(minute) != 2 or len(hour) > 2:
        return None
    total = int(hour) * 60 + int(minute)
    return total if int(minute) < 60 and total <= 24 * 60 else None
