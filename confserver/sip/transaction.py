"""The four state tables of RFC 3261 section 17, with RFC 6026, and the interpreter that walks them.

    (state, input) -> next state, actions

A timer among the inputs has fired; among the actions it is started. Timers that are zero on reliable transports
fire at once, those that guard against loss are not started there (``timers.TIMINGS``). What tells the user is the
last action of its row, as the user may act on the transaction from within. On entering TERMINATED a transaction
stops its timers and leaves the stack's tables before anything else happens.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from confserver.sip.headers import Headers
from confserver.sip.message import Request, Response, response_to
from confserver.sip.timers import T2, Timer, next_interval

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.flow import Flow


class State(Enum):
    IDLE = "idle"
    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"
    __hash__ = object.__hash__


class Input(Enum):
    REQUEST = "request"
    ACK = "ACK"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    TRANSPORT_ERROR = "transport error"
    CANCEL = "cancel"
    """Our user has sent CANCEL for it."""
    __hash__ = object.__hash__


class Action(Enum):
    SEND = "send"
    """The request, or the user's response."""
    REPEAT = "send again"
    SEND_TRYING = "send 100"
    SEND_ACK = "send ACK"
    STOP = "stop timers"
    SLOW_E = "start E at T2"
    TELL = "tell user"
    TIMEOUT = "tell user: timeout"
    FAIL = "tell user: transport error"
    __hash__ = object.__hash__


class Row(NamedTuple):
    next: State
    actions: tuple[Action | Timer, ...] = ()


Table = Mapping[tuple[State, Input | Timer], Row]
S, I, A, T = State, Input, Action, Timer  # noqa: E741

# RFC 3261 17.2.1 (figure 7) with RFC 6026 7.1 (figure 3 there)
INVITE_SERVER: Table = {
    (S.IDLE, I.REQUEST): Row(S.PROCEEDING, (A.SEND_TRYING,)),  # RFC 3261 17.2.1
    (S.PROCEEDING, I.REQUEST): Row(S.PROCEEDING, (A.REPEAT,)),
    (S.PROCEEDING, I.PROVISIONAL): Row(S.PROCEEDING, (A.SEND,)),
    (S.PROCEEDING, I.SUCCESS): Row(S.ACCEPTED, (A.SEND, T.L)),  # RFC 6026 7.1
    (S.PROCEEDING, I.FAILURE): Row(S.COMPLETED, (A.SEND, T.G, T.H)),
    (S.PROCEEDING, I.TRANSPORT_ERROR): Row(S.PROCEEDING, (A.FAIL,)),  # RFC 6026 7.1: no longer the end
    (S.COMPLETED, I.REQUEST): Row(S.COMPLETED, (A.REPEAT,)),
    (S.COMPLETED, T.G): Row(S.COMPLETED, (A.REPEAT, T.G)),
    (S.COMPLETED, T.H): Row(S.TERMINATED, (A.TIMEOUT,)),
    (S.COMPLETED, I.TRANSPORT_ERROR): Row(S.COMPLETED, (A.FAIL,)),  # RFC 6026 7.1
    (S.COMPLETED, I.ACK): Row(S.CONFIRMED, (A.STOP, T.I)),
    (S.CONFIRMED, I.ACK): Row(S.CONFIRMED),  # "to absorb any additional ACK messages"
    (S.CONFIRMED, I.REQUEST): Row(S.CONFIRMED),
    (S.CONFIRMED, T.I): Row(S.TERMINATED),
    (S.ACCEPTED, I.REQUEST): Row(S.ACCEPTED),  # RFC 6026 7.1: absorbed, the user repeats the 2xx
    (S.ACCEPTED, I.SUCCESS): Row(S.ACCEPTED, (A.SEND,)),
    (S.ACCEPTED, I.ACK): Row(S.ACCEPTED, (A.TELL,)),
    (S.ACCEPTED, I.TRANSPORT_ERROR): Row(S.ACCEPTED, (A.FAIL,)),
    (S.ACCEPTED, T.L): Row(S.TERMINATED),
}

