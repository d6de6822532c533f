"""Rows of the route table that administrators make while the server runs: in force at once, whole or not, kept."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from sqlite_utils import Database

from confserver.app.made_routes import kept_table
from confserver.app.orders import Orders
from confserver.app.route_table import table_of
from confserver.app.routes import Routes
from confserver.config import load
from confserver.config.route_rows import MOST_GROUPS, MOST_ROUTES, MOST_TARGETS, MOST_VALUES
from confserver.config.routes import Group, Route
from confserver.routing import store
from confserver.routing.commands import (
    AddGroup,
    AddRoute,
    ChangeGroup,
    ChangeRoute,
    Command,
    ExplainRoute,
    PlaceRoute,
    RemoveGroup,
    RemoveRoute,
    SetRoutes,
)  # fmt: skip
from confserver.routing.commands.routes import RouteTo
from confserver.routing.domains import Domains
from confserver.routing.guard import Guard
from confserver.routing.router import Router
from confserver.routing.store import StoreError
from confserver.routing.trunks import Trunk
from rooms import errors
from rooms.participant import Actor, Role
from rooms.records.audit import Entry

NOW = 1_000_000.0
SETTINGS = """
[[groups]]
name = "staff"
members = ["alice"]

[[routes]]
name = "night"
user = ["bob"]
to = "reject"
"""
REJECT = RouteTo.REJECT


class Nobody:
    def find(self, uri: object, now: float) -> None:
        return None


class House:
    """A server's routes and their store; ``start`` is another run with the settings as they are then."""

    def __init__(self, tmp_path: Path) -> None:
        self.file = tmp_path / "c.toml"
        self.db = Database(memory=True)
        store.migrate(self.db)
        self.start()

    def start(self, text: str = SETTINGS, trunks: tuple[str, ...] = ("carrier",)) -> None:
        self.orders = Orders()
        self.routes = Routes(Router(Nobody(), Guard(), table_of(self.read(text))), lambda: (), Domains([]))
        self.routes.join(self.orders)
        self.routes.use([Trunk(name, (), "x") for name in trunks])
        self.routes.restore(kept_table(self.db))

    def read(self, text: str) -> Any:
        self.file.write_text(text)
        return load(self.file)

    def do(self, command: Command) -> Any:
        done = self.orders.carry_out(command, NOW)
        if done.job is not None:
            with self.db.atomic():
                done.job(self.db)
        return done.told

    def names(self) -> list[str]:
        return [str(row["name"]) for row in self.orders.answer("route list", {}, NOW)]  # type: ignore[attr-defined]

    def table(self) -> Any:
        return self.orders.answer("route table", {}, NOW)

    def explain(self, uri: str, caller: str = "") -> list[str]:
        return self.do(ExplainRoute(uri, caller=caller))["reasons"][1:]  # type: ignore[no-any-return]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# ------------------------------------------------------------------ one by one
def test_a_row_holds_at_once_and_goes_before_the_settings(house: House) -> None:
    told = house.do(AddRoute("boss", user=("bob",), to=RouteTo.ROOM, target=("board",)))
    assert told == {
        "number": 1, "source": "made", "name": "boss", "when": "user bob", "then": "room board", "off": "",
        "version": house.table()["version"],
    }  # fmt: skip
    assert house.explain("bob") == ["row 1 (boss, made) matches: room board", "it is for the room board"]
    house.do(RemoveRoute("boss"))
    assert house.explain("bob")[0] == "row 1 (night, settings) matches: reject 403"


def test_places_say_the_order(house: House) -> None:
    for name in "abc":
        house.do(AddRoute(name))
    house.do(AddRoute("first", before="a"))
    assert house.names() == ["first", "a", "b", "c", "night"]
    house.do(PlaceRoute("first", before="c"))
    house.do(PlaceRoute("a"))
    assert house.names() == ["b", "first", "c", "a", "night"]
    told = house.orders.answer("route list", {}, NOW)
    assert [(row["number"], row["source"]) for row in told][-2:] == [(4, "made"), (5, "settings")]  # type: ignore[attr-defined]


def test_what_is_said_is_changed_and_the_rest_stays(house: House) -> None:
    house.do(AddRoute("a", user=("x", ""), hours="08:00-18:00", request=("INVITE",), to=REJECT, status=480))
    house.do(AddRoute("b"))
    house.do(ChangeRoute("a", user=("y",), clear=("hours", "request")))
    assert house.table()["routes"][0] == {"name": "a", "user": ["y"], "to": "reject", "status": 480}
    house.do(ChangeRoute("a", to=RouteTo.ROOM, clear=("status",)))
    assert house.names() == ["a", "b", "night"] and house.explain("y")[0].endswith("room {user}")


