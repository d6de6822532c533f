"""Who comes to the door with what is noted, whatever becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from confserver.app.auditing import AuditedDoor
from confserver.app.door import Door
from confserver.routing.commands import AddBan, ExplainRoute
from confserver.storage import StorageError
from rooms.commands import Lock
from rooms.errors import NotFound
from rooms.participant import Actor, Role
from rooms.records.audit import Attempt, Entry

BOSS = Actor("boss", Role.ADMIN)


class Book:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Deferred[Any]) -> None:
        self.entries: list[Entry] = []
        for name in ("submit", "order"):
            monkeypatch.setattr(Door, name, lambda self, command, by: answer)
        door = object.__new__(AuditedDoor)
        self.door = door.audit_by(self, lambda: 7.0)  # type: ignore[arg-type]

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)

    def turned_away(self, asked: Attempt, by: Actor, at: float, kind: str, reason: str) -> None:
        self.entries.append(Entry(asked, by, at, kind, reason))


def test_what_is_done_is_noted_when_it_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    answer: Deferred[Any] = Deferred()
    book = Book(monkeypatch, answer)
    book.door.submit(Lock("standup"), BOSS)
    assert book.entries == []
    answer.callback(None)
    assert book.entries == [Entry(Lock("standup"), BOSS, 7.0)]


@pytest.mark.parametrize(
    ("error", "outcome"), [(NotFound("no such room"), "not-found"), (StorageError("the disk is full"), "failed")]
)
def test_what_is_refused_is_noted_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: str
) -> None:
    book = Book(monkeypatch, fail(error))
    told: list[Failure] = []
    book.door.submit(Lock("standup"), BOSS).addErrback(told.append)
    assert told[0].value is error, "and the asker hears of it"
    assert [(each.outcome, each.reason) for each in book.entries] == [(outcome, str(error))]


def test_orders_too_but_not_what_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(monkeypatch, succeed((None, False)))
    book.door.order(ExplainRoute("sip:a@b"), BOSS)
    book.door.order(AddBan("192.0.2.7"), BOSS)
    assert [type(each.command) for each in book.entries] == [AddBan]


def test_who_has_no_right_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book(monkeypatch, succeed(None))
    book.door.turned_away(Attempt(Lock, {"room": "standup"}), Actor("screen", Role.OBSERVER), "this takes a moderator")
    [entry] = book.entries
    assert (entry.outcome, entry.record().values["action"]) == ("forbidden", "lock")
