"""Whatever is asked of the route table: a refusal in a line or a whole change, and store and memory agree."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from confserver.admin.endpoints import Problem, command_of, find
from confserver.app.made_routes import kept_table
from confserver.config.routes import Route
from confserver.plan.document import DocumentError, read
from rooms.errors import Refused
from tests.app.test_made_routes import NOW, House

TEXTS = st.text(max_size=70) | st.sampled_from(
    ["a", "_0X*", "*****", "staff", "carrier", "08:00-18:00", "sip:{user}@x"]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.lists(TEXTS, max_size=4)
ROWS = st.dictionaries(st.sampled_from([*Route.__struct_fields__, "members", "wings"]), VALUES, max_size=6)
TABLES = st.fixed_dictionaries(
    {},
    optional={"routes": st.lists(ROWS | VALUES, max_size=4), "groups": st.lists(ROWS, max_size=3), "version": VALUES},
)
ASKED = st.sampled_from([
    ("PUT", "/routes/a"), ("POST", "/routes/a"), ("DELETE", "/routes/a"), ("PUT", "/routes/a/place"),
    ("PUT", "/groups/a"), ("POST", "/groups/a"), ("DELETE", "/groups/a"), ("PUT", "/route-table"),
])  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("hostile"))


def ask(house: House, method: str, path: str, body: dict[str, Any]) -> None:
    before = house.table()
    try:
        house.do(command_of(find(method, path), "application/json", json.dumps(body).encode()))  # type: ignore[arg-type]
    except (Refused, Problem) as refused:
        reason = refused.reason if isinstance(refused, Refused) else refused.detail
        assert reason and "\n" not in reason and len(reason) < 1000
        assert house.table() == before
    assert kept_table(house.db).written() == {key: house.table()[key] for key in ("routes", "groups")}
    house.explain("sip:030@x", "alice")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=ASKED, body=TABLES | ROWS)
def test_anything_by_http(house: House, asked: tuple[str, str], body: dict[str, Any]) -> None:
    ask(house, *asked, body)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200) | st.from_regex(r"(\[\[routes\]\]\n(name|user|to|strip) = [\[\]'a-z0-9,]*\n)+"))
def test_anything_in_a_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.toml").write_text(text, "utf-8", errors="replace")
    try:
        read(tmp_path / "x.toml")
    except DocumentError as error:
        assert str(error)


@pytest.mark.parametrize("seed", range(5))
def test_a_long_day(tmp_path: Path, seed: int) -> None:
    """Many small changes by many hands: the order is that of a list to which the same was done."""
    house, dice, model = House(tmp_path), random.Random(seed), []
    for _ in range(120):
        name, before = dice.choice("abcdef"), dice.choice(["", *"abcdef"])
        match dice.choice(("add", "place", "remove", "restart")):
            case "add":
                ask(house, "PUT", f"/routes/{name}", {"before": before, "strip": dice.randrange(3)})
                if name not in model and (not before or before in model):
                    model.insert(model.index(before) if before else len(model), name)
            case "place":
                ask(house, "PUT", f"/routes/{name}/place", {"before": before})
                if name in model and before != name and (not before or before in model):
                    model.remove(name)
                    model.insert(model.index(before) if before else len(model), name)
            case "remove":
                ask(house, "DELETE", f"/routes/{name}", {})
                model = [each for each in model if each != name]
            case "restart":
                house.start()
        assert house.names() == [*model, "night"] and house.orders.answer("group list", {}, NOW)