def test_groups(house: House) -> None:
    house.do(AddGroup("sales", ("carol", "d*")))
    house.do(AddRoute("for sales", group=("sales", "staff"), target=("desk",)))
    assert "matches" in house.explain("x", "dave")[0] and "matches" in house.explain("x", "alice")[0]
    assert "does not" in house.explain("x", "eve")[0]
    house.do(ChangeGroup("sales", ("eve",)))
    assert "matches" in house.explain("x", "eve")[0] and "does not" in house.explain("x", "dave")[0]
    assert house.orders.answer("group list", {}, NOW) == [
        {"group": "sales", "members": ["eve"], "source": "made", "off": ""},
        {"group": "staff", "members": ["alice"], "source": "settings", "off": ""},
    ]
    with pytest.raises(errors.Conflict, match="the row 'for sales' names the group sales"):
        house.do(RemoveGroup("sales"))
    house.do(RemoveRoute("for sales"))
    house.do(RemoveGroup("sales"))
    assert house.table()["groups"] == []


@pytest.mark.parametrize(
    ("command", "kind", "words"),
    [
        (AddRoute("a"), errors.Conflict, "there is a row 'a' already"),
        (AddRoute("b", before="z"), errors.NotFound, "no row 'z' among those that were made"),
        (AddRoute("b", before="night"), errors.NotFound, "no row 'night' among"),
        (AddRoute("b\n"), errors.Invalid, "name: .* is none"),
        (AddRoute(" b"), errors.Invalid, "name: .* is none"),
        (AddRoute("b" * 65), errors.Invalid, "name: .* is none"),
        (AddRoute("b", user=("x y",)), errors.Invalid, r"row 2 \(b\): user: 'x y' is no pattern"),
        (AddRoute("b", request=("invite",)), errors.Invalid, "method: 'invite' is no method"),
        (AddRoute("b", request=("REGISTER",)), errors.Invalid, "is never routed"),
        (AddRoute("b", source=("192.0.2.1/8",)), errors.Invalid, "source: '192.0.2.1/8' is not a network"),
        (AddRoute("b", days=("today",)), errors.Invalid, "days: invalid enum value"),
        (AddRoute("b", hours="8-9"), errors.Invalid, "hours: '8-9' is not a time of day"),
        (AddRoute("b", strip=65), errors.Invalid, "strip: "),
        (AddRoute("b", to=RouteTo.TRUNK), errors.Invalid, "to = 'trunk' wants a target"),
        (AddRoute("b", to=RouteTo.TRUNK, target=("other",)), errors.Invalid, "no .*trunks.* called 'other'"),
        (AddRoute("b", group=("nobody",)), errors.Invalid, "no .*groups.* called 'nobody'"),
        (AddRoute("b", to=RouteTo.ADDRESS, target=("bob",)), errors.Invalid, "is not an address"),
        (AddRoute("b", to=RouteTo.ADDRESS, target=("sip:x@y",) * (MOST_TARGETS + 1)), errors.Invalid, "more than"),
        (AddRoute("b", user=("x",) * (MOST_VALUES + 1)), errors.Invalid, "patterns and names are in them"),
        (AddRoute("b", status=486), errors.Invalid, "status: to = 'room' takes none"),
        (ChangeRoute("z"), errors.NotFound, "no row 'z'"),
        (ChangeRoute("night", user=("x",)), errors.NotFound, "no row 'night' among those that were made"),
        (ChangeRoute("a", clear=("name",)), errors.Invalid, "no member 'name'"),
        (ChangeRoute("a", clear=("wings",)), errors.Invalid, "no member 'wings'"),
        (ChangeRoute("a", to=REJECT, target=("x",)), errors.Invalid, "a refusal has no target"),
        (PlaceRoute("z"), errors.NotFound, "no row 'z'"),
        (PlaceRoute("a", before="a"), errors.Invalid, "before itself"),
        (RemoveRoute("night"), errors.NotFound, "no row 'night'"),
        (AddGroup("staff"), errors.Conflict, "staff is in the settings; it is changed there"),
        (AddGroup("sales"), errors.Conflict, "there is a group sales already"),
        (AddGroup("a b"), errors.Invalid, "'a b' is no name"),
        (AddGroup("b", ("x y",)), errors.Invalid, "members: 'x y' is no pattern"),
        (ChangeGroup("staff", ()), errors.Conflict, "in the settings"),
        (ChangeGroup("z", ()), errors.NotFound, "no group 'z'"),
        (RemoveGroup("staff"), errors.Conflict, "in the settings"),
        (SetRoutes(({"name": "x", "usr": []},)), errors.Invalid, r"row 1 \(x\): usr: is not known; did you mean user"),
        (SetRoutes(({"name": "x"}, {"name": "x"})), errors.Invalid, r"row 2 \(x\): there is another of this name"),
        (SetRoutes(({"user": ["x"]},)), errors.Invalid, "row 1: name: '' is none"),
        (SetRoutes(({"name": "x", "user": "y"},)), errors.Invalid, r"row 1 \(x\): user: expected array, got str"),
        (SetRoutes(({"name": 7},)), errors.Invalid, "row 1: name: expected str, got int"),
        (SetRoutes(({"name": "x", "to": "moon"},)), errors.Invalid, "to: invalid enum value"),
        (SetRoutes(groups=({"name": "staff"},)), errors.Invalid, "group staff: is in the settings"),
        (SetRoutes(groups=({"name": "g"}, {"name": "g"})), errors.Invalid, "another of this name"),
        (SetRoutes((), version="0" * 16), errors.Conflict, "the route table has changed since: it is at "),
        (SetRoutes(tuple({"name": f"r{n}"} for n in range(MOST_ROUTES + 1))), errors.Invalid, "1000 are the most"),
        (SetRoutes(groups=tuple({"name": f"g{n}"} for n in range(MOST_GROUPS + 1))), errors.Invalid, "200 are the"),
    ],
)  # fmt: skip
def test_what_cannot_be_changes_nothing(house: House, command: Command, kind: type[Exception], words: str) -> None:
    house.do(AddRoute("a", user=("x",)))
    house.do(AddGroup("sales", ("carol",)))
    before = house.table(), house.names()
    with pytest.raises(kind, match=words):
        house.do(command)
    assert (house.table(), house.names()) == before


