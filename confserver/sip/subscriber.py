"""Subscriptions of ours: others notify us (RFC 6665 section 4.1, figure 1).

    WAITING -- NOTIFY --> PENDING, ACTIVE -- they end it, it expires --> ENDED
       \\                                 \\- we leave --> LEAVING -- last NOTIFY --> ENDED
        \\- refused, or no NOTIFY within 64*T1 --> ENDED

The dialog is that of the first NOTIFY, which may overtake the answer to our SUBSCRIBE (4.1.2.4). Where a proxy has
forked it, the first counts, and the others get 481 (4.1.4; no package of ours wants several).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.checks import fit
from confserver.sip.dialog import Dialog, DialogInput
from confserver.sip.events import ACTIVE, MOST_S, PENDING, Event, Standing, event_of, expires_of, parse_standing
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, Response
from confserver.sip.outputs import Notified, SubscriptionEnded
from confserver.sip.requests import Errand
from confserver.sip.subscription import GONE
from confserver.sip.timers import TIMINGS, Timer
from confserver.sip.usages import Usages

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.flow import Flow
    from confserver.sip.transaction import ServerTransaction
    from confserver.sip.ways import Way

EARLY_S = 30.0
"""We refresh so long before the end, or at three quarters of the time where that is later."""


class SubscriberState(Enum):
    WAITING = "waiting"
    """RFC 6665 calls it notify_wait."""
    PENDING = "pending"
    ACTIVE = "active"
    LEAVING = "leaving"
    ENDED = "ended"
    __hash__ = object.__hash__


class SubscriberInput(Enum):
    ACTIVE = "NOTIFY: active"
    PENDING = "NOTIFY: pending"
    TERMINATED = "NOTIFY: terminated"
    ACCEPTED = "2xx"
    REFUSED = "300-699"
    GONE = "481 and its like"
    NO_NOTIFY = "no NOTIFY"
    REFRESH = "refresh"
    EXPIRE = "expiry"
    LEAVE = "leave"
    __hash__ = object.__hash__


class SubscriberAction(Enum):
    RUN = "start refresh and expiry"
    TELL = "tell user: notified"
    SEND = "send SUBSCRIBE"
    SEND_LAST = "send SUBSCRIBE, Expires: 0"
    END = "tell user: ended"
    __hash__ = object.__hash__


class SubscriberRow(NamedTuple):
    next: SubscriberState
    actions: tuple[SubscriberAction, ...] = ()


S, I, A = SubscriberState, SubscriberInput, SubscriberAction  # noqa: E741

SUBSCRIBER: Mapping[tuple[SubscriberState, SubscriberInput], SubscriberRow] = {
    (S.WAITING, I.ACCEPTED): SubscriberRow(S.WAITING),  # RFC 6665 4.1.2.4: the NOTIFY counts
    (S.WAITING, I.REFUSED): SubscriberRow(S.ENDED, (A.END,)),
    (S.WAITING, I.GONE): SubscriberRow(S.ENDED, (A.END,)),
    (S.WAITING, I.NO_NOTIFY): SubscriberRow(S.ENDED, (A.END,)),  # Timer N
    (S.WAITING, I.ACTIVE): SubscriberRow(S.ACTIVE, (A.RUN, A.TELL)),
    (S.WAITING, I.PENDING): SubscriberRow(S.PENDING, (A.RUN, A.TELL)),
    (S.WAITING, I.TERMINATED): SubscriberRow(S.ENDED, (A.TELL, A.END)),
    (S.WAITING, I.LEAVE): SubscriberRow(S.ENDED, (A.END,)),  # whatever comes gets 481, which ends it there
    (S.PENDING, I.ACTIVE): SubscriberRow(S.ACTIVE, (A.RUN, A.TELL)),
    (S.PENDING, I.PENDING): SubscriberRow(S.PENDING, (A.RUN, A.TELL)),
    (S.PENDING, I.TERMINATED): SubscriberRow(S.ENDED, (A.TELL, A.END)),
    (S.PENDING, I.ACCEPTED): SubscriberRow(S.PENDING, (A.RUN,)),
    (S.PENDING, I.REFUSED): SubscriberRow(S.PENDING),  # 4.1.2.2: it stands until its time is over
    (S.PENDING, I.GONE): SubscriberRow(S.ENDED, (A.END,)),
    (S.PENDING, I.REFRESH): SubscriberRow(S.PENDING, (A.SEND,)),
    (S.PENDING, I.EXPIRE): SubscriberRow(S.ENDED, (A.END,)),
    (S.PENDING, I.LEAVE): SubscriberRow(S.LEAVING, (A.SEND_LAST,)),  # 4.1.2.3
    (S.ACTIVE, I.ACTIVE): SubscriberRow(S.ACTIVE, (A.RUN, A.TELL)),
    (S.ACTIVE, I.PENDING): SubscriberRow(S.PENDING, (A.RUN, A.TELL)),
    (S.ACTIVE, I.TERMINATED): SubscriberRow(S.ENDED, (A.TELL, A.END)),
    (S.ACTIVE, I.ACCEPTED): SubscriberRow(S.ACTIVE, (A.RUN,)),
    (S.ACTIVE, I.REFUSED): SubscriberRow(S.ACTIVE),
    (S.ACTIVE, I.GONE): SubscriberRow(S.ENDED, (A.END,)),
    (S.ACTIVE, I.REFRESH): SubscriberRow(S.ACTIVE, (A.SEND,)),
    (S.ACTIVE, I.EXPIRE): SubscriberRow(S.ENDED, (A.END,)),
    (S.ACTIVE, I.LEAVE): SubscriberRow(S.LEAVING, (A.SEND_LAST,)),
    (S.LEAVING, I.ACTIVE): SubscriberRow(S.LEAVING),  # it has crossed our SUBSCRIBE
    (S.LEAVING, I.PENDING): SubscriberRow(S.LEAVING),
    (S.LEAVING, I.TERMINATED): SubscriberRow(S.ENDED, (A.TELL, A.END)),
    (S.LEAVING, I.ACCEPTED): SubscriberRow(S.LEAVING),
    (S.LEAVING, I.REFUSED): SubscriberRow(S.ENDED, (A.END,)),
    (S.LEAVING, I.GONE): SubscriberRow(S.ENDED, (A.END,)),
    (S.LEAVING, I.NO_NOTIFY): SubscriberRow(S.ENDED, (A.END,)),
    (S.LEAVING, I.LEAVE): SubscriberRow(S.LEAVING),
}
del S, I, A


class Heard(NamedTuple):
    """What an input brings along."""

    cause: str = ""
    notify: Request | None = None
    standing: Standing | None = None
    seconds: int | None = None
    """How long it lasts from now on; None: as before."""


class Subscriber:
    """One subscription of ours; known to our user by its number."""

    def __init__(self, core: Core, number: int, request: Request, event: Event, contact_user: str) -> None:
        self.core = core
        self.number = number
        self.event = event
        self.state = SubscriberState.WAITING
        self.dialog: Dialog | None = None
        self.key = request.call_id, request.from_.tag
        """By which its first NOTIFY finds it."""
        self._request = request
        self._contact_user = contact_user
        self._asked_s = expires_of(request, 0)

    def start(self, way: Way, now: float) -> None:
        self.core.awaiting[self.key] = self
        self._wait(now)
        Errand(self.core, self._request, self, contact_user=self._contact_user).start(way, now)

    def _wait(self, now: float) -> None:
        self.core.deadlines.start(self, Timer.WAIT, now + TIMINGS[Timer.WAIT].first)

    # -------------------------------------------------------------- the table
    def step(self, what: SubscriberInput, heard: Heard, now: float) -> None:
        row = SUBSCRIBER.get((self.state, what))
        if row is None:
            self.core.drop(f"{what.value} of a subscription of ours that is {self.state.value}")
            return
        self.state = row.next
        for action in row.actions:
            self._perform(action, heard, now)

    def _perform(self, action: SubscriberAction, heard: Heard, now: float) -> None:
        match action:
            case SubscriberAction.RUN:
                self._run(heard.seconds, now)
            case SubscriberAction.TELL:
                assert heard.notify is not None and heard.standing is not None
                notify, standing = heard.notify, heard.standing
                self.core.emit(Notified(self.number, standing, notify.body, notify.content_type))
            case SubscriberAction.SEND:
                self._send(self._asked_s, now)
            case SubscriberAction.SEND_LAST:
                self.core.deadlines.stop(self, Timer.EXPIRY)
                self.core.deadlines.stop(self, Timer.REFRESH)
                self._wait(now)
                self._send(0, now)
            case SubscriberAction.END:
                self._end(heard)

    def _run(self, seconds: int | None, now: float) -> None:
        deadlines = self.core.deadlines
        deadlines.stop(self, Timer.WAIT)
        if seconds is None:
            if deadlines.is_running(self, Timer.EXPIRY):
                return
            seconds = self._asked_s
        deadlines.start(self, Timer.EXPIRY, now + seconds)
        deadlines.start(self, Timer.REFRESH, now + max(seconds - EARLY_S, seconds * 0.75))

    def _send(self, expires_s: int, now: float) -> None:
        assert self.dialog is not None
        request = self.dialog.request("SUBSCRIBE")
        for name in ("Event", "Accept", "Allow", "Supported"):
            for line in self._request.headers.lines(name):
                request.headers.add(*line)
        request.headers.add("Expires", str(expires_s))
        Errand(self.core, request, self, dialog=self.dialog, contact_user=self._contact_user).start(
            self.dialog.way(), now
        )

    def _end(self, heard: Heard) -> None:
        for timer in (Timer.WAIT, Timer.EXPIRY, Timer.REFRESH):
            self.core.deadlines.stop(self, timer)
        self.core.forget_subscriber(self)
        standing = heard.standing
        cause = heard.cause or (standing.reason if standing else "") or "ended"
        self.core.emit(SubscriptionEnded(self.number, cause, standing.retry_after if standing else None))

    # -------------------------------------------------------------- NOTIFY
    def notified(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """In its dialog, or the first one, which makes it (RFC 6665 4.1.3)."""
        notify, core = transaction.request, self.core
        try:
            event, standing = event_of(notify), parse_standing(notify.headers.get("Subscription-State") or "")
        except Malformed as fault:
            transaction.respond(core.response(notify, 400, fit(fault.reason)), now)
            return
        if event != self.event:
            transaction.respond(core.response(notify, 489, "", (("Allow-Events", str(self.event)),)), now)
            return
        if self.dialog is None:
            self._join(notify, flow)
        else:
            self.dialog.refresh(notify)
            self.dialog.came_by(notify, flow)
        contact = ("Contact", core.contact(self._contact_user, flow))
        transaction.respond(core.response(notify, 200, "", (contact,)), now)
        what = {ACTIVE: SubscriberInput.ACTIVE, PENDING: SubscriberInput.PENDING}
        self.step(
            what.get(standing.state, SubscriberInput.TERMINATED), Heard("", notify, standing, standing.expires), now
        )

    def _join(self, notify: Request, flow: Flow) -> None:
        """RFC 6665 4.4.1: the NOTIFY makes the dialog."""
        dialog = Dialog.as_uas(notify, flow, notify.to.tag, self.core.settings.user_agent)
        dialog.local_cseq = self._request.cseq.number
        dialog.step(DialogInput.SUCCESS)
        self.dialog = dialog
        self.core.awaiting.pop(self.key, None)
        self.core.usages.setdefault(dialog.key, Usages(self.core, dialog)).watch(self)

    # -------------------------------------------------------------- our user, and time
    def leave(self, now: float) -> None:
        self.step(SubscriberInput.LEAVE, Heard("we have left"), now)

    def fire(self, timer: Timer, now: float) -> None:
        match timer:
            case Timer.WAIT:
                self.step(SubscriberInput.NO_NOTIFY, Heard("no NOTIFY"), now)
            case Timer.REFRESH:
                self.step(SubscriberInput.REFRESH, Heard(), now)
            case _:
                self.step(SubscriberInput.EXPIRE, Heard("expired"), now)

    # -------------------------------------------------------------- as the user of a SUBSCRIBE
    def answered(self, response: Response, now: float) -> None:
        if response.status < 200 or self.state is SubscriberState.ENDED:
            return
        if response.status < 300:
            if self.dialog is not None:
                self.dialog.refresh(response)
            try:
                seconds = min(expires_of(response, self._asked_s), MOST_S)
            except Malformed:
                seconds = self._asked_s
            self.step(SubscriberInput.ACCEPTED, Heard(seconds=seconds), now)
        else:
            what = SubscriberInput.GONE if response.status in GONE else SubscriberInput.REFUSED
            self.step(what, Heard(response.reason or str(response.status)), now)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        if self.state is not SubscriberState.ENDED:
            self.step(SubscriberInput.GONE if status == 408 else SubscriberInput.REFUSED, Heard(reason), now)
