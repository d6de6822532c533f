"""``confserver top``: what is shown follows what happens, fits the terminal, and survives whatever comes."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from confserver.admin.board import BAR, Board, bar, loss, share
from confserver.admin.cli import verbs
from confserver.admin.top import picture
from rooms.commands import Arrive, Lock, NoteTalking, Reserve
from rooms.participant import SYSTEM
from rooms.telling import TYPES, tell
from tests.admin.double import NOW, HouseDoor

STATUS = {
    "version": "1.2", "uptime_s": 3725.0, "workers": [
        {"worker": 0, "ready": True, "load": 0.31, "legs": 3.0, "missed_ticks": 2.0}, {"worker": 1, "ready": False},
    ],
}  # fmt: skip


def house() -> tuple[HouseDoor, Board]:
    door = HouseDoor()
    for name in ("Anna", "Bob", "C\x1b[2Jarl"):
        door.arrive("standup", name)
    board = Board(status=STATUS)
    board.see(door.rooms())
    return door, board


def drawn(board: Board, height: int = 40, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, height=height).print(picture(board, height))
    return out.getvalue()


def levels(**db: float) -> dict[str, Any]:
    return {
        "type": "levels",
        "room": "standup",
        "participants": {name: {"level_db": value} for name, value in db.items()},
    }


# ------------------------------------------------------------------ the board
def test_who_talks_comes_first_and_then_the_loudest() -> None:
    door, board = house()
    board.hear(levels(p1=-50.0, p2=-20.0, p3=-30.0))
    assert [person["id"] for _, person in board.people()] == ["p2", "p3", "p1"]
    for event in door.house.handle(NoteTalking("standup", "p1", True), SYSTEM, NOW):
        board.hear(tell(event))
    assert [person["id"] for _, person in board.people()] == ["p1", "p2", "p3"] and not board.stale
    assert "1 talking" in board.headline() and "up 1:02:05" in board.headline()


def test_what_changes_the_rooms_has_them_asked_for_again() -> None:
    door, board = house()
    for event in door.house.handle(Lock("standup"), SYSTEM, NOW):
        board.hear(tell(event))
    assert board.stale
    board.see(door.rooms())
    assert not board.stale and board.room_rows()[0][-1] == "locked"
    board.hear(levels(p1=-3.0, p9=-3.0))
    assert not board.stale
    board.see([])
    assert board.levels == {} and board.people() == [], "who has gone is forgotten"


@pytest.mark.parametrize("name", [*TYPES, "end", "later-invention"])
def test_no_event_breaks_it(name: str) -> None:
    _, board = house()
    board.hear({"type": name, "room": "standup", "participant": "p1", "talking": True})
    assert drawn(board)


def test_a_snapshot_is_the_rooms() -> None:
    door, board = house()
    door.arrive("daily", "Dora")
    board.hear({"type": "snapshot", "rooms": json.loads(json.dumps(door.rooms()))})
    assert [row[0] for row in board.room_rows()] == ["standup", "daily"] and len(board.people()) == 4


# ------------------------------------------------------------------ the picture
def test_the_picture_has_all_that_was_promised() -> None:
    _, board = house()
    board.hear({
        "type": "levels", "room": "standup",
        "participants": {"p2": {"level_db": -14.4, "mos_in": 4.41, "mos_out": None, "lost": 10, "received": 990,
                                "lost_out": 1, "sent": 999, "jitter_ms": 7.4}},
    })  # fmt: skip
    told = drawn(board)
    for words in ("confserver 1.2", "WORKER", "31 %", "not ready", "standup", "3/200", "Bob (p2)", "█████████▋",
                  "4.4/-", "1.0/0.1", "q: end"):  # fmt: skip
        assert words in told, f"{words} is not in\n{told}"
    assert "\x1b[2J" not in told


def test_it_fits_every_terminal() -> None:
    door, board = house()
    for number in range(60):
        door.arrive("standup", f"Person {number}"), door.arrive(f"room-{number}", "Eve")
    board.see(door.rooms())
    for height in (3, 5, 8, 24, 50):
        for width in (20, 80, 200):
            assert len(drawn(board, height, width).splitlines()) <= max(height, 4), (height, width)


def test_bars_and_losses() -> None:
    assert bar(0) == " " * BAR and bar(1) == bar(7) == "█" * BAR and len(bar(0.37)) == BAR and bar(-1) == bar(0)
    assert share(None) == 0 and share(-60) == 0 and share(-3) == 1
    assert (loss(None, 5), loss(0, 0), loss(1, 99), loss(0, 5)) == ("-", "-", "1.0", "0.0")


# ------------------------------------------------------------------ the verb
def top(*words: str) -> Any:
    door, _ = house()

    def ask(where: object, method: str, path: str, body: Mapping[str, object]) -> Any:
        return {"/rooms": door.rooms(), "/status": STATUS}[path]

    return CliRunner().invoke(click.Group("confserver", commands=verbs(ask)), ["top", *words])


def test_where_there_is_no_terminal_it_is_printed_once() -> None:
    for words in ((), ("--once",)):
        result = top(*words)
        assert result.exit_code == 0 and "standup" in result.output and "Anna (p1)" in result.output
        assert "\x1b" not in result.output
    told = json.loads(top("--json").output)
    assert [room["name"] for room in told["rooms"]] == ["standup"] and told["status"] == STATUS


def test_nobody_and_nothing() -> None:
    assert drawn(Board()) and Board().worker_rows() == Board().room_rows() == Board().person_rows() == []


def test_a_place_that_is_only_reserved_is_not_shown() -> None:
    door = HouseDoor()
    events = door.house.handle(Reserve("standup", "Anna", "sip:a@h", "192.0.2.1:1"), SYSTEM, NOW)
    board = Board()
    board.see(door.rooms())
    assert board.people() == []
    door.house.handle(Arrive("standup", events[-1].participant), SYSTEM, NOW)  # type: ignore[attr-defined]
