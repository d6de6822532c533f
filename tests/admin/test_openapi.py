"""The interface is described whole, as it really answers, by a document that is valid and a page that stands alone."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from confserver.admin.endpoints import ROUTES, Problem, Route, body_fields, command_of, find
from confserver.admin.openapi import document, operation
from confserver.admin.page import page
from confserver.admin.schema import nullable, of_hint
from confserver.admin.way_schemas import ANSWERS, DONE, SCHEMAS
from confserver.contract import LegReport, LegReports
from confserver.focus.dialout import DialTerms
from confserver.routing.commands import COMMANDS as ORDERS
from confserver.routing.commands import QUESTIONS
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from rooms.commands import CreateRoom, Play, StartRecording
from rooms.participant import MuteCause
from rooms.policy import RULES
from tests.focus.house import House
from tests.test_docs import NAMES


def strict(name: str) -> Any:
    """A validator that takes no member that is not described."""
    closed = json.loads(json.dumps(SCHEMAS))
    for schema in closed.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    wanted = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": closed}}
    return jsonschema.Draft202012Validator(wanted)


def check(name: str, told: object) -> None:
    faults = [f"{'.'.join(map(str, error.path))}: {error.message}" for error in strict(name).iter_errors(told)]
    assert not faults, "describe it in confserver/admin/schemas.py or way_schemas.py: " + "; ".join(faults)


# ------------------------------------------------------------------ the document
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described(route: Route) -> None:
    told = document()["paths"][route.path][route.method.lower()]
    assert told["summary"] == route.summary
    in_path = {each["name"] for each in told["parameters"] if each["in"] == "path"}
    assert in_path == set(route.path_fields) and all(each["description"] for each in told["parameters"])
    assert {each["name"] for each in told["parameters"] if each["in"] == "query"} == {p.name for p in route.parameters}
    assert told.get("x-role", "open") == ("open" if route.is_open else route.needs.name.lower())
    if route.command is not None:
        body = told["requestBody"]["content"]["application/json"]["schema"]
        assert list(body["properties"]) == [each.name for each in body_fields(route.command)]
        for name, schema in body["properties"].items():
            assert schema.get("description"), f"{name} says nothing of itself"
    assert told["responses"].keys() & {"200", "204"} and "421" in told["responses"]


def test_operations_have_names_of_their_own() -> None:
    told = [operation(route)["operationId"] for route in ROUTES]
    assert len(set(told)) == len(told) and all(re.fullmatch(r"[a-z_]+", each) for each in told)


def test_all_schemas_are_schemas_and_all_references_lead_somewhere() -> None:
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(document())
    for kind, name in re.findall(r"#/components/(\w+)/(\w+)", text):
        assert name in document()["components"][kind]
    used = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert used == set(SCHEMAS), "one that nothing refers to"


def test_answers_are_those_of_queries_that_there_are() -> None:
    assert set(ANSWERS) <= {route.query for route in ROUTES}
    assert set(DONE) <= set(ORDERS)
    assert [question for question in QUESTIONS if question.name in ANSWERS]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.command], ids=lambda route: route.path)
def test_defaults_and_choices_are_taken_by_the_server(route: Route) -> None:
    """What the description gives as an example of a member is understood."""
    assert route.command is not None
    schema = operation(route)["requestBody"]["content"]["application/json"]["schema"]
    body = {name: each["default"] for name, each in schema["properties"].items() if "default" in each}
    body |= {name: each["enum"][0] for name, each in schema["properties"].items() if "enum" in each}
    body |= {name: _some(schema["properties"][name]) for name in schema.get("required", ())}
    found = find(route.method, route.path.format(**NAMES))
    try:
        command_of(found, "application/json", json.dumps(body).encode())
    except Problem as problem:
        pytest.fail(problem.detail)


def _some(schema: dict[str, Any]) -> object:
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    return {"string": "x", "integer": 1, "number": 1.0, "boolean": True, "array": [], "object": {}}[kind]


def test_types_become_schemas() -> None:
    assert of_hint(int | None) == {"type": ["integer", "null"]}
    assert of_hint(tuple[str, ...]) == {"type": "array", "items": {"type": "string"}}
    assert of_hint(MuteCause)["enum"][0] == "self"
    assert nullable(nullable({"type": "string", "enum": ["a"]})) == {"type": ["string", "null"], "enum": ["a", None]}


# ------------------------------------------------------------------ what is really answered
def test_a_room_is_as_it_is_described() -> None:
    house = House()
    house.order(CreateRoom("standup"))
    check("Room", house.focus.room("standup", house.now))
    calls = [house.enter(), house.enter()]
    house.order(Play("standup", ("tones:440",)))
    house.order(StartRecording("standup"))
    check("Room", house.focus.room("standup", house.now))
    leg = house.leg(calls[0])
    house.tell(
        LegReports(reports=[LegReport(leg.id, 100, 90, 3, 2, 1, 0, 1.2, 41.2, -1.0, 7, 8, 9)], load=0.1), leg.worker
    )
    [room] = house.focus.rooms(house.now)
    check("Room", room)
    assert room["participants"][0]["media"]["received"] and room["plays"] and room["recording"]


def test_people_who_wait_are_described() -> None:
    house = House()
    house.order(CreateRoom("standup", rules={"lobby": "all"}))
    house.enter()
    told = house.focus.room("standup", house.now)
    assert told["waiting"]
    check("Room", told)


def test_people_who_are_called_are_described() -> None:
    house = House(dialling=DialTerms(plan=DialPlan(Fence(domains=["*"]))))
    house.dial()
    told = house.focus.room("standup", house.now)
    assert told["dialling"]
    check("Room", told)


def test_all_rules_are_described_and_no_secret_has_a_type() -> None:
    assert set(RULES) <= set(SCHEMAS["Room"]["properties"])


def test_a_member_that_is_not_described_is_seen() -> None:
    house = House()
    house.enter()
    told = house.focus.room("standup", house.now)
    told["participants"][0]["shoe_size"] = 43
    with pytest.raises(AssertionError, match="shoe_size"):
        check("Room", told)


# ------------------------------------------------------------------ the page
class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.identities: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            self.identities += [value or ""] if name == "id" else []
            self.links += [value or ""] if name in ("href", "src") else []


def test_the_page_names_everything_and_fetches_nothing() -> None:
    text = page().decode()
    reader = Reader()
    reader.feed(text)
    assert not reader.tags & {"script", "link", "img", "iframe"} and "http://" not in text
    assert all(link.startswith("#") and link[1:] in reader.identities for link in reader.links)
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in text and operation(route)["operationId"] in reader.identities
