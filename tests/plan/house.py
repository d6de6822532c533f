"""Rooms, profiles and routes as a server has them, asked as by HTTP: the server's own code, without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from confserver.admin.endpoints import Problem, command_of, find
from confserver.app.orders import Orders
from confserver.app.profiling import Profiling
from confserver.app.route_table import table_of
from confserver.app.routes import Routes
from confserver.config import load
from confserver.focus.languages import Languages
from confserver.focus.repertoire import SILENT
from confserver.plan import doing
from confserver.plan.present import Refusal
from confserver.routing.commands import Command as Order
from confserver.routing.domains import Domains
from confserver.routing.guard import Guard
from confserver.routing.router import Router
from confserver.routing.trunks import Trunk
from rooms.errors import Refused
from rooms.manager import Rooms
from rooms.participant import Actor, Role

NOW = 1_764_000_000.0
ADMIN = Actor("admin", Role.ADMIN)
SETTINGS = """
[[trunks]]
name = "carrier"
hosts = ["192.0.2.40"]
[[trunks]]
name = "other"
hosts = ["192.0.2.41"]
[[groups]]
name = "staff"
members = ["alice"]
[[routes]]
name = "night"
to = "reject"
user = ["bob"]
"""


class _Focus:
    def __init__(self, rooms: Rooms) -> None:
        self.use_profiles, self.rooms = rooms.use_profiles, rooms
        self.languages = Languages(self, SILENT)  # type: ignore[arg-type]


class House:
    """``ask`` is what plan and apply speak to; ``asked`` are the changes that came."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "plan.toml"
        settings_file = folder / "settings"
        settings_file.write_text(SETTINGS)
        settings = load(settings_file)
        self.rooms, self.orders = Rooms(lambda: "p1"), Orders()
        Profiling(settings, self.orders).begin(self.rooms, _Focus(self.rooms), lambda _: None)  # type: ignore[arg-type]
        self.routes = Routes(Router(None, Guard(), table_of(settings)), lambda: (), Domains([]))  # type: ignore[arg-type]
        self.routes.join(self.orders)
        self.routes.use([Trunk(each.name, (), "x") for each in settings.trunks])
        self.orders.answers |= {"user list": lambda *_: [], "ban list": lambda *_: []}
        self.asked: list[tuple[str, str]] = []

    def ask(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        try:
            return json.loads(json.dumps(self._answer(method, path, body), default=list))
        except Refused as refused:
            raise Refusal(refused.reason) from None
        except Problem as problem:
            raise Refusal(problem.detail) from None

    def _answer(self, method: str, path: str, body: Mapping[str, object]) -> object:
        found = find(method, path)
        if found.route.command is not None:
            command = command_of(found, "application/json", json.dumps(dict(body)).encode())
            self.asked.append((method, path))
            if isinstance(command, Order):
                return self.orders.carry_out(command, NOW).told
            self.rooms.handle(command, ADMIN, NOW)
            return None
        if found.route.query == "rooms":
            return self.rooms.list(NOW)
        if found.route.query == "room":
            return self.rooms.describe(found.names["room"], NOW)
        return self.orders.answer(found.route.query, found.names, NOW)

    # -------------------------------------------------------------- the play
    def write(self, text: str) -> Path:
        self.file.write_text(text)
        return self.file

    def plan(self, text: str, *, prune: bool = False) -> int:
        return doing.run_plan(self.ask, False, self.write(text), prune, False)

    def apply(self, text: str, *, prune: bool = False) -> int:
        return doing.run_apply(self.ask, False, self.write(text), prune, True)

    def export(self) -> None:
        doing.run_plan(self.ask, False, None, False, True)

    def names(self) -> list[str]:
        return [row["name"] for row in self.ask("GET", "/route-table", {})["routes"]]
