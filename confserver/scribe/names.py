"""What the files of a recording are called: characters that every system and shell takes, and nothing else."""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import datetime
from pathlib import Path

MOST_TRIES = 1000
_MOST_NAME = 40


def safe(text: str) -> str:
    """ASCII letters, digits, ``.``, ``_`` and ``-``; letters with marks lose the marks. May be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-")[:_MOST_NAME].rstrip("._-")


def reserve(directory: Path, room: str, at: float) -> str:
    """Find a name that no other recording has, and take it by making its (empty) timeline. Raises OSError."""
    when = datetime.fromtimestamp(at).astimezone().strftime("%Y%m%d-%H%M%S")
    first = f"{safe(room) or 'room'}-{when}"
    for number in range(1, MOST_TRIES):
        name = first if number == 1 else f"{first}-{number}"
        try:
            os.close(os.open(directory / f"{name}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            continue
        return name
    raise FileExistsError(f"{MOST_TRIES} recordings are called {first}")


def track_name(recording: str, leg: int, participant: str = "", name: str = "") -> str:
    """The track's file without its suffix."""
    words = [word for word in (safe(participant), safe(name)) if word] or [f"leg{leg}"]
    return "-".join([recording, *words])
