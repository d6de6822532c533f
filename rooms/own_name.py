"""Names as people have said them themselves: how far the asking is, and those who have left and may come back."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

MOST_LEFT = 100
"""Names of a meeting's people who have left; the first of them is forgotten then."""


class Step(enum.Enum):
    """Where somebody is who is asked for his name."""

    NONE = "not asked"
    ASKED = "asked"
    HEARS = "hears it"


@dataclass(slots=True)
class OwnName:
    """Of one participant."""

    sound: str = ""
    """By whose id it is kept; his own, or the one that he had before he came back. "": there is none."""
    step: Step = Step.NONE
    tries: int = 0
    is_asked: bool = False
    """He has been, or need not be: nothing asks him again but a command."""
    is_wanted: bool = False
    """A command has asked for it, and his turn has not come yet."""


@dataclass(slots=True)
class Names:
    """Of one meeting: of a room and its breakout rooms, which are named in ``rooms`` while they are open."""

    rooms: set[str] = field(default_factory=set)
    left: dict[str, str] = field(default_factory=dict)
    """Who has left, by what he is known by -> his sound; who has left first comes first."""

    due: dict[str, float] = field(default_factory=dict)
    """Who is asked, and how long that may take."""

    def put(self, key: str, sound: str) -> list[str]:
        """Somebody leaves. Gives the sounds that are wanted no more."""
        gone = [self.left.pop(key)] if self.left.get(key, sound) != sound else []
        self.left.pop(key, None)
        self.left[key] = sound
        while len(self.left) > MOST_LEFT:
            gone.append(self.left.pop(next(iter(self.left))))
        return gone
