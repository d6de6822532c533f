"""Emptying the server: new calls are turned away, those present stay, and when the last has gone it may end."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import structlog

from confserver.app.orders import Done, Orders
from confserver.config.limits import Limits
from confserver.focus.draining import Draining
from confserver.focus.scene import Scene
from confserver.routing.commands import Drain, Undrain
from confserver.routing.refusals import Conflict, Invalid
from rooms.events import Event, ServerDraining, ServerOpen

log = structlog.get_logger("server")
LOOK_S = 0.5
MOST_S = 7 * 86_400.0


class Drainage:
    """``count``: the calls that are left; ``end`` ends the server. ``look`` is called every LOOK_S."""

    def __init__(self, limits: Limits, count: Callable[[], int], end: Callable[[], None], orders: Orders) -> None:
        self._limits = limits
        self._count = count
        self._end = end
        self._scene: Scene | None = None
        self._since: float | None = None
        self._until: float | None = None
        self._stops = False
        self._told = -1
        self.tell: Callable[[Event], object] = lambda event: None
        """Event streams and webhooks."""
        orders.handlers[Drain] = self._begin
        orders.handlers[Undrain] = self._stop
        orders.answers["server show"] = lambda _, now: self.describe()

    def use(self, scene: Scene) -> None:
        self._scene = scene

    @property
    def is_on(self) -> bool:
        return self._since is not None

    def use_limits(self, limits: Limits) -> None:
        self._limits = limits
        if self.is_on and self._scene is not None:
            self._scene.draining = self._answer()

    def _answer(self) -> Draining:
        return Draining(self._limits.drain_retry_s, self._limits.drain_to)

    def _begin(self, order: Drain, now: float) -> Done:
        """Asked again, it changes when and whether the server ends."""
        if order.seconds is not None and not (math.isfinite(order.seconds) and 0 <= order.seconds <= MOST_S):
            raise Invalid(f"seconds must be 0 to {MOST_S:g}")
        if self._scene is None:
            raise Conflict("the server does not stand yet")
        is_new = not self.is_on
        self._scene.draining = self._answer()
        self._since = now if self._since is None else self._since
        self._stops = order.stop or order.seconds is not None
        self._until = None if order.seconds is None else now + order.seconds
        self.tell(ServerDraining("", 0, now, self._stops, self._until))
        if is_new:
            log.warning("draining: new calls are turned away", calls=self._count(), stops=self._stops)
        return Done(self.describe())

    def _stop(self, order: Undrain, now: float) -> Done:
        if not self.is_on:
            raise Conflict("the server is not being emptied")
        if self._scene is not None:
            self._scene.draining = None
        self._since = self._until = None
        self._stops = False
        self.tell(ServerOpen("", 0, now))
        log.warning("no longer draining: new calls are taken")
        return Done(self.describe())

    def look(self, now: float) -> None:
        """Is it empty, or time?"""
        if not self.is_on:
            return
        left = self._count()
        if left != self._told:
            log.info("draining", calls=left)
            self._told = left
        if self._stops and (left == 0 or (self._until is not None and now >= self._until)):
            log.warning("drained: the server ends" if left == 0 else "time is up: the server ends", calls=left)
            self._stops = False
            self._end()

    def describe(self) -> Mapping[str, object]:
        return {
            "draining": self.is_on,
            "since": self._since,
            "until": self._until,
            "stops": self._stops,
            "calls": self._count(),
        }
