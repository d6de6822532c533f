"""The languages that rooms may speak: read at the start and at each reload, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import structlog

from confserver.app.orders import Orders
from confserver.app.profiles import ProfileError
from confserver.config import Settings
from confserver.focus.focus import Focus
from confserver.focus.repertoire import Repertoire
from confserver.prompts.catalogue import MUSIC, CatalogueError
from confserver.prompts.sets import Sets, read_sets
from confserver.routing.refusals import NotFound
from rooms.errors import Refused
from rooms.policy import Announce

log = structlog.get_logger("rooms")
USUAL_VOICE = "en"


def sets_of(settings: Settings) -> Sets:
    """Raises CatalogueError."""
    sounds = settings.sounds
    return read_sets(sounds.language, sounds.path(sounds.prompts), sounds.path(sounds.sets))


def repertoire_of(settings: Settings, sets: Sets) -> Repertoire:
    """What can be played."""
    rooms, sounds, usual = settings.rooms, settings.sounds, sets.by_name[sets.usual].catalogue
    voice = sounds.voice or usual.voice or USUAL_VOICE
    return Repertoire(
        directory=sounds.path(sounds.directory),
        prompts=usual,
        music=sounds.path(sounds.music) or MUSIC,
        music_when_alone=rooms.music_when_alone,
        announce=Announce(rooms.announce),
        voice=voice if shutil.which("espeak-ng") else "",
        sets=sets.catalogues,
        usual=sets.usual,
    )


class LanguageKeeper:
    """Joined to the orders when it is made; ``begin`` when the focus stands."""

    def __init__(self, settings: Settings, orders: Orders) -> None:
        self._settings = settings
        self._sets = Sets({})
        self._next = self._sets
        self._focus: Focus
        orders.answers["sound list"] = lambda _, now: self._sets.describe()
        orders.answers["sound show"] = self._show

    def begin(self, focus: Focus) -> None:
        """Raises CatalogueError, and ProfileError where the settings name a language that is not there."""
        self._focus = focus
        self._sets = sets_of(self._settings)
        self._check_profiles(self._settings, self._sets)
        self._warn()

    # ------------------------------------------------------------------ at a reload
    def check(self, settings: Settings, now: float) -> None:
        """Raises ProfileError; nothing has changed then."""
        try:
            self._next = sets_of(settings)
        except CatalogueError as error:
            raise ProfileError(str(error)) from None
        self._check_profiles(settings, self._next)

    def use(self, settings: Settings) -> None:
        """What ``check`` has read."""
        self._sets = self._next
        self._focus.languages.use(repertoire_of(settings, self._sets))
        self._warn()

    def _check_profiles(self, settings: Settings, sets: Sets) -> None:
        known = repertoire_of(settings, sets)
        for name, said in settings.profiles.items():
            try:
                known.check_language(said.get("language"))
            except Refused as refused:
                raise ProfileError(f"profiles.{name}: {refused.reason}") from None
        for name, language in settings.rooms.spoken_at_entrances().items():
            try:
                known.check_language(language)
            except Refused as refused:
                raise ProfileError(f"rooms.entrance_languages: {name}: {refused.reason}") from None

    def _warn(self) -> None:
        for room, language in self._focus.languages.lost():
            log.warning("a room's set of prompts is not there", room=room, set=language, speaks=self._sets.usual)

    # ------------------------------------------------------------------ what administrators ask for
    def _show(self, names: Mapping[str, str], now: float) -> object:
        return told(self._sets, names["language"])


def told(sets: Sets, name: str) -> dict[str, object]:
    """A set with all that it says, and where each of it comes from. Raises NotFound."""
    found = sets.by_name.get(name)
    if found is None:
        raise NotFound(f"there is no set of prompts {name[:64]}; there are: {', '.join(sorted(sets.by_name))}")
    owner = {each.directory: each.name for each in sets.by_name.values()}
    rows = [
        {"prompt": prompt, "text": found.texts.get(prompt, ""), "from": owner[path.parent], "file": path.name}
        for prompt, path in found.catalogue.files.items()
    ]
    return found.describe() | {"usual": name == sets.usual, "prompts": rows}