# RFC 3261 17.1.1 (figure 5) with RFC 6026 7.2 (figure 2 there)
INVITE_CLIENT: Table = {
    (S.IDLE, I.REQUEST): Row(S.CALLING, (A.SEND, T.A, T.B)),  # RFC 3261 17.1.1.2
    (S.CALLING, T.A): Row(S.CALLING, (A.REPEAT, T.A)),
    (S.CALLING, T.B): Row(S.TERMINATED, (A.TIMEOUT,)),
    (S.CALLING, I.TRANSPORT_ERROR): Row(S.TERMINATED, (A.FAIL,)),
    (S.CALLING, I.PROVISIONAL): Row(S.PROCEEDING, (A.STOP, A.TELL)),
    (S.CALLING, I.SUCCESS): Row(S.ACCEPTED, (A.STOP, T.M, A.TELL)),  # RFC 6026 7.2
    (S.CALLING, I.FAILURE): Row(S.COMPLETED, (A.STOP, A.SEND_ACK, T.D, A.TELL)),  # RFC 3261 17.1.1.3
    (S.PROCEEDING, I.PROVISIONAL): Row(S.PROCEEDING, (A.TELL,)),
    (S.PROCEEDING, I.SUCCESS): Row(S.ACCEPTED, (A.STOP, T.M, A.TELL)),
    (S.PROCEEDING, I.FAILURE): Row(S.COMPLETED, (A.STOP, A.SEND_ACK, T.D, A.TELL)),
    (S.PROCEEDING, I.CANCEL): Row(S.PROCEEDING, (T.CANCELLED,)),  # RFC 3261 9.1
    (S.PROCEEDING, T.CANCELLED): Row(S.TERMINATED, (A.TIMEOUT,)),
    (S.COMPLETED, I.FAILURE): Row(S.COMPLETED, (A.SEND_ACK,)),
    (S.COMPLETED, I.TRANSPORT_ERROR): Row(S.TERMINATED),  # the user has its answer
    (S.COMPLETED, T.D): Row(S.TERMINATED),
    (S.ACCEPTED, I.SUCCESS): Row(S.ACCEPTED, (A.TELL,)),  # RFC 6026 7.2: repeated, or from another fork
    (S.ACCEPTED, T.M): Row(S.TERMINATED),
}

# RFC 3261 17.2.2 (figure 8)
SERVER: Table = {
    (S.IDLE, I.REQUEST): Row(S.TRYING, (T.UNANSWERED, T.LATE)),
    (S.TRYING, I.REQUEST): Row(S.TRYING),
    (S.TRYING, I.PROVISIONAL): Row(S.PROCEEDING, (A.SEND,)),
    (S.TRYING, I.SUCCESS): Row(S.COMPLETED, (A.STOP, A.SEND, T.J)),
    (S.TRYING, I.FAILURE): Row(S.COMPLETED, (A.STOP, A.SEND, T.J)),
    (S.TRYING, T.LATE): Row(S.PROCEEDING, (A.SEND_TRYING,)),  # RFC 4320 4.1
    (S.TRYING, T.UNANSWERED): Row(S.TERMINATED),  # RFC 4320 4.2: the other side has given up
    (S.PROCEEDING, I.REQUEST): Row(S.PROCEEDING, (A.REPEAT,)),
    (S.PROCEEDING, I.PROVISIONAL): Row(S.PROCEEDING, (A.SEND,)),
    (S.PROCEEDING, I.SUCCESS): Row(S.COMPLETED, (A.STOP, A.SEND, T.J)),
    (S.PROCEEDING, I.FAILURE): Row(S.COMPLETED, (A.STOP, A.SEND, T.J)),
    (S.PROCEEDING, I.TRANSPORT_ERROR): Row(S.TERMINATED, (A.FAIL,)),
    (S.PROCEEDING, T.LATE): Row(S.PROCEEDING),
    (S.PROCEEDING, T.UNANSWERED): Row(S.TERMINATED),
    (S.COMPLETED, I.REQUEST): Row(S.COMPLETED, (A.REPEAT,)),
    (S.COMPLETED, I.TRANSPORT_ERROR): Row(S.TERMINATED, (A.FAIL,)),
    (S.COMPLETED, T.J): Row(S.TERMINATED),
}

# RFC 3261 17.1.2 (figure 6)
CLIENT: Table = {
    (S.IDLE, I.REQUEST): Row(S.TRYING, (A.SEND, T.E, T.F)),
    (S.TRYING, T.E): Row(S.TRYING, (A.REPEAT, T.E)),
    (S.TRYING, T.F): Row(S.TERMINATED, (A.TIMEOUT,)),
    (S.TRYING, I.TRANSPORT_ERROR): Row(S.TERMINATED, (A.FAIL,)),
    (S.TRYING, I.PROVISIONAL): Row(S.PROCEEDING, (A.TELL,)),
    (S.TRYING, I.SUCCESS): Row(S.COMPLETED, (A.STOP, T.K, A.TELL)),
    (S.TRYING, I.FAILURE): Row(S.COMPLETED, (A.STOP, T.K, A.TELL)),
    (S.PROCEEDING, T.E): Row(S.PROCEEDING, (A.REPEAT, A.SLOW_E)),  # "MUST be reset with a value of T2 seconds"
    (S.PROCEEDING, T.F): Row(S.TERMINATED, (A.TIMEOUT,)),
    (S.PROCEEDING, I.TRANSPORT_ERROR): Row(S.TERMINATED, (A.FAIL,)),
    (S.PROCEEDING, I.PROVISIONAL): Row(S.PROCEEDING, (A.TELL,)),
    (S.PROCEEDING, I.SUCCESS): Row(S.COMPLETED, (A.STOP, T.K, A.TELL)),
    (S.PROCEEDING, I.FAILURE): Row(S.COMPLETED, (A.STOP, T.K, A.TELL)),
    (S.COMPLETED, I.PROVISIONAL): Row(S.COMPLETED),
    (S.COMPLETED, I.SUCCESS): Row(S.COMPLETED),
    (S.COMPLETED, I.FAILURE): Row(S.COMPLETED),
    (S.COMPLETED, T.K): Row(S.TERMINATED),
}

