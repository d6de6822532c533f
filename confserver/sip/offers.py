"""Changes of a session by both sides (RFC 3261 section 14, RFC 3311): one at a time, and what happens when two meet.

STEADY -- theirs --> THEIRS -- accept --> UNACKED -- ACK --> STEADY
   |                       \\- accept (UPDATE, PRACK: no ACK) --> STEADY
   \\--- ours ---> OURS -- final answer --> STEADY (after 491 with Timer.RETRY running, which sends it again)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.acceptance import Acceptance
from confserver.sip.message import Request, Response
from confserver.sip.outputs import OfferAcknowledged, OfferAnswered, OfferArrived
from confserver.sip.reinvite import Reinvite
from confserver.sip.timers import Timer
from confserver.sip.transaction import ServerTransaction, WrongMoment

if TYPE_CHECKING:
    from confserver.sip.call import Call
    from confserver.sip.core import Core, Extra
    from confserver.sip.dialog import Place
    from confserver.sip.flow import Flow

MOST_RETRIES = 10
"""So often is a re-INVITE sent again after 491."""


class OfferState(Enum):
    STEADY = "steady"
    THEIRS = "theirs"
    UNACKED = "unacknowledged"
    OURS = "ours"
    __hash__ = object.__hash__


class OfferInput(Enum):
    INVITE = "re-INVITE"
    UPDATE = "UPDATE, PRACK"
    """With an offer."""
    ACCEPT = "accept"
    AGREE = "accept UPDATE"
    """A 2xx that no ACK follows."""
    REFUSE = "refuse"
    ACK = "ACK"
    OFFER = "offer"
    SUCCESS = "2xx"
    GLARE = "491"
    FAILURE = "300-699"
    RETRY = "retry"
    __hash__ = object.__hash__


class OfferAction(Enum):
    TELL_ARRIVED = "tell user: arrived"
    REFUSE_500 = "answer 500"
    REFUSE_491 = "answer 491"
    ANSWER = "answer re-INVITE"
    AWAIT_ACK = "await ACK"
    TELL_ACK = "tell user: acknowledged"
    SEND = "send re-INVITE"
    SEND_ACK = "send ACK"
    TELL_ANSWER = "tell user: answered"
    RETRY_LATER = "start retry"
    __hash__ = object.__hash__


class OfferRow(NamedTuple):
    next: OfferState
    actions: tuple[OfferAction, ...] = ()


S, I, A = OfferState, OfferInput, OfferAction  # noqa: E741

OFFER: Mapping[tuple[OfferState, OfferInput], OfferRow] = {
    (S.STEADY, I.INVITE): OfferRow(S.THEIRS, (A.TELL_ARRIVED,)),
    (S.STEADY, I.UPDATE): OfferRow(S.THEIRS, (A.TELL_ARRIVED,)),  # RFC 3311 5.2
    (S.STEADY, I.OFFER): OfferRow(S.OURS, (A.SEND,)),
    (S.STEADY, I.RETRY): OfferRow(S.OURS, (A.SEND,)),  # RFC 3261 14.1
    (S.THEIRS, I.INVITE): OfferRow(S.THEIRS, (A.REFUSE_500,)),  # 14.2
    (S.THEIRS, I.UPDATE): OfferRow(S.THEIRS, (A.REFUSE_500,)),  # RFC 3311 5.2
    (S.THEIRS, I.ACCEPT): OfferRow(S.UNACKED, (A.ANSWER, A.AWAIT_ACK)),
    (S.THEIRS, I.AGREE): OfferRow(S.STEADY, (A.ANSWER,)),
    (S.THEIRS, I.REFUSE): OfferRow(S.STEADY, (A.ANSWER,)),
    (S.THEIRS, I.RETRY): OfferRow(S.THEIRS, (A.RETRY_LATER,)),
    (S.UNACKED, I.INVITE): OfferRow(S.UNACKED, (A.REFUSE_491,)),  # the ACK to come carries an answer (RFC 6337 3)
    (S.UNACKED, I.UPDATE): OfferRow(S.UNACKED, (A.REFUSE_491,)),
    (S.UNACKED, I.ACK): OfferRow(S.STEADY, (A.TELL_ACK,)),
    (S.UNACKED, I.RETRY): OfferRow(S.UNACKED, (A.RETRY_LATER,)),
    (S.OURS, I.INVITE): OfferRow(S.OURS, (A.REFUSE_491,)),  # 14.2
    (S.OURS, I.UPDATE): OfferRow(S.OURS, (A.REFUSE_491,)),  # RFC 3311 5.2
    (S.OURS, I.SUCCESS): OfferRow(S.STEADY, (A.SEND_ACK, A.TELL_ANSWER)),
    (S.OURS, I.GLARE): OfferRow(S.STEADY, (A.RETRY_LATER,)),
    (S.OURS, I.FAILURE): OfferRow(S.STEADY, (A.TELL_ANSWER,)),
}
del S, I, A


class Offers:
    """All re-INVITEs of one call."""

    __slots__ = ("_body", "_call", "_content_type", "_core", "_ours", "_place", "_retries", "_said", "_theirs", "state")

    def __init__(self, core: Core, call: Call) -> None:
        self._core = core
        self._call = call
        self.state = OfferState.STEADY
        self._theirs: ServerTransaction | None = None
        self._place: Place | None = None
        """Where the peer was before its offer."""
        self._ours: Reinvite | None = None
        self._body = b""
        self._content_type = ""
        self._said = b"", ""
        """Our last description, offered or answered, and its type."""
        self._retries = 0

    def _step(self, what: OfferInput, now: float, message: Offered) -> None:
        row = OFFER.get((self.state, what))
        if row is None:
            raise WrongMoment(f"{what.value} while offers are {self.state.value}")
        self.state = row.next
        for action in row.actions:
            self._perform(action, now, message)

    def _perform(self, action: OfferAction, now: float, offered: Offered) -> None:
        core, call = self._core, self._call
        message, transaction = offered.message, offered.transaction
        match action:
            case OfferAction.TELL_ARRIVED:
                assert transaction is not None and offered.flow is not None
                self._take(transaction, offered.flow)
            case OfferAction.REFUSE_500:
                assert transaction is not None
                call.answer(transaction, 500, now, headers=(retry_after(core),))
            case OfferAction.REFUSE_491:
                assert transaction is not None
                call.answer(transaction, 491, now)
            case OfferAction.ANSWER:
                assert self._theirs is not None and isinstance(message, Response)
                self._theirs.respond(message, now)
            case OfferAction.AWAIT_ACK:
                assert self._theirs is not None and isinstance(message, Response)
                call.acceptance = Acceptance(core, self._theirs, message, self, now)
            case OfferAction.TELL_ACK:
                core.emit(OfferAcknowledged(call.number, *content_of(message)))
            case OfferAction.SEND:
                self._send(now)
            case OfferAction.SEND_ACK:
                assert self._ours is not None
                self._ours.acknowledge(now)
            case OfferAction.TELL_ANSWER:
                assert isinstance(message, Response)
                core.emit(OfferAnswered(call.number, message.status, *content_of(message)))
            case OfferAction.RETRY_LATER:
                core.deadlines.start(self, Timer.RETRY, now + self._wait())

    # -------------------------------------------------------------- theirs
    def receive(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """A re-INVITE of theirs, in order, in a call that has been accepted; or an UPDATE or PRACK with an offer."""
        call = self._call
        if call.acceptance is not None and not call.acceptance.has_offer:
            # Only who has our 2xx can send the next INVITE: it says what the lost or late ACK would have said.
            call.acceptance.implied(now)
        if call.is_over:
            call.answer(transaction, 481, now)
        elif call.acceptance is not None and self.state is OfferState.STEADY:
            call.answer(transaction, 491, now)  # as (UNACKED, INVITE), for the first INVITE
        else:
            what = OfferInput.INVITE if transaction.request.method == "INVITE" else OfferInput.UPDATE
            self._step(what, now, Offered(transaction.request, transaction, flow))

    def _take(self, transaction: ServerTransaction, flow: Flow) -> None:
        self._theirs = transaction
        transaction.user = self._call
        dialog = self._call.dialog
        if dialog is not None:
            self._place = dialog.place
            dialog.refresh(transaction.request)
            dialog.came_by(transaction.request, flow)
        self._core.emit(OfferArrived(self._call.number, transaction.request, flow))

    def accept(self, body: bytes, content_type: str, now: float) -> None:
        """Raises WrongMoment where none of theirs waits."""
        if self.state is not OfferState.THEIRS or self._theirs is None:
            raise WrongMoment(f"accept while offers are {self.state.value}")
        response = self._call.acceptance_of(self._theirs, body, content_type, now)
        self.said(body, content_type)
        is_invite = self._theirs.request.method == "INVITE"
        self._step(OfferInput.ACCEPT if is_invite else OfferInput.AGREE, now, Offered(response))

    def refuse(self, status: int, reason: str, headers: Extra, now: float) -> None:
        """Raises WrongMoment where none of theirs waits."""
        if self.state is not OfferState.THEIRS or self._theirs is None:
            raise WrongMoment(f"refuse while offers are {self.state.value}")
        if self._call.dialog is not None and self._place is not None:
            self._call.dialog.place = self._place  # RFC 6141 section 4: refused, so nothing has changed
        response = self._core.response(self._theirs.request, status, reason, headers)
        self._step(OfferInput.REFUSE, now, Offered(response))

    def ack_came(self, ack: Request | None, now: float) -> None:
        self._call.acceptance = None
        self._step(OfferInput.ACK, now, Offered(ack))

    def no_ack_came(self, now: float) -> None:
        self._call.acceptance = None
        self._call.no_ack_came(now)

    # -------------------------------------------------------------- ours
    def offer(self, body: bytes, content_type: str, now: float) -> None:
        """Send a re-INVITE. Raises WrongMoment while another of either side is under way."""
        if self._call.acceptance is not None or (self.state, OfferInput.OFFER) not in OFFER:
            raise WrongMoment("an offer while another is under way")  # RFC 3261 14.1
        self.said(body, content_type)
        self._body, self._content_type = body, content_type
        self._retries = 0
        self._step(OfferInput.OFFER, now, NOTHING)

    @property
    def is_busy(self) -> bool:
        """Another change is under way, or waits for its turn."""
        is_waiting = self._core.deadlines.is_running(self, Timer.RETRY)
        return self._call.acceptance is not None or self.state is not OfferState.STEADY or is_waiting

    def repeat(self, now: float) -> None:
        """Offer what we said last once more, so that the session goes on (RFC 4028 section 7.4)."""
        self.offer(*self._said, now)

    def said(self, body: bytes, content_type: str) -> None:
        """Note what we offer or answer."""
        self._said = body, content_type

    def _send(self, now: float) -> None:
        self._core.deadlines.stop(self, Timer.RETRY)
        self._ours = Reinvite(self._core, self._call, self)
        self._ours.start(self._body, self._content_type, now)

    def ended(self, response: Response, now: float) -> None:
        """The final answer to ours; made up where none came."""
        if self._call.is_over:
            return
        status = response.status
        if status == 422 and self._call.session.is_longer_wanted(response):
            self._send(now)  # RFC 4028 section 7.3: the same state, a longer session
            return
        if status < 300:
            self._call.session.agreed(response, now)
        if status == 491 and self._retries < MOST_RETRIES:
            self._retries += 1
            self._step(OfferInput.GLARE, now, Offered(response))
            return
        self._step(OfferInput.SUCCESS if status < 300 else OfferInput.FAILURE, now, Offered(response))
        if status in (408, 481):
            self._call.gone(status, now)

    def fire(self, timer: Timer, now: float) -> None:
        if self._call.acceptance is not None and self.state is OfferState.STEADY:
            self._perform(OfferAction.RETRY_LATER, now, NOTHING)
        else:
            self._step(OfferInput.RETRY, now, NOTHING)

    def _wait(self) -> float:
        """RFC 3261 14.1: in units of 10 ms; who owns the Call-ID waits longer."""
        low, high = (210, 400) if self._call.owns_call_id else (0, 200)
        return self._core.random.randint(low, high) / 100

    def close(self, now: float) -> None:
        """The call ends: what waits for an answer gets it (RFC 3261 15.1.2)."""
        self._core.deadlines.stop(self, Timer.RETRY)
        if self.state is OfferState.THEIRS and self._theirs is not None and not self._theirs.is_answered:
            self._call.answer(self._theirs, 487, now)
        if self.state is OfferState.OURS and self._ours is not None:
            self._ours.drop()


@dataclass(frozen=True, slots=True)
class Offered:
    """What an input brings along."""

    message: Request | Response | None = None
    transaction: ServerTransaction | None = None
    flow: Flow | None = None


NOTHING = Offered()


def retry_after(core: Core) -> tuple[str, str]:
    """RFC 3261 14.2: between 0 and 10 seconds."""
    return "Retry-After", str(core.random.randint(0, 10))


def content_of(message: Request | Response | None) -> tuple[bytes, str]:
    return (b"", "") if message is None else (message.body, message.content_type)
