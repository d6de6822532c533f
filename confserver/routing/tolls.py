"""What calls to telephone numbers may cost: how many at once, how many and how long in an hour and a day, and to
which countries.

Pure. ``check`` says whether one more may be made; ``begin``, ``answered`` and ``ended`` say how it went; ``used_up``
names the calls that must end because the minutes are spent. Calls of the last day are remembered, also over a restart.
A country that no prefix of the settings names must be approved, by somebody else than who asks first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from confserver.routing.countries import country_of, is_in
from confserver.routing.fence import Unreachable
from confserver.routing.refusals import Conflict, NotFound
from confserver.routing.talktime import TalkTime

HOUR_S, DAY_S = 3600.0, 86_400.0
MOST_PENDING = 100
FOREVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class TollLimits:
    """Calls and minutes, of one room and of all; 0: no limit."""

    room_calls: int = 0
    """At once."""
    room_hour: int = 0
    room_day: int = 0
    room_minutes_hour: int = 0
    room_minutes_day: int = 0
    hour: int = 0
    day: int = 0
    minutes_hour: int = 0
    minutes_day: int = 0


@dataclass(frozen=True, slots=True)
class Toll:
    """One call to a number. ``key`` names it for as long as it stands."""

    key: str
    room: str
    number: str
    country: str
    by: str
    began_at: float
    answered_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A country that has been asked for, and who has said yes; ``by`` is "" while nobody has."""

    country: str
    asked_by: str
    asked_at: float
    number: str = ""
    room: str = ""
    by: str = ""
    at: float | None = None

    def describe(self) -> dict[str, Any]:
        return {
            "country": self.country, "state": "approved" if self.by else "waits", "asked_by": self.asked_by,
            "asked_at": self.asked_at, "number": self.number, "room": self.room, "approved_by": self.by, "at": self.at,
        }  # fmt: skip


