"""The menus of keys as data: which keys do what, for participants and for moderators.

A menu is a table from keys to actions. A key is one or more presses (``4``, ``*5``, ``**2``) and acts with its last.
Only keys of stars alone may be the beginning of others: they act when nothing has followed for a while. What a room's
rule ``menu`` says goes key by key before the usual menu::

    [profiles.lecture.menu.participant]
    1 = []                                    # the key does nothing
    "*5" = "hear-louder 6"                    # an action, and what it takes
    "*7" = ["mute", "play prompt:goodbye"]    # one after another

Here is only what an action is called, who may have it and how it is asked for; ``wishes`` has what it asks of the room.
"""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rooms.errors import Invalid
from rooms.participant import Role

Menus = dict[str, dict[str, str | list[str]]]
"""As a rule says them: role -> key -> action, or several."""
MENU_OF: Mapping[str, Role] = {"participant": Role.PARTICIPANT, "moderator": Role.MODERATOR}
MOST_KEYS, MOST_PRESSES, MOST_ACTIONS, MOST_ARGUMENT = 64, 6, 8, 256
_KEY = re.compile(rf"[0-9*#A-D]{{1,{MOST_PRESSES}}}\Z")


class Takes(enum.Enum):
    """What stands behind an action's name."""

    NOTHING = "nothing"
    DB = "dB"
    MINUTES = "minutes"
    MAY_URI = "an address, or nothing"
    SOUND = "sounds"


