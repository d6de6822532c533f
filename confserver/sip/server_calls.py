"""A call that has come to us: the INVITE's UAS (RFC 3261 13.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confserver.sip.acceptance import Acceptance
from confserver.sip.call import Call, CallAction, CallInput, CallState, Said
from confserver.sip.dialog import Dialog, DialogInput, wants_sips
from confserver.sip.extensions import rel100
from confserver.sip.extensions.reason import with_reason
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, Response
from confserver.sip.offers import content_of
from confserver.sip.outputs import CallAcknowledged, CallArrived, CallId, EarlyAnswered
from confserver.sip.timers import TIMINGS, Timer
from confserver.sip.transaction import ServerTransaction, WrongMoment

if TYPE_CHECKING:
    from confserver.sip.core import Core, Extra
    from confserver.sip.extensions.replaces import Other
    from confserver.sip.flow import Flow


AGAIN_RELIABLY_S = 150.0
"""A reliable provisional answer arrives, so the next is due later (RFC 3262 section 3: two and a half minutes)."""


class ServerCall(Call):
    """All answers carry one To tag, made when the INVITE comes."""

    owns_call_id = False

    def __init__(
        self, core: Core, number: CallId, transaction: ServerTransaction, flow: Flow, other: Other | None = None
    ) -> None:
        super().__init__(core, number, CallState.ARRIVED)
        self.transaction = transaction
        self.flow = flow
        self._ringing: Response | None = None
        """The last provisional answer, where it was not reliable; ``_rung``: the status of the last."""
        self._rung = 180
        self._provisionals = rel100.Provisionals(core, transaction, self._no_prack_came)
        self._acceptance: tuple[bytes, str] | None = None
        """Our user has accepted, but a PRACK must come first (RFC 3262 section 3)."""
        request = transaction.request
        self.note_abilities(request)
        transaction.user = self
        self.contact_user = request.uri.user
        self.dialog = Dialog.as_uas(request, flow, self.local_tag, core.settings.user_agent)
        core.emit(CallArrived(number, request, flow, other))

    def perform(self, action: CallAction, said: Said, now: float) -> None:
        match action:
            case CallAction.ANSWER:
                assert isinstance(said.message, Response)
                self._answer(said.message, now)
            case CallAction.AWAIT_ACK:
                assert isinstance(said.message, Response)
                is_settled = self._provisionals.is_settled
                self.acceptance = Acceptance(
                    self.core, self.transaction, said.message, self, now, is_settled=is_settled
                )
            case CallAction.TELL_ACK:
                ack = said.message
                self.core.emit(CallAcknowledged(self.number, *content_of(ack)))
            case _:
                super().perform(action, said, now)

    def _answer(self, response: Response, now: float) -> None:
        assert self.dialog is not None
        if response.status < 200:
            self.dialog.step(DialogInput.PROVISIONAL)
            self._provide(response, now)
        else:
            self._provisionals.stop()
            self.transaction.respond(response, now)
            self.core.deadlines.stop(self, Timer.RINGING)
            self.dialog.step(DialogInput.SUCCESS if response.status < 300 else DialogInput.FAILURE)
        if response.status < 300:
            self.join(self.dialog)

    def _provide(self, response: Response, now: float) -> None:
        """Reliably where the peer wants it so, and where a description must arrive (RFC 3262 section 3)."""
        request, self._rung = self.transaction.request, response.status
        if rel100.is_required_by(request) or (response.body and rel100.is_supported_by(request)):
            self._ringing = None
            self._provisionals.send(response, now)
            self.core.deadlines.start(self, Timer.RINGING, now + AGAIN_RELIABLY_S)
            return
        self._ringing = response
        self.transaction.respond(response, now)
        self.core.deadlines.start(self, Timer.RINGING, now + TIMINGS[Timer.RINGING].first)

    # -------------------------------------------------------------- what our user asks for
    def ring(self, now: float, status: int = 180, body: bytes = b"", content_type: str = "") -> None:
        """Raises WrongMoment, also for an offer of ours that the peer could not answer: it knows no PRACK."""
        self.may(CallInput.RING)
        request = self.transaction.request
        if body and not request.body and not rel100.is_supported_by(request):
            raise WrongMoment("an offer in a provisional answer that is not reliable")  # RFC 3261 13.2.1
        if body:
            self.offers.said(body, content_type)
        self.step(CallInput.RING, Said(self._provisional(status, body, content_type)), now)

    def _provisional(self, status: int, body: bytes = b"", content_type: str = "") -> Response:
        request = self.transaction.request
        contact = ("Contact", self.core.contact(self.contact_user, self.flow, wants_sips(request)))
        headers, tag = (contact, *self.core.abilities()), self.local_tag
        return self.core.response(request, status, "", headers, to_tag=tag, body=body, content_type=content_type)

    def accept(self, body: bytes, content_type: str, now: float) -> None:
        """Raises WrongMoment. Where offer and answer have been exchanged already, the 2xx repeats neither."""
        self.may(CallInput.ACCEPT)
        if self._acceptance is not None:
            raise WrongMoment("accepted already")
        if self._provisionals.holds_session:
            self._acceptance = body, content_type
            return
        if self._provisionals.is_settled:
            body, content_type = b"", ""
        else:
            self.offers.said(body, content_type)
        self.step(CallInput.ACCEPT, Said(self.acceptance_of(self.transaction, body, content_type, now)), now)

    def refuse(self, status: int, reason: str, headers: Extra, now: float) -> None:
        """Raises WrongMoment."""
        self.may(CallInput.REFUSE)
        response = self._refusal(status, reason, headers)
        self.core.settings.sentry.refused(self.flow, status, now)
        self.step(CallInput.REFUSE, Said(response, response.reason, status=status), now)

    def hang_up(self, cause: str, now: float) -> None:
        response = self._refusal(480) if self.state is CallState.ARRIVED else None
        self.step(CallInput.HANG_UP, Said(response, cause, status=480 if response else 0), now)

    # -------------------------------------------------------------- what comes
    def cancelled(self, cancel: Request, now: float) -> None:
        """CANCEL for the INVITE; answered already (RFC 3261 9.2)."""
        response = self._refusal(487) if self.state is CallState.ARRIVED else None
        cause = with_reason("cancelled", cancel)
        self.step(CallInput.CANCEL, Said(response, cause, by_peer=True, status=487), now)

    def bye_came(self, bye: Request, now: float) -> None:
        is_early = self.state is CallState.ARRIVED
        response = self._refusal(487) if is_early else None
        cause = with_reason("hung up", bye)
        self.step(CallInput.BYE, Said(response, cause, by_peer=True, status=487 if is_early else 0), now)

    def ack_came(self, ack: Request | None, now: float) -> None:
        self.acceptance = None
        self.core.settings.sentry.proved(self.flow, now)
        self.step(CallInput.ACK, Said(ack), now)

    def no_ack_came(self, now: float) -> None:
        self.acceptance = None
        super().no_ack_came(now)

    @property
    def has_session(self) -> bool:
        return super().has_session or self._provisionals.is_settled

    def prack_came(self, transaction: ServerTransaction, flow: Flow, now: float) -> None:
        """RFC 3262 section 3; an offer in it is answered like that of an UPDATE (section 5)."""
        prack = transaction.request
        try:
            answered = self._provisionals.acknowledged(prack)
        except Malformed as fault:
            self.answer(transaction, 400, now, fault.reason)
            return
        if answered is None:
            self.answer(transaction, 481, now)
            return
        is_ours = bool(answered.body) and not self.transaction.request.body
        if prack.body and not is_ours:
            self.changed_early(transaction, flow, now)
        else:
            self.answer(transaction, 200, now)
        if is_ours:
            self.core.emit(EarlyAnswered(self.number, *content_of(prack)))
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        """What has waited for the PRACK."""
        self._provisionals.go_on(now)
        waiting = self._acceptance
        if waiting is not None and self.state is CallState.ARRIVED and not self._provisionals.holds_session:
            self._acceptance = None
            self.accept(*waiting, now)

    def _no_prack_came(self, now: float) -> None:
        response = self._refusal(504, "No PRACK")
        self.step(CallInput.NO_PRACK, Said(response, "no PRACK", by_peer=True, status=504), now)

    def fire(self, timer: Timer, now: float) -> None:
        """Timer.RINGING: lest a proxy on the way gives up (RFC 3261 13.3.1.1).

        The same once more; after a reliable one a new one, whose description has been settled.
        """
        self.step(CallInput.RING, Said(self._ringing or self._provisional(self._rung)), now)

    def _refusal(self, status: int, reason: str = "", headers: Extra = ()) -> Response:
        return self.core.response(self.transaction.request, status, reason, headers, to_tag=self.local_tag)
