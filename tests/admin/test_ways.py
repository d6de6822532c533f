"""What is asked of the server's ways (``routing.commands``), on every face."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from typing import Any

import click
import pytest
import pytest_twisted
from click.testing import CliRunner

from confserver.admin.cli import ARGUMENT_HELP, help_of, verbs
from confserver.admin.endpoints import QUERIES, ROUTES, body_fields
from confserver.client import Client
from confserver.routing.commands import COMMANDS, QUESTIONS, AddBan, LiftBan
from tests.admin.double import NOW, HouseDoor
from tests.admin.test_http import Served
from tests.client.test_client import Recorder


def run(answer: Any, *words: str) -> tuple[Any, list[Any]]:
    asked: list[Any] = []

    def ask(where: object, method: str, path: str, body: object) -> Any:
        asked.append((method, path, body))
        return answer

    result = CliRunner().invoke(click.Group("confserver", commands=verbs(ask)), words)
    assert result.exit_code == 0, result.output
    return result, asked


# ------------------------------------------------------------------ the table
def test_every_way_has_its_route() -> None:
    told = {(route.method, route.path) for route in ROUTES}
    assert {(order.method, order.path) for order in COMMANDS} | {("GET", one.path) for one in QUESTIONS} <= told
    assert len(told) == len(ROUTES), "two ask at the same path"
    assert not {question.name for question in QUESTIONS} & {query.query for query in QUERIES}


@pytest.mark.parametrize("order", COMMANDS, ids=lambda order: f"{order.noun} {order.verb}")
def test_every_order_has_its_verb_and_its_method(order: Any) -> None:
    names = re.findall(r"{(\w+)}", order.path)
    _, asked = run(None, order.noun, order.verb, *names)
    assert asked == [(order.method, order.path.format(**{name: name for name in names}), {})]
    help_text = run(None, order.noun, order.verb, "--help")[0].output
    assert order.__doc__.splitlines()[0] in " ".join(help_text.split())
    for field in body_fields(order):
        assert f"--{field.name.replace('_', '-')}" in help_text and help_of(field)
    assert all(ARGUMENT_HELP[name] for name in names)
    method = getattr(Client, f"{order.verb}_{order.noun}")
    assert list(inspect.signature(method).parameters)[1:] == [field.name for field in dataclasses.fields(order)]
    assert inspect.getdoc(method).splitlines()[0] == order.__doc__.splitlines()[0]  # type: ignore[union-attr]
    client = Recorder()
    getattr(client, f"{order.verb}_{order.noun}")(*[f"{name} /ü" for name in names])
    path = order.path.format(**{name: f"{name}%20%2F%C3%BC" for name in names})
    assert client.asked == [(order.method, path, {})]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_every_question_has_its_verb_and_its_method(question: Any) -> None:
    names = re.findall(r"{(\w+)}", question.path)
    if not question.has_own_verb:
        _, asked = run([], question.noun, question.verb, *names)
        assert asked == [("GET", question.path.format(**{name: name for name in names}), {})]
    client = Recorder()
    getattr(client, f"{question.verb}_{question.noun}")(*names)
    assert client.asked == [("GET", question.path.format(**{name: name for name in names}), None)]


# ------------------------------------------------------------------ bans, for people
def test_bans_as_people_see_them() -> None:
    ban = {"network": "192.0.2.7", "since": NOW, "until": None, "by": "server", "reason": "calls \x1b[2J"}
    printed = run([ban], "ban", "list")[0].output
    assert "NETWORK" in printed and "192.0.2.7" in printed and "server" in printed and "\x1b" not in printed
    assert "2023-11-1" in printed
    assert run([], "ban", "list")[0].output == "none\n"
    printed, asked = run(ban, "ban", "add", "198.51.100.0/24", "--reason", "night", "--seconds", "60")
    assert asked == [("PUT", "/bans/198.51.100.0%2F24", {"reason": "night", "seconds": 60.0})]
    assert "network: 192.0.2.7" in printed.output and "until: -" in printed.output
    assert run(None, "ban", "lift", "192.0.2.7")[0].output == ""
    assert json.loads(run([ban], "ban", "list", "--json")[0].output)[0]["until"] is None


# ------------------------------------------------------------------ users, for people
USER = {"user": "alice", "display": "A \x1b[2J", "aliases": ["1000", "boss"], "enabled": True, "created_at": NOW}


def test_users_as_people_see_them() -> None:
    printed = run([USER | {"phones": 2}], "user", "list")[0].output
    assert "ALIASES" in printed and "1000; boss" in printed and "yes" in printed and "\x1b" not in printed
    phone = {"contact": "sip:a@192.0.2.9", "expires_at": NOW, "q": 1.0, "path": [], "user_agent": "Phone"}
    printed = run(USER | {"phones": [phone]}, "user", "show", "alice")[0].output
    assert "contact sip:a@192.0.2.9" in printed and "user_agent Phone" in printed and "path" not in printed


def test_a_password_is_read_and_never_given_as_an_argument() -> None:
    asked: list[Any] = []
    group = click.Group("confserver", commands=verbs(lambda where, method, path, body: asked.append(body)))

    def say(*words: str, typed: str = "") -> int:
        return CliRunner().invoke(group, words, input=typed).exit_code

    assert say("user", "add", "alice", "--password", "stdin", typed="correct horse\nmore\n") == 0
    assert say("user", "passwd", "alice", "--password", "ask", typed="correct horse\ncorrect horse\n") == 0
    assert asked == [{"password": "correct horse"}] * 2
    assert say("user", "add", "alice", "--password", "correct horse") == 2
    assert say("user", "add", "alice", "--password", "stdin") == 2
    assert say("user", "passwd", "alice", "--password", "ask", typed="one\ntwo\n") == 1
    assert len(asked) == 2


def test_lists_of_a_user_are_given_one_by_one() -> None:
    _, asked = run(USER, "user", "change", "alice", "--aliases", "1000", "--aliases", "boss", "--no-enabled")
    assert asked == [("POST", "/users/alice", {"aliases": ("1000", "boss"), "enabled": False})]
    _, asked = run(USER, "user", "add", "alice", "--aliases", "1000")
    assert asked == [("PUT", "/users/alice", {"aliases": ("1000",)})]


# ------------------------------------------------------------------ over HTTP
@pytest_twisted.ensureDeferred
async def test_orders_over_http() -> None:
    served = Served(HouseDoor(), ("127.0.0.1", 0))
    try:
        status, told, headers = await served.ask("PUT", "/bans/198.51.100.0%2F24", {"reason": "night"})
        assert (status, told["network"]) == (201, "198.51.100.0/24") and headers["Location"]
        assert (await served.ask("DELETE", "/bans/198.51.100.7"))[:2] == (204, None)
        assert served.door.orders == [AddBan("198.51.100.0/24", "night"), LiftBan("198.51.100.7")]
        status, told, _ = await served.ask("DELETE", "/bans/192.0.2.66")
        assert (status, told["kind"]) == (404, "not-found")
        assert (await served.ask("PUT", "/bans/192.0.2.1", {"seconds": "long"}))[0] == 400
        assert (await served.ask("PUT", "/bans/192.0.2.1", {"wings": 2}))[0] == 400
        status, told, _ = await served.ask("GET", "/bans")
        assert (status, told[0]["reason"]) == (200, "ban list")
        assert (await served.ask("GET", "/bans", token=""))[0] == 401
        assert (await served.ask("POST", "/bans"))[0] == 405
    finally:
        await served.port.stopListening()
