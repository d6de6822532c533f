"""What lies on the shelf of recordings: listed, deleted, and gone when its days are over."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from confserver.contract import RecordingShown
from confserver.scribe.keeping import NotKept, Shelf, in_words, sounds_of

DAY_S = 86_400.0
MOST_SHOWN = 10_000


def shown(shelf: Shelf) -> list[RecordingShown]:
    """All of them, the latest first; what is none of ours is passed over."""
    found = [told for name in shelf.names() if (told := _shown(shelf.directory, name)) is not None]
    return sorted(found, key=lambda each: -each.started_at)[:MOST_SHOWN]


def _shown(directory: Path, name: str) -> RecordingShown | None:
    try:
        timeline = _read(directory, name)
        files = _files_of(timeline)
        sizes = [_size(directory / file) for file in files]
        return RecordingShown(
            name=name, room=str(timeline["room"]), state=str(timeline["state"]), files=files, bytes=sum(sizes),
            started_at=float(timeline["started_at"]), seconds=float(timeline["seconds"]),
            until=_until(timeline), cause=str(timeline["cause"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def delete(shelf: Shelf, name: str) -> None:
    """The sound first and what tells of it last, so that what is left of a crash is found again. Raises NotKept."""
    if name not in shelf.names():
        raise NotKept(f"there is no recording {name[:64]}")
    try:
        timeline = _read(shelf.directory, name)
        if timeline["state"] == "recording":
            raise NotKept(f"{name} is being recorded")
        for file in _files_of(timeline):
            with suppress(FileNotFoundError):
                (shelf.directory / file).unlink()
        (shelf.directory / f"{name}.json").unlink()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotKept(in_words(error)) from error


def prune(shelf: Shelf, now: float | None = None) -> list[str]:
    """Delete those whose days are over; give their names."""
    now = time.time() if now is None else now
    gone = []
    for each in shown(shelf):
        if each.until is not None and each.until <= now and each.state != "recording":
            with suppress(NotKept):
                delete(shelf, each.name)
                gone.append(each.name)
    return gone


def _read(directory: Path, name: str) -> dict[str, Any]:
    timeline = json.loads((directory / f"{name}.json").read_text("utf-8"))
    if not isinstance(timeline, dict):
        raise ValueError("no timeline")
    return timeline


def _files_of(timeline: dict[str, Any]) -> list[str]:
    """Names alone: a timeline that names what lies elsewhere is none of ours. Raises ValueError."""
    files = [str(holder[key]) for holder, key in sounds_of(timeline)]
    if any(Path(file).name != file or file in ("", ".", "..") for file in files):
        raise ValueError("names what lies elsewhere")
    return files


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _until(timeline: dict[str, Any]) -> float | None:
    """When it goes; None: it stays."""
    days = float(timeline.get("keep_days") or 0.0)
    began = float(timeline["ended_at"] or timeline["started_at"] + timeline["seconds"])
    return began + days * DAY_S if days else None
