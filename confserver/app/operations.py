"""What keeps a server in operation: settings read again, profiles of rooms, emptying before an end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.task import LoopingCall

from confserver.app import space
from confserver.app.draining import LOOK_S, Drainage
from confserver.app.languages import LanguageKeeper
from confserver.app.orders import Orders
from confserver.app.profiling import Profiling, together
from confserver.app.reloading import Reloading
from confserver.app.space import Space
from confserver.app.surroundings import forward_terms_of, media_terms_of
from confserver.app.watch import Watch, unfailing
from confserver.config import Settings
from confserver.focus.draining import WORDS
from confserver.focus.focus import Focus
from confserver.focus.outputs import Output
from confserver.focus.scene import Scene
from confserver.log import set_up
from confserver.storage import Storage
from rooms.manager import Rooms
from rooms.profiles import Profile


class Operations:
    """Joined to the orders when it is made; ``begin`` when the layers stand."""

    def __init__(
        self, settings: Settings, reread: Callable[[], Settings] | None, orders: Orders, now: Callable[[], float],
        calls: Callable[[], int], end: Callable[[], None], storage: Storage,
    ) -> None:  # fmt: skip
        """``calls``: how many are left; ``end`` ends the server."""
        self._settings = settings
        self._now = now
        self.profiling = Profiling(settings, orders)
        self.reloading = Reloading(settings, reread, orders)
        state = settings.state
        self.space = Space(state.path(), settings.recordings_path(), state.reserve_mb, storage, now)
        self.drainage = Drainage(settings.limits, calls, end, orders)
        self.languages = LanguageKeeper(settings, orders)
        self.reloading.first += [self.languages.check, self.profiling.use]
        self.reloading.then.append(self._use_log)
        self.reloading.then.append(lambda new: self.drainage.use_limits(new.limits))

    def profiles(self, made: Sequence[Profile]) -> list[Profile]:
        """Raises ProfileError."""
        return together(self._settings, made)

    def begin(self, rooms: Rooms, focus: Focus, scene: Scene, perform: Callable[[Sequence[Output]], Any]) -> None:
        """Raises CatalogueError, ProfileError."""
        self.profiling.begin(rooms, focus, perform)
        self.languages.begin(focus)
        self.reloading.then.append(self.languages.use)
        self.drainage.use(scene)
        self.space.begin(rooms, focus, perform)
        self.reloading.then.append(lambda new: scene.use_terms(media_terms_of(new), forward_terms_of(new)))

    def follow(self, watch: Watch) -> None:
        self.reloading.then.append(lambda new: watch.use_limits(new.limits))

    def _use_log(self, new: Settings) -> None:
        old, self._settings = self._settings, new
        if new.log != old.log:
            set_up(new.log.level, new.log.format, new.log.path())

    def not_ready(self, workers: int, stands: bool, trouble: str = "") -> str:
        """Why new calls had better go elsewhere. ``trouble``: why the store keeps nothing."""
        if self.drainage.is_on:
            return WORDS
        if not stands:
            return "the server is starting"
        return trouble if workers else "no media worker is ready"

    def chores(self) -> list[tuple[LoopingCall, float]]:
        return [
            (LoopingCall(unfailing(lambda: self.drainage.look(self._now()))), LOOK_S),
            (LoopingCall(unfailing(self.space.look)), space.LOOK_S),
        ]

    def reload(self) -> None:
        """At a SIGHUP."""
        self.reloading.try_reload(self._now())
