"""What ``confserver top`` shows, as data: rooms and people as events have made them, levels as they come.

Pure: events and answers in, rows out. What an event changes in ways that are not followed here makes the board
``stale``: whoever shows it asks for the rooms again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = Mapping[str, Any]
FLOOR_DB, TOP_DB = -60.0, -3.0
"""What an empty and a full bar mean; -3 is a full-scale sine."""
BAR = 12
BLOCKS = " ▏▎▍▌▋▊▉█"
SILENT = frozenset(
    {"hearing-changed", "dominant-speaker", "place-reserved", "digit-received", "message", "levels", "end"}
)
"""Changes nothing that is shown."""


@dataclass(slots=True)
class Board:
    rooms: dict[str, Record] = field(default_factory=dict)
    talking: set[str] = field(default_factory=set)
    levels: dict[str, Record] = field(default_factory=dict)
    """By participant."""
    status: Record = field(default_factory=dict)
    stale: bool = True

    def see(self, rooms: Sequence[Record]) -> None:
        """The rooms as they are."""
        self.rooms = {str(room["name"]): room for room in rooms}
        people = [person for room in rooms for person in room["participants"]]
        self.talking = {str(person["id"]) for person in people if person["talking"]}
        here = {str(person["id"]) for person in people}
        self.levels = {person: level for person, level in self.levels.items() if person in here}
        self.stale = False

    def hear(self, event: Record) -> None:
        kind = event.get("type")
        if kind == "snapshot":
            self.see(event["rooms"])
        elif kind == "levels":
            self.levels |= {str(person): level for person, level in event["participants"].items()}
        elif kind == "talking-changed":
            (self.talking.add if event["talking"] else self.talking.discard)(str(event["participant"]))
        elif kind not in SILENT:
            self.stale = True

    def people(self) -> list[tuple[str, Record]]:
        """Room and participant, those who talk first, then the loudest."""
        found = [(name, person) for name, room in self.rooms.items() for person in room["participants"]]
        return sorted(found, key=lambda each: (each[1]["id"] not in self.talking, -self._level(each[1]), each[0]))

    def _level(self, person: Record) -> float:
        level = self.levels.get(str(person["id"]), {}).get("level_db")
        return FLOOR_DB if level is None else float(level)

    # -------------------------------------------------------------- rows
    def headline(self) -> str:
        people = sum(len(room["participants"]) for room in self.rooms.values())
        uptime = int(self.status.get("uptime_s") or 0)
        clock = f"{uptime // 3600}:{uptime // 60 % 60:02}:{uptime % 60:02}"
        told = f"{len(self.rooms)} rooms, {people} people, {len(self.talking)} talking"
        return f"confserver {self.status.get('version', '')}, up {clock}: {told}"

    def worker_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for worker in self.status.get("workers") or ():
            load = float(worker.get("load") or 0)
            rows.append((
                str(worker.get("worker")), bar(load), f"{100 * load:.0f} %", str(int(worker.get("legs") or 0)),
                str(int(worker.get("missed_ticks") or 0)), "" if worker.get("ready", True) else "not ready",
            ))  # fmt: skip
        return rows

    def room_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for name, room in sorted(self.rooms.items(), key=lambda each: (-len(each[1]["participants"]), each[0])):
            people = room["participants"]
            talks = sum(person["id"] in self.talking for person in people)
            marks = [word for word in ("locked", "recording") if room.get(word)]
            rows.append(
                (name, room["state"], f"{len(people)}/{room['max_participants']}", str(talks), ", ".join(marks))
            )
        return rows

    def person_rows(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for room, person in self.people():
            media = {**(person.get("media") or {}), **self.levels.get(str(person["id"]), {})}
            level = self.levels.get(str(person["id"]), {}).get("level_db")
            marks = [word for word in ("muted", "deaf", "held") if person[word]]
            marks += ["talks"] if person["id"] in self.talking else []
            rows.append((
                room, f"{person['name']} ({person['id']})", bar(share(level)), pair(media, "mos_in", "mos_out"),
                pair_of(loss(media.get("lost"), media.get("received")), loss(media.get("lost_out"), media.get("sent"))),
                number(media.get("jitter_ms")), ", ".join(marks),
            ))  # fmt: skip
        return rows


def share(level_db: float | None) -> float:
    """Of a bar."""
    return 0.0 if level_db is None else (level_db - FLOOR_DB) / (TOP_DB - FLOOR_DB)


def bar(part: float, width: int = BAR) -> str:
    """In eighths of a character."""
    eighths = round(min(max(part, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(width)


def loss(lost: float | None, received: float | None) -> str:
    """In per cent."""
    if lost is None or received is None or lost + received <= 0:
        return "-"
    return f"{100 * lost / (lost + received):.1f}"


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def pair(media: Record, inward: str, outward: str) -> str:
    return pair_of(*("-" if media.get(name) is None else f"{media[name]:.1f}" for name in (inward, outward)))


def pair_of(inward: str, outward: str) -> str:
    return "-" if inward == outward == "-" else f"{inward}/{outward}"
