"""A call that has come to us: the INVITE's UAS (RFC 3261 13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confserver.sip.acceptance import Acceptance
from confserver.sip.call import Call, CallAction, CallInput, CallState, Said
from confserver.sip.dialog import Dialog, DialogInput
from confserver.sip.message import Request, Response
from confserver.sip.offers import content_of
from confserver.sip.outputs import CallAcknowledged, CallArrived, CallId
from confserver.sip.timers import TIMINGS, Timer
from confserver.sip.transaction import ServerTransaction

if TYPE_CHECKING:
    from confserver.sip.core import Core, Extra
    from confserver.sip.flow import Flow


class ServerCall(Call):
    """All answers carry one To tag, made when the INVITE comes."""

    owns_call_id = False

    def __init__(self, core: Core, number: CallId, transaction: ServerTransaction, flow: Flow) -> None:
        super().__init__(core, number, CallState.ARRIVED)
        self.transaction = transaction
        self.flow = flow
        self._ringing: Response | None = None
        request = transaction.request
        transaction.user = self
        self.contact_user = request.uri.user
        self.dialog = Dialog.as_uas(request, flow, self.local_tag, core.settings.user_agent)
        core.emit(CallArrived(number, request, flow))

    def perform(self, action: CallAction, said: Said, now: float) -> None:
        match action:
            case CallAction.ANSWER:
                assert isinstance(said.message, Response)
                self._answer(said.message, now)
            case CallAction.AWAIT_ACK:
                assert isinstance(said.message, Response)
                self.acceptance = Acceptance(self.core, self.transaction, said.message, self, now)
            case CallAction.TELL_ACK:
                ack = said.message
                self.core.emit(CallAcknowledged(self.number, *content_of(ack)))
            case _:
                super().perform(action, said, now)

    def _answer(self, response: Response, now: float) -> None:
        assert self.dialog is not None
        self.transaction.respond(response, now)
        if response.status < 200:
            self.dialog.step(DialogInput.PROVISIONAL)
            self._ringing = response
            self.core.deadlines.start(self, Timer.RINGING, now + TIMINGS[Timer.RINGING].first)
        else:
            self.core.deadlines.stop(self, Timer.RINGING)
            self.dialog.step(DialogInput.SUCCESS if response.status < 300 else DialogInput.FAILURE)
        if response.status < 300:
            self.join(self.dialog)

    # -------------------------------------------------------------- what our user asks for
    def ring(self, now: float) -> None:
        """Raises WrongMoment."""
        self.may(CallInput.RING)
        contact = ("Contact", self.core.contact(self.contact_user, self.flow))
        response = self.core.response(self.transaction.request, 180, "", (contact,), to_tag=self.local_tag)
        self.step(CallInput.RING, Said(response), now)

    def accept(self, body: bytes, content_type: str, now: float) -> None:
        """Raises WrongMoment."""
        self.may(CallInput.ACCEPT)
        self.step(CallInput.ACCEPT, Said(self.acceptance_of(self.transaction, body, content_type)), now)

    def refuse(self, status: int, reason: str, headers: Extra, now: float) -> None:
        """Raises WrongMoment."""
        self.may(CallInput.REFUSE)
        response = self._refusal(status, reason, headers)
        self.step(CallInput.REFUSE, Said(response, response.reason, status=status), now)

    def hang_up(self, cause: str, now: float) -> None:
        response = self._refusal(480) if self.state is CallState.ARRIVED else None
        self.step(CallInput.HANG_UP, Said(response, cause, status=480 if response else 0), now)

    # -------------------------------------------------------------- what comes
    def cancelled(self, now: float) -> None:
        """CANCEL for the INVITE; answered already (RFC 3261 9.2)."""
        response = self._refusal(487) if self.state is CallState.ARRIVED else None
        self.step(CallInput.CANCEL, Said(response, "cancelled", by_peer=True, status=487), now)

    def bye_came(self, bye: Request, now: float) -> None:
        is_early = self.state is CallState.ARRIVED
        response = self._refusal(487) if is_early else None
        self.step(CallInput.BYE, Said(response, "hung up", by_peer=True, status=487 if is_early else 0), now)

    def ack_came(self, ack: Request | None, now: float) -> None:
        self.acceptance = None
        self.step(CallInput.ACK, Said(ack), now)

    def no_ack_came(self, now: float) -> None:
        self.acceptance = None
        super().no_ack_came(now)

    def fire(self, timer: Timer, now: float) -> None:
        """Timer.RINGING: lest a proxy on the way gives up (RFC 3261 13.3.1.1)."""
        if self._ringing is not None:
            self.step(CallInput.RING, Said(self._ringing), now)

    def _refusal(self, status: int, reason: str = "", headers: Extra = ()) -> Response:
        return self.core.response(self.transaction.request, status, reason, headers, to_tag=self.local_tag)
