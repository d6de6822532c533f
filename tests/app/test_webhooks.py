"""Webhooks in their surroundings: added, tried, kept over a restart, and what the settings say stays theirs."""

from __future__ import annotations

from typing import Any

import pytest
from sqlite_utils import Database
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from confserver.admin import hook_store as store
from confserver.admin.feed import Feed
from confserver.admin.hooks import MOST_DEAD, MOST_HOOKS, Hook, Letter, Line, Outcome
from confserver.admin.store import StoreError
from confserver.app.orders import Orders
from confserver.app.webhooks import Webhooks
from confserver.config.webhooks import Webhook, check_webhooks
from confserver.routing.commands import AddWebhook, RemoveWebhook, RetryWebhook, TestWebhook
from rooms import store as rooms
from rooms.errors import Conflict, Invalid, NotFound
from tests.kit.news import news_of

SECRET = "correct horse battery staple"
URL = "http://127.0.0.1:9/calls"


class Now:
    """A storage that does everything at once."""

    def __init__(self) -> None:
        self.db = Database(memory=True)
        store.migrate(self.db)
        rooms.migrate(self.db)

    def write(self, job: Any) -> Deferred[Any]:
        return succeed(job(self.db))

    read = write


class Office:
    def __init__(self, storage: Now | None = None, *settings: Webhook) -> None:
        self.storage = storage or Now()
        self.clock = Clock()
        self.feed = Feed("abc", 1 << 20)
        self.posted: list[tuple[str, Letter]] = []
        self.outcome = Outcome(True, "200")
        self.webhooks = Webhooks(self.clock, settings, self.feed, self.storage, self.clock.seconds, self.post)  # type: ignore[arg-type]
        self.orders = Orders()
        self.webhooks.join(self.orders)
        self.webhooks.restore(store.kept(self.storage.db))

    def post(self, line: Line, letter: Letter, now: float) -> Deferred[Outcome]:
        self.posted.append((line.hook.name, letter))
        return succeed(self.outcome)

    def order(self, order: Any) -> Any:
        done = self.orders.carry_out(order, 0.0)
        if done.job is not None:
            done.job(self.storage.db)
        told: list[Any] = []
        if done.later is not None:
            done.later.addCallback(told.append)
            return told[0]
        return done.told

    def list(self) -> list[dict[str, Any]]:
        return self.orders.answer("webhook list", {}, 0.0)  # type: ignore[return-value]

    def dead(self, name: str) -> list[Any]:
        return self.orders.answer("webhook dead", {"webhook": name}, 0.0)  # type: ignore[return-value]

    def happen(self, count: int = 1) -> None:
        for _ in range(count):
            happened = news_of({"type": "message", "room": "a", "number": 1, "at": self.clock.seconds()})
            shown = self.feed.append([happened])
            rooms.write(self.storage.db, self.webhooks.outbox.records())
            shown()
            self.webhooks.wake()
        self.clock.advance(0)
        for _ in range(count):
            self.clock.advance(0)


def test_a_webhook_is_added_with_a_secret_that_is_shown_once() -> None:
    office = Office()
    told = office.order(AddWebhook("crm", URL, ("message",)))
    assert len(told["secret"]) >= 32 and told["url"] == URL
    assert all("secret" not in each for each in office.list())
    office.happen(2)
    assert [(name, letter.id) for name, letter in office.posted] == [("crm", "abc-1"), ("crm", "abc-2")]
    again = office.order(AddWebhook("crm", rooms=("daily",)))
    assert "secret" not in again and (again["url"], again["rooms"], again["events"]) == (URL, ["daily"], [])
    [kept], _ = store.load(office.storage.db)
    assert kept == Hook("crm", URL, told["secret"], (), ("daily",))
    assert office.order(AddWebhook("own", URL, secret=SECRET)).get("secret") is None


def test_one_that_cannot_be_is_refused_and_changes_nothing() -> None:
    office = Office()
    for order in (
        AddWebhook("crm"), AddWebhook("crm", "ftp://x"), AddWebhook("c r m", URL), AddWebhook("", URL),
        AddWebhook("crm", URL, ("birthday",)), AddWebhook("crm", URL, secret="short"),
    ):  # fmt: skip
        with pytest.raises(Invalid):
            office.order(order)
    for order in (RemoveWebhook("crm"), TestWebhook("crm"), RetryWebhook("crm")):
        with pytest.raises(NotFound, match="no webhook crm"):
            office.order(order)
    with pytest.raises(NotFound):
        office.dead("crm")
    assert office.list() == [] and store.load(office.storage.db) == ([], {})


def test_there_are_only_so_many() -> None:
    office = Office()
    for number in range(MOST_HOOKS):
        office.order(AddWebhook(f"h{number}", URL, secret=SECRET))
    with pytest.raises(Conflict, match="the most"):
        office.order(AddWebhook("one-more", URL, secret=SECRET))
    office.order(AddWebhook("h0", URL + "/other"))


