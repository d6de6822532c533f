"""Whether a call whose leg stands is answered at once, or only once the rooms have let its caller in.

Either way the rooms are told that he is at the door (``Arrive``), and say what he waits for: by LISTEN he hears it
before the answer, and presses keys, which costs him nothing yet.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from confserver.focus.legs import Leg


class Verdict(enum.Enum):
    COME = "come"
    """Answered; where he has to wait, he does so in the call."""
    RING = "ring"
    """The caller hears it ring until he is let in (180)."""
    LISTEN = "listen"
    """He hears what we play to him meanwhile (183 with a description, RFC 3960)."""


Decide = Callable[[Leg], Verdict]


def at_once(leg: Leg) -> Verdict:
    return Verdict.COME
