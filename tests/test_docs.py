"""docs/administration.md names every setting, command, verb and route, with what the tables say of them."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest

from confserver.__main__ import confserver
from confserver.admin.endpoints import REFUSALS, ROUTES, Problem, Route, body_fields, command_of, find
from confserver.admin.options import AS_SET, LISTS_AS_SET
from confserver.config import load
from confserver.config.text import Setting, settings_table
from confserver.routing.commands import COMMANDS as ORDERS
from confserver.routing.commands import QUESTIONS
from rooms.commands import COMMANDS, Command
from rooms.errors import KINDS
from rooms.policy import RULES, RoomPolicy, type_of
from rooms.telling import TYPES, help_of, members_of
from tests.soak.__main__ import main as soak

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "administration.md").read_text("utf-8")
LINES = TEXT.splitlines()
RELIABILITY = (Path(__file__).resolve().parent.parent / "docs" / "reliability.md").read_text("utf-8")


NAMES = {"room": "standup", "participant": "p7", "network": "198.51.100.0%2F24", "call": "7", "user": "alice"}
NAMES["holder"] = "reception"
NAMES["meeting"] = "7"
NAMES["profile"] = "webinar"
NAMES["language"] = "de"
NAMES["recording"] = "standup-20261129-180000"
NAMES["file"] = "standup-20261129-180000.flac"
NAMES["country"] = "%2B49"
NAMES |= {"webhook": "crm", "route": "sales", "group": "staff"}
NAMES["uri"] = "sip%3Abob%40example.com"
"""What the examples of the HTTP interface name."""


def leaves(group: click.Group, words: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """All commands that do something, with the words that lead there."""
    found = []
    for name, command in group.commands.items():
        inner = (*words, name)
        if isinstance(command, click.Group):
            found += leaves(command, inner)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            found.append((inner, command))
    return found


def block(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("setting", settings_table(), ids=lambda setting: setting.name)
def test_every_setting_has_its_row(setting: Setting) -> None:
    row = f"| `{setting.name}` | {setting.type} | `{setting.default}` | {setting.meaning} |"
    assert row in LINES, f"missing from docs/administration.md:\n{row}"


def test_no_setting_is_told_that_does_not_exist() -> None:
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", TEXT.partition("\n## Settings\n")[2], re.MULTILINE)
    assert rows == [setting.name for setting in settings_table()]


def spreads(command: Any) -> bool:
    return bool(getattr(command, "spreads", False))


def own_fields(command: Any) -> list[Any]:
    """Without the rules of rooms, which have a table of their own."""
    return [f for f in body_fields(command) if not (spreads(command) and f.name in RULES)]


@pytest.mark.parametrize("rule", fields(RoomPolicy), ids=lambda rule: rule.name)
def test_every_rule_of_rooms_has_its_row(rule: Any) -> None:
    default = RoomPolicy().describe()[rule.name]
    is_set = default is None or (default == [] and rule.name in LISTS_AS_SET)
    said = AS_SET if is_set else "none" if default == [] else f"`{json.dumps(default, ensure_ascii=False)}`"
    row = f"| `{rule.name}` | {type_of(rule.name)} | {said} | {rule.metadata['help']} |"
    assert row in LINES, f"missing from docs/administration.md:\n{row}"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_its_row_and_an_example(route: Route) -> None:
    own = own_fields(route.command) if route.command else []
    members = ", ".join([*(f"`{f.name}`" for f in own), *(["rules"] if spreads(route.command) else [])])
    row = f"| `{route.method} {route.path}` | {members} | {route.summary} |"
    assert row in LINES, f"missing from docs/administration.md:\n{row}"
    url = "$URL" + route.path.format(**NAMES)
    way = "" if route.method == "GET" else f"-X {route.method} "
    assert re.search(rf"^(ask|curl) {re.escape(way + url)}( |$)", TEXT, re.MULTILINE), f"no example: {way}{url}"


def test_the_examples_are_requests_that_are_understood() -> None:
    [script] = block("sh")
    examples = re.findall(r"^(?:ask|curl) (?:-X (\w+) )?\$URL(\S+)(?: --json '(.*)')?$", script, re.MULTILINE)
    assert len(examples) == len(ROUTES)
    for method, path, body in examples:
        found = find(method or "GET", path)
        if found.route.command is not None:
            try:
                command_of(found, "application/json", body.encode())
            except Problem as problem:
                pytest.fail(f"{method} {path}: {problem.detail}")


@pytest.mark.parametrize(("words", "command"), leaves(confserver), ids=lambda item: str(item))
def test_every_command_is_named_with_its_options(words: tuple[str, ...], command: click.Command) -> None:
    name = f"confserver {' '.join(words)}"
    assert re.search(rf"`{name}[ `]", TEXT), f"{name} is missing from docs/administration.md"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in RULES:
            assert f"{parameter.opts[0]}" in TEXT, f"{name} {parameter.opts[0]} is missing"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.verb)
def test_every_verb_has_its_row(command: type[Command]) -> None:
    names = re.findall(r"{(\w+)}", command.path)
    options = "".join(f" [--{f.name.replace('_', '-')}]" for f in own_fields(command))
    options += " [--RULE ...]" if spreads(command) else ""
    usage = f"confserver room {command.verb} {' '.join(name.upper() for name in names)}{options}"
    row = f"| `{usage}` | {command.__doc__.splitlines()[0]} |"  # type: ignore[union-attr]
    assert row in LINES, f"missing from docs/administration.md:\n{row}"


@pytest.mark.parametrize(
    "thing",
    [*(each for each in QUESTIONS if not each.has_own_verb), *ORDERS],
    ids=lambda thing: f"{thing.noun} {thing.verb}",
)
def test_what_is_asked_of_the_ways_has_its_row(thing: Any) -> None:
    names = " ".join(name.upper() for name in re.findall(r"{(\w+)}", thing.path))
    options = "".join(f" [--{f.name.replace('_', '-')}]" for f in body_fields(thing)) if thing in ORDERS else ""
    words = thing.summary if thing in QUESTIONS else thing.__doc__.splitlines()[0]
    row = f"| `{f'confserver {thing.noun} {thing.verb} {names}'.strip()}{options}` | {words} |"
    assert row in LINES, f"missing from docs/administration.md:\n{row}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_refusal_stands_at_its_status(kind: type[Exception]) -> None:
    [row] = [line for line in LINES if line.startswith(f"| {REFUSALS[kind]} |")]  # type: ignore[index]
    assert f"`{kind.kind}`" in row  # type: ignore[attr-defined]


def test_the_example_settings_are_taken(tmp_path: Path) -> None:
    for text in block("toml"):
        assert tomllib.loads(text)
        (tmp_path / "c.toml").write_text(text)
        load(tmp_path / "c.toml")


def test_the_python_example_compiles() -> None:
    for text in block("python"):
        compile(text, "docs/administration.md", "exec")


CONFORMANCE = (Path(__file__).resolve().parent.parent / "docs" / "conformance.md").read_text("utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/.]+)`", CONFORMANCE))))
def test_what_is_said_to_show_conformance_exists(path: str) -> None:
    assert (Path(__file__).resolve().parent.parent / path).exists()


def test_rows_of_conformance_have_their_five_cells() -> None:
    for line in CONFORMANCE.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 6, line


EVENTS = (Path(__file__).resolve().parent.parent / "docs" / "events.md").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", TYPES)
def test_every_event_has_its_row(name: str) -> None:
    row = f"| `{name}` | {', '.join(f'`{member}`' for member in members_of(name))} | {help_of(name)} |"
    assert row in EVENTS, f"missing from docs/events.md:\n{row}"


def test_no_event_is_told_that_does_not_exist() -> None:
    told = [match[1] for line in EVENTS if (match := re.match(r"\| `([a-z-]+)` \|", line))]
    assert set(told) == set(TYPES)


@pytest.mark.parametrize("verb", sorted(soak.commands))
def test_every_long_trial_has_its_row(verb: str) -> None:
    assert f"\n| `{verb}` | " in RELIABILITY, f"scripts/soak {verb} is missing from docs/reliability.md"
