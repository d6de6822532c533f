"""What a room tells of itself to people: only what is otherwise than usual, and who waits."""

from __future__ import annotations

import time

import pytest

from confserver.admin import tables
from confserver.admin.about import WAITS, lines
from rooms import commands as ask
from rooms.participant import Wait
from tests.rooms.play import ADMIN, Stage

ROOM = "standup"
MONDAY = 1_000_080_000.0
"""2001-09-10."""


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(stage: Stage, **rules: object) -> list[str]:
    if rules:
        stage.do(ask.CreateRoom(ROOM, rules=rules), ADMIN)
    return list(lines(stage.shown()))


def test_an_ordinary_room_has_nothing_to_tell() -> None:
    stage = Stage()
    stage.arrive()
    assert told(stage) == []


def test_names_and_doors() -> None:
    stage = Stage()
    assert told(stage, numbers=["4711", "board"], pin="1234", wait_for_moderator=True, lobby="all") == [
        "numbers 4711, board, asks for a PIN, waits for a moderator, lobby for all"
    ]
    assert "1234" not in " ".join(told(stage))


def test_times() -> None:
    stage = Stage()
    stage.now = 1_000_000_000.0
    rules = {"starts": "2001-09-10T10:00", "ends": "2001-09-10T11:30", "time_zone": "UTC"}
    assert told(stage, **rules, recurs="FREQ=WEEKLY") == ["next meeting 2001-09-10 10:00 to 11:30, FREQ=WEEKLY in UTC"]
    stage.now = MONDAY + 10.5 * 3600
    assert told(stage, **rules) == ["meets now, since 10:00 to 11:30"]
    stage.now = MONDAY + 86400
    assert told(stage) == ["all its meetings are over"]


def test_when_it_ends_and_why() -> None:
    stage = Stage()
    stage.do(ask.CreateRoom(ROOM, rules={"time_limit_s": 3600}), ADMIN)
    stage.arrive()
    [line] = told(stage)
    assert line.startswith("ends at 01:16: ") and "time" in line


def test_who_waits_and_for_what() -> None:
    stage = Stage()
    stage.do(ask.CreateRoom(ROOM, rules={"wait_for_moderator": True}), ADMIN)
    who = stage.arrive("Carl")
    stage.now += 30
    assert told(stage)[-1] == f"{who} (Carl), sip:carl@10.0.0.1, waits for 30 s for a moderator"
    assert set(WAITS) == {wait.value for wait in Wait}


def test_all_of_it_is_printed_and_moves_no_cursor(capsys) -> None:
    stage = Stage()
    stage.do(ask.CreateRoom(ROOM, rules={"wait_for_moderator": True, "moderator_pin": "9999"}), ADMIN)
    stage.do(ask.Reserve(ROOM, "C\x1b[31mx", "sip:c@10.0.0.1", "10.0.0.1:5060"))
    [who] = stage.rooms.get(ROOM).places
    stage.do(ask.Arrive(ROOM, who))
    stage.do(ask.Reserve(ROOM, "Mo", "sip:m@10.0.0.1", "10.0.0.1:5060", pin="9999"))
    tables.print_room(stage.shown())
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "standup: waiting, 0 of 200 in, 1 waiting, 1 on the way in"
    assert printed[1:] == [
        "  waits for a moderator",
        f"  {who} (C[31mx), sip:c@10.0.0.1, waits for 1 s for a moderator",
    ]
    for person in list(stage.rooms.get(ROOM).places):
        stage.do(ask.Arrive(ROOM, person))
    tables.print_room(stage.shown())
    row = next(line for line in capsys.readouterr().out.splitlines() if " Mo " in line)
    assert row.rstrip().endswith("moderator")


def test_rules_are_told_as_they_are_typed(capsys) -> None:
    tables.print_told({"profile": "webinar", "rules": {"lecture": True, "codecs": ["PCMU"], "talkers": 3}, "none": {}})
    assert capsys.readouterr().out.splitlines() == [
        "profile: webinar", 'rules: lecture=true, codecs=["PCMU"], talkers=3', "none: -",
    ]  # fmt: skip


def test_many_rows_of_one_thing_are_a_table_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"prompt": f"n{number}", "from": "de"} for number in range(21)]
    tables.print_told({"set": "acme", "prompts": rows, "own": ["x"] * 30})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "set: acme" and lines[1].startswith("own: x; x")
    assert lines[3].split() == ["PROMPT", "FROM"] and lines[-1].split() == ["n20", "de"]
    tables.print_told({"set": "acme", "prompts": rows[:2]})
    assert capsys.readouterr().out.splitlines()[1] == "prompts: prompt n0, from de; prompt n1, from de"
