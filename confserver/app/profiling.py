"""Profiles of rooms that administrators make while the server runs, beside those of the settings file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from confserver.app.orders import Done, Orders
from confserver.app.profiles import profiles_of, rules_of
from confserver.config import Settings
from confserver.focus.focus import Focus
from confserver.focus.outputs import Output
from confserver.routing.commands import PutProfile, RemoveProfile
from rooms.errors import Conflict, Invalid, NotFound, Refused
from rooms.manager import Rooms
from rooms.policy import room_name
from rooms.profile_store import drop_profile, keep_profile
from rooms.profiles import Profile, Profiles, plain

log = structlog.get_logger("rooms")
MOST_PROFILES = 500
SETTINGS, MADE = "settings", "made"
"""Where a profile comes from."""


def together(settings: Settings, made: Sequence[Profile]) -> list[Profile]:
    """All profiles at a start; one that cannot be any more, or that the settings now have, is left out and told.

    Raises ProfileError for those of the settings.
    """
    kept = profiles_of(settings)
    waiting = [each for each in made if each.name not in settings.profiles]
    for each in (each for each in made if each.name in settings.profiles):
        log.warning("a profile is now that of the settings", profile=each.name)
    while waiting:
        good = [each for each in waiting if not _why_not(settings, [*kept, each])]
        if not good:
            break
        kept.append(good[0])
        waiting.remove(good[0])
    for each in waiting:
        log.error("a profile cannot be", profile=each.name, why=_why_not(settings, [*kept, each]))
    return kept


def _why_not(settings: Settings, profiles: Sequence[Profile]) -> str:
    try:
        Profiles(rules_of(settings), profiles)
    except Refused as refused:
        return refused.reason
    return ""


class Profiling:
    """Carries out what is asked of profiles. ``perform`` does what the focus wants."""

    def __init__(self, settings: Settings, orders: Orders) -> None:
        self._settings = settings
        self._rooms: Rooms
        self._focus: Focus
        self._perform: Callable[[Sequence[Output]], object]
        orders.handlers[PutProfile] = self._put
        orders.handlers[RemoveProfile] = self._remove
        orders.answers["profile list"] = lambda _, now: [self._told(each) for each in self._rooms.profiles]
        orders.answers["profile show"] = self._show
        orders.answers["rule list"] = lambda _, now: [
            {"room": room.name, "profile": room.profile, "rules": plain(room.said)}
            for room in self._rooms
            if room.persistent
        ]

    def begin(self, rooms: Rooms, focus: Focus, perform: Callable[[Sequence[Output]], object]) -> None:
        self._rooms, self._focus, self._perform = rooms, focus, perform

    def use(self, settings: Settings, now: float) -> None:
        """Those of other settings, and their rules. Raises Refused or ProfileError; nothing has changed then."""
        profiles = [*profiles_of(settings), *(each for each in self._made() if each.name not in settings.profiles)]
        self._change(settings, profiles, now)
        self._settings = settings

    def _change(self, settings: Settings, profiles: Sequence[Profile], now: float) -> None:
        self._perform(self._focus.use_profiles(rules_of(settings), profiles, now))

    def _made(self) -> list[Profile]:
        return [each for each in self._rooms.profiles if each.name not in self._settings.profiles]

    # ------------------------------------------------------------------ what administrators ask for
    def _put(self, order: PutProfile, now: float) -> Done:
        name = self._writable(order.profile)
        self._focus.languages.check(order.rules)
        is_new = name not in self._rooms.profiles
        if is_new and len(list(self._rooms.profiles)) >= MOST_PROFILES:
            raise Conflict(f"there are {MOST_PROFILES} profiles, and no more can be made")
        profile = Profile(name, plain(order.rules), order.extends)
        others = [each for each in self._rooms.profiles if each.name != name]
        self._change(self._settings, [*others, profile], now)
        log.info("profile made" if is_new else "profile changed", profile=name)
        return Done(self._told(profile), lambda db: keep_profile(db, profile), is_new)

    def _remove(self, order: RemoveProfile, now: float) -> Done:
        name = self._writable(order.profile)
        self._find(name)
        if users := self._users(name):
            raise Conflict(f"{', '.join(users[:10])} {'has' if len(users) == 1 else 'have'} the profile {name}")
        self._change(self._settings, [each for each in self._rooms.profiles if each.name != name], now)
        log.info("profile removed", profile=name)
        return Done(None, lambda db: drop_profile(db, name))

    def _writable(self, text: str) -> str:
        """Profiles are called as rooms are. Raises Invalid or Conflict."""
        if text in self._settings.profiles:
            raise Conflict(f"the profile {text} is one of the settings file: change it there, then reload")
        try:
            name = room_name(text)
        except Invalid as refused:
            raise Invalid(refused.reason.replace("no room", "no profile")) from None
        if name != text:
            raise Invalid(f"a profile's name is written in small letters: {name}")
        return name

    def _find(self, name: str) -> Profile:
        for each in self._rooms.profiles:
            if each.name == name:
                return Profile(each.name, each.said, each.extends)
        raise NotFound(f"there is no profile {name[:64]}")

    def _users(self, name: str) -> list[str]:
        """Who depends on a profile: rooms, other profiles, and rooms made on demand."""
        rooms = [f"room {room.name}" for room in self._rooms if room.profile == name]
        others = [f"profile {each.name}" for each in self._rooms.profiles if each.extends == name]
        demanded = ["rooms.profile (rooms made on demand)"] if self._settings.rooms.profile == name else []
        return [*demanded, *others, *rooms]

    def _told(self, profile: Profile) -> dict[str, object]:
        source = SETTINGS if profile.name in self._settings.profiles else MADE
        return {
            "profile": profile.name, "extends": profile.extends, "rules": plain(profile.said), "source": source,
        }  # fmt: skip

    def _show(self, names: Mapping[str, str], now: float) -> object:
        profile = self._find(names["profile"])
        return self._told(profile) | {"used_by": self._users(profile.name)}
