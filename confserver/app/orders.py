"""Carries out what is asked of the server's ways (``routing.commands``), and answers what is asked about them.

An order changes memory at once and is answered when the store has it. Each part that can be asked for something adds
its rows to ``Orders``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlite_utils import Database
from twisted.internet.defer import Deferred

from confserver.routing import refusals
from confserver.routing.commands import Command
from rooms import errors

T = TypeVar("T")
Told = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Done:
    """What an order has come to: what there is now (None: it is gone), and what the store has to do."""

    told: Told | None
    job: Callable[[Database], object] | None = None
    is_new: bool = False
    later: Deferred[Told] | None = None
    """Where what there is to tell takes time; never fails."""
    wait: Deferred[Any] | None = None
    """What must be done besides, and may fail with a Refused."""


@dataclass(slots=True)
class Orders:
    """Who does what. A handler raises routing's Refused."""

    handlers: dict[type[Command], Callable[[Any, float], Done]] = field(default_factory=dict)
    signed: dict[type[Command], Callable[[Any, str, float], Done]] = field(default_factory=dict)
    """Those that must know who asks."""
    answers: dict[str, Callable[[Mapping[str, str], float], object]] = field(default_factory=dict)
    """By the name of the question."""

    versions: dict[type[Command], Callable[[], str]] = field(default_factory=dict)
    """Of what they change."""

    def version(self, command: Command) -> str | None:
        ask = self.versions.get(type(command))
        return ask() if ask is not None else None

    def carry_out(self, command: Command, now: float, by: str = "") -> Done:
        """Raises rooms.errors.Refused."""
        kind = type(command)
        if kind in self.signed:
            return in_rooms_words(lambda: self.signed[kind](command, by, now))
        return in_rooms_words(lambda: self.handlers[kind](command, now))

    def answer(self, question: str, names: Mapping[str, str], now: float) -> object:
        """Raises rooms.errors.Refused."""
        return in_rooms_words(lambda: self.answers[question](names, now))


_KINDS: dict[type[refusals.Refused], type[errors.Refused]] = {
    refusals.NotFound: errors.NotFound,
    refusals.Invalid: errors.Invalid,
    refusals.Conflict: errors.Conflict,
}


def in_rooms_words(ask: Callable[[], T]) -> T:
    """Routing's refusals as those that every face knows."""
    try:
        return ask()
    except refusals.Refused as refused:
        raise _KINDS.get(type(refused), errors.Conflict)(refused.reason) from None