@dataclass(slots=True)
class Tolls:
    """``prefixes``: those of the fence. ``international``: what calls abroad begin with. ``asks``: countries that no
    prefix names want an approval."""

    limits: TollLimits = field(default_factory=TollLimits)
    prefixes: Sequence[str] = ()
    international: Sequence[str] = ("+", "00")
    asks: bool = False
    note: Callable[[Approval], object] = lambda approval: None
    """Told of each country that has been asked for: it must not be forgotten with the process."""
    _calls: list[Toll] = field(default_factory=list)
    """Of the last day, oldest first."""
    _open: dict[str, Toll] = field(default_factory=dict)
    """Those of them that have not ended, by key: looked at after each step of the server."""
    _talked: dict[str | None, TalkTime] = field(default_factory=dict)
    """By each room, and by all (None)."""
    _approvals: dict[str, Approval] = field(default_factory=dict)

    def restore(self, calls: Iterable[Toll], approvals: Iterable[Approval], now: float) -> None:
        """Calls that stood when the server went down ended then."""
        self._calls = sorted((call for call in calls if _is_recent(call, now)), key=lambda call: call.began_at)
        self._open = {call.key: call for call in self._calls if call.ended_at is None}
        self._approvals = {approval.country: approval for approval in approvals}
        self._talked = {}
        for room in {None, *(call.room for call in self._calls)}:
            own = [call for call in self._calls if room is None or call.room == room]
            talks = [(call.answered_at, call.ended_at) for call in own if call.answered_at is not None]
            self._talked.setdefault(room, TalkTime()).add(talks)

    # ------------------------------------------------------------------ may it be made
    def check(self, room: str, number: str, by: str, now: float) -> None:
        """Raises Unreachable with the reason. A country that must be approved is listed from now on."""
        self._forget(now)
        self._check_counts(room, now)
        self._check_minutes(room, now)
        self._check_country(room, number, by, now)

    def _check_counts(self, room: str, now: float) -> None:
        limits = self.limits
        at_once = sum(call.room == room and call.ended_at is None for call in self._calls)
        if limits.room_calls and at_once >= limits.room_calls:
            raise Unreachable(f"{room} has {at_once} calls to numbers at once, the most (dialout.room_calls)")
        for name, most, span, own in (
            ("room_calls_hour", limits.room_hour, HOUR_S, True),
            ("room_calls_day", limits.room_day, DAY_S, True),
            ("calls_hour", limits.hour, HOUR_S, False),
            ("calls_day", limits.day, DAY_S, False),
        ):
            made = sum(call.began_at > now - span for call in self._calls if not own or call.room == room)
            if most and made >= most:
                raise Unreachable(
                    f"{room if own else 'this server'} has made {made} calls in {_span(span)} (dialout.{name})"
                )

    def _check_minutes(self, room: str, now: float) -> None:
        for name, most, span, own in self._minutes():
            if self._used(span, room if own else None, now) >= most * 60.0:
                raise Unreachable(
                    f"the {most} minutes of calls of {room if own else 'this server'} in {_span(span)} are used up"
                    f" (dialout.{name})"
                )

    def _minutes(self) -> list[tuple[str, int, float, bool]]:
        limits = self.limits
        rows = [
            ("room_minutes_hour", limits.room_minutes_hour, HOUR_S, True),
            ("room_minutes_day", limits.room_minutes_day, DAY_S, True),
            ("minutes_hour", limits.minutes_hour, HOUR_S, False),
            ("minutes_day", limits.minutes_day, DAY_S, False),
        ]
        return [row for row in rows if row[1]]

    def _used(self, span: float, room: str | None, now: float) -> float:
        talked = self._talked.get(room)
        return talked.since(now - span, now) if talked else 0.0

    def _check_country(self, room: str, number: str, by: str, now: float) -> None:
        country = country_of(number, self.international)
        if not self.asks or not country or any(is_in(each, country, self.international) for each in self.prefixes):
            return
        approval = self._approvals.get(country)
        if approval is None and len(self._approvals) < MOST_PENDING:
            approval = self._approvals[country] = Approval(country, by, now, number, room)
            self.note(approval)
        if approval is None or not approval.by:
            raise Unreachable(
                f"calls to {country} want to be approved by somebody else than {approval.asked_by if approval else by}"
                f" first: confserver fence approve {country}"
            )

    # ------------------------------------------------------------------ approvals
    def approve(self, country: str, by: str, now: float) -> Approval:
        """Raises NotFound where nobody has asked, Conflict where who asks is who approves."""
        approval = self._approvals.get(country)
        if approval is None:
            waiting = ", ".join(each for each, it in sorted(self._approvals.items()) if not it.by) or "none"
            raise NotFound(f"nobody has asked for calls to {country[:16]}; those that wait: {waiting}")
        if not approval.by:
            if approval.asked_by == by:
                raise Conflict(f"{by} has asked for calls to {country}: somebody else must approve them")
            approval = self._approvals[country] = replace(approval, by=by, at=now)
        return approval

    def revoke(self, country: str) -> None:
        """Raises NotFound."""
        if self._approvals.pop(country, None) is None:
            raise NotFound(f"calls to {country[:16]} are neither approved nor asked for")

    # ------------------------------------------------------------------ how it goes
    def begin(self, key: str, room: str, number: str, by: str, now: float) -> Toll:
        call = Toll(key, room, number, country_of(number, self.international), by, now)
        self._calls.append(call)
        self._open[key] = call
        return call

    def answered(self, key: str, now: float) -> Toll | None:
        call = self._open.get(key)
        if call is not None and call.answered_at is None:
            self._talks(call.room, 1, now)
        return self._change(key, lambda call: call if call.answered_at is not None else replace(call, answered_at=now))

    def ended(self, key: str, now: float) -> Toll | None:
        call = self._open.get(key)
        if call is not None and call.answered_at is not None:
            self._talks(call.room, -1, now)
        return self._change(key, lambda call: replace(call, ended_at=now))

    def _talks(self, room: str, by: int, now: float) -> None:
        for whose in (room, None):
            self._talked.setdefault(whose, TalkTime()).change(by, now)

    def open(self, key: str) -> Toll | None:
        return self._open.get(key)

    def _change(self, key: str, how: Any) -> Toll | None:
        call = self._open.pop(key, None)
        if call is None:
            return None
        changed: Toll = how(call)
        self._calls[self._calls.index(call)] = changed
        if changed.ended_at is None:
            self._open[key] = changed
        return changed

    def _forget(self, now: float) -> None:
        while self._calls and not _is_recent(self._calls[0], now):
            del self._calls[0]
        for room in [room for room, talked in self._talked.items() if talked.is_over(now)]:
            del self._talked[room]

    # ------------------------------------------------------------------ time
    def _talking(self) -> list[Toll]:
        return [call for call in self._open.values() if call.answered_at is not None]

    def used_up(self, now: float) -> list[str]:
        """The calls that must end now, by key."""
        talking = self._talking()
        over: set[str] = set()
        for _, most, span, own in self._minutes() if talking else ():
            for room in {call.room for call in talking} if own else {None}:
                if self._used(span, room, now) >= most * 60.0:
                    over |= {call.key for call in talking if room is None or call.room == room}
        return sorted(over)

    def next_deadline(self, now: float) -> float | None:
        """When minutes may be used up at the earliest."""
        talking, soonest = self._talking(), FOREVER
        for _, most, span, own in self._minutes() if talking else ():
            for room in {call.room for call in talking} if own else {None}:
                soonest = min(soonest, (most * 60.0 - self._used(span, room, now)) / self._talked[room].calls)
        return None if soonest == FOREVER else now + max(0.0, soonest)

    # ------------------------------------------------------------------ looking in
    def describe(self, now: float) -> dict[str, Any]:
        rooms = sorted({call.room for call in self._calls})
        return {
            "prefixes": list(self.prefixes),
            "asks_for_countries": self.asks,
            "countries": [each.describe() for _, each in sorted(self._approvals.items())],
            "rooms": [{"room": room, **self._spent(room, now)} for room in rooms],
            "all": self._spent(None, now),
        }

    def _spent(self, room: str | None, now: float) -> dict[str, Any]:
        own = [call for call in self._calls if room is None or call.room == room]
        return {
            "calls_now": sum(call.ended_at is None for call in own),
            "calls_hour": sum(call.began_at > now - HOUR_S for call in own),
            "calls_day": sum(call.began_at > now - DAY_S for call in own),
            "minutes_hour": round(self._used(HOUR_S, room, now) / 60, 1),
            "minutes_day": round(self._used(DAY_S, room, now) / 60, 1),
        }


def _is_recent(call: Toll, now: float) -> bool:
    return call.ended_at is None or call.ended_at > now - DAY_S


def _span(seconds: float) -> str:
    return "an hour" if seconds == HOUR_S else "a day"
