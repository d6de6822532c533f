"""Idempotency keys over a restart and a kill: the same answer, or an honest word; never the same thing twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlite_utils import Database
from twisted.internet.defer import Deferred, succeed

from confserver.admin import replay_store as store
from confserver.admin import replays as module
from confserver.admin.problems import Problem
from confserver.admin.replays import KEPT_S, MOST_KEPT, Answer, Ask, Replays
from confserver.admin.store import StoreError
from confserver.app.replaying import ReplayKeeper
from tests.admin.test_replays import DONE, NOW, ask


class Now:
    """A storage that does everything at once, until it is killed."""

    def __init__(self) -> None:
        self.db = Database(memory=True)
        self.is_dead = False
        store.migrate(self.db)

    def write(self, job: Any) -> Deferred[Any]:
        return Deferred() if self.is_dead else succeed(job(self.db))


class Run:
    """One run of a server on a store."""

    def __init__(self, storage: Now | None = None, now: float = NOW) -> None:
        self.storage = storage or Now()
        self.storage.is_dead = False
        self.replays = Replays(keeper=ReplayKeeper(self.storage))  # type: ignore[arg-type]
        self.replays.restore(store.load(self.storage.db, now))

    def do(self, asked: Ask, answer: Answer = DONE, at: float = NOW) -> Any:
        assert self.replays.find(asked, at) is None
        self.replays.begin(asked, at)
        return self.replays.finish(asked, answer)

    def again(self, now: float = NOW) -> Run:
        return Run(self.storage, now)

    def rows(self) -> list[tuple[Any, ...]]:
        return [(row["key"], row["state"]) for row in self.storage.db.query("SELECT * FROM replays ORDER BY at, rowid")]


def trouble(run: Run, asked: Ask, now: float = NOW) -> tuple[int, str]:
    with pytest.raises(Problem) as caught:
        run.replays.find(asked, now)
    return caught.value.status, caught.value.kind


def test_the_same_answer_after_a_restart() -> None:
    run = Run()
    assert run.do(ask()).called, "kept before it is told"
    again = run.again()
    found = again.replays.find(ask(), NOW + 5)
    assert found is not None and (found.status, found.body) == (201, DONE.body)
    assert found.headers == (("Location", "/rooms/standup"), ("Idempotency-Replayed", "true"))
    assert trouble(again, ask(body=b"[]")) == (422, "key-reused")
    assert again.replays.find(ask(holder="other"), NOW) is None
    assert again.replays.describe() == run.replays.describe()


def test_a_kill_between_leaves_a_key_that_says_so() -> None:
    """It may have been done: nobody is called twice by asking again."""
    run = Run()
    run.replays.begin(ask(), NOW)
    run.storage.is_dead = True
    assert not run.replays.finish(ask(), DONE).called  # type: ignore[union-attr]
    again = run.again()
    assert trouble(again, ask()) == (409, "unknown")
    assert again.again().replays.find(ask(), NOW + KEPT_S + 1) is None


def test_a_kill_before_leaves_nothing() -> None:
    run = Run()
    run.storage.is_dead = True
    run.replays.begin(ask(), NOW)
    assert run.again().replays.find(ask(), NOW) is None


@pytest.mark.parametrize("name", sorted(store.SHOWN_ONCE))
def test_what_is_shown_once_is_not_on_the_disk(name: str) -> None:
    run = Run()
    run.do(ask(), Answer(201, f'{{"holder": "x", "{name}": "hunter2"}}'.encode()))
    assert run.replays.find(ask(), NOW), "in this run it is"
    assert "hunter2" not in str(list(run.storage.db.query("SELECT * FROM replays")))
    assert trouble(run.again(), ask()) == (409, "not-kept")


def test_refusals_are_kept_and_faults_of_ours_are_not() -> None:
    run = Run()
    run.do(ask("refused"), Answer(409, b'{"detail": "locked"}'))
    run.do(ask("failed"), Answer(500, b"fault"))
    again = run.again()
    assert again.replays.find(ask("refused"), NOW).status == 409  # type: ignore[union-attr]
    assert again.replays.find(ask("failed"), NOW) is None and run.rows() == [("refused", "done")]


def test_the_disk_is_bounded_as_memory_is(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    for number in range(MOST_KEPT + 20):
        run.do(ask(str(number)), at=NOW + number)
    assert len(run.rows()) == MOST_KEPT and run.rows()[0] == ("20", "done")
    monkeypatch.setattr(module, "MOST_KEPT_BYTES", 100)
    run.do(ask("large"), Answer(200, b"x" * 90), NOW + MOST_KEPT + 21)
    assert len(run.rows()) <= 1 and len(run.again(NOW + 5000).replays._kept) <= 1


def test_a_day_later_it_is_gone() -> None:
    run = Run()
    run.do(ask())
    assert run.again(NOW + KEPT_S + 1).rows() == []
    other = Run()
    other.do(ask())
    assert other.replays.find(ask(), NOW + KEPT_S + 1) is None and other.rows() == []


@pytest.mark.parametrize("damage", ["headers = 'x'", "headers = '[1]'", "print = 'text'", "at = 'x', state = 'done'"])
def test_a_store_that_makes_no_sense_is_told(damage: str) -> None:
    run = Run()
    run.do(ask())
    run.storage.db.execute(f"UPDATE replays SET {damage}")
    with pytest.raises(StoreError, match="idempotency keys"):
        store.load(run.storage.db, NOW)
