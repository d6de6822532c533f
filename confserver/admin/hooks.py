"""Webhooks: which events go where, in which order, and when to try again. Pure: ``hook_sender`` has the connections.

::

    feed -> Line.next -> one delivery at a time -> delivered ................. the next
                                                -> failed, not long ago ..... the same again, later and later
                                                -> failed for GIVE_UP_S ..... a dead letter; the next
    what the feed has forgotten, or an earlier run has left: Line.backlog -> the store's outbox -> Line.refill

A line keeps no events: only its place (``place``: up to there all is done), and dead letters, of which the oldest make
room. Events wait in the feed and, for a restart or a long wait, in the store; where too many wait, the oldest are dead
letters (``overrun``). Who retries dead letters has them delivered before anything new.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from confserver.admin.feed import Cursor, Entry, Feed, Lost, Wanted
from rooms.telling import TYPES

CHATTY = frozenset({"talking-changed", "dominant-speaker", "hearing-changed"})
"""Not sent to who has not asked for them: they come often."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0
GIVE_UP_S = 3600.0
"""An event that is older, and fails, is not tried again."""
MOST_DEAD = 1000
MOST_HOOKS = 100
LEAST_SECRET, MOST_SECRET = 16, 256
MOST_URL = 2000
TEST = "test"
TOO_MANY = "too many events have come after it"


@dataclass(frozen=True, slots=True)
class Hook:
    """Where events go. ``events``: types, or beginnings of types with a star; ``rooms``: likewise; none: all."""

    name: str
    url: str
    secret: str = field(repr=False)
    events: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    is_set: bool = False
    """By the settings: it cannot be taken away while the server runs."""

    def wanted(self) -> Wanted:
        types = self.events or tuple(name for name in TYPES if name not in CHATTY)
        return Wanted.of(self.takes_room, "", types)

    def takes_room(self, room: str) -> bool:
        return not self.rooms or any(_fits(room, each) for each in self.rooms)


