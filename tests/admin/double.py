"""A server to administer: real rooms behind a Door whose commits the test may hold back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from confserver.routing.commands import AddBan, LiftBan
from confserver.routing.commands import Command as Order
from rooms.commands import Arrive, Command, CreateRoom, Reserve
from rooms.errors import NotFound
from rooms.events import PlaceReserved
from rooms.manager import Rooms
from rooms.participant import SYSTEM, Actor
from rooms.records.audit import Attempt

NOW = 1_700_000_000.0


class HouseDoor:
    """Rooms without calls. ``held`` collects commits while ``hold`` is set; ``fault`` is raised by every command."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.house = Rooms(lambda: f"p{next(numbers)}")
        self.asked: list[tuple[Command, Actor]] = []
        self.orders: list[Order] = []
        self.refused: list[tuple[Attempt, Actor, str, str]] = []
        self.hold = False
        self.trouble = ""
        self.held: list[Deferred[None]] = []
        self.fault: Exception | None = None
        self.table = "v1"
        """The version of the route table."""
        self.directory = Path("/nonexistent")
        """Of recordings."""

    def submit(self, command: Command, by: Actor) -> Deferred[None]:
        self.asked.append((command, by))
        done: Deferred[None] = Deferred()
        try:
            if self.fault is not None:
                raise self.fault
            self.house.handle(command, by, NOW)
        except Exception as error:
            done.errback(error)
            return done
        if self.hold:
            self.held.append(done)
        else:
            done.callback(None)
        return done

    def rooms(self) -> list[dict[str, Any]]:
        return self.house.list(NOW)

    def room(self, name: str) -> dict[str, Any]:
        return self.house.describe(name, NOW)

    def order(self, order: Order, by: Actor) -> Deferred[tuple[Mapping[str, object] | None, bool]]:
        if order == LiftBan("192.0.2.66"):
            return fail(NotFound("192.0.2.66 is not banned"))
        self.orders.append(order)
        told = {"network": getattr(order, "network", ""), "until": None} if isinstance(order, AddBan) else None
        return succeed((told, isinstance(order, AddBan)))

    def version(self, order: Order) -> str | None:
        return self.table

    def turned_away(self, asked: Attempt, by: Actor, reason: str, kind: str = "forbidden") -> None:
        self.refused.append((asked, by, reason, kind))

    def answer(self, question: str, names: Mapping[str, str]) -> object:
        return [{"network": "192.0.2.7", "since": NOW, "until": None, "by": "server", "reason": question}]

    def recordings(self) -> list[dict[str, Any]]:
        return [
            {
                "room": "standup", "name": "standup-20261122-101500", "state": "kept", "reason": "", "started_at": NOW,
                "seconds": 75.0, "files": ["standup-20261122-101500.flac", "standup-20261122-101500-p1-Anna.flac"],
                "bytes": 1200, "until": None,
            }
        ]  # fmt: skip

    def recording_file(self, name: str) -> Path:
        return self.directory / name

    def not_ready(self) -> str:
        return self.trouble

    def status(self) -> Mapping[str, object]:
        return {"version": "test", "rooms": len(self.house), "workers": [{"pid": 7, "load": 0.1}]}

    # -------------------------------------------------------------- the play
    def make(self, room: str) -> None:
        self.house.handle(CreateRoom(room), SYSTEM, NOW)

    def arrive(self, room: str, name: str) -> str:
        events = self.house.handle(Reserve(room, name, f"sip:{name}@example.com", "192.0.2.1:5060"), SYSTEM, NOW)
        [who] = [event.participant for event in events if isinstance(event, PlaceReserved)]
        self.house.handle(Arrive(room, who), SYSTEM, NOW)
        return who
