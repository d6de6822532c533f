"""Joins the counting to what happens, and the page to who asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from confserver.admin.answers import Document
from confserver.app.journal import Journal
from confserver.app.metrics.catalogue import families
from confserver.app.metrics.exposition import CONTENT_TYPE, page
from confserver.app.metrics.tally import Tally
from confserver.app.orders import Orders
from confserver.contract import FromWorker


class Door(Protocol):
    """What is asked at every scrape."""

    not_ready: Callable[[], str]

    def status(self) -> Mapping[str, object]: ...


class Monitor:
    """``tally.follow`` and ``tally.hear`` are for whoever tells of calls and rooms."""

    def __init__(self, journal: Journal, now: Callable[[], float], orders: Orders) -> None:
        self.tally = Tally(now)
        self._now = now
        self._orders = orders
        journal.listeners.append(self.tally.note)

    def heard_worker(self, worker: int, event: FromWorker) -> None:
        self.tally.media.hear(worker, event, self._now())

    def worker_lost(self, worker: int) -> None:
        self.tally.media.lost(worker)

    def watch(self, door: Door, answers: Counter[int]) -> None:
        """``answers``: those by HTTP, by class of status."""

        def told() -> str:
            status = {**door.status(), "not_ready": door.not_ready(), "http_answers": answers}
            return page(families(status, self.tally))

        self._orders.answers["metrics show"] = lambda names, now: Document(told(), CONTENT_TYPE)
