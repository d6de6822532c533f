"""A room's rules, and the pure questions asked of them.

``RoomPolicy`` is their one source: what the command line, HTTP, documentation and the Python client offer is read from
its fields. What an administrator has said of a room is sparse (``Said``); ``profiles.Profiles`` makes a policy of it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args, get_origin, get_type_hints

from rooms import calendar, menus
from rooms.errors import Invalid
from rooms.participant import MuteCause
from rooms.rule import rule as rule
from rooms.rules_of_life import RecordNames, RulesOfLife, check_life
from rooms.rules_of_time import check_numbers

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
    MuteCause.LECTURE: (MuteCause.LECTURE,),
    MuteCause.NOISE: (MuteCause.NOISE,),
}
"""Which causes an unmute takes back: what the server mutes by itself, host and participant may both end."""

_LANGUAGE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}\Z")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._+~-]{0,62}[a-z0-9])?\Z")


class NoiseGuard(enum.Enum):
    """What is done about steady noise or music that somebody pours into a room."""

    OFF = "off"
    REPORT = "report"
    MUTE = "mute"


class RecordNotice(enum.Enum):
    """How those in a room, and all who come later, learn that it is recorded."""

    NONE = "none"
    SPOKEN = "spoken"
    BEEP = "beep"


class Announce(enum.Enum):
    """How those present learn that somebody comes or goes."""

    NONE = "none"
    BEEP = "beep"
    NAME = "name"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class RoomPolicy(RulesOfLife):
    """What holds in one room. Of its sound, None is what the server's settings say."""

    max_participants: int = rule(DEFAULT_MAX_PARTICIPANTS, "Most participants at once.")
    mute_on_entry: bool = rule(False, "Mute everybody who comes in.")
    rate_hz: int | None = rule(
        None, "Sampling rate of the sound: 8000, 16000 or 48000; 0: the highest that at least two can use."
    )
    stereo: bool = rule(False, "Place people from left to right for those who hear two channels.")
    talkers: int | None = rule(None, "Most voices heard at once, the loudest.")
    ptime_ms: int | None = rule(None, "Milliseconds of sound in a packet: 10 to 60.")
    levelling: bool | None = rule(None, "Bring soft and loud voices nearer to each other.")
    comfort_noise: bool | None = rule(None, "A faint noise while nobody talks.")
    guard: NoiseGuard | None = rule(None, "What is done about steady noise or music that somebody pours in.")
    codecs: tuple[str, ...] = rule((), "Codecs that calls may use (opus, G722, PCMU, PCMA, L16).")
    music_when_alone: bool | None = rule(None, "Play music to who is alone in the room.")
    language: str | None = rule(
        None, "Language that the room speaks (en, de, fr, es), or another set of prompts (confserver sound list)."
    )
    announce: Announce | None = rule(None, "How those present learn that somebody comes or goes.")
    lecture: bool = rule(False, "Begin each meeting as a lecture: only moderators are heard, and who has the floor.")
    one_speaker: bool = rule(False, "Only who has the floor is heard, while somebody has it.")
    announce_hands: bool = rule(False, "Tell moderators aloud that somebody has raised a hand.")
    tell_removed: bool = rule(True, "Tell who is removed from the room that he is, before he is hung up on.")
    tell_muted: bool = rule(True, "Tell who talks while others have muted him that nobody hears him.")

    menu: menus.Menus | None = rule(
        None,
        "Keys that do something else than usual, by role (participant, moderator): see docs/keypad.md.",
        hashes=False,
    )
    menu_timeout_s: float = rule(2.0, "Seconds after which keys that others could follow act by themselves: 0.5 to 10.")
    record_from: int = rule(0, "Record the room by itself once so many are in; 0: when somebody asks for it.")
    record_tracks: bool = rule(True, "Also a file for each participant, where the room is recorded by itself.")
    record_waiting: bool = rule(
        False,
        "Also those who wait before the start or to be let in, each by himself, where the room is recorded by itself; "
        "they count for record_from, and are told so.",
    )
    record_days: float | None = rule(None, "Days that recordings are kept; 0: until somebody deletes them.")
    record_notice: RecordNotice = rule(
        RecordNotice.SPOKEN, "How those in the room, and all who come later, learn that it is recorded."
    )

    chat_days: float = rule(0.0, "Days that messages to all are kept; 0: only until the meeting ends.")
    chat_replay: int = rule(0, "So many of the meeting's last messages are sent to who comes in.")

    def __post_init__(self) -> None:
        if not 1 <= self.max_participants <= MOST_PARTICIPANTS:
            raise Invalid(f"max_participants must be 1 to {MOST_PARTICIPANTS}, not {self.max_participants}")
        if self.talkers is not None and not 1 <= self.talkers <= MOST_TALKERS:
            raise Invalid(f"talkers must be 1 to {MOST_TALKERS}, not {self.talkers}")
        if self.record_waiting and not self.record_tracks:
            raise Invalid("record_waiting: who waits is recorded by himself, so record_tracks must be true, too")
        if not 0 <= self.record_from <= MOST_PARTICIPANTS:
            raise Invalid(f"record_from must be 0 to {MOST_PARTICIPANTS}, not {self.record_from}")
        if self.record_days is not None and not 0 <= self.record_days <= 36_500:
            raise Invalid(f"record_days must be 0 to 36500, not {self.record_days:g}")
        if not 0 <= self.chat_days <= 3650:
            raise Invalid(f"chat_days must be 0 to 3650, not {self.chat_days:g}")
        if not 0 <= self.chat_replay <= 50:
            raise Invalid(f"chat_replay must be 0 to 50, not {self.chat_replay}")
        if self.language is not None and not _LANGUAGE.match(self.language):
            raise Invalid(f"no set of prompts can be called {self.language[:64]!r}: small letters, digits and hyphens")
        _check_choice("rate_hz", self.rate_hz, RATES_HZ)
        _check_choice("ptime_ms", self.ptime_ms, PACKETS_MS)
        for codec in self.codecs:
            _check_choice("codecs", codec, CODECS)
        if len(set(self.codecs)) < len(self.codecs):
            raise Invalid("codecs names one twice")
        check_life(self, self.max_participants)
        calendar.check(self)
        check_numbers(self.numbers)
        if not 0.5 <= self.menu_timeout_s <= 10:
            raise Invalid(f"menu_timeout_s must be 0.5 to 10, not {self.menu_timeout_s:g}")
        menus.check(self.menu or {})

    def describe(self, *, secrets: bool = True) -> dict[str, Any]:
        """All rules as plain data; None of the sound: as the settings say. Without ``secrets``: "set" for those."""
        told = {name: _plain(value) for name, value in asdict(self).items()}
        return told if secrets else told | {name: "set" for name in SECRETS if told[name]}

    def announces(self, otherwise: Announce) -> Announce:
        """``otherwise``: where the rules do not say. Who is asked for his name shall be heard by it."""
        return self.announce or (otherwise if self.record_names is RecordNames.NONE else Announce.NAME)

    def is_full(self, places_taken: int) -> bool:
        return places_taken >= self.max_participants


RULES: tuple[str, ...] = tuple(each.name for each in fields(RoomPolicy))
SECRETS: tuple[str, ...] = tuple(each.name for each in fields(RoomPolicy) if each.metadata["secret"])


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def type_of(rule: str) -> str:
    """The type of a rule in words, as JSON and TOML have it: the choices of those that have some."""
    hint = get_type_hints(RoomPolicy)[rule]
    if type(None) in get_args(hint):
        hint = next(each for each in get_args(hint) if each is not type(None))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return ", ".join(str(member.value) for member in hint)
    if get_origin(hint) is dict:
        return "table"
    return {bool: "true, false", int: "number", float: "number", str: "text"}.get(hint, "list")


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