# ------------------------------------------------------------------ all at once
def test_a_whole_table_is_set(house: House) -> None:
    house.do(AddRoute("old"))
    told = house.do(
        SetRoutes(
            ({"name": "two", "group": ["g"]}, {"name": "one", "to": "trunk", "target": ["carrier"]}),
            ({"name": "g", "members": ["a"]},),
            house.table()["version"],
        )
    )
    assert told == house.table() and house.names() == ["two", "one", "night"]
    assert told["trunks"] == ["carrier"] and told["groups_of_settings"] == ["staff"]
    house.do(SetRoutes(()))
    assert house.names() == ["night"] and house.table()["groups"], "of groups nothing was said"
    assert house.do(SetRoutes()) == house.table(), "nothing said, nothing changed"


def test_each_change_has_its_version_and_the_same_table_the_same(house: House) -> None:
    first = house.table()["version"]
    second = house.do(AddRoute("a"))["version"]
    assert second == house.orders.version(AddRoute("b")) == house.table()["version"] != first
    house.do(RemoveRoute("a"))
    assert house.table()["version"] == first


# ------------------------------------------------------------------ over time
def test_rows_survive_a_restart(house: House) -> None:
    house.do(AddGroup("sales", ("carol",)))
    for name in "cab":
        house.do(AddRoute(name, group=("sales",), days=("sat", "sun"), to=REJECT, reason='"quoted"'))
    before = house.table()
    house.start()
    assert house.table() == before and house.names() == ["c", "a", "b", "night"]


def test_a_row_whose_trunk_has_gone_is_off_until_it_is_back(house: House) -> None:
    house.do(AddRoute("out", user=("_0*",), to=RouteTo.TRUNK, target=("carrier",)))
    house.start(trunks=())
    why = "there is no [[trunks]] called 'carrier'"
    [row, _] = house.orders.answer("route list", {}, NOW)  # type: ignore[misc]
    assert row["off"] == f"target: {why}" and house.table()["off"] == ["out"]
    assert house.explain("030")[0] == f"row 1 (out, made) is off: target: {why}"
    assert house.explain("030")[-1] == "it is for the room 030", "it is passed over"
    # everything else can be changed meanwhile, and the row itself can be mended
    house.do(AddRoute("other"))
    house.do(PlaceRoute("out"))
    table = house.table()
    house.do(SetRoutes(tuple(table["routes"]), tuple(table["groups"])))
    with pytest.raises(errors.Invalid, match="carrier"):
        house.do(ChangeRoute("out", user=("_1*",)))
    house.do(ChangeRoute("out", to=RouteTo.ROOM, clear=("target",)))
    assert house.table()["off"] == []
    house.do(ChangeRoute("other", group=("staff",)))
    house.start(trunks=())
    assert house.table()["off"] == []