def check(hook: Hook) -> None:
    """Raises ValueError with what is wrong."""
    try:
        parts = urlsplit(hook.url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or len(hook.url) > MOST_URL or not hook.url.isascii() or not hook.url.isprintable():
        raise ValueError(f"{hook.url[:80]!r} is not a URL such as https://example.com/calls")
    if parts.username is not None or " " in hook.url:
        raise ValueError("a URL holds neither blanks nor names and passwords")
    if not LEAST_SECRET <= len(hook.secret) <= MOST_SECRET or not hook.secret.isprintable():
        raise ValueError(f"a secret has {LEAST_SECRET} to {MOST_SECRET} characters")
    for each in hook.events:
        if not any(_fits(name, each) for name in TYPES):
            raise ValueError(f"there is no event {each[:64]!r}")


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def signature(secret: str, body: bytes, now: float) -> str:
    """``t``: when it was made, epoch seconds; ``v1``: HMAC-SHA256 over it, a dot, and the body, in hexadecimal."""
    at = str(int(now))
    digest = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclass(frozen=True, slots=True)
class Letter:
    """One event on its way to one hook."""

    id: str
    type: str
    at: float
    body: bytes
    number: int = 0
    """In the feed; 0 for one that was dead before."""
    reason: str = ""
    tries: int = 0
    """Of dead ones: why, and how often it was tried."""

    def describe(self) -> dict[str, object]:
        return {"id": self.id, "type": self.type, "at": self.at, "tries": self.tries, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Stored:
    """One event as the store has it."""

    letter: Letter
    room: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of a delivery. ``is_final``: there is no use in trying again."""

    is_good: bool
    words: str
    is_final: bool = False
    later_s: float = 0.0
    """The receiver asks not to come again before."""


class Line:
    """The events for one hook, one after the other."""

    def __init__(
        self,
        hook: Hook,
        feed: Feed,
        chance: Callable[[], float],
        dead: Iterable[Letter] = (),
        place: int | None = None,
        since: float = 0.0,
    ) -> None:
        """``chance``: from 0 to 1, so that many do not come again at once. ``place``: after which event it goes on,
        None: after all there have been. ``since``: before that nothing could be delivered."""
        self.hook = hook
        self._chance = chance
        self._since = since
        self._wanted = hook.wanted()
        self._cursor = Cursor(feed, self._wanted, feed.number if place is None else place)
        self._is_away = False
        """What comes next is in the store alone."""
        self._ready: deque[Letter] = deque()
        self._again: deque[Letter] = deque()
        self._busy: Letter | None = None
        self._tries = 0
        self._failures = 0
        self._due = 0.0
        self.dead: deque[Letter] = deque(dead, MOST_DEAD)
        self.delivered = 0
        self.lost = 0
        """Events that were neither in the feed nor in the store any more: the disk has failed."""
        self.last = ""
        """What has come of the last delivery, in words."""

    def next(self, now: float) -> Letter | None:
        """What is to be delivered now: ``ended`` says what has come of it. None: nothing, or not yet."""
        if self._busy is not None or now < self._due:
            return None
        if not self._again:
            self._fill()
        source = self._again or self._ready
        self._busy = source.popleft() if source else None
        return self._busy

    def _fill(self) -> None:
        while not self._ready and self._cursor.is_behind and not self._is_away:
            try:
                entries = self._cursor.take()
            except Lost:
                self._is_away = True
                return
            self._ready.extend(
                Letter(self._cursor.feed.identify(each.number), each.type, each.at, each.json, each.number)
                for each in entries
            )

    # ------------------------------------------------------------------ the store's outbox
    @property
    def backlog(self) -> tuple[int, int] | None:
        """After which event, and up to which, they are to be fetched; ``refill`` takes them. None: none are missing."""
        upto = min(self._cursor.feed.oldest - 1, self._cursor.feed.shown)
        return (self._cursor.number, upto) if self._is_away else None

    def refill(self, found: Iterable[Stored], upto: int) -> None:
        """All that is left up to a number, in order."""
        self._is_away = False
        self._cursor.number = max(self._cursor.number, upto)
        self._ready.extend(each.letter for each in found if self.wants(each))

    def takes(self, entry: Entry) -> bool:
        return self._wanted.takes(entry)

    def wants(self, stored: Stored) -> bool:
        return self._wanted.takes_type(stored.letter.type) and self._wanted.takes_room(stored.room)

    @property
    def place(self) -> int:
        """Up to this event all has been delivered, or is dead."""
        for each in (self._busy, self._ready[0] if self._ready else None):
            if each is not None and each.number:
                return each.number - 1
        return self._cursor.number

    def overrun(self, oldest: Sequence[Stored]) -> list[Letter]:
        """Too many wait: of these nothing is kept any more. Gives those that are dead; what is under way goes on."""
        last, place = oldest[-1].letter.number, self.place
        busy = self._busy.number if self._busy else 0
        gone = [each.letter for each in oldest if place < each.letter.number != busy and self.wants(each)]
        while self._ready and self._ready[0].number <= last:
            self._ready.popleft()
        self._cursor.number = max(self._cursor.number, last)
        return [self._bury(each, TOO_MANY, each.tries) for each in gone]

    # ------------------------------------------------------------------ what comes of it
    def ended(self, outcome: Outcome, now: float) -> Letter | None:
        """Take what has come of it; gives the letter where it is dead now."""
        letter, self._busy = self._busy, None
        if letter is None:
            return None
        self._tries += 1
        self.last = outcome.words
        if outcome.is_good:
            self.delivered += 1
            self._tries = self._failures = 0
            self._due = now
            return None
        self._failures += 1
        self._due = now + max(self._pause(), min(outcome.later_s, LONGEST_PAUSE_S))
        if not outcome.is_final and now - max(letter.at, self._since) < GIVE_UP_S and letter.number:
            self._ready.appendleft(letter)
            return None
        tries, self._tries = self._tries + letter.tries, 0
        return self._bury(letter, outcome.words, tries)

    def _pause(self) -> float:
        longest = min(FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 20), LONGEST_PAUSE_S)
        return longest * (0.5 + self._chance() / 2)

    def _bury(self, letter: Letter, reason: str, tries: int) -> Letter:
        dead = Letter(letter.id, letter.type, letter.at, letter.body, 0, reason, tries)
        self.dead.append(dead)
        return dead

    def retry(self, now: float) -> int:
        """Dead letters are delivered once more, before anything new. Gives how many."""
        count = len(self.dead)
        self._again.extend(self.dead)
        self.dead.clear()
        self._due = now
        return count

    @property
    def due(self) -> float | None:
        """When there may be something to do; None: nothing, until something happens or ``ended`` is called."""
        if self._busy is not None:
            return None
        is_behind = self._cursor.is_behind and not self._is_away
        return self._due if self._again or self._ready or is_behind else None

    def describe(self) -> dict[str, object]:
        return {
            "webhook": self.hook.name,
            "url": self.hook.url,
            "events": list(self.hook.events),
            "rooms": list(self.hook.rooms),
            "by_settings": self.hook.is_set,
            "delivered": self.delivered,
            "waiting": len(self._again) + len(self._ready) + self._cursor.feed.shown - self._cursor.number,
            "failing": self._failures,
            "dead": len(self.dead),
            "lost": self.lost,
            "last": self.last,
        }
