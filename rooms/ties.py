"""What binds rooms to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RETURN = "breakouts"
"""Purpose of the alarm: all come back from the breakout rooms. It outlives the room's own meeting."""


@dataclass(slots=True)
class Ties:
    """Those of one room; rooms are named."""

    parent: str = ""
    """Whose breakout room it is."""
    breakouts: tuple[str, ...] = ()
    """Its own. A room stays while it has some, be it empty."""
    successor: str = ""
    """Where all go who still arrive: the room has been merged."""
    by_force: bool = False
    """So do those whom that room's rule deny keeps out."""

    def describe(self) -> dict[str, Any]:
        return {"parent": self.parent, "breakouts": list(self.breakouts), "merged_into": self.successor}