TABLES = {
    "INVITE server": INVITE_SERVER,
    "INVITE client": INVITE_CLIENT,
    "server": SERVER,
    "client": CLIENT,
}
del S, I, A, T


class WrongMoment(Exception):
    """Local fault: what our user asks for cannot be done in this state."""


def kind_of(status: int) -> Input:
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


class ClientUser(Protocol):
    """Who sent a request."""

    def answered(self, response: Response, now: float) -> None: ...
    def unanswered(self, status: int, reason: str, now: float) -> None:
        """No final answer will come: 408 for time, 503 for the transport (RFC 3261 8.1.3.1)."""


class ServerUser(Protocol):
    """Who answers an INVITE."""

    def acknowledged(self, ack: Request, now: float) -> None: ...


class Transaction:
    """The interpreter: what both sides have in common."""

    __slots__ = ("_interval", "_timers", "core", "data", "flow", "key", "request", "state", "table")

    def __init__(self, core: Core, table: Table, key: Hashable, request: Request, flow: Flow) -> None:
        self.core = core
        self.table = table
        self.key = key
        self.request = request
        self.flow = flow
        self.state = State.IDLE
        self.data = b""
        """What was sent last."""
        self._timers: list[Timer] = []
        self._interval: float | None = None
        """Of the retransmission timer (A, E or G; there is only one in each table)."""

    def fire(self, timer: Timer, now: float) -> None:
        self._timers.remove(timer)
        self._step(timer, now)

    def fail(self, now: float) -> None:
        """The transport could not send, or has lost the connection; where that matters."""
        if (self.state, Input.TRANSPORT_ERROR) in self.table:
            self._step(Input.TRANSPORT_ERROR, now)

    def _step(self, what: Input | Timer, now: float, message: Request | Response | None = None) -> None:
        row = self.table[self.state, what]
        self.state = row.next
        if row.next is State.TERMINATED:
            self._stop()
            self._leave()
        at_once: Timer | None = None
        for action in row.actions:
            if action.__class__ is Action:
                self._perform(action, message, now)
            elif self._start(action, now):  # type: ignore[arg-type]
                at_once = action  # type: ignore[assignment]
        if at_once is not None and self.state is row.next:
            self._step(at_once, now)

    def _start(self, timer: Timer, now: float) -> bool:
        """Start a timer; True where it fires at once."""
        previous = self._interval if timer in _REPEATING else None
        interval = next_interval(timer, self.flow.is_reliable, previous)
        if interval is None:
            return False
        if interval == 0.0:
            return True
        self._run(timer, interval, now)
        return False

    def _run(self, timer: Timer, interval: float, now: float) -> None:
        if timer in _REPEATING:
            self._interval = interval
        self._timers.append(timer)
        self.core.deadlines.start(self, timer, now + interval)

    def _stop(self) -> None:
        for timer in self._timers:
            self.core.deadlines.stop(self, timer)
        self._timers.clear()
        self._interval = None

    def _perform(self, action: Action, message: Request | Response | None, now: float) -> None:
        raise NotImplementedError

    def _leave(self) -> None:
        raise NotImplementedError


_REPEATING = frozenset((Timer.A, Timer.E, Timer.G))


