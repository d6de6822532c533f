"""``--wait``: staying until a call is answered, a list is called, files are whole; and what others do meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
import pytest
from click.testing import CliRunner

from confserver.admin import waiting
from confserver.admin.cli import verbs
from rooms.telling import TYPES
from tests.admin.double import HouseDoor

SNAPSHOT = {"type": "snapshot", "at": 1.0, "rooms": []}


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "room": "standup", "number": 1, "at": 1.0, **more}


def run(events: list[Mapping[str, Any]], *words: str, recordings: list[Any] | None = None) -> tuple[Any, list[str]]:
    order: list[str] = []
    door = HouseDoor()
    door.arrive("standup", "Anna")
    states = iter(recordings or [[]])

    def ask(where: object, method: str, path: str, body: object) -> Any:
        order.append(path)
        return next(states) if path == "/recordings" else door.room("standup")

    def follow(*_: Any) -> Iterator[Mapping[str, Any]]:
        order.append("listen")
        yield SNAPSHOT
        yield from events

    group = click.Group("confserver", commands=verbs(ask, follow=follow))
    return CliRunner().invoke(group, words, standalone_mode=False), order


DIAL = ("room", "dial", "standup", "--uri", "sip:bob@192.0.2.9", "--wait")
CALLED = event("dialled", participant="p2", name="Bob", uri="sip:bob@192.0.2.9", by="administrator")


def test_a_call_is_listened_to_before_it_is_made_and_answered() -> None:
    other = event("dial-failed", participant="p9", cause="busy", status=486)
    rings = event("dial-ringing", participant="p2", status=180)
    arrived = event("participant-arrived", participant="p2", name="Bob", address="", source="192.0.2.9:5060")
    result, order = run([other, CALLED, other, rings, arrived], *DIAL)
    assert (result.return_value, order) == (0, ["listen", "/rooms/standup/dial"])
    assert "it rings at Bob (p2)" in result.stderr and "busy" not in result.stderr, "others are nobody's affair"
    assert result.stdout.startswith("standup: ")


def test_a_call_that_comes_to_nothing_is_status_1() -> None:
    failed = event("dial-failed", participant="p2", cause="busy", status=486)
    result, _ = run([CALLED, failed], *DIAL)
    assert result.return_value == 1 and "busy" in result.stderr
    assert run([CALLED, SNAPSHOT], *DIAL)[0].return_value == 1, "the server has started anew"
    assert run([CALLED], *DIAL)[0].return_value == 1


@pytest.mark.parametrize(("joined", "failed", "status"), [(2, 0, 0), (1, 1, 1), (0, 2, 1)])
def test_a_list(joined: int, failed: int, status: int) -> None:
    started = event("list-started", list=7, whom=["sip:a@h", "sip:b@h"], by="administrator")
    theirs, ended = (
        event("list-ended", list=3, joined=5, failed=0),
        event("list-ended", list=7, joined=joined, failed=failed),
    )
    result, _ = run([started, theirs, ended], "room", "dial-list", "standup", "--whom", "sip:a@h", "--wait")
    assert result.return_value == status


def test_files_that_become_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_S", 0.0)

    def row(state: str) -> dict[str, str]:
        return {"room": "standup", "name": "standup-1", "state": state}

    states = [[row("recording")], [row("converting"), {**row("recording"), "room": "other"}], [row("kept")]]
    result, _ = run([], "room", "stop-recording", "standup", "--wait", recordings=states)
    assert result.return_value == 0 and result.stderr == "standup-1: recording\nstandup-1: converting\n"
    assert run([], "room", "stop-recording", "standup", "--wait", recordings=[[row("failed")]])[0].return_value == 1


def test_without_it_nobody_waits() -> None:
    result, order = run([], *DIAL[:-1])
    assert (result.return_value, order) == (0, ["/rooms/standup/dial"])
    assert run([], "room", "lock", "standup", "--wait")[0].exit_code != 0


def test_it_listens_to_events_that_there_are() -> None:
    assert {name for wait in waiting.WAITS.values() for name in wait.types} <= set(TYPES)
