"""Does what the pure layers ask for, and tells them what has come of it: one queue, one timer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args

import structlog
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from confserver.app.journal import Journal
from confserver.app.publishing import Listener, publish
from confserver.contract import DigitPressed, FromScribe, FromWorker, ToScribe, ToWorker
from confserver.focus import outputs as focus_out
from confserver.focus.deadlines import soonest
from confserver.focus.focus import Focus
from confserver.log import is_logged
from confserver.sip import outputs as sip_out
from confserver.sip.flow import Flow, written
from confserver.sip.grammar import Unwritable
from confserver.sip.headers import Headers
from confserver.sip.locating import Target
from confserver.sip.message import REASONS, Response
from confserver.sip.stack import Stack, UnknownCall, UnknownSubscription, WrongMoment
from rooms.events import DigitReceived

log = structlog.get_logger("calls")

LOOK_S = 0.01
"""Between two looks at what the focus waits for: all of its parts are asked. None of them minds to be so late."""
Output = sip_out.Output | focus_out.Output
_FOR_TRANSPORTS = frozenset((sip_out.SendBytes, sip_out.OpenFlow, sip_out.CloseFlow, sip_out.Resolve))
_FOR_JOURNAL = frozenset((focus_out.Measured, focus_out.Recorded, focus_out.Audited))
_FOR_STACK = frozenset(get_args(focus_out.Output)) - _FOR_JOURNAL
"""Of what the focus asks for, all that ``Performer._do`` finds nobody else for."""


class Transports(Protocol):
    def perform(self, wish: sip_out.SendBytes | sip_out.OpenFlow | sip_out.CloseFlow | sip_out.Resolve) -> None: ...


class Worker(Protocol):
    def send(self, command: ToWorker) -> None: ...


class Scribe(Protocol):
    def send(self, command: ToScribe) -> None: ...


class Porter(Protocol):
    """Whether what comes from a host is to be read, and its connections kept (``routing.barrier``)."""

    def hears(self, host: str, now: float) -> bool: ...
    def connects(self, host: str, now: float) -> bool: ...


class Registry(Protocol):
    """Who takes REGISTERs, and forgets what goes by a lost connection (``app.accounts``)."""

    def register(
        self, event: sip_out.RequestArrived, now: float, perform: Callable[[Sequence[focus_out.Respond]], None]
    ) -> None: ...
    def flow_lost(self, flow: Flow) -> None: ...
    def flows(self) -> set[Flow]: ...


class OpenPorter:
    def hears(self, host: str, now: float) -> bool:
        return True

    def connects(self, host: str, now: float) -> bool:
        return True


@dataclass(slots=True)
class Hands:
    """The shells that things are done by."""

    transports: Transports
    workers: Sequence[Worker]
    scribe: Scribe
    journal: Journal
    said: Callable[[bytes, Flow, float], None] | None = None
    """Who else hears what we send."""
    followers: Sequence[Callable[[sip_out.Output], None]] = ()
    """Who else hears what becomes of calls."""
    listeners: Sequence[Listener] = ()
    """Who else hears what has happened in the rooms."""


class Performer:
    """Drives stack and focus; also whom transports and workers talk to."""

    def __init__(
        self,
        reactor: IReactorTime,
        now: Callable[[], float],
        stack: Stack,
        focus: Focus,
        porter: Porter | None = None,
        registry: Registry | None = None,
    ) -> None:
        self._registry = registry
        self._porter = porter or OpenPorter()
        self._reactor = reactor
        self.now = now
        self._stack = stack
        self._focus = focus
        self._hands: Hands
        self._timer: IDelayedCall | None = None
        self._due: float | None = None
        self._looked_at = 0.0

    def use(self, hands: Hands) -> None:
        """The shells want to know whom to tell before they can be used."""
        self._hands = hands

    # ------------------------------------------------------------------ doing
    def perform(self, outputs: Sequence[Output]) -> None:
        """Do all that is asked for, and what follows from it."""
        for commit in self.carry_out(outputs):
            commit.addErrback(lambda _: None)  # the journal has complained already

    def carry_out(self, outputs: Sequence[Output]) -> list[Deferred[Any]]:
        """The same, for those who wait for the store: gives what they wait for."""
        waiting: deque[Output] = deque(outputs)
        commits: list[Deferred[Any]] = []
        while waiting:
            output = waiting.popleft()
            try:
                waiting.extend(self._do(output, commits))
            except Exception:
                log.exception("fault", output=type(output).__name__)
                waiting.extend(_apology(output))
        self._set_timer()
        return commits

    def _do(self, output: Any, commits: list[Deferred[Any]]) -> Sequence[Output]:
        """One of ``Output``; gives what follows."""
        kind = type(output)
        if kind in _FOR_TRANSPORTS:
            self._hands.transports.perform(output)
            if self._hands.said is not None and isinstance(output, sip_out.SendBytes):
                self._hands.said(output.data, output.flow, self.now())
        elif isinstance(output, focus_out.TellWorker):
            self._hands.workers[output.worker].send(output.command)
        elif isinstance(output, focus_out.TellScribe):
            self._hands.scribe.send(output.command)
        elif isinstance(output, focus_out.Tell):
            (log.warning if output.is_trouble else log.info)(output.event, **dict(output.facts))
        elif isinstance(output, focus_out.Publish):
            for event in output.events:
                if isinstance(event, DigitReceived):
                    log.debug("key", room=event.room, participant=event.participant, digit=event.digit)
            commits.append(publish(self._hands.journal, self._hands.listeners, output.events))
        elif kind in _FOR_JOURNAL:
            commits.append(self._hands.journal.note(output))
        elif kind in _FOR_STACK:
            return self._answer(output)
        elif self._registry and isinstance(output, sip_out.RequestArrived) and output.request.method == "REGISTER":
            self._registry.register(output, self.now(), self.perform)
        else:
            if is_logged("info"):
                _log_call(output)
            self._tell_followers(output)
            return self._focus.hear_call(output, self.now())
        return ()

    def _tell_followers(self, output: sip_out.Output) -> None:
        """A fault of theirs is not the call's."""
        for follow in self._hands.followers:
            try:
                follow(output)
            except Exception:
                log.exception("fault", follower=follow.__qualname__)

    def _answer(self, output: focus_out.Output) -> list[sip_out.Output]:
        """What the focus wants of the stack; a call that has ended meanwhile wants nothing more."""
        stack, now = self._stack, self.now()
        try:
            match output:
                case focus_out.Accept(call=call, body=body):
                    return stack.accept(call, body, now)
                case focus_out.NameRoom(call=call, user=user):
                    return stack.name_contact(call, user)
                case focus_out.Ring(call=call, status=status, body=body):
                    return stack.ring(call, now, status, body)
                case focus_out.Refuse(call=call, status=status, reason=reason, headers=headers):
                    return stack.refuse(call, status, now, reason, headers)
                case focus_out.AcceptOffer(call=call, body=body):
                    return stack.accept_offer(call, body, now)
                case focus_out.RefuseOffer(call=call, status=status, reason=reason, headers=headers):
                    return stack.refuse_offer(call, status, now, reason, headers)
                case focus_out.Offer(call=call, body=body):
                    return stack.offer(call, body, now)
                case focus_out.HangUp(call=call, cause=cause):
                    return stack.hang_up(call, now, cause)
                case focus_out.Call():
                    return self._call(output)
                case focus_out.Abandon(call=call, cause=cause):
                    return [sip_out.CallEnded(call, cause, by_peer=False)]
                case focus_out.Probe(call=call):
                    return stack.probe(call, now)
                case focus_out.Respond(transaction=number, status=status, reason=reason, headers=headers):
                    return stack.respond(number, status, now, reason, headers, output.body, output.content_type)
                case focus_out.Ask() | focus_out.Send():
                    return self._send(output)
                case focus_out.Grant():
                    return stack.grant(
                        output.transaction, output.compose, now, event=output.event, most_s=output.most_s,
                        status=output.status, pace_s=output.pace_s,
                    )  # fmt: skip
                case focus_out.Notify(subscription=number):
                    return stack.notify(number, now)
                case focus_out.EndSubscription(subscription=number, reason=reason, retry_after=later):
                    return stack.end_subscription(number, now, reason, later)
        except Unwritable as fault:
            if not isinstance(output, focus_out.Ask | focus_out.Send):
                raise
            log.error("not sent", what=output.method, why=str(fault))
            return self._never_sent(output, 500)
        except (UnknownCall, UnknownSubscription, WrongMoment) as crossed:
            log.debug("too late", what=type(output).__name__, why=str(crossed))
            if isinstance(output, focus_out.Ask | focus_out.Send):
                return self._never_sent(output, 481)
            if isinstance(output, focus_out.Offer):
                return [sip_out.OfferAnswered(output.call, 491, b"", "")]
        return []

    def _call(self, wish: focus_out.Call) -> list[sip_out.Output]:
        number, outputs = self._stack.call(
            wish.target.uri, wish.from_, wish.offer, self.now(), wish.headers, via=wish.target.hop,
            to=wish.to, contact_user=wish.user, account=wish.target.account,
        )  # fmt: skip
        self._focus.called(wish.leg, number)
        return outputs

    def _send(self, wish: focus_out.Ask | focus_out.Send) -> list[sip_out.Output]:
        stack, now = self._stack, self.now()
        if isinstance(wish, focus_out.Ask):
            number, outputs = stack.ask(wish.call, wish.method, now, wish.headers, wish.body, wish.content_type)
        else:
            number, outputs = stack.send(
                wish.method, wish.target.uri, wish.from_, now, wish.headers, wish.body, wish.content_type,
                via=wish.target.hop, to=wish.to, contact_user=wish.user, account=wish.target.account,
                series=wish.series,
            )  # fmt: skip
        self._focus.sent(wish.key, number)
        return outputs

    def _never_sent(self, wish: focus_out.Ask | focus_out.Send, status: int) -> list[sip_out.Output]:
        """The request has no number of the stack's: our own below zero will do."""
        self._focus.sent(wish.key, -wish.key)
        return [sip_out.RequestAnswered(-wish.key, Response(status, REASONS[status], Headers()))]

    # ------------------------------------------------------------------ time
    def _set_timer(self) -> None:
        """Keep the one timer at the next deadline, or before it: deadlines mostly move on, and looking once in vain
        costs less than a new timer for each of them. The focus is not asked after every turn of a busy time."""
        now = self.now()
        if now >= self._looked_at + LOOK_S:
            self._looked_at, of_focus = now, self._focus.next_deadline()
        else:
            of_focus = self._looked_at + LOOK_S
        due = soonest(self._stack.next_deadline(), of_focus)
        if due is not None and self._due is not None and self._due <= due:
            return
        self.stop()
        if due is not None:
            self._due = due
            self._timer = self._reactor.callLater(max(due - now, 0), self._fire)

    def _fire(self) -> None:
        self._timer = self._due = None
        now = self.now()
        self._hear(lambda: [*self._stack.fire(now), *self._focus.fire(now)])

    def stop(self) -> None:
        """No timer any more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._due = None

    # ------------------------------------------------------------------ the door
    def _hear(self, ask: Callable[[], Sequence[Output]]) -> None:
        """Whatever goes wrong with one message costs that message, never the connection, nor the worker."""
        outputs: Sequence[Output] = ()
        try:
            outputs = ask()
        except Exception:
            log.exception("fault")
        self.perform(outputs)

    def received(self, data: bytes, flow: Flow) -> None:
        now = self.now()
        if self._porter.hears(flow.remote[0], now):
            self._hear(lambda: self._stack.receive(data, flow, now))
        elif flow.is_reliable:
            self._hands.transports.perform(sip_out.CloseFlow(flow, "not heard"))  # a stream with a gap makes no sense

    def wanted(self) -> set[Flow]:
        """Connections by which calls and registered phones are reached."""
        return self._stack.flows() | (self._registry.flows() if self._registry else set())

    def admits(self, host: str) -> bool:
        """Whether a connection from there may stay."""
        return self._porter.connects(host, self.now())

    def lost(self, flow: Flow) -> None:
        self._hear(lambda: self._stack.flow_lost(flow, self.now()))
        if self._registry:
            self._hear(lambda: self._left(flow))

    def _left(self, flow: Flow) -> Sequence[Output]:
        """Who was reached by a connection alone is not reached any more."""
        assert self._registry
        self._registry.flow_lost(flow)
        return ()

    def opened(self, token: int, flow: Flow) -> None:
        self._hear(lambda: self._stack.flow_opened(token, flow, self.now()))

    def failed(self, token: int, reason: str) -> None:
        self._hear(lambda: self._stack.flow_failed(token, reason, self.now()))

    def resolved(self, token: int, targets: Sequence[Target | str]) -> None:
        self._hear(lambda: self._stack.resolved(token, targets, self.now()))

    def heard_worker(self, number: int, event: FromWorker) -> None:
        if isinstance(event, DigitPressed):
            log.debug("digit", leg=event.leg, digit=event.digit)
        self._hear(lambda: self._focus.hear_worker(number, event, self.now()))

    def worker_ready(self, number: int) -> None:
        self._hear(lambda: self._focus.worker_ready(number))

    def worker_lost(self, number: int) -> None:
        self._hear(lambda: self._focus.worker_lost(number, self.now()))

    def heard_scribe(self, event: FromScribe) -> None:
        self._hear(lambda: self._focus.hear_scribe(event, self.now()))

    def scribe_lost(self) -> None:
        self._hear(lambda: self._focus.scribe_lost(self.now()))


def _apology(output: Output) -> Sequence[Output]:
    """What is owed to a peer whom a fault of ours has kept from its answer (RFC 3261 21.5.1)."""
    match output:
        case sip_out.CallArrived(call=call) | focus_out.Accept(call=call):
            return (focus_out.Refuse(call, 500, ""),)
        case sip_out.OfferArrived(call=call) | focus_out.AcceptOffer(call=call):
            return (focus_out.RefuseOffer(call, 500, ""),)
        case sip_out.RequestArrived(transaction=transaction) | sip_out.RequestInCall(transaction=transaction):
            return (focus_out.Respond(transaction, 500),)
        case focus_out.Grant(transaction=transaction):
            return (
                focus_out.Respond(transaction, 500),
                sip_out.SubscriptionEnded(transaction, "a fault of this server"),
            )
        case focus_out.Call(leg=leg):
            return (sip_out.CallEnded(-leg, "a fault of this server", by_peer=False, status=500),)
    return ()


def _log_call(output: sip_out.Output) -> None:
    match output:
        case sip_out.CallArrived(call=call, request=request, flow=flow):
            log.info(
                "call arrived", call=call, to=str(request.uri), source=written(flow.remote), transport=flow.transport
            )
        case sip_out.RelayBegan(number=number, request=request, flow=flow, targets=targets):
            log.info("relayed", relay=number, what=str(request), source=written(flow.remote), targets=list(targets))
        case sip_out.RelayEnded(number=number, status=status):
            log.info("relay answered", relay=number, status=status)
        case sip_out.CallEnded(call=call, cause=cause, status=status, detail=detail):
            log.info("call ended", call=call, cause=cause, status=status, **({"why": detail} if detail else {}))
