"""``confserver watch``: what happens in words and as JSON, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest
from click.testing import CliRunner

from confserver.admin.cli import verbs
from confserver.admin.words import WORDS, Narrator
from rooms import commands as ask
from rooms import events as happened
from rooms.commands import Arrive, Kick, Leave, Mute, Reserve
from rooms.participant import SYSTEM, Actor, Role
from rooms.telling import TYPES, members_of, tell
from tests.rooms.play import Stage

SNAPSHOT = {
    "type": "snapshot", "id": "abc-1", "at": 1.0,
    "rooms": [{"name": "standup", "participants": [{"id": "p1", "name": "Anna"}], "dialling": [], "waiting": []}],
}  # fmt: skip
MUTED = {
    "id": "abc-2", "type": "participant-muted", "room": "standup", "number": 7, "at": 2.0, "participant": "p1",
    "cause": "host", "by": "script",
}  # fmt: skip


def watch(events: list[Mapping[str, Any]], *words: str) -> tuple[Any, list[Any]]:
    asked: list[Any] = []

    def follow(*what: Any) -> Iterator[Mapping[str, Any]]:
        asked.append(what[1:])
        yield from events
        raise KeyboardInterrupt

    result = CliRunner().invoke(click.Group("confserver", commands=verbs(lambda *_: None, follow=follow)), words)
    return result, asked


# ------------------------------------------------------------------ the verb
def test_events_in_words_until_ctrl_c() -> None:
    quiet = {**MUTED, "type": "talking-changed", "talking": True}
    result, asked = watch([SNAPSHOT, MUTED, quiet], "watch", "standup")
    assert asked == [("standup", (), False, "")] and result.exit_code == 0
    lines = [line.split("  ", 1)[1] for line in result.output.splitlines()]
    assert lines == ["1 rooms, 1 people in them", "standup  Anna (p1) is muted (host), by script"]


def test_what_is_left_out_comes_where_it_is_asked_for() -> None:
    talks = {**MUTED, "type": "talking-changed", "talking": True, "by": ""}
    result, asked = watch([SNAPSHOT, talks], "watch", "--type", "talking-changed", "--after", "abc-1")
    assert asked == [(None, ("talking-changed",), False, "abc-1")]
    assert result.output.splitlines()[-1].endswith("standup  Anna (p1) talks")


def test_json_is_one_event_a_line() -> None:
    result, _ = watch([SNAPSHOT, MUTED], "watch", "--json")
    assert [json.loads(line) for line in result.output.splitlines()] == [SNAPSHOT, MUTED]


def test_a_name_from_the_network_cannot_move_the_cursor() -> None:
    bad = {**MUTED, "type": "participant-arrived", "name": "A\x1b[2J\n\u202eb", "source": "192.0.2.1:5060", "by": ""}
    result, _ = watch([bad], "watch")
    assert "\x1b" not in result.output and "\u202e" not in result.output and result.output.count("\n") == 1


def test_a_server_that_refuses() -> None:
    def follow(*_: Any) -> Iterator[Mapping[str, Any]]:
        raise click.ClickException("type: there is no event birthday")
        yield {}

    group = click.Group("confserver", commands=verbs(lambda *_: None, follow=follow))
    result = CliRunner().invoke(group, ["watch", "--type", "birthday"])
    assert result.exit_code == 1 and "no event birthday" in result.stderr
    assert CliRunner().invoke(click.Group("c", commands=verbs(lambda *_: None)), ["watch"]).exit_code == 2


# ------------------------------------------------------------------ the words
def test_a_meeting_in_words() -> None:
    stage, narrator, lines = Stage(), Narrator(), []
    boss = Actor("boss", Role.ADMIN)
    events = stage.do(Reserve("standup", "Ana", "sip:ana@10.0.0.1", "10.0.0.1:5060"))
    who = events[-1].participant  # type: ignore[attr-defined]
    events += stage.do(Arrive("standup", who)) + stage.do(Mute("standup", who), boss)
    events += stage.do(ask.SendText("standup", "hello\nthere"), boss) + stage.do(Kick("standup", who), boss)
    events += stage.do(Leave("standup", who, "kicked"), SYSTEM)
    lines = [narrator.line(tell(event)).split("  ", 1)[1] for event in events]
    for told in (
        "standup  Ana (p1) is on the way in, from 10.0.0.1:5060", "standup  Ana (p1) comes in, from 10.0.0.1:5060",
        "standup  Ana (p1) is muted (host), by boss", "standup  boss: hello there",
        "standup  Ana (p1) is thrown out, by boss", "standup  Ana (p1) leaves: kicked",
    ):  # fmt: skip
        assert told in lines, f"{told} is not in {lines}"
    assert narrator._names == {}, "who has left is forgotten"


@pytest.mark.parametrize("name", sorted(set(WORDS) & set(TYPES)))
def test_every_sentence_finds_what_it_names(name: str) -> None:
    event = {"type": name, "room": "standup", "number": 1, "at": 1.0, **dict.fromkeys(members_of(name), "x")}
    line = Narrator().line(event)
    assert "{" not in line and f"standup  {name.replace('-', ' ')}: " not in line, line


def test_there_is_no_sentence_for_what_cannot_happen() -> None:
    assert set(WORDS) <= set(TYPES)


def test_what_a_later_server_says_is_told_by_its_members() -> None:
    event = {"id": "abc-3", "type": "hand-raised", "room": "standup", "number": 1, "at": 1.0, "in_queue": 2, "by": "x"}
    assert Narrator().line(event).endswith("standup  hand raised: in queue 2, by x")
    for odd in ({}, {"type": None}, {"type": "message"}, {"type": "play-started", "sounds": None}, {"at": None}):
        assert Narrator().line({"room": "a", **odd})


def test_who_has_the_word() -> None:
    nobody = tell(happened.DominantSpeaker("standup", 1, 1.0, None))
    assert Narrator().line(nobody).endswith("nobody has the word")
