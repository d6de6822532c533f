"""Events that wait for webhooks, over restarts and kills: each arrives at least once, in order, or is a dead letter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from confserver.admin import hook_store as store
from confserver.admin.feed import Feed
from confserver.admin.hooks import TOO_MANY, Letter, Line, Outcome
from confserver.app import outbox as module
from confserver.app.orders import Orders
from confserver.app.webhooks import Webhooks
from confserver.config.webhooks import Webhook
from confserver.routing.commands import AddWebhook, RemoveWebhook
from confserver.storage import StorageError
from rooms import store as rooms
from tests.app.test_webhooks import SECRET, URL, Now
from tests.kit.news import news_of

GOOD, BAD, GONE = Outcome(True, "200"), Outcome(False, "500"), Outcome(False, "410", is_final=True)


class Run:
    """One run of a server on a store. ``post`` may leave deliveries under way."""

    def __init__(
        self, storage: Now | None = None, *hooks: Webhook, epoch: str = "a", most_bytes: int = 1 << 20
    ) -> None:
        self.storage = storage or Now()
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.feed = Feed(epoch, most_bytes)
        self.heard: list[str] = []
        self.outcome: Outcome | None = GOOD
        self.webhooks = Webhooks(self.clock, hooks, self.feed, self.storage, self.clock.seconds, self.post)  # type: ignore[arg-type]
        self.orders = Orders()
        self.webhooks.join(self.orders)
        self.webhooks.restore(store.kept(self.storage.db))
        self.webhooks.outbox.look()

    def post(self, line: Line, letter: Letter, now: float) -> Deferred[Outcome]:
        self.heard.append(letter.id)
        return succeed(self.outcome) if self.outcome is not None else Deferred()

    def add(self, name: str = "crm", **how: Any) -> None:
        done = self.orders.carry_out(AddWebhook(name, URL, secret=SECRET, **how), 0.0)
        assert done.job is not None
        done.job(self.storage.db)

    def happen(self, *kinds: str, room: str = "standup") -> None:
        for kind in kinds or ("message",):
            told = {"type": kind, "room": room, "number": 1, "at": self.clock.seconds()}
            shown = self.feed.append([news_of(told)])
            rooms.write(self.storage.db, self.webhooks.outbox.records())
            shown()
            self.webhooks.wake()

    def go_on(self, seconds: float = 0.0, turns: int = 50) -> None:
        for _ in range(turns):
            self.clock.advance(0)
        self.clock.advance(seconds)
        for _ in range(turns):
            self.clock.advance(0)

    def look(self) -> None:
        self.webhooks.outbox.look()

    def rows(self) -> list[str]:
        return [row["id"] for row in self.storage.db.query("SELECT id FROM hook_events ORDER BY number")]

    def line(self, name: str = "crm") -> Line:
        return self.webhooks._sender.lines[name]

    def killed(self, epoch: str = "b", **how: Any) -> Run:
        """Another run, where this one has come to no end."""
        return Run(self.storage, epoch=epoch, **how)


# ---------------------------------------------------------------- kills
def test_what_a_kill_left_is_delivered_by_the_next_run() -> None:
    run = Run()
    run.add()
    run.outcome = None
    run.happen("message", "room-locked", "message")
    run.go_on()
    assert run.heard == ["a-1"], "under way when it is killed"
    later = run.killed()
    later.happen()
    later.go_on()
    assert later.heard == ["a-1", "a-2", "a-3", "b-4"]
    later.look()
    assert later.rows() == [] and later.killed("c").heard == []


def test_what_was_delivered_but_not_noted_comes_again_and_nothing_is_missed() -> None:
    run = Run()
    run.add()
    run.happen("message", "message")
    run.go_on()
    run.look()
    run.happen("message", "message")
    run.go_on()
    assert run.heard == ["a-1", "a-2", "a-3", "a-4"] and run.rows() == ["a-3", "a-4"]
    later = run.killed()
    later.go_on()
    assert later.heard == ["a-3", "a-4"], "at least once"


def test_a_stop_leaves_what_waits_to_the_next_run() -> None:
    run = Run()
    run.add()
    run.outcome = BAD
    run.happen("message", "message")
    run.go_on()
    run.webhooks.close()
    assert not run.line().dead
    later = run.killed()
    later.go_on()
    assert later.heard == ["a-1", "a-2"] and later.line().place == 2


def test_an_event_that_was_not_stored_is_no_ones() -> None:
    """The kill came before its commit: nobody was told of it either."""
    run = Run()
    run.add()
    run.feed.append([news_of({"type": "message", "room": "a", "number": 1, "at": 0.0})])
    run.go_on()
    later = run.killed()
    later.go_on()
    assert run.heard == later.heard == []


def test_a_dead_letter_is_dead_over_a_kill_and_comes_only_once() -> None:
    run = Run()
    run.add()
    run.outcome = GONE
    run.happen("message")
    run.go_on()
    run.look()
    later = run.killed()
    later.go_on()
    assert later.heard == [] and [each.id for each in later.line().dead] == ["a-1"]


# ---------------------------------------------------------------- who has had what
def test_each_webhook_has_its_own_place() -> None:
    run = Run(None, Webhook("set", URL, SECRET, ("message",)))
    run.add("slow", events=("room-locked",))
    run.happen("message", "room-locked", "message")
    run.line("slow")._due = 1e9
    run.go_on()
    run.look()
    assert run.heard == ["a-1", "a-3"] and run.rows() == ["a-1", "a-2", "a-3"], "one of them has not looked at any"
    later = Run(run.storage, Webhook("set", URL, SECRET, ("message",)), epoch="b")
    later.go_on()
    assert later.heard == ["a-2"]
    assert later.feed.number == 3, "numbers go on"


def test_what_nobody_wants_is_not_kept() -> None:
    run = Run()
    run.happen()
    run.add(rooms=("daily",), events=("message",))
    run.happen("message", "room-locked"), run.happen("room-locked", room="daily")
    assert run.rows() == []
    run.happen(room="daily")
    assert run.rows() == ["a-5"]


def test_a_webhook_that_is_new_or_gone() -> None:
    run = Run()
    run.add("one")
    run.outcome = None
    run.happen("message")
    run.add("two")
    run.happen("message")
    run.go_on()
    assert sorted(run.heard) == ["a-1", "a-2"], "what was before it is nothing to it"
    later = run.killed()
    later.go_on()
    assert sorted(later.heard) == ["a-1", "a-2", "a-2"]
    for name in ("one", "two"):
        done = later.orders.carry_out(RemoveWebhook(name), 0.0)
        done.job(later.storage.db)  # type: ignore[misc]
    later.happen()
    later.look()
    assert later.rows() == [] and store.kept(later.storage.db).places == {}


def test_a_webhook_of_the_settings_that_is_gone_holds_nothing_up() -> None:
    run = Run(None, Webhook("set", URL, SECRET))
    run.outcome = None
    run.happen()
    run.look()
    later = run.killed()
    assert later.rows() == [] and later.feed.number == 1


def test_another_url_goes_on_where_the_first_has_stopped() -> None:
    run = Run()
    run.add()
    run.outcome = BAD
    run.happen("message", "message")
    run.go_on()
    run.outcome = GOOD
    run.add()
    run.go_on()
    assert run.heard == ["a-1", "a-1", "a-2"]


# ---------------------------------------------------------------- too many
def test_more_than_memory_holds_are_fetched_from_the_store() -> None:
    run = Run(most_bytes=2000)
    run.add()
    run.outcome = BAD
    run.happen(*["message"] * 600)
    run.go_on()
    assert run.feed.oldest > 500
    run.outcome = GOOD
    run.clock.advance(5)
    run.go_on(turns=700)
    assert run.heard[1:] == [f"a-{number}" for number in range(1, 601)]
    assert run.line().lost == 0


def test_the_oldest_of_too_many_are_dead_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    run = Run()
    run.add("down"), run.add("up")
    run.outcome = None
    run.happen("message", "message")
    run.go_on()
    run.line("up").ended(GOOD, 0.0)
    run.happen(*["message"] * 13)
    run.look()
    run.go_on()
    assert run.rows()[0] == "a-6" and len(run.rows()) == 10
    assert [each.id for each in run.line("down").dead] == [f"a-{number}" for number in range(2, 6)]
    assert {each.reason for each in run.line("up").dead} == {TOO_MANY}
    later = run.killed()
    later.go_on()
    assert [each.id for each in later.line("down").dead] == [f"a-{number}" for number in range(2, 6)]
    assert sorted(set(later.heard), key=lambda each: int(each[2:])) == [f"a-{number}" for number in range(6, 16)]


def test_a_disk_that_does_not_read_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(most_bytes=2000)
    run.add()
    run.happen(*["message"] * 100)
    monkeypatch.setattr(run.storage, "read", lambda job: fail(StorageError("the store: disk I/O error")))
    run.go_on(turns=200)
    assert run.heard[0] == f"a-{run.feed.oldest}" and run.heard[-1] == "a-100"
    assert run.line().lost == run.feed.oldest - 1 > 50


# ---------------------------------------------------------------- any order of things
STEPS = st.lists(
    st.sampled_from(["happen", "happen", "good", "bad", "gone", "hang", "look", "kill", "stop"]), max_size=40
)


@given(STEPS)
@settings(max_examples=80, deadline=None)
def test_whatever_happens_each_event_arrives_or_is_a_dead_letter(steps: list[str]) -> None:
    run, told, heard, epochs = Run(most_bytes=900), [], [], iter("bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW")
    run.add()
    outcomes = {"good": GOOD, "bad": BAD, "gone": GONE, "hang": None}
    for step in [*steps, "kill", "good"]:
        match step:
            case "happen":
                run.happen()
                told.append(run.feed.identify(run.feed.number))
            case "look":
                run.look()
            case "kill" | "stop":
                if step == "stop":
                    run.webhooks.close()
                heard += run.heard
                run = run.killed(next(epochs), most_bytes=900)
            case _:
                run.outcome = outcomes[step]
        run.go_on(400.0 if step != "happen" else 0.0, turns=60)
    run.go_on(400.0, turns=200)
    dead = {each.id for each in run.line().dead}
    last = list(dict.fromkeys(run.heard))
    assert set(told) <= set(heard) | set(run.heard) | dead
    assert last == sorted(last, key=lambda each: int(each[2:])), "in order"
    run.look()
    assert run.rows() == [] and run.line().lost == 0
