"""The part of the stack's door by which subscriptions are granted, told of changes and ended."""

from __future__ import annotations

from confserver.sip import asking
from confserver.sip.core import Core, Extra
from confserver.sip.events import TERMINATED, Event, Standing, event_of, expires_of
from confserver.sip.flow import Address
from confserver.sip.headers import NameAddr
from confserver.sip.outputs import Output, SubscriptionEnded
from confserver.sip.subscriber import Subscriber
from confserver.sip.subscription import Compose, Given, Grant, Subscription, SubscriptionInput
from confserver.sip.uri import Uri
from confserver.sip.usages import grant


class UnknownSubscription(LookupError):
    """Local fault: the subscription has ended, or never was."""


class SubscriptionDoor:
    """What the stack is asked of subscriptions (RFC 6665)."""

    _core: Core

    def _taken(self) -> list[Output]:
        outputs = self._core.outputs
        self._core.outputs = []
        return outputs

    # -------------------------------------------------------------- those of others
    def grant(
        self,
        transaction: int,
        compose: Compose,
        now: float,
        *,
        event: Event | None = None,
        most_s: int = 3600,
        status: int = 202,
        pending: bool = False,
        pace_s: float = 0.0,
    ) -> list[Output]:
        """Answer a SUBSCRIBE, or a REFER by ``status`` (RFC 3515), and notify from now on.

        The subscription has the number of the transaction. Its ``event`` is that of the SUBSCRIBE, or given here;
        ``compose``, ``pace_s``: see ``subscription``. It lasts ``most_s`` at most, and so long where nothing is asked.
        """
        core = self._core
        waiting = core.waiting.get(transaction)
        if waiting is None or waiting.is_answered:
            core.emit(SubscriptionEnded(transaction, "too late"))
            return self._taken()
        request = waiting.request
        event = event or event_of(request)
        if event is None:
            raise ValueError(f"a subscription to nothing: {request}")
        asked = expires_of(request, most_s) if request.method == "SUBSCRIBE" else most_s
        terms = Grant(event, min(asked, most_s), most_s, status, pending, pace_s)
        grant(core, waiting, terms, compose, now)
        return self._taken()

    def activate(self, subscription: int, now: float) -> list[Output]:
        """One that was pending is allowed now."""
        self._subscription(subscription).step(SubscriptionInput.ALLOW, now)
        return self._taken()

    def notify(self, subscription: int, now: float) -> list[Output]:
        """Something has changed: ``compose`` is asked when the next NOTIFY may leave."""
        self._subscription(subscription).step(SubscriptionInput.CHANGE, now)
        return self._taken()

    def end_subscription(
        self, subscription: int, now: float, reason: str = "noresource", retry_after: int | None = None
    ) -> list[Output]:
        """With a last NOTIFY; ``reason`` as in RFC 6665 4.1.3. SubscriptionEnded follows, with the reason as cause."""
        last = Standing(TERMINATED, reason=reason, retry_after=retry_after)
        self._subscription(subscription).step(SubscriptionInput.END, now, Given(reason, last=last))
        return self._taken()

    def _subscription(self, number: int) -> Subscription:
        subscription = self._core.subscriptions.get(number)
        if subscription is None:
            raise UnknownSubscription(number)
        return subscription

    # -------------------------------------------------------------- ours
    def subscribe(
        self,
        event: Event,
        target: Uri,
        from_: NameAddr,
        now: float,
        *,
        expires_s: int = 3600,
        headers: Extra = (),
        transport: str = "UDP",
        via: Address | None = None,
        contact_user: str | None = None,
    ) -> tuple[int, list[Output]]:
        """Subscribe, and keep it fresh: Notified comes each time, SubscriptionEnded at last. Else as in ``call``."""
        core = self._core
        lines = (("Event", str(event)), ("Expires", str(expires_s)), *headers)
        request = asking.fill(asking.opening(core, "SUBSCRIBE", target, from_), lines, b"", "")
        request.encode()  # raises Unwritable before anything has changed
        number = core.next_number()
        user = from_.uri.user if contact_user is None else contact_user
        subscriber = core.subscribers[number] = Subscriber(core, number, request, event, user)
        subscriber.start(asking.way_to(target, transport, via), now)
        return number, self._taken()

    def unsubscribe(self, subscription: int, now: float) -> list[Output]:
        """SubscriptionEnded follows, with the last NOTIFY, or soon without one."""
        subscriber = self._core.subscribers.get(subscription)
        if subscriber is None:
            raise UnknownSubscription(subscription)
        subscriber.leave(now)
        return self._taken()
