"""The rules for who comes into a room and how its life goes; a part of ``policy.RoomPolicy``."""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass

from rooms.errors import Invalid
from rooms.rule import rule
from rooms.rules_of_time import RulesOfTime

LEAST_PIN, MOST_PIN = 4, 16
MOST_CALLERS, MOST_PATTERN = 200, 128
MOST_TRIES = 10
MOST_LOCKOUT_S = 86_400
MOST_WELCOME, MOST_SOUND = 8, 1024
MOST_KNOCK_S = 3600
MOST_LIMIT_S = 7 * 86_400


class Lobby(enum.Enum):
    """Who knocks, and waits until a moderator lets him in."""

    OFF = "off"
    STRANGERS = "strangers"
    ALL = "all"


class RecordNames(enum.Enum):
    """Whether who comes in is asked to say his name, and hears it before it is his."""

    NONE = "none"
    ASK = "ask"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesOfLife(RulesOfTime):
    """The door: who may come in, by what, and who waits for whom."""

    pin: str = rule("", "Digits that whoever calls must give, with his call or by keys.", secret=True)
    moderator_pin: str = rule("", "Digits that make who gives them a moderator.", secret=True)
    pin_tries: int = rule(3, "So often a PIN may be given wrongly before the caller is hung up on and locked out.")
    lockout_s: int = rule(300, "So many seconds a caller who has guessed too often is refused; 0: never.")
    allow: tuple[str, ...] = rule(
        (), "Only these may call: users and addresses that have been verified (* for any text), or networks."
    )
    deny: tuple[str, ...] = rule((), "These may not call: users, addresses (though nobody vouches for them), networks.")
    moderators: tuple[str, ...] = rule(
        (), "Users and verified addresses that are moderators: they need no PIN and nobody's leave."
    )
    moderator_places: int = rule(0, "So many places are kept for moderators.")
    wait_for_moderator: bool = rule(False, "Nobody is in the room before a moderator is; the others wait.")
    waiting_music: bool = rule(True, "Play music to those who wait.")
    lobby: Lobby = rule(Lobby.OFF, "Who knocks and waits to be let in: strangers are those whom nobody vouches for.")
    knock_s: int = rule(300, "So many seconds somebody who has knocked may wait; 0: as long as he likes.")
    end_when_moderator_leaves: bool = rule(False, "End the room when its last moderator has left, after end_grace_s.")
    end_when_only_robots: bool = rule(False, "End the room when only robots remain, after end_grace_s.")
    robots: tuple[str, ...] = rule((), "Who is a robot: what its phone or itself is called (* for any text).")
    end_grace_s: int = rule(60, "So many seconds the room still has then; it goes on where one comes back.")
    time_limit_s: int = rule(0, "End the room so many seconds after it has opened; 0: never.")
    stay_limit_s: int = rule(0, "Hang up on who is no moderator so many seconds after he has come in; 0: never.")
    silent_minutes: int = rule(0, "End the room when nobody has been heard for so many minutes; 0: never.")
    alone_minutes: int = rule(0, "End the room when one has been alone in it for so many minutes; 0: never.")
    end_warnings_s: tuple[int, ...] = rule((300, 60), "So many seconds before its end the room hears of it.")
    welcome: tuple[str, ...] = rule((), "What who comes in hears first: sounds as for confserver room play.")
    announce_count: tuple[int, ...] = rule((), "Say how many are in the room when so many have come.")
    record_names: RecordNames = rule(
        RecordNames.NONE, "Ask who comes in to say his name, which is played where others hear of him."
    )
    quiet_above: int = rule(20, "In rooms of more people nobody is told who comes and goes.")
    early_prompts: bool = rule(False, "Let people wait before their call is answered, hearing prompts all the same.")


def check_life(rules: RulesOfLife, max_participants: int) -> None:
    """Raises Invalid."""
    for name, pin in (("pin", rules.pin), ("moderator_pin", rules.moderator_pin)):
        if pin and not (pin.isascii() and pin.isdigit() and LEAST_PIN <= len(pin) <= MOST_PIN):
            raise Invalid(f"{name} must be {LEAST_PIN} to {MOST_PIN} digits")
    if rules.pin and rules.pin == rules.moderator_pin:
        raise Invalid("moderator_pin must differ from pin")
    within("pin_tries", rules.pin_tries, 1, MOST_TRIES)
    within("lockout_s", rules.lockout_s, 0, MOST_LOCKOUT_S)
    within("moderator_places", rules.moderator_places, 0, max_participants)
    within("knock_s", rules.knock_s, 0, MOST_KNOCK_S)
    within("end_grace_s", rules.end_grace_s, 0, 3600)
    within("time_limit_s", rules.time_limit_s, 0, MOST_LIMIT_S)
    within("stay_limit_s", rules.stay_limit_s, 0, MOST_LIMIT_S)
    within("silent_minutes", rules.silent_minutes, 0, 1440)
    within("alone_minutes", rules.alone_minutes, 0, 1440)
    within("quiet_above", rules.quiet_above, 0, 2000)
    if len(rules.welcome) > MOST_WELCOME or any(not _is_sound(each) for each in rules.welcome):
        raise Invalid(f"welcome must be up to {MOST_WELCOME} sounds, each of 1 to {MOST_SOUND} printable characters")
    if len(rules.announce_count) > 20 or any(not 2 <= each <= 2000 for each in rules.announce_count):
        raise Invalid("announce_count must be up to 20 numbers of 2 to 2000")
    if len(rules.end_warnings_s) > 10 or any(not 5 <= each <= 3600 for each in rules.end_warnings_s):
        raise Invalid("end_warnings_s must be up to 10 numbers of 5 to 3600")
    for name in ("allow", "deny", "moderators", "robots"):
        _check_callers(name, getattr(rules, name))


def _is_sound(text: str) -> bool:
    return 1 <= len(text) <= MOST_SOUND and text.isprintable()


def within(name: str, value: float, least: float, most: float) -> None:
    """Raises Invalid."""
    if not least <= value <= most:
        raise Invalid(f"{name} must be {least:g} to {most:g}, not {value:g}")


def _check_callers(name: str, patterns: tuple[str, ...]) -> None:
    if len(patterns) > MOST_CALLERS:
        raise Invalid(f"{name} may name {MOST_CALLERS} callers, not {len(patterns)}")
    for pattern in patterns:
        if not 1 <= len(pattern) <= MOST_PATTERN or not pattern.isprintable():
            raise Invalid(f"{name}: nobody can be called {pattern[:64]!r}")
        if "/" in pattern and name != "robots":
            try:
                ipaddress.ip_network(pattern)
            except ValueError as error:
                raise Invalid(f"{name}: {pattern[:64]} is no network: {error}") from None
            if name == "moderators":
                raise Invalid(f"{name}: a network is nobody's name: {pattern[:64]}")