def test_settings_read_again_leave_what_was_made(house: House) -> None:
    house.do(AddRoute("for staff", group=("staff",), target=("desk",)))
    house.do(AddGroup("sales", ("carol",)))
    house.do(AddRoute("for sales", group=("sales",), target=("shop",)))
    house.routes.use_settings(house.read('[[groups]]\nname = "sales"\nmembers = ["dave"]\n'))
    assert house.names() == ["for staff", "for sales"]
    assert "is off: group: there is no [[groups]] called 'staff'" in house.explain("x", "alice")[0]
    assert "matches" in house.explain("x", "dave")[1] and "does not" in house.explain("x", "carol")[1]
    [made, theirs] = house.orders.answer("group list", {}, NOW)  # type: ignore[misc]
    assert made["off"] == "the settings have one of this name" and not theirs["off"]
    house.do(RemoveGroup("sales"))
    house.routes.use_settings(house.read(SETTINGS))
    assert "matches" in house.explain("x", "alice")[0] and house.names()[-1] == "night"


def test_a_damaged_store_is_told_in_a_line(house: House) -> None:
    house.do(AddRoute("a"))
    for text in (
        "{", "[]", '{"name": "a", "wings": 2}', '{"name": "a", "user": 7}', '{"name": "a", "user": ["x y"]}',
        '{"name": "a", "hours": "late"}', '{"name": "a", "source": ["here"]}', '{"name": ""}',
    ):  # fmt: skip
        house.db.execute("UPDATE routes SET row = ?", [text])
        with pytest.raises(StoreError, match="the store cannot be read"):
            kept_table(house.db)


def test_a_job_that_fails_in_the_middle_leaves_the_old_table(house: House) -> None:
    house.do(AddRoute("old"))
    job = house.orders.carry_out(SetRoutes(({"name": "x"}, {"name": "y"})), NOW).job
    assert job is not None
    house.db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON routes WHEN NEW.name = 'y' BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(Exception, match="full"), house.db.atomic():
        job(house.db)
    assert [row.name for row in kept_table(house.db).routes] == ["old"]


def test_a_full_table_costs_little(house: House) -> None:
    """1,000 rows: a change, and a request that no row matches."""
    house.do(SetRoutes(tuple({"name": f"r{n}", "user": [f"_{n:04}*"] * 4} for n in range(MOST_ROUTES))))
    began = time.process_time()
    for _ in range(5):
        house.do(PlaceRoute("r0"))
    assert time.process_time() - began < 2.5
    began = time.process_time()
    for _ in range(10):
        assert house.explain("x" * 64)[-1].startswith("it is for the room")
    assert time.process_time() - began < 2.5


def test_the_audit_log_says_what_was_asked_for() -> None:
    command = AddRoute("out", user=("_0*",), to=RouteTo.TRUNK, target=("carrier",), before="night")
    told = Entry(command, Actor("admin", Role.ADMIN), NOW).record().values
    assert told["action"] == "add route"
    assert json.loads(str(told["details"])) == {
        "route": "out", "user": ["_0*"], "to": "trunk", "target": ["carrier"], "before": "night",
    }  # fmt: skip


# ------------------------------------------------------------------ the same as in the settings
@pytest.mark.parametrize(("command", "kind"), [(AddRoute, Route), (ChangeRoute, Route), (AddGroup, Group)])
def test_commands_say_what_the_settings_say(command: type[Command], kind: type[Any]) -> None:
    own = {"before", "clear", "route"} | ({"group"} if kind is Group else set())
    said = {"method" if each.name == "request" else each.name: each for each in dataclasses.fields(command)}
    assert said.keys() - own == set(kind.__struct_fields__) - {"name"}
    words = get_type_hints(kind, include_extras=True)
    for name in said.keys() - own:
        [meta] = [each for each in words[name].__metadata__ if each.description]
        assert str(said[name].metadata["help"]).startswith(meta.description)
    assert {each.value for each in RouteTo} == set(
        get_args(get_args(get_type_hints(Route, include_extras=True)["to"])[0])
    )
