"""What a report tells, from a meeting as ``GET /meetings/{number}`` has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rooms.records.spans import unpacked

Span = tuple[float, float]


@dataclass(slots=True)
class Person:
    """Who was there, perhaps more than once; of all his stays."""

    name: str
    address: str
    source: str = ""
    role: str = "participant"
    stays: list[Span] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    """Why each stay ended; "" while it lasts."""
    spurts: list[Span] = field(default_factory=list)
    mutes: list[Span] = field(default_factory=list)
    talk_s: float = 0.0
    talks: int = 0
    muted_s: float = 0.0
    share: float = 0.0
    """Of all that was said, 0 to 1."""
    codecs: list[str] = field(default_factory=list)
    received: int = 0
    lost: int = 0
    sent: int = 0
    lost_out: int | None = None
    mos_in: float | None = None
    mos_out: float | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_host(self) -> bool:
        return self.role in ("moderator", "admin")

    @property
    def loss_in(self) -> float | None:
        """0 to 1."""
        return self.lost / (self.received + self.lost) if self.received + self.lost else None

    @property
    def loss_out(self) -> float | None:
        return self.lost_out / self.sent if self.lost_out is not None and self.sent else None


@dataclass(slots=True)
class Meeting:
    number: int
    room: str
    begun: float
    ended: float
    is_over: bool
    cause: str
    most: int
    people: list[Person]
    recordings: list[str]
    messages: list[dict[str, Any]]

    @property
    def length_s(self) -> float:
        return self.ended - self.begun

    @property
    def talk_s(self) -> float:
        return sum(person.talk_s for person in self.people)


def meeting_of(told: Mapping[str, Any], now: float) -> Meeting:
    """``now``: until when a meeting that goes on is told."""
    rows = [row for row in told.get("participants", ()) if row.get("arrived_at") is not None]
    over = told.get("closed_at")
    begun = min([float(told["opened_at"]), *(float(row["arrived_at"]) for row in rows)])
    last = [float(row["left_at"]) for row in rows if row.get("left_at") is not None]
    ended = max([begun, float(over) if over is not None else now, *last])
    meeting = Meeting(
        number=int(told["id"]), room=str(told["room"]), begun=begun, ended=ended, is_over=over is not None,
        cause=str(told.get("cause") or ""), most=int(told.get("most_present") or 0), people=_people(rows, ended),
        recordings=[str(name) for name in told.get("recordings") or ()], messages=list(told.get("messages") or ()),
    )  # fmt: skip
    for person in meeting.people:
        person.share = person.talk_s / meeting.talk_s if meeting.talk_s else 0.0
    return meeting


def _people(rows: Sequence[Mapping[str, Any]], ended: float) -> list[Person]:
    """One for each name and address: who was cut off and came back is one person."""
    people: dict[tuple[str, str], Person] = {}
    for row in rows:
        key = str(row["name"]), str(row["address"])
        person = people.setdefault(key, Person(*key, source=str(row.get("source") or "")))
        _add(person, row, ended)
    return list(people.values())


def _add(person: Person, row: Mapping[str, Any], ended: float) -> None:
    arrived = float(row["arrived_at"])
    left = ended if row.get("left_at") is None else max(float(row["left_at"]), arrived)
    person.stays.append((arrived, left))
    kicked = f"put out by {row['kicked_by']}" if row.get("kicked_by") else ""
    person.causes.append(kicked or str(row.get("cause") or ""))
    person.role = str(row.get("role") or person.role)
    person.spurts += _within(unpacked(row.get("spurts"), arrived), left)
    person.mutes += _within(unpacked(row.get("mutes"), arrived), left)
    person.talk_s += float(row.get("talk_s") or 0)
    person.talks += int(row.get("talks") or 0)
    person.muted_s += float(row.get("muted_s") or 0)
    codec = str(row.get("codec") or "")
    person.codecs += [codec] if codec and codec not in person.codecs else []
    person.received += int(row.get("received") or 0)
    person.lost += int(row.get("lost") or 0)
    person.sent += int(row.get("sent") or 0)
    if row.get("lost_out") is not None:
        person.lost_out = (person.lost_out or 0) + int(row["lost_out"])
    person.mos_in = _worse(person.mos_in, row.get("mos_in"))
    person.mos_out = _worse(person.mos_out, row.get("mos_out"))
    person.findings += [each for each in row.get("quality") or () if isinstance(each, dict)]


def _within(spans: Sequence[Span], end: float) -> list[Span]:
    return [(begun, min(ended, end)) for begun, ended in spans if begun < end]


def _worse(one: float | None, other: Any) -> float | None:
    known = [float(each) for each in (one, other) if isinstance(each, int | float) and each > 0]
    return min(known, default=None)