class ClientTransaction(Transaction):
    """One request of ours and the answers to it (RFC 3261 17.1). ``start`` sends it."""

    __slots__ = ("user",)

    def __init__(self, core: Core, key: Hashable, request: Request, flow: Flow, user: ClientUser) -> None:
        super().__init__(core, INVITE_CLIENT if request.method == "INVITE" else CLIENT, key, request, flow)
        self.user = user

    @property
    def is_answered(self) -> bool:
        """Its final answer has come; it only waits for copies of that."""
        return self.state not in (State.IDLE, State.CALLING, State.TRYING, State.PROCEEDING)

    def start(self, now: float) -> None:
        self.data = self.request.encode()
        self._step(Input.REQUEST, now)

    def receive(self, response: Response, now: float) -> None:
        what = kind_of(response.status)
        if (self.state, what) not in self.table:
            self.core.drop("late response")
            return
        self._step(what, now, response)

    def cancelled(self, now: float) -> None:
        """CANCEL has been sent: wait so long, no longer. Raises WrongMoment."""
        if (self.state, Input.CANCEL) not in self.table:
            raise WrongMoment(f"CANCEL in state {self.state.value}")
        self._step(Input.CANCEL, now)

    def _perform(self, action: Action, message: Request | Response | None, now: float) -> None:
        match action:
            case Action.SEND | Action.REPEAT:
                self.core.send(self.flow, self.data)
            case Action.TELL:
                assert isinstance(message, Response)
                self.user.answered(message, now)
            case Action.STOP:
                self._stop()
            case Action.SEND_ACK:
                assert isinstance(message, Response)
                self.core.send(self.flow, self._ack(message).encode())
            case Action.SLOW_E:
                if not self.flow.is_reliable:
                    self._run(Timer.E, T2, now)
            case Action.TIMEOUT:
                self.user.unanswered(408, "no answer", now)
            case Action.FAIL:
                self.user.unanswered(503, "no connection", now)

    def _ack(self, response: Response) -> Request:
        """The ACK of a non-2xx answer (RFC 3261 17.1.1.3): one Via, the request's own; To of the answer."""
        headers = self.request.headers
        lines = [*headers.lines("Via")[:1], ("Max-Forwards", "70"), *headers.lines("Route"), *headers.lines("From")]
        lines += [*response.headers.lines("To")[:1], *headers.lines("Call-ID")]
        lines.append(("CSeq", f"{self.request.cseq.number} ACK"))
        return Request("ACK", self.request.uri, Headers.of_canonical(lines))

    def _leave(self) -> None:
        self.core.forget_client(self)


class ServerTransaction(Transaction):
    """One request of theirs and our answers to it (RFC 3261 17.2). ``start`` comes first."""

    __slots__ = ("merged_key", "number", "size", "user", "way_back")

    def __init__(self, core: Core, key: Hashable, request: Request, flow: Flow, way_back: Flow) -> None:
        super().__init__(core, INVITE_SERVER if request.method == "INVITE" else SERVER, key, request, flow)
        self.way_back: Flow | None = way_back
        """Where answers go: of ``flow``'s transport. None while a lost connection is being replaced."""
        self.user: ServerUser | None = None
        self.merged_key: Hashable = None
        self.size = request.size
        self.number = 0
        """By which our user answers it; 0 where the stack answers itself."""

    @property
    def is_answered(self) -> bool:
        """A final answer has been given, or will never be."""
        return self.state not in (State.TRYING, State.PROCEEDING)

    def start(self, now: float) -> None:
        self._step(Input.REQUEST, now)

    def receive(self, request: Request, now: float) -> None:
        """The request again, or the ACK."""
        what = Input.ACK if request.method == "ACK" else Input.REQUEST
        if (self.state, what) not in self.table:
            self.core.drop("unexpected request")
            return
        self._step(what, now, request)

    def respond(self, response: Response, now: float) -> None:
        """Raises WrongMoment where a final answer has been given."""
        what = kind_of(response.status)
        if (self.state, what) not in self.table:
            raise WrongMoment(f"{response.status} to {self.request.method} in state {self.state.value}")
        self._step(what, now, response)

    def _perform(self, action: Action, message: Request | Response | None, now: float) -> None:
        match action:
            case Action.SEND:
                assert isinstance(message, Response)
                self.data = message.encode()
                self.core.send_back(self, now)
            case Action.REPEAT:
                self.core.send_back(self, now)
            case Action.SEND_TRYING:
                self.data = response_to(self.request, 100).encode()
                self.core.send_back(self, now)
            case Action.TELL:
                assert isinstance(message, Request)
                if self.user is not None:
                    self.user.acknowledged(message, now)
            case Action.STOP:
                self._stop()
            case Action.TIMEOUT | Action.FAIL:
                # For a refused call nothing is left to do, and an accepted one waits for its ACK: only counted.
                self.core.count("unconfirmed answers")

    def found(self, flow: Flow, now: float) -> None:
        """Another connection instead of the lost one (RFC 3261 18.2.2): the last answer goes there."""
        self.way_back = flow
        self.core.send_back(self, now)

    def not_found(self, reason: str, now: float) -> None:
        self.fail(now)

    def _leave(self) -> None:
        """A call keeps the transaction of its INVITE for as long as it stands, but not what was in it."""
        self.core.forget_server(self)
        self.data = b""
        self.request = self.request.bare()