def test_a_test_is_told_at_once_and_goes_beside_the_others() -> None:
    office = Office()
    office.order(AddWebhook("crm", URL, secret=SECRET))
    assert office.order(TestWebhook("crm")) == {"webhook": "crm", "delivered": True, "answer": "200"}
    office.outcome = Outcome(False, "no answer within 10 s")
    assert office.order(TestWebhook("crm"))["delivered"] is False
    assert [letter.type for _, letter in office.posted] == ["test", "test"] and office.list()[0]["failing"] == 0


def test_dead_letters_outlive_the_server_and_are_retried() -> None:
    office = Office()
    office.order(AddWebhook("crm", URL, secret=SECRET))
    office.outcome = Outcome(False, "410", is_final=True)
    office.happen()
    assert [(each["id"], each["reason"], each["tries"]) for each in office.dead("crm")] == [("abc-1", "410", 1)]
    office.clock.advance(5)
    office.happen()
    office.webhooks.close()

    later = Office(office.storage)
    assert [each["id"] for each in later.dead("crm")] == ["abc-1", "abc-2"]
    assert later.order(RetryWebhook("crm")) == {"webhook": "crm", "retried": 2}
    assert len(store.load(office.storage.db)[1]["crm"]) == 2, "a kill now, and they are dead still"
    for _ in range(3):
        later.clock.advance(0)
    assert [letter.id for _, letter in later.posted] == ["abc-1", "abc-2"]
    assert later.dead("crm") == [] and store.load(office.storage.db)[1] == {}


def test_one_that_is_removed_is_gone_with_its_letters() -> None:
    office = Office()
    office.order(AddWebhook("crm", URL, secret=SECRET))
    office.outcome = Outcome(False, "410", is_final=True)
    office.happen()
    assert office.order(RemoveWebhook("crm")) is None
    assert store.load(office.storage.db) == ([], {}) and office.list() == []
    office.happen()
    assert len(office.posted) == 1


def test_those_of_the_settings_are_theirs() -> None:
    office = Office(None, Webhook("crm", URL, SECRET, ("message",)))
    assert office.list()[0]["by_settings"] is True
    for order in (AddWebhook("crm", URL), RemoveWebhook("crm")):
        with pytest.raises(Conflict, match="settings"):
            office.order(order)
    office.happen()
    assert len(office.posted) == 1 and store.load(office.storage.db)[0] == []


def test_the_store_keeps_only_so_many_dead_letters() -> None:
    storage = Now()
    for number in range(MOST_DEAD + 3):
        store.bury(storage.db, "crm", Letter(f"abc-{number}", "message", 1.0, b"{}", 0, "500", 3))
    store.bury(storage.db, "other", Letter("abc-1", "message", 1.0, b"{}"))
    _, dead = store.load(storage.db)
    assert len(dead["crm"]) == MOST_DEAD and dead["crm"][0].id == "abc-3" and len(dead["other"]) == 1


def test_a_store_of_a_newer_version_or_broken_is_one_line() -> None:
    storage = Now()
    storage.db.execute("UPDATE webhooks SET name = name")
    storage.db.execute("INSERT INTO webhooks VALUES ('crm', 'x', 'y', 'no json', '[]')")
    with pytest.raises(StoreError, match="cannot be read"):
        store.load(storage.db)


@pytest.mark.parametrize(
    "tables",
    [
        (Webhook("", URL, SECRET),), (Webhook("crm", "", SECRET),), (Webhook("crm", "ftp://x/", SECRET),),
        (Webhook("crm", URL, "short"),), (Webhook("a b", URL, SECRET),), (Webhook("crm", "http://u:p@x/", SECRET),),
        (Webhook("crm", URL, SECRET), Webhook("crm", URL, SECRET)),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(tables: tuple[Webhook, ...]) -> None:
    with pytest.raises(ValueError):
        check_webhooks(tables)


def test_settings_that_can_be() -> None:
    check_webhooks((Webhook("crm", "https://example.com", SECRET), Webhook("b", "http://[::1]:8/x?y=1", SECRET)))


# ------------------------------------------------------------------ settings read again
def test_other_settings_are_used_and_who_is_the_same_keeps_his_place() -> None:
    def hook(name: str, url: str = URL) -> Webhook:
        return Webhook(name=name, url=url, secret=SECRET)

    office = Office(None, hook("same"), hook("moved"), hook("gone"))
    office.orders.carry_out(AddWebhook("made", url=URL), 0.0)
    lines = office.webhooks._sender.lines
    same, moved = lines["same"], lines["moved"]
    office.webhooks.use([hook("same"), hook("moved", URL + "2"), hook("new")])
    assert sorted(lines) == ["made", "moved", "new", "same"] and lines["same"] is same
    assert lines["moved"] is not moved and lines["moved"].hook.url == URL + "2"
    assert lines["new"].hook.is_set and not lines["made"].hook.is_set
    office.webhooks.use([])
    assert sorted(lines) == ["made"]
