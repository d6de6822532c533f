"""The next of several times, each of which may not be set: asked after every turn, so it costs little."""

from __future__ import annotations


def soonest(*times: float | None) -> float | None:
    """None where none is set."""
    found: float | None = None
    for at in times:
        if at is not None and (found is None or at < found):
            found = at
    return found
