"""Requests other than INVITE: theirs go to whoever deals with their method, ours bring their answer back to who asked.

::

    RequestInCall   -> the row of its method in ``in_call``    -> Respond
    RequestArrived  -> the row of its method in ``outside``    -> Respond
    grant, notify, end -> Grant, Notify, EndSubscription -> the stack -> SubscriptionEnded -> ``ended(cause, now)``
    ask, send -> Ask, Send -> the stack -> ``sent`` (its number) -> RequestAnswered -> ``then(response, now)``, once

A part of the focus that deals with a method puts its handler into a row, and the method into ``METHODS``.
"""

from __future__ import annotations

from collections.abc import Callable

from confserver.focus.outputs import Ask, EndSubscription, Grant, Headers, Notify, Respond, Send
from confserver.focus.scene import Scene
from confserver.routing.dialplan import Target
from confserver.sip.events import Event
from confserver.sip.headers import NameAddr
from confserver.sip.message import Response
from confserver.sip.outputs import CallId, RequestAnswered, RequestArrived, RequestInCall, SubscriptionEnded
from confserver.sip.settings import StackSettings
from confserver.sip.subscription import Compose

METHODS: tuple[str, ...] = ("INFO", "MESSAGE", "REFER", "SUBSCRIBE", "NOTIFY")
"""Those that rooms take beside the stack's own; they stand in Allow."""
ALLOW = (*StackSettings().allow, *METHODS)
EVENTS = ("conference", "refer")
"""Packages that rooms notify of (RFC 4575), and REFERs that want a subscription of its own (RFC 7614)."""
FEATURES = ";isfocus;automata;audio"
"""What our Contact says of rooms (RFC 3840 section 10, RFC 4579 for isfocus)."""

Answered = Callable[[Response, float], None]
Ended = Callable[[str, float], None]
"""Hears why a subscription has ended."""


class Requests:
    """Theirs by method, ours by number."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.in_call: dict[str, Callable[[RequestInCall, float], None]] = {}
        self.outside: dict[str, Callable[[RequestArrived, float], None]] = {}
        self._asked: dict[int, Answered] = {}
        """By our key, until the stack has given its number."""
        self._sent: dict[int, Answered] = {}
        """By the stack's number."""
        self._granted: dict[int, Ended] = {}
        self.subscribed: dict[str, Callable[[RequestArrived, float], None]] = {}
        """By event package, what a SUBSCRIBE outside of any call goes to where that is not about a room."""

    # ------------------------------------------------------------------ theirs
    def arrived(self, event: RequestArrived, now: float) -> None:
        handler = self.outside.get(event.request.method)
        if event.request.method == "SUBSCRIBE":
            package = (event.request.headers.get("Event") or "").partition(";")[0].strip().lower()
            handler = self.subscribed.get(package, handler)
        if handler is None:
            self._not_allowed(event.transaction)
        else:
            handler(event, now)

    def arrived_in_call(self, event: RequestInCall, now: float) -> None:
        """Its call may be on its way in or out: a handler looks for the leg itself."""
        handler = self.in_call.get(event.request.method)
        if handler is None:
            self._not_allowed(event.transaction)
        else:
            handler(event, now)

    def _not_allowed(self, transaction: int) -> None:
        """RFC 3261 21.4.6."""
        self._scene.say(Respond(transaction, 405, "", (("Allow", ", ".join(ALLOW)),)))

    # ------------------------------------------------------------------ ours
    def ask(
        self,
        call: CallId,
        method: str,
        then: Answered,
        headers: Headers = (),
        body: bytes = b"",
        content_type: str = "",
    ) -> None:
        """Send a request in a call. ``then`` hears the final answer, 481 where the call has ended meanwhile."""
        self._scene.say(Ask(self._keep(then), call, method, headers, body, content_type))

    def send(
        self,
        method: str,
        target: Target,
        from_: NameAddr,
        then: Answered,
        *,
        to: NameAddr | None = None,
        user: str = "",
        headers: Headers = (),
        body: bytes = b"",
        content_type: str = "",
        series: tuple[str, int] | None = None,
    ) -> None:
        """Send a request outside of any dialog. ``then`` hears the final answer (408, 503: none came)."""
        key, whom = self._keep(then), to or NameAddr("", target.uri)
        self._scene.say(Send(key, method, target, from_, whom, user, headers, body, content_type, series))

    # ------------------------------------------------------------------ subscriptions of others
    def grant(
        self,
        transaction: int,
        compose: Compose,
        ended: Ended,
        *,
        event: Event | None = None,
        most_s: int = 3600,
        status: int = 202,
        pace_s: float = 0.0,
    ) -> None:
        """Answer a SUBSCRIBE, or a REFER by ``status``, and notify from now on: see ``Stack.grant``.

        The subscription has the transaction's number. ``ended`` hears the cause, once.
        """
        self._granted[transaction] = ended
        self._scene.say(Grant(transaction, compose, event, most_s, status, pace_s))

    def notify(self, subscription: int) -> None:
        """What it is about has changed; nothing where it has ended."""
        if subscription in self._granted:
            self._scene.say(Notify(subscription))

    def end(self, subscription: int, reason: str = "noresource", retry_after: int | None = None) -> None:
        """With a last NOTIFY; nothing where it has ended."""
        if subscription in self._granted:
            self._scene.say(EndSubscription(subscription, reason, retry_after))

    def ended(self, event: SubscriptionEnded, now: float) -> None:
        ended = self._granted.pop(event.subscription, None)
        if ended is not None:
            ended(event.cause, now)

    def _keep(self, then: Answered) -> int:
        key = self._scene.number()
        self._asked[key] = then
        return key

    def sent(self, key: int, number: int) -> None:
        """The stack's number of what ``key`` has asked for."""
        self._sent[number] = self._asked.pop(key)

    def answered(self, event: RequestAnswered, now: float) -> None:
        then = self._sent.pop(event.number, None)
        if then is not None:
            then(event.response, now)

    def __len__(self) -> int:
        """Requests of ours that wait for their answer."""
        return len(self._asked) + len(self._sent)
