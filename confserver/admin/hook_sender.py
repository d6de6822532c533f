# mypy: allow-untyped-calls
# (twisted.web is half typed)
"""Delivers letters by HTTP: one at a time to each hook, in order, never in anybody's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as GivenUp
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.error import TimeoutError as TimedOut
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol as Receiver
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from confserver.admin.hooks import Letter, Line, Outcome, signature

ANSWER_S = 10.0
"""So long a receiver may take, its answer's body included."""
CONNECT_S = 5.0
MOST_ANSWER = 64 * 1024
log = structlog.get_logger("webhooks")


@implementer(IBodyProducer)
class Body:
    """The body of a request, at once."""

    def __init__(self, data: bytes) -> None:
        self.length = len(data)
        self._data = data

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self._data)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def stopProducing(self) -> None: ...


class _Rest(Receiver):
    """The answer's body, which nobody reads; one that is too long is cut off."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred(lambda _: self.cut())
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MOST_ANSWER:
            self.cut()

    def cut(self) -> None:
        transport: Any = self.transport
        if transport is not None:  # half of a body would wait for the rest: nothing of ours is on the way
            getattr(transport, "abortConnection", transport.loseConnection)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.ended.called:
            self.ended.callback(None)


class Post(Protocol):
    """One delivery; never fails."""

    def __call__(self, line: Line, letter: Letter, now: float) -> Deferred[Outcome]: ...


class Http:
    """Deliveries over twisted.web's client. Redirects are not followed: who signs must know to whom."""

    def __init__(self, reactor: Any, agent_name: str) -> None:
        self._reactor = reactor
        self._name = agent_name
        self._pool = HTTPConnectionPool(reactor, persistent=True)
        self._pool.maxPersistentPerHost = 1
        self._pool.retryAutomatically = False
        self._agent = Agent(reactor, connectTimeout=CONNECT_S, pool=self._pool)

    def __call__(self, line: Line, letter: Letter, now: float) -> Deferred[Outcome]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._name,
            "X-Confserver-Event": letter.type,
            "X-Confserver-Delivery": letter.id,
            "X-Confserver-Signature": signature(line.hook.secret, letter.body, now),
        }
        raw = Headers({name: [value] for name, value in headers.items()})
        try:
            asked = self._agent.request(b"POST", line.hook.url.encode(), raw, Body(letter.body))
        except Exception as error:  # a URL that the agent does not like
            failed: Deferred[Outcome] = Deferred()
            failed.callback(Outcome(False, f"cannot be asked: {error}", is_final=True))
            return failed
        answered = cast("Deferred[Outcome]", asked.addCallback(_read_through))
        answered.addTimeout(ANSWER_S, self._reactor)
        answered.addErrback(_failure)
        return answered

    def close(self) -> Deferred[None]:
        return cast("Deferred[None]", self._pool.closeCachedConnections())


def _read_through(response: IResponse) -> Deferred[Outcome]:
    rest = _Rest()
    response.deliverBody(rest)
    return rest.ended.addCallback(lambda _: outcome_of(response))


def outcome_of(response: IResponse) -> Outcome:
    """2xx is good; 410 says that nobody wants it any more (RFC 9110 15.5.11); all else may be otherwise later."""
    code = response.code
    if 200 <= code < 300:
        return Outcome(True, f"{code}")
    if 300 <= code < 400:
        return Outcome(False, f"{code}: redirects are not followed")
    wait = response.headers.getRawHeaders("retry-after") or [""]
    later = float(wait[0]) if wait[0].isascii() and wait[0].isdigit() and len(wait[0]) < 7 else 0.0
    return Outcome(False, f"{code}", is_final=code == 410, later_s=later)


def _failure(failure: Failure) -> Outcome:
    error = failure.value
    kind = type(error).__name__
    reasons = getattr(error, "reasons", [])
    was_cut = any(each.check(CancelledError) for each in reasons)  # by us, while it was waited for
    if was_cut or isinstance(error, CancelledError | GivenUp | TimedOut):
        return Outcome(False, f"no answer within {ANSWER_S:g} s")
    if isinstance(error, DNSLookupError):
        return Outcome(False, "there is no host of that name")
    if reasons:
        said = "; ".join(each.getErrorMessage() for each in reasons)
        return Outcome(False, said[:200] or "the connection was lost")
    if isinstance(error, ConnectError):
        return Outcome(False, str(error)[:200] or "cannot connect")
    return Outcome(False, f"{kind}: {failure.getErrorMessage()}"[:200])


class Sender:
    """Keeps all lines going. ``buried`` is told of each letter that has died, ``risen`` of each that was dead and has
    arrived after all; ``fetch`` has a line refilled."""

    def __init__(
        self,
        reactor: Any,
        now: Callable[[], float],
        post: Post,
        buried: Callable[[Line, Letter], None],
        risen: Callable[[Line, Letter], None] = lambda line, letter: None,
        fetch: Callable[[Line], None] = lambda line: None,
    ) -> None:
        self._risen = risen
        self._fetch = fetch
        self._reactor = reactor
        self._now = now
        self._post = post
        self._buried = buried
        self.lines: dict[str, Line] = {}
        self._timer: IDelayedCall | None = None
        self._is_open = True

    def wake(self) -> None:
        """Something has happened; looked at in the next turn."""
        self._set(self._now())

    def _set(self, at: float) -> None:
        if not self._is_open:
            return
        wait = max(at - self._now(), 0.0)
        if self._timer is not None and self._timer.active():
            if self._timer.getTime() <= self._reactor.seconds() + wait:
                return
            self._timer.cancel()
        self._timer = self._reactor.callLater(wait, self._turn)

    def _turn(self) -> None:
        self._timer = None
        now = self._now()
        for line in list(self.lines.values()):
            letter = line.next(now)
            if letter is not None:
                self._deliver(line, letter, now)
            if line.backlog is not None:
                self._fetch(line)
        due = [each.due for each in self.lines.values()]
        if any(each is not None for each in due):
            self._set(min(each for each in due if each is not None))

    def _deliver(self, line: Line, letter: Letter, now: float) -> None:
        def ended(outcome: Outcome) -> None:
            if self.lines.get(line.hook.name) is not line or not self._is_open:
                return  # taken away meanwhile
            dead = line.ended(outcome, self._now())
            if not outcome.is_good:
                log.warning(
                    "not delivered", webhook=line.hook.name, letter=letter.id, why=outcome.words, dead=bool(dead)
                )
            if dead is not None:
                self._buried(line, dead)
            elif outcome.is_good and not letter.number:
                self._risen(line, letter)
            self.wake()

        self._post(line, letter, now).addCallback(ended)

    def close(self) -> None:
        """What is left waits in the store."""
        self._is_open = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
