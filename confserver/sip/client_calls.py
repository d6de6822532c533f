"""A call that we make: the INVITE's UAC (RFC 3261 13.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from confserver.sip.call import Call, CallAction, CallInput, CallState, Said
from confserver.sip.dialog import Dialog, DialogInput
from confserver.sip.extensions import rel100
from confserver.sip.extensions.reason import ELSEWHERE, of_cause
from confserver.sip.headers import Headers
from confserver.sip.message import Request, Response
from confserver.sip.outputs import CallAccepted, CallId, CallRinging
from confserver.sip.requests import Acknowledgement, Errand, cancel
from confserver.sip.transaction import State
from confserver.sip.ways import Way

if TYPE_CHECKING:
    from confserver.sip.account import Account
    from confserver.sip.core import Core, Extra
    from confserver.sip.flow import Flow

TERMINATED = 487
MOST_CHALLENGES = 3
"""So often are credentials given for one call: proxies on the way may each ask, and a nonce may be stale."""
MOST_FORKS = 32
"""So many early dialogs are noted of one call of ours; a 2xx of any other is taken all the same."""


class ClientCall(Call):
    """Several early dialogs may come of one INVITE that forks; the first 2xx chooses, any later one is hung up."""

    owns_call_id = True

    def __init__(
        self,
        core: Core,
        number: CallId,
        request: Request,
        contact_user: str,
        compose: Callable[[Flow], bytes] | None = None,
        account: Account | None = None,
    ) -> None:
        """``compose`` gives the body once the flow is known. ``account``: ours, where credentials are asked for."""
        super().__init__(core, number, CallState.CALLING)
        self.contact_user = contact_user
        self.request = request
        self.offers.said(request.body, request.content_type)
        for name, value in self.session.asked():
            request.headers.add(name, value)
        self._make_body = compose
        composed = None if compose is None else self._composed
        self._errand = Errand(core, request, self, contact_user=contact_user, compose=composed)
        self._account = account
        self._challenges = 0
        if account is not None:
            for name, value in account.prepared("INVITE", str(request.uri)):
                request.headers.add(name, value)
        self._way = Way()
        self._pracks: dict[str, rel100.Pracks] = {}
        """By To tag."""
        self._is_answered_early = False
        self._is_cancelled = False
        self._early: dict[str, Dialog] = {}
        self._left: set[str] = set()
        """To tags of early dialogs that the peer has ended already."""
        self._acks: dict[str, Acknowledgement] = {}
        """By To tag; for as long as a 2xx can come again."""

    def _composed(self, flow: Flow) -> bytes:
        assert self._make_body is not None
        body = self._make_body(flow)
        self.offers.said(body, self.request.content_type)
        return body

    def start(self, way: Way, now: float) -> None:
        self._way = way
        self._errand.start(way, now)

    def again(self, headers: Extra, now: float) -> None:
        """The INVITE once more, with these headers in place of those of the same names (RFC 3261 8.1.3.5, 22.2).

        The same Call-ID and From tag, the next CSeq. Only after a final answer that refused it.
        """
        before, way = self.request, replace(self._way, flow=self._flow)
        lines = Headers([line for line in before.headers if line[0] not in ("Via", "Contact")])
        lines.set("CSeq", f"{before.cseq.number + 1} INVITE")
        for name, _ in headers:
            lines.remove(name)
        for name, value in headers:
            lines.add(name, value)
        self.request = Request("INVITE", before.uri, lines, before.body)
        self._end_other_dialogs()
        self._left.clear()
        self._pracks.clear()
        self._errand = Errand(self.core, self.request, self, contact_user=self.contact_user)
        self._errand.start(way, now)

    @property
    def has_session(self) -> bool:
        return super().has_session or self._is_answered_early

    def perform(self, action: CallAction, said: Said, now: float) -> None:
        match action:
            case CallAction.SEND_CANCEL:
                self._cancel(now)
            case CallAction.SEND_ACK:
                assert isinstance(said.message, Response)
                self.dialog = self._confirmed(said.message)
                self._acknowledge(self.dialog, now)
            case CallAction.TELL_RINGING:
                assert isinstance(said.message, Response)
                self.core.emit(CallRinging(self.number, said.message))
            case CallAction.TELL_ACCEPTED:
                assert isinstance(said.message, Response)
                self._end_other_dialogs()
                self.note_abilities(said.message)
                self.session.agreed(said.message, now)
                self.core.emit(CallAccepted(self.number, said.message, self._flow))
            case CallAction.LEAVE_EARLY:
                assert isinstance(said.message, Request)
                self._left.add(said.message.from_.tag)
                early = self._early.pop(said.message.from_.tag, None)
                if early is not None:
                    self.leave(early, DialogInput.BYE)
            case _:
                super().perform(action, said, now)

    # -------------------------------------------------------------- the answers
    def answered(self, response: Response, now: float) -> None:
        status = response.status
        if status == 100:
            self._provisional(response, now)
        elif status < 200:
            self._note_early(response)
            if not rel100.is_reliable(response) or self._is_next(response, now):
                self._provisional(response, now)
        elif status < 300:
            self._accepted(response, now)
        elif status == 422 and self.state is CallState.CALLING and self.session.is_longer_wanted(response):
            self.again(self.session.asked(), now)  # RFC 4028 section 7.3
        elif credentials := self._credentials(response):
            self.again(credentials, now)  # RFC 3261 22.2
        else:
            self.step(CallInput.FAILURE, Said(response, response.reason or str(status), True, status), now)

    def _credentials(self, response: Response) -> Extra:
        """What a 401 or 407 asks for; nothing where we have none, or they were refused."""
        if self._account is None or self.state is not CallState.CALLING or self._challenges >= MOST_CHALLENGES:
            return ()
        self._challenges += 1
        return self._account.answer(response, self.request) or ()

    def _is_next(self, response: Response, now: float) -> bool:
        """Acknowledge a reliable provisional answer; False where it was said before (RFC 3262 section 4)."""
        dialog = self._early.get(response.to.tag)
        if dialog is None:
            return False
        pracks = self._pracks.setdefault(response.to.tag, rel100.Pracks(self.core, dialog))
        if not pracks.take(response, now):
            return False
        self._is_answered_early = self._is_answered_early or bool(response.body)
        return True

    def unanswered(self, status: int, reason: str, now: float) -> None:
        self.step(CallInput.FAILURE, Said(None, reason, by_peer=status == 408, status=status), now)

    def _provisional(self, response: Response, now: float) -> None:
        if self.state is CallState.CANCELLING or (self.state is CallState.CALLING and response.status > 100):
            self.step(CallInput.PROVISIONAL, Said(response), now)

    def _note_early(self, response: Response) -> None:
        tag = response.to.tag
        if not tag or self.is_over or tag in self._left:
            return
        dialog = self._early.get(tag)
        if dialog is None:
            if len(self._early) + len(self._left) >= MOST_FORKS:
                return
            dialog = self._early[tag] = self._new_dialog(response)
            self.join(dialog)
        dialog.step(DialogInput.PROVISIONAL)

    def _accepted(self, response: Response, now: float) -> None:
        tag = response.to.tag
        ack = self._acks.get(tag)
        if ack is not None:
            ack.repeat()
        elif self.state is CallState.ESTABLISHED or self.is_over:
            self._hang_up_fork(response, now)
        else:
            self.step(CallInput.SUCCESS, Said(response, "hung up"), now)
            if tag in self._left:
                self.step(CallInput.BYE, Said(response, "hung up", by_peer=True), now)

    def _hang_up_fork(self, response: Response, now: float) -> None:
        """A 2xx too many (RFC 3261 13.2.2.4): it must be acknowledged, then it may be ended."""
        dialog = self._new_dialog(response)
        dialog.step(DialogInput.SUCCESS)
        self._acknowledge(dialog, now)
        self.say_goodbye(dialog, now, ELSEWHERE)

    # -------------------------------------------------------------- dialogs
    @property
    def _flow(self) -> Flow:
        assert self._errand.transaction is not None
        return self._errand.transaction.flow

    def _new_dialog(self, response: Response) -> Dialog:
        dialog = Dialog.as_uac(self.request, response, self._flow, self.core.settings.user_agent)
        dialog.account = self._account
        return dialog

    def _confirmed(self, response: Response) -> Dialog:
        dialog = self._early.pop(response.to.tag, None) or self._new_dialog(response)
        dialog.confirm(response)
        self.join(dialog)
        return dialog

    def _acknowledge(self, dialog: Dialog, now: float) -> None:
        self._acks[dialog.remote.tag] = Acknowledgement(self.core, dialog, self.request.cseq.number, now, self.request)

    def _end_other_dialogs(self) -> None:
        for dialog in self._early.values():
            self.leave(dialog, DialogInput.FAILURE)
        self._early.clear()

    def end_dialogs(self) -> None:
        self._end_other_dialogs()
        super().end_dialogs()

    def dialog_of(self, request: Request) -> Dialog | None:
        return self._early.get(request.from_.tag) or self.dialog

    # -------------------------------------------------------------- leaving
    def _cancel(self, now: float) -> None:
        """Now, or when the first provisional answer comes (RFC 3261 9.1), or not at all: it has not left yet."""
        self._errand.stay()
        transaction = self._errand.transaction
        if transaction is None:
            self._errand.drop()
            self.step(CallInput.FAILURE, Said(status=TERMINATED), now)
        elif transaction.state is State.PROCEEDING and not self._is_cancelled:
            self._is_cancelled = True
            cancel(self.core, transaction, now, of_cause(self._kept.cause if self._kept else ""))
