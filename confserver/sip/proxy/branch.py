"""One branch of a relayed request: a client transaction, and how far it has come.

LOOKING -- sent --> CALLING -- 1xx --> RINGING -- cancel --> CANCELLED
   \\                  | cancel           |                     |
    \\                 v                  |                     |
     \\             LEAVING -- 1xx -------+-------------------->|
      `------------- final answer, none, no way --------------> DONE
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.grammar import Malformed
from confserver.sip.matching import COOKIE
from confserver.sip.message import Response
from confserver.sip.proxy.plan import Target
from confserver.sip.proxy.routes import with_routes
from confserver.sip.requests import Errand, cancel
from confserver.sip.timers import TIMINGS, Timer
from confserver.sip.transaction import WrongMoment
from confserver.sip.ways import Way, hop_of

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.flow import Flow
    from confserver.sip.proxy.fork import Fork


class State(Enum):
    LOOKING = "looking for a way"
    CALLING = "calling"
    RINGING = "ringing"
    LEAVING = "to be cancelled"
    CANCELLED = "cancelled"
    DONE = "done"
    __hash__ = object.__hash__


class Input(Enum):
    SENT = "sent"
    PROVISIONAL = "1xx"
    FINAL = "final answer"
    NOTHING = "no answer"
    CANCEL = "cancel"
    __hash__ = object.__hash__


class Action(Enum):
    PASS = "pass on"
    KEEP = "keep"
    MAKE_UP = "make up 408 or 503"
    CANCEL = "send CANCEL"
    DROP = "stop looking"
    TIMER_C = "start timer C"
    STOP = "stop timer C"
    __hash__ = object.__hash__


class Row(NamedTuple):
    next: State
    actions: tuple[Action, ...] = ()


S, I, A = State, Input, Action  # noqa: E741

BRANCH: Mapping[tuple[State, Input], Row] = {
    (S.LOOKING, I.SENT): Row(S.CALLING, (A.TIMER_C,)),  # RFC 3261 16.6, steps 10 and 11
    (S.LOOKING, I.NOTHING): Row(S.DONE, (A.MAKE_UP,)),  # 16.9: no way is like a 503
    (S.LOOKING, I.CANCEL): Row(S.DONE, (A.DROP, A.MAKE_UP)),
    (S.CALLING, I.PROVISIONAL): Row(S.RINGING, (A.TIMER_C, A.PASS)),  # 16.7, steps 2 and 5
    (S.CALLING, I.FINAL): Row(S.DONE, (A.STOP, A.KEEP)),
    (S.CALLING, I.NOTHING): Row(S.DONE, (A.STOP, A.MAKE_UP)),
    (S.CALLING, I.CANCEL): Row(S.LEAVING),  # 9.1: not before a provisional answer
    (S.RINGING, I.PROVISIONAL): Row(S.RINGING, (A.TIMER_C, A.PASS)),
    (S.RINGING, I.FINAL): Row(S.DONE, (A.STOP, A.KEEP)),
    (S.RINGING, I.NOTHING): Row(S.DONE, (A.STOP, A.MAKE_UP)),
    (S.RINGING, I.CANCEL): Row(S.CANCELLED, (A.STOP, A.CANCEL)),  # 16.10, 16.8
    (S.LEAVING, I.PROVISIONAL): Row(S.CANCELLED, (A.STOP, A.CANCEL)),
    (S.LEAVING, I.FINAL): Row(S.DONE, (A.STOP, A.KEEP)),  # crossed
    (S.LEAVING, I.NOTHING): Row(S.DONE, (A.STOP, A.MAKE_UP)),
    (S.CANCELLED, I.PROVISIONAL): Row(S.CANCELLED),
    (S.CANCELLED, I.FINAL): Row(S.DONE, (A.KEEP,)),
    (S.CANCELLED, I.NOTHING): Row(S.DONE, (A.MAKE_UP,)),
    (S.DONE, I.FINAL): Row(S.DONE, (A.KEEP,)),  # a 2xx again, or of another fork (RFC 6026 7.2)
}
del S, I, A


class Branch:
    """``fork`` is told what becomes of it."""

    def __init__(self, core: Core, fork: Fork, target: Target, breadth: int) -> None:
        self._core = core
        self._fork = fork
        self.target = target
        self.breadth = breadth
        self.state = State.LOOKING
        self.has_timed_out = False
        """It was cancelled because nobody has answered for too long: as good as a 408 (RFC 3261 16.8)."""
        self._errand: Errand | None = None
        self._status = 0
        """Why no answer will come: 408 or 503."""
        self._why = ""
        self._now = 0.0

    # -------------------------------------------------------------- out
    def start(self, now: float) -> None:
        request = self._fork.copy()
        try:
            decides = with_routes(request, self.target.uri, [*self.target.routes, *self._fork.routes])
        except Malformed as fault:
            self.unanswered(503, fault.reason, now)
            return
        request.headers.set("Max-Breadth", str(self.breadth))
        flow, hop = self.target.flow, self.target.hop or hop_of(decides)
        self._errand = Errand(self._core, request, self, compose=self._compose, is_relayed=True)
        self._now = now
        self._errand.start(Way(flow=flow, hop=hop, is_only=flow is not None), now)

    def _compose(self, flow: Flow) -> bytes:
        """The way is known: mark the branch, and have us remembered on the way (RFC 3261 16.6, steps 4 and 8)."""
        errand = self._errand
        assert errand is not None
        request = errand.request
        branch = f"{COOKIE}{self._core.token()}.{self._fork.mark}"
        request.headers.replace_first("Via", str(request.via.with_param("branch", branch)))
        self._fork.have_us_remembered(request, self.target, flow)
        self.step(Input.SENT, self._now)
        return request.body

    def cancel(self, now: float, why: str = "") -> None:
        """``why``: a Reason value for its CANCEL (RFC 3326)."""
        self._why = why or self._why
        self.step(Input.CANCEL, now)

    # -------------------------------------------------------------- back
    def answered(self, response: Response, now: float) -> None:
        self.step(Input.PROVISIONAL if response.status < 200 else Input.FINAL, now, response)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        self._status = status
        self.step(Input.NOTHING, now)

    def fire(self, timer: Timer, now: float) -> None:
        """Timer C (RFC 3261 16.8)."""
        self.give_up(now)

    def give_up(self, now: float) -> None:
        """Nobody has answered for too long."""
        if not self.is_over:
            self.has_timed_out = True
            self.cancel(now)

    @property
    def is_over(self) -> bool:
        return self.state is State.DONE

    def step(self, what: Input, now: float, response: Response | None = None) -> None:
        row = BRANCH.get((self.state, what))
        if row is None:
            return
        before, self.state = self.state, row.next
        for action in row.actions:
            self._perform(action, before, response, now)

    def _perform(self, action: Action, before: State, response: Response | None, now: float) -> None:
        match action:
            case Action.PASS:
                assert response is not None
                self._tidy(response)
                self._fork.passed(response, now)
            case Action.KEEP:
                assert response is not None
                self._fork.finished(self, self._received(response), now)
            case Action.MAKE_UP:
                self._fork.finished(self, self._fork.response(self._made_up(before)), now)
            case Action.CANCEL:
                self._cancel(now)
            case Action.DROP:
                if self._errand is not None:
                    self._errand.drop()
            case Action.TIMER_C:
                if self._fork.is_invite and (response is None or response.status > 100):
                    self._core.deadlines.start(self, Timer.C, now + TIMINGS[Timer.C].first)
            case Action.STOP:
                self._core.deadlines.stop(self, Timer.C)

    def _received(self, response: Response) -> Response:
        """Without our Via (RFC 3261 16.7, step 3)."""
        if self.has_timed_out and response.status == 487:
            return self._fork.response(408)
        response.headers.remove_first("Via")
        self._tidy(response)
        return response

    def _tidy(self, response: Response) -> None:
        assert self._errand is not None
        if self._errand.transaction is not None:
            self._core.tidy(response.headers, self._errand.transaction.flow)

    def _made_up(self, before: State) -> int:
        """What stands for an answer that has not come (RFC 3261 16.7, step 4; 16.8; 16.9)."""
        if self.has_timed_out:
            return 408
        if before in (State.LEAVING, State.CANCELLED) or (before is State.LOOKING and self._status == 0):
            return 487
        if self._status == 503 and self.target.flow is not None:
            return 430  # RFC 5626 section 5.3.1
        return self._status

    def _cancel(self, now: float) -> None:
        assert self._errand is not None and self._errand.transaction is not None
        self._errand.stay()
        with contextlib.suppress(WrongMoment):
            cancel(self._core, self._errand.transaction, now, ("Reason", self._why) if self._why else None)
