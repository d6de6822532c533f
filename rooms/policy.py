"""A room's rules, and the pure questions asked of them."""

from __future__ import annotations

import enum
import re
from dataclasses import asdict, dataclass
from typing import Any

from rooms.errors import Invalid
from rooms.participant import MuteCause

DEFAULT_MAX_PARTICIPANTS = 200
MOST_PARTICIPANTS = 2000
"""One room lives in one media worker, which carries about this many."""
MOST_TALKERS = 64
RATES_HZ = (0, 8000, 16000, 48000)
"""At which a room's sound is mixed; 0: the highest that its members can use."""
PACKETS_MS = (10, 20, 30, 40, 50, 60)
CODECS = ("opus", "G722", "PCMU", "PCMA", "L16")
"""As SDP names them."""

LIFTS: dict[MuteCause, tuple[MuteCause, ...]] = {
    MuteCause.SELF: (MuteCause.ENTRY, MuteCause.NOISE, MuteCause.SELF),
    MuteCause.HOST: (MuteCause.ENTRY, MuteCause.NOISE, MuteCause.HOST),
    MuteCause.ENTRY: (MuteCause.ENTRY,),
    MuteCause.NOISE: (MuteCause.NOISE,),
}
"""Which causes an unmute takes back: what the server mutes by itself, host and participant may both end."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._+~-]{0,62}[a-z0-9])?\Z")


class NoiseGuard(enum.Enum):
    """What is done about steady noise or music that somebody pours into a room."""

    OFF = "off"
    REPORT = "report"
    MUTE = "mute"


class Announce(enum.Enum):
    """How those present learn that somebody comes or goes."""

    NONE = "none"
    BEEP = "beep"


@dataclass(frozen=True, slots=True)
class RoomPolicy:
    """What an administrator has laid down for one room. Of its sound, None is what the server's settings say."""

    max_participants: int = DEFAULT_MAX_PARTICIPANTS
    mute_on_entry: bool = False
    rate_hz: int | None = None
    stereo: bool = False
    talkers: int | None = None
    ptime_ms: int | None = None
    levelling: bool | None = None
    comfort_noise: bool | None = None
    guard: NoiseGuard | None = None
    codecs: tuple[str, ...] = ()
    """None of them: as the settings say."""
    music_when_alone: bool | None = None
    announce: Announce | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.max_participants <= MOST_PARTICIPANTS:
            raise Invalid(f"max_participants must be 1 to {MOST_PARTICIPANTS}, not {self.max_participants}")
        if self.talkers is not None and not 1 <= self.talkers <= MOST_TALKERS:
            raise Invalid(f"talkers must be 1 to {MOST_TALKERS}, not {self.talkers}")
        _check_choice("rate_hz", self.rate_hz, RATES_HZ)
        _check_choice("ptime_ms", self.ptime_ms, PACKETS_MS)
        for codec in self.codecs:
            _check_choice("codecs", codec, CODECS)
        if len(set(self.codecs)) < len(self.codecs):
            raise Invalid("codecs names one twice")

    def describe(self) -> dict[str, Any]:
        """All rules as plain data; None of the sound: as the settings say."""
        named = {"guard": self.guard and self.guard.value, "announce": self.announce and self.announce.value}
        return asdict(self) | named | {"codecs": list(self.codecs)}

    def is_full(self, places_taken: int) -> bool:
        return places_taken >= self.max_participants


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value is not None and value not in choices:
        raise Invalid(f"{name} must be one of {', '.join(map(str, choices))}, not {str(value)[:64]}")


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
