"""What else than a call may live in a dialog: the subscriptions in it (RFC 6665 4.5, RFC 5057).

A dialog may be a subscription's own, or that of a call, and then it goes on for the subscriptions when the call has
ended (RFC 5057 4.2). Whoever made it is asked first; what belongs to no usage of the dialog gets 481.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from confserver.sip.checks import Refusal, fit
from confserver.sip.dialog import Dialog, DialogInput
from confserver.sip.events import Event, event_of, expires_of
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request
from confserver.sip.outputs import RequestArrived, SubscriptionEnded
from confserver.sip.subscription import Compose, Grant, Subscription
from confserver.sip.transaction import WrongMoment

if TYPE_CHECKING:
    from confserver.sip.core import Core, Extra
    from confserver.sip.flow import Flow
    from confserver.sip.subscriber import Subscriber
    from confserver.sip.transaction import ServerTransaction


class Usages:
    """The subscriptions of one dialog."""

    __slots__ = ("_core", "_ours", "_subscriptions", "dialog")

    def __init__(self, core: Core, dialog: Dialog) -> None:
        self._core = core
        self.dialog = dialog
        self._subscriptions: dict[Event, Subscription] = {}
        self._ours: dict[Event, Subscriber] = {}

    def add(self, subscription: Subscription) -> None:
        """Raises WrongMoment where there is one to the same event."""
        if subscription.event in self._subscriptions:
            raise WrongMoment(f"a second subscription to {subscription.event} in one dialog")
        self._subscriptions[subscription.event] = subscription

    def watch(self, subscriber: Subscriber) -> None:
        """One of ours."""
        self._ours[subscriber.event] = subscriber

    def remove(self, usage: Subscription | Subscriber) -> bool:
        """True where none is left."""
        of_its_kind = self._subscriptions if isinstance(usage, Subscription) else self._ours
        of_its_kind.pop(usage.event, None)
        return not self._subscriptions and not self._ours

    def has(self, request: Request) -> bool:
        """Whether a request belongs to one of them."""
        event = _event_of(request)
        if request.method == "SUBSCRIBE":
            return event in self._subscriptions
        return request.method == "NOTIFY" and event in self._ours

    def receive(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """A request in the dialog, which is of no call."""
        request, core = transaction.request, self._core
        subscription = self._subscriptions.get(_event_of(request) or Event(""))
        if not self.dialog.is_in_order(request.cseq.number):
            self._answer(transaction, 500, now, "Out Of Order")
        elif request.method == "OPTIONS":
            self._answer(transaction, 200, now, headers=core.abilities())
        elif request.method == "SUBSCRIBE" and subscription is not None:
            self._refreshed(subscription, transaction, flow, now)
        elif request.method == "NOTIFY" and (ours := self._ours.get(_event_of(request) or Event(""))) is not None:
            ours.notified(transaction, flow, now)
        elif request.method in ("SUBSCRIBE", "REFER"):
            core.emit(RequestArrived(core.let_wait(transaction), request, flow))
        elif request.method == "INVITE":
            self._answer(transaction, 403, now, "No Call In This Dialog")  # RFC 6665 4.5.1: no more dialog sharing
        else:
            self._answer(transaction, 481, now)

    def _refreshed(self, subscription: Subscription, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        try:
            expires_s = expires_of(transaction.request, subscription.most_s)
        except Malformed as fault:
            self._answer(transaction, 400, now, fit(fault.reason))
            return
        self.dialog.refresh(transaction.request)
        self.dialog.came_by(transaction.request, flow)
        subscription.refreshed(transaction, expires_s, now)

    def _answer(
        self, transaction: ServerTransaction, status: int, now: float, reason: str = "", headers: Extra = ()
    ) -> None:
        transaction.respond(self._core.response(transaction.request, status, reason, headers), now)


def _event_of(request: Request) -> Event | None:
    try:
        return event_of(request)
    except Malformed:
        return None


def grant(core: Core, transaction: ServerTransaction, terms: Grant, compose: Compose, now: float) -> None:
    """Make a subscription of a request that waits for our user. Raises WrongMoment where it is there already."""
    request, flow = transaction.request, transaction.flow
    if (refusal := _crowded(core, flow)) is not None:
        transaction.respond(core.response(request, refusal.status, refusal.reason, refusal.headers), now)
        core.emit(SubscriptionEnded(transaction.number, "too many subscriptions"))
        return
    dialog = core.dialog_of(request)
    if dialog is None:
        dialog = Dialog.as_uas(request, flow, core.token(), core.settings.user_agent)
        dialog.step(DialogInput.SUCCESS)
    usages = core.usages.get(dialog.key) or Usages(core, dialog)
    user, number = request.uri.user, transaction.number
    subscription = Subscription(core, number, dialog, flow.remote[0], user, terms, compose)
    usages.add(subscription)
    core.usages[dialog.key] = usages
    core.keep_subscription(subscription)
    subscription.begin(transaction, now)


def _crowded(core: Core, flow: Flow) -> Refusal | None:
    """What a stranger can make us keep has an end (RFC 3261 21.5.4, RFC 6665 6.3)."""
    settings = core.settings
    later = (("Retry-After", str(settings.retry_after)),)
    if len(core.subscriptions) >= settings.most_subscriptions:
        return Refusal(503, headers=later)
    if core.subscribers_at[flow.remote[0]] >= settings.most_subscriptions_at:
        return Refusal(480, "Too Many Subscriptions", later)
    return None
