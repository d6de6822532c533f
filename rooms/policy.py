"""A room's rules, and the pure questions asked of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rooms.errors import Invalid
from rooms.participant import MuteCause

DEFAULT_MAX_PARTICIPANTS = 200
MOST_PARTICIPANTS = 2000
"""One room lives in one media worker, which carries about this many."""

LIFTS: dict[MuteCause, tuple[MuteCause, ...]] = {
    MuteCause.SELF: (MuteCause.ENTRY, MuteCause.SELF),
    MuteCause.HOST: (MuteCause.ENTRY, MuteCause.HOST),
    MuteCause.ENTRY: (MuteCause.ENTRY,),
}
"""Which causes an unmute takes back: muting on entry is a courtesy that host and participant may both end."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._+~-]{0,62}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class RoomPolicy:
    """What an administrator has laid down for one room."""

    max_participants: int = DEFAULT_MAX_PARTICIPANTS
    mute_on_entry: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.max_participants <= MOST_PARTICIPANTS:
            raise Invalid(f"max_participants must be 1 to {MOST_PARTICIPANTS}, not {self.max_participants}")

    def is_full(self, places_taken: int) -> bool:
        return places_taken >= self.max_participants


def room_name(text: str) -> str:
    """Give the one spelling of a room's name: names do not depend on case.

    Raises Invalid when no room can be called that.
    """
    name = text.strip().lower()
    if not _NAME.match(name):
        raise Invalid(
            f"no room can be called {text[:64]!r}: a name has 1 to 64 letters, digits, and . _ + ~ - between them"
        )
    return name
