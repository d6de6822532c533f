"""Recordings on the disk, as administrators see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from confserver.app.orders import Orders
from confserver.app.shelf import ANSWER_S, Shelf
from confserver.contract import (
    DeleteRecording,
    ListRecordings,
    RecordingDeleted,
    RecordingShown,
    RecordingsListed,
    ScribeAnswers,
)
from confserver.routing.commands import RemoveRecording
from rooms.errors import Conflict, NotFound, NotOpen


class Then:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def heard_scribe(self, event: object) -> None:
        self.heard.append(event)

    def scribe_lost(self) -> None:
        self.heard.append("lost")


class Desk:
    def __init__(self, *live: dict) -> None:
        self.clock, self.asked, self.then = Clock(), [], Then()
        self.shelf = Shelf(self.clock, self.asked.append, lambda: live, lambda: self.then, Path("/srv/recordings"))
        self.orders = Orders()
        self.shelf.join(self.orders)

    def list(self) -> list:
        told: list = []
        self.shelf.rows().addBoth(told.append)
        return told

    def delete(self, name: str) -> list:
        told: list = []
        wait = self.orders.carry_out(RemoveRecording(name), 5.0).wait
        assert wait is not None
        wait.addBoth(told.append)
        return told


def kept(name: str, started_at: float, state: str = "kept") -> RecordingShown:
    return RecordingShown(
        name=name, room="standup", state=state, files=[f"{name}.wav"], bytes=100, started_at=started_at, seconds=5.0,
        until=None, cause="ended by script",
    )  # fmt: skip


def live(name: str, started_at: float, state: str, reason: str = "") -> dict:
    return {"room": "standup", "name": name, "state": state, "reason": reason, "started_at": started_at,
            "seconds": None, "files": []}  # fmt: skip


def test_the_disk_and_this_run_are_told_together() -> None:
    desk = Desk(
        live("now", 40.0, "recording"), live("", 50.0, "failed", "the disk is full"), live("gone", 20.0, "kept")
    )
    told = desk.list()
    [question] = desk.asked
    assert isinstance(question, ListRecordings)
    found = [kept("old", 10.0), kept("now", 40.0, "recording"), kept("broken", 30.0, "recording")]
    desk.shelf.heard_scribe(RecordingsListed(job=question.job, recordings=found))
    [rows] = told
    assert [(row["name"], row["state"]) for row in rows] == [
        ("", "failed"), ("now", "recording"), ("broken", "broken off"), ("old", "kept"),
    ]  # fmt: skip
    assert [row["seconds"] for row in rows] == [None, None, 5.0, 5.0], "one under way has no length yet"
    assert rows[0]["reason"] == "the disk is full" and set(rows[0]) == set(rows[1])


def test_one_is_deleted_or_it_is_told_why_not() -> None:
    desk = Desk()
    for reason, error in (("", None), ("there is no recording x", NotFound), ("x is being recorded", Conflict)):
        told = desk.delete("x")
        question = desk.asked[-1]
        assert isinstance(question, DeleteRecording) and question.name == "x" and told == []
        desk.shelf.heard_scribe(RecordingDeleted(job=question.job, reason=reason))
        assert told == [None] if error is None else isinstance(told[0].value, error)


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_scribe_that_does_not_answer(is_lost: bool) -> None:
    desk = Desk()
    told = desk.list()
    desk.shelf.scribe_lost() if is_lost else desk.clock.advance(ANSWER_S)
    assert isinstance(told[0].value, NotOpen)
    assert desk.then.heard == (["lost"] if is_lost else [])
    desk.shelf.heard_scribe(RecordingsListed(job=desk.asked[0].job, recordings=[]))
    assert len(told) == 1 and not desk.clock.getDelayedCalls()


def test_all_else_is_passed_on() -> None:
    desk = Desk()
    word = ScribeAnswers(token=1, counts={})
    desk.shelf.heard_scribe(word)
    assert desk.then.heard == [word]
