"""What administration may ask of the running server (``admin.http.Door``)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from twisted.internet.defer import Deferred, DeferredList, FirstError, fail, succeed
from twisted.python.failure import Failure

from confserver.app.orders import Orders
from confserver.app.performer import Performer
from confserver.app.shelf import Shelf
from confserver.app.space import Space
from confserver.focus.focus import Focus
from confserver.routing.commands import Command as Order
from confserver.storage import Storage, StorageFull
from rooms.commands import Command
from rooms.errors import Forbidden, NoSpace, Refused
from rooms.participant import Actor
from rooms.records.audit import Attempt


class Door:
    """Commands go to the focus and are answered after their commit; questions are answered from memory."""

    def __init__(
        self,
        focus: Focus,
        performer: Performer,
        parts: Callable[[], Mapping[str, object]],
        orders: Orders | None = None,
        storage: Storage | None = None,
        shelf: Shelf | None = None,
        not_ready: Callable[[], str] = str,
        space: Space | None = None,
    ) -> None:
        """``parts`` describes everything else, for ``status``."""
        self._focus = focus
        self._performer = performer
        self._parts = parts
        self._orders = orders or Orders()
        self._storage = storage
        self.not_ready = not_ready
        self._space = space
        self._shelf = shelf
        self._started_at = performer.now()

    def submit(self, command: Command, by: Actor) -> Deferred[None]:
        """Carry out a command; fires after its commit, fails with Refused."""
        done: Deferred[None] = Deferred()
        failed: Callable[[BaseException], BaseException] = _as_it_is
        try:
            if self._space is not None:
                self._space.check(command)
                failed = self._space.guard(command)
            commits = self._performer.carry_out(self._focus.command(command, by, self._performer.now()))
        except Refused as refused:
            self._performer.perform(self._focus.taken())
            done.errback(refused)
            return done
        stored = DeferredList(commits, fireOnOneErrback=True, consumeErrors=True)
        stored.addCallbacks(lambda _: done.callback(None), lambda failure: done.errback(failed(_error(failure))))
        return done

    def order(self, order: Order, by: Actor) -> Deferred[tuple[Mapping[str, object] | None, bool]]:
        """Carry out an order; fires after its commit, fails with Refused."""
        try:
            if by.role < order.needs:
                raise Forbidden(f"{by.name} may not do that")
            if self._space is not None:
                self._space.check(order)
            done = self._orders.carry_out(order, self._performer.now(), by.name)
        except Refused as refused:
            return fail(refused)
        if done.later is not None:
            return done.later.addCallback(lambda told: (told, done.is_new))
        stored: Deferred[object] = succeed(None)
        if done.job is not None and self._storage is not None:
            stored = self._storage.write(done.job).addErrback(_not_kept)
        if done.wait is not None:
            also = done.wait
            stored.addCallback(lambda _: also)
        return stored.addCallback(lambda _: (done.told, done.is_new))

    def version(self, order: Order) -> str | None:
        """That of what it changes, where that has one."""
        return self._orders.version(order)

    def turned_away(self, asked: Attempt, by: Actor, reason: str, kind: str = Forbidden.kind) -> None:
        """Somebody has asked for what he may not."""

    def answer(self, question: str, names: Mapping[str, str]) -> object:
        """Raises Refused."""
        return self._orders.answer(question, names, self._performer.now())

    def rooms(self) -> Sequence[Mapping[str, object]]:
        return self._focus.rooms(self._performer.now())

    def room(self, name: str) -> Mapping[str, object]:
        """Raises Refused."""
        return self._focus.room(name, self._performer.now())

    def recordings(self) -> object:
        """Those on the disk too, by a Deferred; without a shelf those of this run."""
        return self._shelf.rows() if self._shelf is not None else self._focus.recordings()

    def recording_file(self, name: str) -> Path:
        """``name``: as a row of ``recordings`` has it."""
        return self._shelf.directory / name if self._shelf is not None else Path(name)

    def status(self) -> Mapping[str, object]:
        return {
            "version": version("confserver"),
            "pid": os.getpid(),
            "uptime_s": round(self._performer.now() - self._started_at, 1),
            "focus": self._focus.describe(),
            **self._parts(),
        }


def _not_kept(failure: Failure) -> Failure:
    """Memory has it, the disk does not; from now on such orders are refused before (``app.space``)."""
    if not isinstance(failure.value, StorageFull):
        return failure
    raise NoSpace(f"it could not be kept, and holds until the server stops ({failure.value}); calls go on")


def _error(failure: Failure) -> BaseException:
    return _inner(failure).value or RuntimeError("it has failed")


def _as_it_is(error: BaseException) -> BaseException:
    return error


def _inner(failure: Failure) -> Failure:
    return failure.value.subFailure if isinstance(failure.value, FirstError) else failure
