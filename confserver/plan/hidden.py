"""Secrets that stand elsewhere than in files under version control: PINs of rooms, passwords of users.

::

    pin = { env = "BOARD_PIN" }              a variable of the environment in which plan or apply runs
    pin = { file = "board.pin" }             the first line of a file beside this one, which nobody else may read

What they are is never printed, by no error either.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from confserver.plan.place import Place

MOST_BYTES = 1024
HOW = 'must be { env = "NAME" } or { file = "NAME" }'


def secret_of(place: Place, key: str, said: Mapping[str, object], environment: Mapping[str, str] | None = None) -> str:
    """Raises DocumentError."""
    [(where, name), *more] = said.items() or [("", "")]
    if more or where not in ("env", "file") or not isinstance(name, str) or not name:
        raise place.complain(HOW, key)
    if where == "file":
        return first_line(place, key, name)
    environment = os.environ if environment is None else environment
    found = environment.get(name, "")
    if not found:
        words = "is empty in the environment" if name in environment else "is not in the environment"
        raise place.complain(f"{name[:64]} {words}", key)
    if len(found.encode("utf-8", "surrogateescape")) > MOST_BYTES or not found.isprintable():
        raise place.complain(f"{name[:64]} in the environment is no line of text of {MOST_BYTES} bytes at most", key)
    return found


def first_line(place: Place, key: str, name: str) -> str:
    """Raises DocumentError."""
    try:
        file = place.file.parent / Path(name).expanduser()
        if not file.is_file() and file.exists():
            raise place.complain(f"{file}: is no file", key)
        if file.stat().st_mode & 0o077:
            raise place.complain(f"{file}: others can read it: chmod 600", key)
        with file.open("rb") as opened:
            line = opened.read(MOST_BYTES).decode().split("\n")[0].rstrip("\r")
    except (OSError, RuntimeError, ValueError) as error:  # no home directory; a name with a zero byte; no UTF-8
        if isinstance(error, UnicodeDecodeError):
            raise place.complain(f"{file}: is not UTF-8", key) from None
        why = getattr(error, "strerror", None) or error
        raise place.complain(f"{name[:200]}: cannot be read: {why}", key) from None
    if not line:
        raise place.complain(f"{file}: its first line is empty", key)
    return line
