r"""Subscriptions of others, whom we notify (RFC 6665 section 4.2, figure 3).

    SUBSCRIBE, REFER -- grant --> ACTIVE or PENDING -- refresh --> the same      each of these sends a NOTIFY
                     \- Expires: 0 --> ENDED  (fetch)
    PENDING -- activate --> ACTIVE      both -- unsubscribe, expiry, our end, a NOTIFY refused --> ENDED

What a NOTIFY says is asked of ``compose`` when it leaves: there is one on its way at a time, two never closer than the
package's pace, and whatever changes meanwhile comes with the next. A subscription leaves the stack's tables when it
ends; its last NOTIFY is the business of this object, which the transactions keep as long as they need it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.events import ACTIVE, PENDING, TERMINATED, Event, Standing
from confserver.sip.grammar import Malformed, number
from confserver.sip.message import Response
from confserver.sip.outputs import SubscriptionEnded
from confserver.sip.requests import Errand
from confserver.sip.timers import Timer
from confserver.sip.transaction import WrongMoment

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.dialog import Dialog
    from confserver.sip.transaction import ServerTransaction


class Content(NamedTuple):
    """What a NOTIFY says."""

    body: bytes = b""
    type: str = ""
    has_more: bool = False
    """It did not fit: another NOTIFY is to follow."""


Compose = Callable[[bool], Content | tuple[bytes, str] | None]
"""Gives what a NOTIFY says: the whole state where the argument is true, else what has changed since the last; None
where nothing has, after all.
"""

GONE = frozenset((404, 405, 408, 410, 416, *range(480, 486), 489, 501, 604))
"""Answers to a NOTIFY that end the subscription at once (RFC 6665 4.2.2, RFC 5057 5.1)."""
SPREAD_S = 0.002
"""What many hear of at once is sent to them one after another, so much for each: a NOTIFY takes a fifth of a
millisecond, and calls shall not wait for all of them.
"""
MOST_FAILURES = 3
"""So often in a row may a NOTIFY be refused otherwise, with Retry-After (RFC 6665 4.2.2)."""
LONGEST_WAIT = 60
"""Seconds that we follow such a Retry-After at most."""


class SubscriptionState(Enum):
    ARRIVED = "arrived"
    """RFC 6665 calls it resp_wait."""
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"
    __hash__ = object.__hash__


class SubscriptionInput(Enum):
    ALLOW = "allow"
    WAIT = "let wait"
    FETCH = "Expires: 0"
    REFRESH = "SUBSCRIBE"
    CHANGE = "change"
    END = "end"
    EXPIRE = "expiry"
    GONE = "NOTIFY refused"
    __hash__ = object.__hash__


class SubscriptionAction(Enum):
    ANSWER = "answer"
    RUN = "start expiry"
    NOTIFY_ALL = "NOTIFY the whole state"
    NOTIFY = "NOTIFY what has changed"
    FORGET = "leave the tables"
    TELL = "tell user: ended"
    __hash__ = object.__hash__


class SubscriptionRow(NamedTuple):
    next: SubscriptionState
    actions: tuple[SubscriptionAction, ...] = ()


S, I, A = SubscriptionState, SubscriptionInput, SubscriptionAction  # noqa: E741

SUBSCRIPTION: Mapping[tuple[SubscriptionState, SubscriptionInput], SubscriptionRow] = {
    (S.ARRIVED, I.ALLOW): SubscriptionRow(S.ACTIVE, (A.ANSWER, A.RUN, A.NOTIFY_ALL)),  # RFC 6665 4.2.1.2
    (S.ARRIVED, I.WAIT): SubscriptionRow(S.PENDING, (A.ANSWER, A.RUN, A.NOTIFY_ALL)),  # 4.2.1.2
    (S.ARRIVED, I.FETCH): SubscriptionRow(S.ENDED, (A.ANSWER, A.FORGET, A.NOTIFY_ALL, A.TELL)),  # 4.4.3
    (S.PENDING, I.ALLOW): SubscriptionRow(S.ACTIVE, (A.NOTIFY_ALL,)),
    (S.PENDING, I.REFRESH): SubscriptionRow(S.PENDING, (A.ANSWER, A.RUN, A.NOTIFY_ALL)),  # 4.2.1.2
    (S.PENDING, I.FETCH): SubscriptionRow(S.ENDED, (A.ANSWER, A.FORGET, A.NOTIFY_ALL, A.TELL)),  # 4.2.1.4
    (S.PENDING, I.CHANGE): SubscriptionRow(S.PENDING),  # nothing is said to who waits
    (S.PENDING, I.END): SubscriptionRow(S.ENDED, (A.FORGET, A.NOTIFY, A.TELL)),  # 4.2.2
    (S.PENDING, I.EXPIRE): SubscriptionRow(S.ENDED, (A.FORGET, A.NOTIFY, A.TELL)),  # 4.2.2
    (S.PENDING, I.GONE): SubscriptionRow(S.ENDED, (A.FORGET, A.TELL)),  # 4.2.2
    (S.ACTIVE, I.REFRESH): SubscriptionRow(S.ACTIVE, (A.ANSWER, A.RUN, A.NOTIFY_ALL)),
    (S.ACTIVE, I.FETCH): SubscriptionRow(S.ENDED, (A.ANSWER, A.FORGET, A.NOTIFY_ALL, A.TELL)),
    (S.ACTIVE, I.CHANGE): SubscriptionRow(S.ACTIVE, (A.NOTIFY,)),  # 4.2.2
    (S.ACTIVE, I.END): SubscriptionRow(S.ENDED, (A.FORGET, A.NOTIFY, A.TELL)),
    (S.ACTIVE, I.EXPIRE): SubscriptionRow(S.ENDED, (A.FORGET, A.NOTIFY, A.TELL)),
    (S.ACTIVE, I.GONE): SubscriptionRow(S.ENDED, (A.FORGET, A.TELL)),
}
del S, I, A


class Grant(NamedTuple):
    """On what terms a request makes a subscription."""

    event: Event
    expires_s: int
    """0: one NOTIFY, and that is all."""
    most_s: int
    """No refresh makes it longer."""
    status: int = 200
    """To a request other than SUBSCRIBE."""
    pending: bool = False
    pace_s: float = 0.0
    """The least time between two NOTIFYs."""


class Given(NamedTuple):
    """What an input brings along."""

    cause: str = ""
    """Why it ends, for people."""
    transaction: ServerTransaction | None = None
    last: Standing = Standing(TERMINATED)
    """What the last NOTIFY says."""


class Subscription:
    """One usage of a dialog in which we are the notifier; ``number`` is that of the request that has made it."""

    def __init__(
        self, core: Core, number: int, dialog: Dialog, source: str, contact_user: str, grant: Grant, compose: Compose
    ) -> None:
        self.core = core
        self.number = number
        self.dialog = dialog
        self.source = source
        """The host that it came from; so many are allowed of each."""
        self.event = grant.event
        self.state = SubscriptionState.ARRIVED
        self.most_s = grant.most_s
        """The longest that a refresh gets, and what one gets that asks for nothing."""
        self._contact_user = contact_user
        self._grant = grant
        self._compose = compose
        self._expires_s = grant.expires_s
        self._ends_at = 0.0
        self._sent_at: float | None = None
        self._is_out = False
        """A NOTIFY is on its way."""
        self._wants = False
        self._wants_all = False
        self._failures = 0
        self._last: Standing | None = None
        self._may_see = not grant.pending

    # -------------------------------------------------------------- the table
    def step(self, what: SubscriptionInput, now: float, given: Given | None = None) -> None:
        """Raises WrongMoment for what our user asks at the wrong one; the network cannot."""
        given = given or Given()
        row = SUBSCRIPTION.get((self.state, what))
        if row is None:
            raise WrongMoment(f"{what.value} of a subscription that is {self.state.value}")
        self.state = row.next
        self._may_see = self._may_see or row.next is SubscriptionState.ACTIVE
        if row.next is SubscriptionState.ENDED:
            self._last = given.last
        for action in row.actions:
            self._perform(action, given, now)

    def _perform(self, action: SubscriptionAction, given: Given, now: float) -> None:
        match action:
            case SubscriptionAction.ANSWER:
                assert given.transaction is not None
                self._answer(given.transaction, now)
            case SubscriptionAction.RUN:
                self._ends_at = now + self._expires_s
                self.core.deadlines.start(self, Timer.EXPIRY, self._ends_at)
            case SubscriptionAction.NOTIFY_ALL:
                self._wants = self._wants_all = True
                self.core.deadlines.stop(self, Timer.PACE)
                self._go_on(now)
            case SubscriptionAction.NOTIFY:
                self._wants = True
                self._go_on(now)
            case SubscriptionAction.FORGET:
                for timer in (Timer.EXPIRY, Timer.PACE):
                    self.core.deadlines.stop(self, timer)
                self.core.forget_subscription(self)
            case SubscriptionAction.TELL:
                self.core.emit(SubscriptionEnded(self.number, given.cause))

    # -------------------------------------------------------------- what comes
    def begin(self, transaction: ServerTransaction, now: float) -> None:
        """Answer the request that makes it, and say how things stand (RFC 6665 4.2.1.2)."""
        if not self._expires_s:
            self._ask_last(transaction, now)
        else:
            what = SubscriptionInput.WAIT if self._grant.pending else SubscriptionInput.ALLOW
            self.step(what, now, Given(transaction=transaction))

    def refreshed(self, transaction: ServerTransaction, expires_s: int, now: float) -> None:
        """SUBSCRIBE again (RFC 6665 4.2.1.2); with Expires: 0 it is the end (4.2.1.4)."""
        self._expires_s = min(expires_s, self.most_s)
        if not self._expires_s:
            self._ask_last(transaction, now)
        else:
            self.step(SubscriptionInput.REFRESH, now, Given(transaction=transaction))

    def _ask_last(self, transaction: ServerTransaction, now: float) -> None:
        last = Standing(TERMINATED, reason="timeout")  # RFC 6665 4.1.3: as if it had run out
        self.step(SubscriptionInput.FETCH, now, Given("unsubscribed", transaction, last))

    def _answer(self, transaction: ServerTransaction, now: float) -> None:
        request, core = transaction.request, self.core
        headers = [("Contact", core.contact(self._contact_user, transaction.flow))]
        if request.method == "SUBSCRIBE":
            headers.append(("Expires", str(self._expires_s)))  # RFC 6665 4.2.1.1
        status = self._grant.status if request.method != "SUBSCRIBE" else 200
        tag = self.dialog.local.tag
        transaction.respond(core.response(request, status, "", (*headers, *core.events_header()), to_tag=tag), now)

    def fire(self, timer: Timer, now: float) -> None:
        if timer is Timer.EXPIRY:
            self.step(SubscriptionInput.EXPIRE, now, Given("expired", last=Standing(TERMINATED, reason="timeout")))
        elif self._wants and not self._is_out:
            self._send(now)

    # -------------------------------------------------------------- what goes
    def _go_on(self, now: float) -> None:
        """Send what is wanted, unless one is out, or the last was a moment ago."""
        if self._is_out or not self._wants or self.core.deadlines.is_running(self, Timer.PACE):
            return
        pace_s = self._grant.pace_s
        if self._wants_all or self._last is not None or self._sent_at is None or not pace_s:
            self._send(now)
            return
        spread_s = min(len(self.core.subscriptions) * SPREAD_S, pace_s / 2)
        due = max(self._sent_at + pace_s, now) + self.core.random.random() * spread_s
        self.core.deadlines.start(self, Timer.PACE, due)

    def _send(self, now: float) -> None:
        standing = self._standing(now)
        said = self._compose(self._wants_all) if self._may_see else Content()
        is_nothing = said is None and not self._wants_all and self._last is None
        self._wants = self._wants_all = False
        if is_nothing:
            return
        content = Content(*(said or ()))
        self._wants = content.has_more and self._last is None
        request = self.dialog.request("NOTIFY")
        lines = [("Event", str(self.event)), ("Subscription-State", str(standing)), *self.core.events_header()]
        for name, value in lines:
            request.headers.add(name, value)
        if content.body:
            request.headers.add("Content-Type", content.type)
            request.body = content.body
        self._is_out, self._sent_at = True, now
        user = self._contact_user
        Errand(self.core, request, self, dialog=self.dialog, contact_user=user).start(self.dialog.way(), now)

    def _standing(self, now: float) -> Standing:
        """RFC 6665 4.1.3."""
        if self._last is not None:
            return self._last
        name = ACTIVE if self.state is SubscriptionState.ACTIVE else PENDING
        return Standing(name, max(round(self._ends_at - now), 0))

    # -------------------------------------------------------------- as the user of a NOTIFY
    def answered(self, response: Response, now: float) -> None:
        status = response.status
        if status < 200:
            return
        self._is_out = False
        if status < 300:
            self._failures = 0
            self.dialog.refresh(response)
            self._go_on(now)
        elif status in GONE or self._failures + 1 >= MOST_FAILURES or not (wait := retry_after_of(response)):
            self._gone(f"NOTIFY was answered {status}", now)
        elif self.state is not SubscriptionState.ENDED:
            self._failures += 1
            self._wants = self._wants_all = True  # what it said is lost
            self.core.deadlines.start(self, Timer.PACE, now + wait)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        self._is_out = False
        self._gone("no answer to NOTIFY" if status == 408 else reason, now)

    def _gone(self, cause: str, now: float) -> None:
        self._wants = False
        if self.state is not SubscriptionState.ENDED:
            self.step(SubscriptionInput.GONE, now, Given(cause))


def retry_after_of(response: Response) -> int:
    """Seconds to wait by a Retry-After; 0 where there is none that can be read (RFC 3261 20.33)."""
    text = (response.headers.get("Retry-After") or "").partition(";")[0].partition("(")[0].strip()
    try:
        return max(min(number(text, 0xFFFFFFFF), LONGEST_WAIT), 1)
    except Malformed:
        return 0
