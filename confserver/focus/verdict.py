"""Whether a call whose leg stands comes in at once; who decides is told from outside (the rooms, a test's double)."""

from __future__ import annotations

import enum
from collections.abc import Callable

from confserver.focus.legs import Leg


class Verdict(enum.Enum):
    COME = "come"
    RING = "ring"
    """Nobody has decided yet: the caller hears it ring (180)."""
    LISTEN = "listen"
    """Nor here, but he hears what we play to him meanwhile (183 with a description, RFC 3960)."""


Decide = Callable[[Leg], Verdict]


def at_once(leg: Leg) -> Verdict:
    return Verdict.COME
