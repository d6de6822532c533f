"""Who spoke when: the JSON beside the sound of a recording, and where in the files each moment lies.

::

    wall time  |--A--|--B--|   pause   |--C--|  worker lost  |--D--|
    the files  |--A--|--B--|--C--|...gap...|--D--|

A *stretch* is a time in which wall clock and files go on together; a pause, or another worker, begins a new one.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confserver.contract.recording import TICKS_A_SECOND

VERSION = 1
TICK_S = 1 / TICKS_A_SECOND


@dataclass(slots=True)
class Stretch:
    """From tick ``tick`` on, which was at ``at``; ``ticks`` long so far."""

    at: float
    tick: int
    ticks: int = 0

    @property
    def ends_at(self) -> float:
        return self.at + self.ticks * TICK_S


@dataclass(slots=True)
class Person:
    """Somebody in a recorded room, and the file of his track once he has been heard."""

    participant: str
    name: str
    track: str | None = None


@dataclass(slots=True)
class Note:
    at: float
    what: str
    participant: str = ""
    by: str = ""


@dataclass(slots=True)
class Timeline:
    """What is known of a recording besides its sound."""

    name: str
    room: str
    asked_at: float
    format: str
    rate_hz: int = 0
    mix: str = ""
    state: str = "recording"
    """Then ``closed`` (all files are whole WAV files), then ``kept`` (they have their format)."""
    cause: str = ""
    """Why it has ended."""
    ended_at: float | None = None
    keep_days: float = 0.0
    """So many days after its end it goes; 0: it stays."""
    stretches: list[Stretch] = field(default_factory=list)
    people: dict[int, Person] = field(default_factory=dict)
    """By leg."""
    notes: list[Note] = field(default_factory=list)

    @property
    def ticks(self) -> int:
        """How long the files are."""
        return self.stretches[-1].tick + self.stretches[-1].ticks if self.stretches else 0

    def pass_tick(self, at: float, tick: int) -> None:
        """A tick was recorded; those before it that are not known of were missed."""
        last = self.stretches[-1] if self.stretches else None
        if last is None or abs(last.at + (tick - last.tick) * TICK_S - at) > TICK_S / 2:
            last = Stretch(at, tick)
            self.stretches.append(last)
        last.ticks = tick + 1 - last.tick

    def place_s(self, at: float) -> float:
        """Where in the files a moment lies; one in a pause, at its beginning."""
        place = 0.0
        for stretch in self.stretches:
            if at < stretch.at:
                break
            place = stretch.tick * TICK_S + min(at - stretch.at, stretch.ticks * TICK_S)
        return round(place, 3)

    def paused_s(self, start: float, end: float) -> float:
        """How much of a time was paused, by the notes."""
        paused, since = 0.0, None
        for note in self.notes:
            if note.what == "paused" and since is None:
                since = note.at
            elif note.what == "resumed" and since is not None:
                paused += max(min(note.at, end) - max(since, start), 0.0)
                since = None
        return paused + (max(end - max(since, start), 0.0) if since is not None else 0.0)

    # ------------------------------------------------------------------ as JSON
    def document(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "name": self.name,
            "room": self.room,
            "state": self.state,
            "format": self.format,
            "rate_hz": self.rate_hz,
            "started_at": round(self.stretches[0].at if self.stretches else self.asked_at, 3),
            "started": _written(self.stretches[0].at if self.stretches else self.asked_at),
            "ended_at": None if self.ended_at is None else round(self.ended_at, 3),
            "cause": self.cause,
            "keep_days": self.keep_days,
            "seconds": round(self.ticks * TICK_S, 3),
            "mix": self.mix,
            "participants": [
                {"id": person.participant, "name": person.name, "track": person.track}
                for person in self.people.values()
            ],
            "speech": self.speech(),
            "events": [
                {"at": round(note.at, 3), "place_s": self.place_s(note.at), "what": note.what}
                | ({"participant": note.participant} if note.participant else {})
                | ({"by": note.by} if note.by else {})
                for note in self.notes
                if note.what not in ("talking", "quiet")
            ],
            "stretches": [
                {"at": round(at, 3), "place_s": round(tick * TICK_S, 3), "seconds": round(ticks * TICK_S, 3)}
                for at, tick, ticks in ((each.at, each.tick, each.ticks) for each in self.stretches)
            ],
        }

    def speech(self) -> list[dict[str, Any]]:
        """Who spoke from where to where in the files, in the order of beginning; what was paused is left out."""
        since: dict[str, float] = {}
        found: list[dict[str, Any]] = []
        for note in self.notes:
            if note.what == "talking":
                since.setdefault(note.participant, self.place_s(note.at))
            elif note.what in ("quiet", "left") and note.participant in since:
                found.append(_spoken(note.participant, since.pop(note.participant), self.place_s(note.at)))
        found += [_spoken(participant, start, round(self.ticks * TICK_S, 3)) for participant, start in since.items()]
        return sorted((each for each in found if each["end_s"] > each["start_s"]), key=lambda each: each["start_s"])

    def write(self, directory: Path, *, safely: bool = False) -> None:
        """Whole or not at all; ``safely``: on the disk before going on. Raises OSError."""
        write_json(directory / f"{self.name}.json", self.document(), safely=safely)


def write_json(place: Path, document: dict[str, Any], *, safely: bool = True) -> None:
    """Raises OSError."""
    half = place.with_suffix(".json.part")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
        file.flush()
        if safely:
            os.fsync(file.fileno())
    os.replace(half, place)


def _spoken(participant: str, start_s: float, end_s: float) -> dict[str, Any]:
    return {"participant": participant, "start_s": start_s, "end_s": end_s}


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
