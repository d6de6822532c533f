"""The route table over HTTP: its version as an entity tag, a table of the largest size, and the command line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, fail, succeed

from confserver.admin.endpoints import MOST_BODY_BYTES
from confserver.app.orders import Orders
from confserver.app.route_table import table_of
from confserver.app.routes import Routes
from confserver.config import Settings
from confserver.config.route_rows import MOST_ROUTES
from confserver.routing.commands import Command as Order
from confserver.routing.commands import SetRoutes
from confserver.routing.domains import Domains
from confserver.routing.guard import Guard
from confserver.routing.router import Router
from rooms.errors import Refused
from rooms.participant import Actor
from tests.admin.double import NOW, HouseDoor
from tests.admin.test_http import Served
from tests.admin.test_ways import run


class RoutesDoor(HouseDoor):
    """With a route table."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Orders()
        Routes(Router(None, Guard(), table_of(Settings())), lambda: (), Domains([])).join(self.known)  # type: ignore[arg-type]

    def order(self, order: Order, by: Actor) -> Deferred[tuple[Mapping[str, object] | None, bool]]:
        try:
            done = self.known.carry_out(order, NOW)
        except Refused as refused:
            return fail(refused)
        return succeed((done.told, done.is_new))

    def version(self, order: Order) -> str | None:
        return self.known.version(order)

    def answer(self, question: str, names: Mapping[str, str]) -> object:
        return self.known.answer(question, names, NOW)


@pytest_twisted.async_yield_fixture
async def served() -> AsyncIterator[Served]:
    server = Served(RoutesDoor(), ("127.0.0.1", 0))
    yield server
    await server.port.stopListening()


@pytest_twisted.ensureDeferred
async def test_two_administrators_do_not_overwrite_each_other(served: Served) -> None:
    _, table, headers = await served.ask("GET", "/route-table")
    tag = headers["ETag"]
    assert tag == f'"{table["version"]}"' and table["routes"] == []
    assert (await served.ask("GET", "/route-table", headers={"If-None-Match": tag}))[0] == 304
    status, told, headers = await served.ask(
        "PUT", "/routes/night%20desk", {"user": ["bob"]}, headers={"If-Match": tag}
    )
    assert (status, told["name"], told["source"]) == (201, "night desk", "made")
    assert headers["Location"] == "/routes/night%20desk" and headers["ETag"] == f'"{told["version"]}"' != tag
    for method, path, body in (
        ("PUT", "/routes/late", {}), ("POST", "/routes/night%20desk", {"strip": 1}),
        ("DELETE", "/routes/night%20desk", None),
        ("PUT", "/routes/night%20desk/place", {}), ("PUT", "/route-table", {"routes": []}), ("PUT", "/groups/g", {}),
    ):  # fmt: skip
        status, problem, _ = await served.ask(method, path, body, headers={"If-Match": tag})
        assert (status, problem["kind"]) == (412, "changed") and "the table has changed since" in problem["detail"]
    status, problem, _ = await served.ask("PUT", "/route-table", {"routes": [], "version": tag.strip('"')})
    assert status == 409 and f"it is at {told['version']} now" in problem["detail"]
    assert [row["name"] for row in (await served.ask("GET", "/routes"))[1]] == ["night desk"]
    status, told, _ = await served.ask(
        "POST", "/routes/night%20desk", {"strip": 1}, headers={"If-Match": headers["ETag"]}
    )
    assert status == 200 and told["then"] == "room {user}, strip 1"
    assert (await served.ask("DELETE", "/routes/night%20desk", headers={"If-Match": "*"}))[0] == 204
    assert (await served.ask("GET", "/route-table"))[2]["ETag"] == tag


@pytest_twisted.ensureDeferred
async def test_refusals_have_their_statuses(served: Served) -> None:
    for method, path, body, wanted in (
        ("PUT", "/routes/a", {"to": "trunk", "target": ["carrier"]}, 422),
        ("PUT", "/routes/a", {"to": "moon"}, 400),
        ("PUT", "/routes/a", {"method": ["INVITE"]}, 400),
        ("PUT", "/routes/%0a", {}, 422),
        ("PUT", "/routes/a", {"before": "b"}, 404),
        ("POST", "/routes/a", {"strip": 1}, 404),
        ("PUT", "/route-table", {"routes": {"a": 1}}, 400),
        ("PUT", "/route-table", {"routes": ["a"]}, 400),
        ("PUT", "/route-table", {"routes": [{"name": "a", "wings": 2}]}, 422),
        ("DELETE", "/groups/a", None, 404),
        ("PUT", "/groups/a", {"members": [7]}, 400),
    ):  # fmt: skip
        status, _, headers = await served.ask(method, path, body)
        assert status == wanted and "ETag" not in headers, (method, path, body)
    assert (await served.ask("PUT", "/routes/a", {}))[0] == 201
    assert (await served.ask("PUT", "/routes/a", {}))[0] == 409


@pytest_twisted.ensureDeferred
async def test_the_largest_table_goes_in_one_request_and_nothing_else_is_so_large(served: Served) -> None:
    rows = [{"name": f"row {number:04} {'x' * 40}", "user": [f"_{number:04}*"]} for number in range(MOST_ROUTES)]
    assert len(json.dumps(rows)) > MOST_BODY_BYTES
    status, told, _ = await served.ask("PUT", "/route-table", {"routes": rows})
    assert status == 200 and told["routes"] == rows
    assert (await served.ask("PUT", "/groups/a", {"members": ["x" * 60] * 2000}))[0] == 413
    huge = {"routes": [{"name": "x" * (SetRoutes.most_body_bytes + 1)}]}
    status, problem, _ = await served.ask("PUT", "/route-table", huge)
    assert status == 413 and str(SetRoutes.most_body_bytes) in problem["detail"]


def test_rows_as_people_write_and_see_them() -> None:
    row = {"number": 1, "source": "made", "name": "out", "when": "user _0*", "then": "trunk c", "off": "no \x1b[2J"}
    _, asked = run(row, "route", "add", "out", "--user", "_0*", "--user", "_1*", "--to", "trunk", "--before", "x y")
    assert asked == [("PUT", "/routes/out", {"user": ("_0*", "_1*"), "to": "trunk", "before": "x y"})]
    _, asked = run(row, "route", "change", "out", "--hours", "08:00-18:00", "--clear", "user", "--clear", "strip")
    assert asked == [("POST", "/routes/out", {"hours": "08:00-18:00", "clear": ("user", "strip")})]
    printed, _ = run([row], "route", "list")
    assert "SOURCE" in printed.output and "trunk c" in printed.output and "\x1b" not in printed.output
    _, asked = run({}, "route", "set", "--routes", '{"name": "a"}', "--routes", '{"name": "b"}')
    assert asked == [("PUT", "/route-table", {"routes": ({"name": "a"}, {"name": "b"})})]
    help_text = " ".join(run(None, "route", "add", "--help")[0].output.split())
    assert "Networks that the request comes from" in help_text and "[default: as the settings say]" not in help_text


@pytest.mark.parametrize("given", ["{", "[]", "7"])
def test_what_is_no_row_is_said_before_anything_is_asked(given: str) -> None:
    asked: list[Any] = []
    with pytest.raises(AssertionError, match="it is no"):
        run(asked.append, "route", "set", "--routes", given)
    assert not asked
