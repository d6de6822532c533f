"""A call's life: the state table of both sides, and all that is the same for both once the call stands.

    UAS  ARRIVED -- accept --> ACCEPTED -- ACK --> ESTABLISHED -- BYE, hang up --> ENDED
              \\- refuse, CANCEL --> ENDED  \\- hang up --> LEAVING -- ACK or none --> ENDED
    UAC  CALLING -- 2xx --> ESTABLISHED   CALLING -- hang up --> CANCELLING -- any final answer --> ENDED

A call leaves the stack's tables when it ends. What is still on the wire then (our BYE, a 2xx that comes again) is
the business of transactions, which keep the call as long as they need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.acceptance import Acceptance
from confserver.sip.asking import Asked
from confserver.sip.dialog import Dialog, DialogInput, wants_sips
from confserver.sip.extensions import reason
from confserver.sip.extensions.session_timer import SessionTimer
from confserver.sip.grammar import printable
from confserver.sip.message import Request, Response
from confserver.sip.offers import Offers, retry_after
from confserver.sip.outputs import CallEnded, CallId, ProbeAnswered
from confserver.sip.requests import UNATTENDED, Errand
from confserver.sip.transaction import ServerTransaction, WrongMoment

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.flow import Flow


class CallState(Enum):
    ARRIVED = "arrived"
    ACCEPTED = "accepted"
    LEAVING = "leaving"
    CALLING = "calling"
    CANCELLING = "cancelling"
    ESTABLISHED = "established"
    ENDED = "ended"
    __hash__ = object.__hash__


class CallInput(Enum):
    RING = "ring"
    ACCEPT = "accept"
    REFUSE = "refuse"
    HANG_UP = "hang up"
    CANCEL = "CANCEL"
    BYE = "BYE"
    ACK = "ACK"
    NO_ACK = "no ACK"
    NO_PRACK = "no PRACK"
    PROVISIONAL = "1xx"
    SUCCESS = "2xx"
    FAILURE = "300-699"
    GONE = "408 or 481 in the dialog"
    __hash__ = object.__hash__


class CallAction(Enum):
    ANSWER = "answer INVITE"
    AWAIT_ACK = "await ACK"
    KEEP_CAUSE = "keep the cause"
    SEND_CANCEL = "send CANCEL"
    SEND_ACK = "send ACK"
    SEND_BYE = "send BYE"
    TELL_ACK = "tell user: acknowledged"
    TELL_RINGING = "tell user: ringing"
    TELL_ACCEPTED = "tell user: accepted"
    LEAVE_EARLY = "end the early dialog"
    END = "tell user: ended"
    __hash__ = object.__hash__


class CallRow(NamedTuple):
    next: CallState
    actions: tuple[CallAction, ...] = ()


S, I, A = CallState, CallInput, CallAction  # noqa: E741

CALL: Mapping[tuple[CallState, CallInput], CallRow] = {
    # as UAS (RFC 3261 13.3)
    (S.ARRIVED, I.RING): CallRow(S.ARRIVED, (A.ANSWER,)),  # 13.3.1.1
    (S.ARRIVED, I.ACCEPT): CallRow(S.ACCEPTED, (A.ANSWER, A.AWAIT_ACK)),  # 13.3.1.4
    (S.ARRIVED, I.REFUSE): CallRow(S.ENDED, (A.ANSWER, A.END)),  # 13.3.1.3
    (S.ARRIVED, I.HANG_UP): CallRow(S.ENDED, (A.ANSWER, A.END)),
    (S.ARRIVED, I.CANCEL): CallRow(S.ENDED, (A.ANSWER, A.END)),  # 9.2: 487
    (S.ARRIVED, I.BYE): CallRow(S.ENDED, (A.ANSWER, A.END)),  # 15.1.2: 487
    (S.ACCEPTED, I.ACK): CallRow(S.ESTABLISHED, (A.TELL_ACK,)),
    (S.ACCEPTED, I.NO_ACK): CallRow(S.ENDED, (A.SEND_BYE, A.END)),  # 13.3.1.4
    (S.ACCEPTED, I.CANCEL): CallRow(S.ACCEPTED),  # 9.2: too late
    (S.ACCEPTED, I.BYE): CallRow(S.ENDED, (A.END,)),  # it has overtaken the ACK
    (S.ACCEPTED, I.HANG_UP): CallRow(S.LEAVING, (A.KEEP_CAUSE,)),  # 15: no BYE before the ACK
    (S.ARRIVED, I.NO_PRACK): CallRow(S.ENDED, (A.ANSWER, A.END)),  # RFC 3262 section 3
    (S.LEAVING, I.ACK): CallRow(S.ENDED, (A.SEND_BYE, A.END)),
    (S.LEAVING, I.NO_ACK): CallRow(S.ENDED, (A.SEND_BYE, A.END)),
    (S.LEAVING, I.CANCEL): CallRow(S.LEAVING),
    (S.LEAVING, I.BYE): CallRow(S.ENDED, (A.END,)),
    (S.LEAVING, I.HANG_UP): CallRow(S.LEAVING),
    # as UAC (RFC 3261 13.2)
    (S.CALLING, I.PROVISIONAL): CallRow(S.CALLING, (A.TELL_RINGING,)),  # 13.2.2.1
    (S.CALLING, I.SUCCESS): CallRow(S.ESTABLISHED, (A.SEND_ACK, A.TELL_ACCEPTED)),  # 13.2.2.4
    (S.CALLING, I.FAILURE): CallRow(S.ENDED, (A.END,)),  # 13.2.2.3
    (S.CALLING, I.BYE): CallRow(S.CALLING, (A.LEAVE_EARLY,)),  # it has overtaken the 2xx
    (S.CALLING, I.HANG_UP): CallRow(S.CANCELLING, (A.KEEP_CAUSE, A.SEND_CANCEL)),  # 9.1
    (S.CANCELLING, I.PROVISIONAL): CallRow(S.CANCELLING, (A.SEND_CANCEL,)),  # 9.1: not before
    (S.CANCELLING, I.SUCCESS): CallRow(S.ENDED, (A.SEND_ACK, A.SEND_BYE, A.END)),  # it has crossed the CANCEL
    (S.CANCELLING, I.FAILURE): CallRow(S.ENDED, (A.END,)),
    (S.CANCELLING, I.BYE): CallRow(S.CANCELLING, (A.LEAVE_EARLY,)),
    (S.CANCELLING, I.HANG_UP): CallRow(S.CANCELLING),
    # both
    (S.ESTABLISHED, I.CANCEL): CallRow(S.ESTABLISHED),
    (S.ESTABLISHED, I.BYE): CallRow(S.ENDED, (A.END,)),  # 15.1.2
    (S.ESTABLISHED, I.HANG_UP): CallRow(S.ENDED, (A.SEND_BYE, A.END)),  # 15.1.1
    (S.ESTABLISHED, I.NO_ACK): CallRow(S.ENDED, (A.SEND_BYE, A.END)),  # 14.2: of a re-INVITE
    (S.ESTABLISHED, I.GONE): CallRow(S.ENDED, (A.SEND_BYE, A.END)),  # 12.2.1.2
}
del S, I, A


@dataclass(frozen=True, slots=True)
class Said:
    """What an input brings along: the answer to give or the message that came, and how the call would end."""

    message: Request | Response | None = None
    cause: str = ""
    by_peer: bool = False
    status: int = 0


class Call:
    """What UAS and UAC have in common. ``dialog`` is None as long as there is none."""

    owns_call_id: bool
    """Whether the Call-ID is ours: it decides who waits longer after a glare (RFC 3261 14.1)."""

    def __init__(self, core: Core, number: CallId, state: CallState) -> None:
        self.core = core
        self.number = number
        self.state = state
        self.dialog: Dialog | None = None
        self.acceptance: Acceptance | None = None
        """Our 2xx that waits for its ACK: to the INVITE or to a re-INVITE."""
        self.offers = Offers(core, self)
        self.session = SessionTimer(core, self)
        self.asked = Asked(self)
        self.allowed: tuple[str, ...] = ()
        """Methods that the peer has said it takes (RFC 3261 20.5)."""
        self.contact_user = ""
        self.local_tag = core.token()
        self._kept: Said | None = None
        core.calls[number] = self

    @property
    def is_over(self) -> bool:
        return self.state is CallState.ENDED

    @property
    def is_early(self) -> bool:
        """The INVITE has no final answer yet."""
        return self.state in (CallState.ARRIVED, CallState.CALLING)

    @property
    def is_leaving(self) -> bool:
        return self.state in (CallState.LEAVING, CallState.CANCELLING, CallState.ENDED)

    @property
    def is_established(self) -> bool:
        return self.state is CallState.ESTABLISHED

    # -------------------------------------------------------------- the table
    def may(self, what: CallInput) -> None:
        """Raises WrongMoment where our user may not ask for this now."""
        if (self.state, what) not in CALL:
            raise WrongMoment(f"{what.value} in a call that is {self.state.value}")

    def step(self, what: CallInput, said: Said, now: float) -> None:
        row = CALL.get((self.state, what))
        if row is None:
            self.core.drop(f"{what.value} in a call that is {self.state.value}")
            return
        self.state = row.next
        for action in row.actions:
            self.perform(action, said, now)

    def perform(self, action: CallAction, said: Said, now: float) -> None:
        match action:
            case CallAction.KEEP_CAUSE:
                self._kept = said
            case CallAction.SEND_BYE:
                if self.dialog is not None:
                    self.say_goodbye(self.dialog, now, reason.of_cause((self._kept or said).cause))
            case CallAction.END:
                self._end(said, now)
            case _:
                raise NotImplementedError(action)

    def say_goodbye(self, dialog: Dialog, now: float, why: tuple[str, str]) -> None:
        bye = dialog.request("BYE")
        bye.headers.add(*why)
        Errand(self.core, bye, UNATTENDED, dialog=dialog).start(dialog.way(), now)

    def _end(self, said: Said, now: float) -> None:
        self.offers.close(now)
        self.asked.close(now)
        self.session.stop()
        self.end_dialogs()
        if self.acceptance is not None:
            self.acceptance.stop()
            self.acceptance = None
        del self.core.calls[self.number]
        end = self._kept or said
        answer = said.message if self.owns_call_id and isinstance(said.message, Response) else None
        detail = _warning(said.message)
        self.core.emit(CallEnded(self.number, end.cause, end.by_peer, said.status, detail, answer))

    def end_dialogs(self) -> None:
        if self.dialog is not None:
            self.leave(self.dialog, DialogInput.BYE)

    def join(self, dialog: Dialog) -> None:
        self.core.dialogs[dialog.key] = self

    def leave(self, dialog: Dialog, why: DialogInput) -> None:
        dialog.step(why)
        self.core.dialogs.pop(dialog.key, None)

    # -------------------------------------------------------------- what comes in the dialog
    def receive(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """A request in the dialog, other than ACK and CANCEL (RFC 3261 12.2.2)."""
        request = transaction.request
        dialog = self.dialog_of(request)
        if dialog is None or not dialog.is_in_order(request.cseq.number):
            self.answer(transaction, 500, now, "Out Of Order")
        elif request.method == "BYE":
            self.answer(transaction, 200, now)
            self.bye_came(request, now)
        elif request.method == "OPTIONS":
            contact = ("Contact", self.core.contact(self.contact_user, flow))  # RFC 3840 section 5
            self.answer(transaction, 200, now, headers=(contact, *self.core.abilities()))
        elif request.method == "INVITE":
            self._invite_came(transaction, flow, now)
        elif request.method == "UPDATE":
            self._update_came(transaction, flow, now)
        elif request.method == "PRACK":
            self.prack_came(transaction, flow, now)
        else:
            self.asked.hand_over(transaction, flow, now)

    def _update_came(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """RFC 3311 section 5.2. Without an offer it is about the target and the session's timer alone."""
        request = transaction.request
        if request.body:
            self.changed_early(transaction, flow, now)
            return
        dialog = self.dialog_of(request)
        if dialog is not None:
            dialog.refresh(request)
            dialog.came_by(request, flow)
        transaction.respond(self.acceptance_of(transaction, b"", "", now), now)

    def changed_early(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """An offer by UPDATE or PRACK: it must not meet the one of the INVITE (RFC 3311 section 5.2)."""
        if self.state is CallState.ARRIVED and not self.has_session:
            self.answer(transaction, 500, now, headers=(retry_after(self.core),))
        elif self.state in (CallState.CALLING, CallState.CANCELLING) and not self.has_session:
            self.answer(transaction, 491, now)
        else:
            self.offers.receive(transaction, flow, now)

    def prack_came(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """RFC 3262 section 3: of nothing, but for a UAS that waits for one."""
        self.answer(transaction, 481, now)

    @property
    def has_session(self) -> bool:
        """Offer and answer of the first INVITE have been exchanged."""
        return self.is_established or self.state in (CallState.ACCEPTED, CallState.LEAVING)

    def may_be_asked(self, method: str) -> bool:
        return method in self.allowed

    def note_abilities(self, message: Request | Response) -> None:
        """What the peer's INVITE, or its 2xx to ours, says of its methods."""
        if "Allow" in message.headers:
            self.allowed = tuple(message.headers.get_all("Allow"))

    def _invite_came(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        if self.state is CallState.ARRIVED:
            self.answer(transaction, 500, now, headers=(retry_after(self.core),))  # RFC 3261 14.2: theirs is pending
        elif self.state in (CallState.CALLING, CallState.CANCELLING):
            self.answer(transaction, 491, now)  # ours is
        else:
            self.offers.receive(transaction, flow, now)

    def dialog_of(self, request: Request) -> Dialog | None:
        return self.dialog

    def bye_came(self, bye: Request, now: float) -> None:
        self.step(CallInput.BYE, Said(bye, reason.with_reason("hung up", bye), by_peer=True), now)

    def acknowledged(self, ack: Request, now: float) -> None:
        """An ACK, found by its dialog or by the branch of its INVITE."""
        if self.acceptance is None or not self.acceptance.acknowledged(ack, now):
            self.core.drop("ACK of nothing")

    def no_ack_came(self, now: float) -> None:
        self.step(CallInput.NO_ACK, Said(cause="no ACK", by_peer=True), now)

    def acceptance_of(self, transaction: ServerTransaction, body: bytes, content_type: str, now: float) -> Response:
        """A 2xx to an INVITE or UPDATE (RFC 3261 12.1.1, 13.3.1.4; RFC 3311 5.2); the session's timer runs from it."""
        request, tag = transaction.request, self.local_tag
        contact = ("Contact", self.core.contact(self.contact_user, transaction.flow, wants_sips(request)))
        headers = (contact, *self.core.abilities(), *self.session.granted(request, now))
        return self.core.response(request, 200, "", headers, to_tag=tag, body=body, content_type=content_type)

    def answer(
        self,
        transaction: ServerTransaction,
        status: int,
        now: float,
        reason: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        transaction.respond(self.core.response(transaction.request, status, reason, headers), now)

    # -------------------------------------------------------------- what our user asks for
    def hang_up(self, cause: str, now: float) -> None:
        self.step(CallInput.HANG_UP, Said(cause=cause), now)

    def probe(self, now: float) -> None:
        """OPTIONS in the dialog. Raises WrongMoment."""
        if self.state is not CallState.ESTABLISHED or self.dialog is None:
            raise WrongMoment(f"a probe in a call that is {self.state.value}")
        request = self.dialog.request("OPTIONS")
        Errand(self.core, request, Probe(self), dialog=self.dialog).start(self.dialog.way(), now)

    def expired(self, now: float) -> None:
        """Nobody has refreshed the session (RFC 4028 section 10)."""
        self.step(CallInput.GONE, Said(cause="session expired", by_peer=True), now)

    def gone(self, status: int, now: float) -> None:
        """408 or 481 answered a request of ours in the dialog (RFC 3261 12.2.1.2)."""
        cause = "no answer" if status == 408 else "unknown to the peer"
        self.step(CallInput.GONE, Said(cause=cause, by_peer=True), now)


class Probe:
    """One OPTIONS of ours in a dialog."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def answered(self, response: Response, now: float) -> None:
        if response.status >= 200:
            self._told(response.status, now)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        self._told(408, now)  # also where there is no way to the peer any more: nothing came back

    def _told(self, status: int, now: float) -> None:
        if self._call.is_over:
            return
        self._call.core.emit(ProbeAnswered(self._call.number, status))
        if status in (408, 481):
            self._call.gone(status, now)


def _warning(message: Request | Response | None) -> str:
    """The words of the first Warning of an answer: ``code agent "text"`` (RFC 3261 20.43)."""
    line = message.headers.get("Warning") if isinstance(message, Response) else None
    _, quote, text = (line or "").partition('"')
    return printable(text.rpartition('"')[0]) if quote else ""
