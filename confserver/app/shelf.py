"""The recordings on the disk, as administrators see them: asked of the scribe, joined with those under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from twisted.internet.defer import Deferred

from confserver.app.orders import Done, Orders
from confserver.contract import (
    DeleteRecording,
    FromScribe,
    ListRecordings,
    RecordingDeleted,
    RecordingsListed,
    ToScribe,
)
from confserver.routing.commands import RemoveRecording
from confserver.transports.scribe_link import Hearer
from rooms.errors import Conflict, NotFound, NotOpen

log = structlog.get_logger("recordings")
ANSWER_S = 10.0
LOST = "the scribe, who keeps recordings, does not answer"
Record = Mapping[str, object]


class Shelf:
    """Puts questions to the scribe, and hears what it says before ``then`` does."""

    def __init__(
        self,
        reactor: Any,
        send: Callable[[ToScribe], None],
        live: Callable[[], Sequence[Record]],
        then: Callable[[], Hearer],
        directory: Path,
    ) -> None:
        """``live``: the recordings of this run, as the focus knows them."""
        self.directory = directory
        self._reactor = reactor
        self._send = send
        self._live = live
        self._then = then
        self._asked: dict[int, Deferred[Any]] = {}
        self._number = 0

    def join(self, orders: Orders) -> None:
        orders.handlers[RemoveRecording] = self._remove

    # ------------------------------------------------------------------ what the scribe says
    def heard_scribe(self, event: FromScribe) -> None:
        match event:
            case RecordingsListed(job=job, recordings=recordings):
                self._answered(job, recordings)
            case RecordingDeleted(job=job, reason=reason):
                self._answered(job, reason)
            case _:
                self._then().heard_scribe(event)

    def scribe_lost(self) -> None:
        """Nobody answers what it was asked."""
        for job in list(self._asked):
            self._fail(job)
        self._then().scribe_lost()

    def _ask(self, command: Callable[[int], ToScribe]) -> Deferred[Any]:
        self._number += 1
        job = self._number
        answer: Deferred[Any] = Deferred()
        self._asked[job] = answer
        late = self._reactor.callLater(ANSWER_S, self._fail, job)

        def done(result: object) -> object:
            if late.active():
                late.cancel()
            return result

        answer.addBoth(done)
        self._send(command(job))
        return answer

    def _answered(self, job: int, result: object) -> None:
        answer = self._asked.pop(job, None)
        if answer is not None:
            answer.callback(result)

    def _fail(self, job: int) -> None:
        answer = self._asked.pop(job, None)
        if answer is not None:
            answer.errback(NotOpen(LOST))

    # ------------------------------------------------------------------ what administrators ask
    def rows(self) -> Deferred[Sequence[Record]]:
        """All that lie on the disk, and those of this run that are under way or have failed; the latest first."""
        return self._ask(lambda job: ListRecordings(job=job)).addCallback(self._joined)

    def _joined(self, found: Sequence[Any]) -> Sequence[Record]:
        live = {str(each["name"]): each for each in self._live()}
        rows = [self._row(msgspec.to_builtins(each), live.pop(each.name, None)) for each in found]
        left = [{**each, "bytes": 0, "until": None} for each in live.values() if each["state"] != "kept"]
        return sorted([*left, *rows], key=lambda row: -float(row["started_at"]))

    def _row(self, kept: dict[str, Any], live: Record | None) -> dict[str, Any]:
        state = {"recording": "broken off", "closed": "converting"}.get(kept["state"], kept["state"])
        row = {**kept, "state": state, "reason": ""}
        row.pop("cause")
        if live is None:
            return row
        seconds = None if live["state"] == "recording" else row["seconds"]
        return {**row, "state": live["state"], "reason": live["reason"], "seconds": seconds}

    def _remove(self, order: RemoveRecording, now: float) -> Done:
        def done(reason: str) -> None:
            if reason:
                raise (NotFound if reason.startswith("there is no") else Conflict)(reason)
            log.info("recording deleted", name=order.recording)

        return Done(None, wait=self._ask(lambda job: DeleteRecording(job=job, name=order.recording)).addCallback(done))