class After(enum.Enum):
    """What somebody must still press before it is done."""

    NOTHING = "nothing"
    NUMBER = "a number"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that keys can do. ``help``: in writing; ``prompt``: in the spoken menu, where it has one."""

    help: str
    prompt: str = ""
    role: Role = Role.PARTICIPANT
    takes: Takes = Takes.NOTHING
    after: After = After.NOTHING


ACTIONS: Mapping[str, Action] = {
    "mute": Action("Mute yourself, or speak again", "menu-mute"),
    "deafen": Action("Hear nobody, or hear again", "menu-deafen"),
    "hear-louder": Action("Hear the others louder", "menu-louder", takes=Takes.DB),
    "hear-softer": Action("Hear the others softer", "menu-softer", takes=Takes.DB),
    "speak-louder": Action("Be heard louder", "menu-speak-louder", takes=Takes.DB),
    "speak-softer": Action("Be heard softer", "menu-speak-softer", takes=Takes.DB),
    "reset-loudness": Action("Set both loudnesses back", "menu-reset"),
    "count": Action("Hear how many are in the room", "menu-count"),
    "roll-call": Action("Hear who is in the room", "menu-roll-call"),
    "roll-call-for-all": Action("Let all hear who is in the room", "", Role.MODERATOR),
    "hand": Action("Ask to speak, or take that back", "menu-hand"),
    "help": Action("Hear the menu", "menu-again"),
    "leave": Action("Leave the room", "menu-leave"),
    "lock": Action("Lock the room, or unlock it", "menu-lock", Role.MODERATOR),
    "mute-all": Action("Mute everybody else, or let all be heard", "menu-mute-all", Role.MODERATOR),
    "floor": Action("Let the next who has raised a hand speak", "menu-floor", Role.MODERATOR),
    "lecture": Action("Begin a lecture, or end it", "menu-lecture", Role.MODERATOR),
    "broadcast": Action("Speak to all breakout rooms, or stop", "menu-broadcast", Role.MODERATOR),
    "admit": Action("Let in all who have knocked", "menu-admit", Role.MODERATOR),
    "kick-last": Action("Hang up on who came last", "menu-kick", Role.MODERATOR),
    "record": Action("Start recording, or stop", "menu-record", Role.MODERATOR),
    "pause-recording": Action("Pause the recording, or go on", "menu-pause-recording", Role.MODERATOR),
    "dial": Action("Call a number into the room", "menu-dial", Role.MODERATOR, Takes.MAY_URI, After.NUMBER),
    "play": Action("Play a sound to all", "", Role.MODERATOR, Takes.SOUND),
    "extend": Action("Let the room go on for longer", "menu-extend", Role.MODERATOR, Takes.MINUTES),
    "end": Action("End the conference for all", "menu-end", Role.MODERATOR, after=After.YES),
}  # fmt: skip

PARTICIPANT: Mapping[str, str] = {
    "1": "mute",
    "0": "mute",
    "2": "count",
    "3": "roll-call",
    "4": "hear-softer",
    "5": "hand",
    "6": "hear-louder",
    "7": "speak-softer",
    "9": "speak-louder",
    "#0": "reset-loudness",
    "8": "leave",
    "*": "help",
    "*1": "mute",
    "*4": "hear-softer",
    "*6": "hear-louder",
    "*7": "speak-softer",
    "*9": "speak-louder",
    "*8": "leave",
}
"""The usual menu: 1, 4, 6, 7, 8, 9 and the same with a star as in ConfBridge; 0, 4 and 6 as in FreeSWITCH."""
MODERATOR: Mapping[str, str] = {
    **PARTICIPANT,
    "*2": "lock",
    "*3": "kick-last",
    "*5": "mute-all",
    "**1": "record",
    "**2": "pause-recording",
    "**3": "dial",
    "**4": "admit",
    "**5": "lecture",
    "**6": "floor",
    "**7": "roll-call-for-all",
    "**8": "extend",
    "**9": "end",
    "**0": "broadcast",
}
"""Besides *2 and *3 as in ConfBridge."""
USUAL: Mapping[str, Mapping[str, str]] = {"participant": PARTICIPANT, "moderator": MODERATOR}


@dataclass(frozen=True, slots=True)
class Step:
    """One action of a key."""

    name: str
    argument: str = ""

    @property
    def action(self) -> Action:
        return ACTIONS[self.name]

    @property
    def after(self) -> After:
        """An action that has been given what it takes asks for nothing more."""
        return After.NOTHING if self.argument and self.action.after is After.NUMBER else self.action.after


Menu = Mapping[str, tuple[Step, ...]]


def menu_for(said: Menus | None, role: Role) -> Menu:
    """Of who has this role, by a rule that has been checked."""
    return _menu(said or {}, "moderator" if role >= Role.MODERATOR else "participant")


def check(said: Menus) -> None:
    """Raises Invalid for menus that cannot be."""
    for name in said:
        if name not in MENU_OF:
            raise Invalid(f"menu: there are menus for {' and '.join(MENU_OF)}, not for {name[:64]}")
    for name in MENU_OF:
        _check_ways(name, _menu(said, name))


def _menu(said: Menus, name: str) -> Menu:
    menu: dict[str, tuple[Step, ...]] = {key: (Step(action),) for key, action in USUAL[name].items()}
    for key, actions in said.get(name, {}).items():
        if not _KEY.match(key):
            raise Invalid(f"menu.{name}: {key[:64]!r} is no key: 1 to {MOST_PRESSES} of 0 to 9, *, #, A to D")
        menu[key] = _steps(f"menu.{name}.{key}", [actions] if isinstance(actions, str) else actions, MENU_OF[name])
    bound = {key: steps for key, steps in menu.items() if steps}
    if len(bound) > MOST_KEYS:
        raise Invalid(f"menu.{name}: {MOST_KEYS} keys are the most, not {len(bound)}")
    return bound


def _steps(where: str, actions: list[str], role: Role) -> tuple[Step, ...]:
    if len(actions) > MOST_ACTIONS:
        raise Invalid(f"{where}: {MOST_ACTIONS} actions are the most, not {len(actions)}")
    steps = tuple(_step(where, text, role) for text in actions)
    if len(steps) > 1 and any(step.after is not After.NOTHING for step in steps):
        asks = next(step.name for step in steps if step.after is not After.NOTHING)
        raise Invalid(f"{where}: {asks} waits for more to be pressed: no other action may stand beside it")
    return steps


def _step(where: str, text: str, role: Role) -> Step:
    name, _, argument = text.strip().partition(" ")
    argument = argument.strip()
    action = ACTIONS.get(name)
    if action is None:
        alike = difflib.get_close_matches(name, ACTIONS, n=1)
        known = f"did you mean {alike[0]}?" if alike else f"there are: {', '.join(sorted(ACTIONS))}"
        raise Invalid(f"{where}: there is no action {name[:64]!r}; {known}")
    if action.role > role:
        raise Invalid(f"{where}: {name} is for a {action.role.name.lower()}, not for a {role.name.lower()}")
    _check_argument(where, name, argument, action.takes)
    return Step(name, argument)


def _check_argument(where: str, name: str, argument: str, takes: Takes) -> None:
    if len(argument) > MOST_ARGUMENT or not (argument.isprintable() or not argument):
        raise Invalid(f"{where}: what stands behind {name} is no text of up to {MOST_ARGUMENT} characters")
    if takes is Takes.NOTHING and argument:
        raise Invalid(f"{where}: {name} takes nothing, not {argument[:64]!r}")
    if takes is Takes.SOUND and not argument:
        raise Invalid(f"{where}: {name} takes a sound, such as prompt:welcome")
    if (
        takes is Takes.MINUTES
        and argument
        and not (re.fullmatch(r"[0-9]{1,3}", argument) and 1 <= int(argument) <= 480)
    ):
        raise Invalid(f"{where}: {name} takes a number of minutes, 1 to 480, not {argument[:64]!r}")
    if takes is Takes.DB and argument and not re.fullmatch(r"[0-9]{1,2}(\.[0-9])?", argument):
        raise Invalid(f"{where}: {name} takes a number of dB such as 3, not {argument[:64]!r}")


def _check_ways(name: str, menu: Menu) -> None:
    """A key that acts at once leaves no time to press the rest of a longer one."""
    for key in menu:
        for length in range(1, len(key)):
            beginning = key[:length]
            if beginning in menu and beginning.strip("*"):
                raise Invalid(
                    f"menu.{name}: {key} can never be reached, because {beginning}, its beginning, acts at once; "
                    f"{beginning} = [] takes that away"
                )


def waits_for_more(menu: Menu, typed: str) -> bool:
    """Whether there are keys that begin so and are longer."""
    return any(len(key) > len(typed) and key.startswith(typed) for key in menu)
