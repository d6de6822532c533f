"""The same answer again to a change that is asked for twice under one key (Idempotency-Key).

Who has lost the answer to "call Anna into the room" cannot know whether she is being called; he asks again by the
same key and body, and hears what he would have heard. As draft-ietf-httpapi-idempotency-key-header-06 has it
(sections 2.6 and 2.7): another body under the key is 422, and 409 while the first is under way. Kept in memory and by
a ``Keeper``, one token's keys apart from another's, for a day, and the latest only. After a restart 409 also says
where nobody knows whether it was done, or where the answer was not to be kept.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from twisted.internet.defer import Deferred

from confserver.admin.problems import Problem

KEPT_S = 86400.0
MOST_KEPT = 2000
MOST_KEPT_BYTES = 8 * 1024 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,255}\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client hears."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """One change under one holder's key; ``print``: a hash of all that was asked."""

    holder: str
    key: str
    print: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier run has kept. Without an answer: it was ``hidden``, or the run ended before there was one."""

    ask: Ask
    at: float
    answer: Answer | None = None
    is_hidden: bool = False


class Keeper(Protocol):
    """Keeps keys beyond the process. What is ``done`` may be told when that fires."""

    def begun(self, ask: Ask, at: float) -> object: ...
    def done(self, ask: Ask, answer: Answer) -> Deferred[None]: ...
    def gone(self, holder: str, key: str) -> object: ...


UNKNOWN = (
    "the server went down while this was under way: look whether it was done, and ask by another key if it was not"
)
HIDDEN = "it was done; what was answered is shown only once, and not kept over a restart of the server"


@dataclass(slots=True)
class _Kept:
    print: bytes
    at: float
    answer: Answer | None = None
    trouble: str = ""
    """Why there is no answer, and will be none."""

    @property
    def is_over(self) -> bool:
        return self.answer is not None or bool(self.trouble)

    @property
    def size(self) -> int:
        return len(self.answer.body) if self.answer else 0


def ask_of(holder: str, key: str | None, method: str, uri: str, body: bytes) -> Ask | None:
    """None where no key is given. Raises Problem 400 for what is no key."""
    if key is None:
        return None
    if not _KEY.match(key):
        raise Problem(400, "Idempotency-Key: must be 1 to 255 printable characters of ASCII")
    asked = hashlib.sha256()
    for part in (method.encode(), uri.encode("latin-1", "replace"), body):
        asked.update(len(part).to_bytes(8, "big") + part)
    return Ask(holder, key, asked.digest())


@dataclass(slots=True)
class Replays:
    """What was asked under keys, and what has come of it."""

    _kept: OrderedDict[tuple[str, str], _Kept] = field(default_factory=OrderedDict)
    """The latest used last."""
    _bytes: int = 0
    keeper: Keeper | None = None

    def restore(self, known: Iterable[Known]) -> None:
        """What an earlier run has left, the latest last."""
        for each in known:
            trouble = "" if each.answer else (HIDDEN if each.is_hidden else UNKNOWN)
            kept = self._kept[each.ask.holder, each.ask.key] = _Kept(each.ask.print, each.at, each.answer, trouble)
            self._bytes += kept.size
        self._bound()

    def find(self, ask: Ask | None, now: float) -> Answer | None:
        """The answer that was given before; None: it is new. Raises Problem 409 or 422."""
        kept = self._kept.get((ask.holder, ask.key)) if ask else None
        if ask is None or kept is None:
            return None
        if now - kept.at > KEPT_S and kept.is_over:
            self.forget(ask)
            return None
        if kept.print != ask.print:
            raise Problem(422, "this Idempotency-Key was used for another request", kind="key-reused")
        if kept.trouble:
            raise Problem(409, kept.trouble, kind="not-kept" if kept.trouble == HIDDEN else "unknown")
        if kept.answer is None:
            raise Problem(409, "the same request is under way", kind="under-way", headers={"Retry-After": "1"})
        self._kept.move_to_end((ask.holder, ask.key))
        return Answer(
            kept.answer.status, kept.answer.body, (*kept.answer.headers, ("Idempotency-Replayed", "true"))
        )  # fmt: skip

    def begin(self, ask: Ask | None, now: float) -> None:
        if ask is not None:
            self._kept[ask.holder, ask.key] = _Kept(ask.print, now)
            if self.keeper is not None:
                self.keeper.begun(ask, now)

    def finish(self, ask: Ask | None, answer: Answer) -> Deferred[None] | None:
        """Keep the answer; not a fault of ours, which may be none the next time. It may be told when that fires."""
        if ask is None:
            return None
        kept = self._kept.get((ask.holder, ask.key))
        if answer.status >= 500 or kept is None:
            self.forget(ask)
            return None
        kept.answer = answer
        self._bytes += kept.size
        self._bound()
        return self.keeper.done(ask, answer) if self.keeper is not None else None

    def forget(self, ask: Ask | None) -> None:
        if ask is not None and (kept := self._kept.pop((ask.holder, ask.key), None)) is not None:
            self._bytes -= kept.size
            self._gone(ask.holder, ask.key)

    def _gone(self, holder: str, key: str) -> None:
        if self.keeper is not None:
            self.keeper.gone(holder, key)

    def _bound(self) -> None:
        """What is under way stays: there are few at once."""
        for key in list(self._kept):
            if len(self._kept) <= MOST_KEPT and self._bytes <= MOST_KEPT_BYTES:
                return
            if self._kept[key].is_over:
                self._bytes -= self._kept.pop(key).size
                self._gone(*key)

    def describe(self) -> dict[str, int]:
        return {"kept": len(self._kept), "bytes": self._bytes}
