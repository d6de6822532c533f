"""Webhooks in their surroundings: those of the settings and of administrators, kept by the store, fed by the news."""

from __future__ import annotations

import json
import random
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import structlog
from sqlite_utils import Database
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from confserver.admin import hook_store as store
from confserver.admin.feed import Feed
from confserver.admin.hook_sender import Http, Post, Sender
from confserver.admin.hooks import MOST_HOOKS, TEST, Hook, Letter, Line, Outcome, check
from confserver.app.orders import Done, Orders
from confserver.app.outbox import Outbox
from confserver.config.webhooks import Webhook as Setting
from confserver.routing.commands import AddWebhook, RemoveWebhook, RetryWebhook, TestWebhook
from confserver.routing.refusals import Conflict, Invalid, NotFound
from confserver.storage import Storage

log = structlog.get_logger("webhooks")


class Webhooks:
    """``wake`` is called when something has happened."""

    def __init__(
        self,
        reactor: Any,
        settings: Iterable[Setting],
        feed: Feed,
        storage: Storage,
        now: Callable[[], float],
        post: Post | None = None,
    ) -> None:
        self._feed = feed
        self._storage = storage
        self._now = now
        self._http = None if post else Http(reactor, f"confserver/{version('confserver')}")
        self._post: Post = post or self._http  # type: ignore[assignment]
        self._sender = Sender(
            reactor, now, self._post, self._buried, self._risen, lambda line: self.outbox.fetch(line)
        )  # fmt: skip
        self.outbox = Outbox(feed, self._sender.lines, storage, self._buried, self._sender.wake)
        self._settings = _hooks_of(settings)
        self._began_at = 0.0

    def restore(self, kept: store.Kept) -> None:
        """What the last run has left; a name of the settings goes before."""
        self._began_at = self._now()
        self._feed.begin_after(kept.number)
        for hook in [*kept.hooks, *self._settings]:
            line = self._line(hook, kept.dead.get(hook.name, ()), kept.places.get(hook.name))
            self._sender.lines[hook.name] = line
        self.wake()

    def use(self, settings: Iterable[Setting]) -> None:
        """Other ones in the settings; who is the same keeps place and dead letters."""
        self._settings = _hooks_of(settings)
        wanted = {hook.name: hook for hook in self._settings}
        lines = self._sender.lines
        for name in [name for name, line in lines.items() if line.hook.is_set and name not in wanted]:
            del lines[name]
        for name, hook in wanted.items():
            there = lines.get(name)
            if there is None or there.hook != hook:
                lines[name] = self._line(hook, *_left(there))
        self.wake()

    def _line(self, hook: Hook, dead: Sequence[Letter] = (), place: int | None = None) -> Line:
        """``place``: where another line has been; None: what has happened before is nothing to it."""
        return Line(hook, self._feed, random.random, dead, place, self._began_at)

    def wake(self) -> None:
        if self._sender.lines:
            self._sender.wake()

    # ------------------------------------------------------------------ what administrators ask for
    def join(self, orders: Orders) -> None:
        orders.handlers[AddWebhook] = self._add
        orders.handlers[RemoveWebhook] = self._remove
        orders.handlers[TestWebhook] = self._test
        orders.handlers[RetryWebhook] = self._retry
        orders.answers["webhook list"] = lambda _, now: [line.describe() for line in self._sorted()]
        orders.answers["webhook dead"] = lambda names, now: self._told_dead(names["webhook"])

    def _sorted(self) -> list[Line]:
        return [self._sender.lines[name] for name in sorted(self._sender.lines)]

    def _found(self, name: str) -> Line:
        if name not in self._sender.lines:
            raise NotFound(f"there is no webhook {name[:64]}")
        return self._sender.lines[name]

    def _add(self, order: AddWebhook, now: float) -> Done:
        """Of one that is there, URL and secret stay where none is given."""
        there = self._sender.lines.get(order.webhook)
        if there is not None and there.hook.is_set:
            raise Conflict(f"{order.webhook} is in the settings; it is changed there")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", order.webhook):
            raise Invalid(f"{order.webhook[:64]!r} is no name: letters, digits, dots, lines")
        if there is None and len(self._sender.lines) >= MOST_HOOKS:
            raise Conflict(f"there are {MOST_HOOKS} webhooks, the most there may be")
        fresh = "" if order.secret or there else secrets.token_urlsafe(32)
        secret = order.secret or fresh or (there.hook.secret if there else "")
        url = order.url or (there.hook.url if there else "")
        hook = Hook(order.webhook, url, secret, order.events, order.rooms)
        try:
            check(hook)
        except ValueError as error:
            raise Invalid(str(error)) from None
        line = self._sender.lines[hook.name] = self._line(hook, *_left(there))
        place = line.place
        self._sender.wake()
        log.info("webhook added", webhook=hook.name, url=hook.url)
        told = line.describe() | ({"secret": fresh} if fresh else {})

        def keep(db: Database) -> None:
            store.keep(db, hook)
            store.put_place(db, hook.name, place)

        return Done(told, keep, is_new=there is None)

    def _remove(self, order: RemoveWebhook, now: float) -> Done:
        line = self._found(order.webhook)
        if line.hook.is_set:
            raise Conflict(f"{order.webhook} is in the settings; it is taken away there")
        del self._sender.lines[order.webhook]
        log.info("webhook removed", webhook=order.webhook)
        return Done(None, lambda db: store.drop(db, order.webhook))

    def _retry(self, order: RetryWebhook, now: float) -> Done:
        line = self._found(order.webhook)
        count = line.retry(now)
        self._sender.wake()
        return Done({"webhook": order.webhook, "retried": count})

    def _test(self, order: TestWebhook, now: float) -> Done:
        """Beside the others, so that one that is stuck can be looked into."""
        line = self._found(order.webhook)
        identity = f"test-{secrets.token_hex(8)}"
        told = {"id": identity, "type": TEST, "room": "", "number": 0, "at": now}
        letter = Letter(identity, TEST, now, json.dumps(told).encode())

        def tell(outcome: Outcome) -> Mapping[str, object]:
            return {"webhook": order.webhook, "delivered": outcome.is_good, "answer": outcome.words}

        return Done({}, later=self._post(line, letter, now).addCallback(tell))

    def _told_dead(self, name: str) -> list[dict[str, object]]:
        return [letter.describe() for letter in self._found(name).dead]

    def _buried(self, line: Line, letter: Letter) -> None:
        name = line.hook.name
        self._storage.write(lambda db: store.bury(db, name, letter)).addErrback(_not_kept)

    def _risen(self, line: Line, letter: Letter) -> None:
        name = line.hook.name
        self._storage.write(lambda db: store.dig_up(db, name, letter.id)).addErrback(_not_kept)

    def close(self) -> Deferred[Any] | None:
        """Before the store is closed: what has not been delivered is so by the next run."""
        self._sender.close()
        self.outbox.look(is_last=True)
        return self._http.close() if self._http else None

    def describe(self) -> dict[str, object]:
        lines = self._sender.lines.values()
        return {"hooks": len(lines), "dead": sum(len(each.dead) for each in lines)}


def _left(line: Line | None) -> tuple[Sequence[Letter], int | None]:
    """What a line leaves to its successor."""
    return (list(line.dead), line.place) if line is not None else ((), None)


def _hooks_of(settings: Iterable[Setting]) -> list[Hook]:
    return [Hook(each.name, each.url, each.secret, each.events, each.rooms, True) for each in settings]


def _not_kept(failure: Failure) -> None:
    log.error("not stored", why=failure.getErrorMessage())
