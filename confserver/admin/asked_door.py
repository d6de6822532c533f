"""What the interface asks of the server: all that it knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from twisted.internet.defer import Deferred

from confserver.routing.commands import Command as Order
from rooms.commands import Command
from rooms.errors import Forbidden
from rooms.participant import Actor
from rooms.records.audit import Attempt


class Door(Protocol):
    """Its one way in."""

    def submit(self, command: Command, by: Actor) -> Deferred[None]:
        """Carry out a command; fires after its commit, fails with Refused."""

    def order(self, order: Order, by: Actor) -> Deferred[tuple[Mapping[str, object] | None, bool]]:
        """Carry it out; fires after its commit with what there is now, and whether it is new. Fails with Refused."""

    def version(self, order: Order) -> str | None:
        """That of what it changes, where that has one."""

    def turned_away(self, asked: Attempt, by: Actor, reason: str, kind: str = Forbidden.kind) -> None:
        """Somebody has asked for what he may not; nothing has been done."""

    def answer(self, question: str, names: Mapping[str, str]) -> object:
        """At once, or by a Deferred. Raises Refused."""

    def rooms(self) -> Sequence[Mapping[str, object]]: ...

    def room(self, name: str) -> Mapping[str, object]:
        """Raises NotFound (or Invalid, where no room can be called so)."""

    def recordings(self) -> object:
        """At once, or by a Deferred."""

    def recording_file(self, name: str) -> Path:
        """Where a file of a recording lies."""
        ...

    def status(self) -> Mapping[str, object]: ...

    def not_ready(self) -> str:
        """Why no new calls are taken; empty: they are."""
