"""One re-INVITE of ours, from the search for its way to the ACK of its last 2xx (RFC 3261 14.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confserver.sip.headers import Headers
from confserver.sip.message import Response
from confserver.sip.requests import Acknowledgement, Errand, cancel
from confserver.sip.timers import TIMINGS, Timer

if TYPE_CHECKING:
    from confserver.sip.call import Call
    from confserver.sip.core import Core
    from confserver.sip.offers import Offers


class Reinvite:
    """One re-INVITE of ours."""

    __slots__ = ("_ack", "_call", "_core", "_dialog", "_errand", "_offers")

    def __init__(self, core: Core, call: Call, offers: Offers) -> None:
        assert call.dialog is not None
        self._core = core
        self._call = call
        self._dialog = call.dialog
        self._offers = offers
        self._ack: Acknowledgement | None = None
        self._errand: Errand | None = None

    def start(self, body: bytes, content_type: str, now: float) -> None:
        request = self._dialog.request("INVITE")
        for name, value in (*self._core.abilities(), *self._call.session.asked()):
            request.headers.add(name, value)
        if body:
            request.headers.add("Content-Type", content_type)
            request.body = body
        user = self._call.contact_user
        self._errand = Errand(self._core, request, self, dialog=self._dialog, contact_user=user)
        self._errand.start(self._dialog.way(), now)

    def answered(self, response: Response, now: float) -> None:
        if response.status < 200:
            if not self._core.deadlines.is_running(self, Timer.C):
                self._core.deadlines.start(self, Timer.C, now + TIMINGS[Timer.C].first)
            return
        self._core.deadlines.stop(self, Timer.C)
        if response.status < 300 and self._ack is not None:
            self._ack.repeat()
            return
        if response.status < 300:
            self._dialog.refresh(response)
            if self._call.is_over:
                self.acknowledge(now)
        self._offers.ended(response, now)

    def unanswered(self, status: int, reason: str, now: float) -> None:
        self._core.deadlines.stop(self, Timer.C)
        self._offers.ended(Response(status, reason, Headers()), now)

    def acknowledge(self, now: float) -> None:
        assert self._errand is not None
        self._ack = Acknowledgement(self._core, self._dialog, self._errand.request.cseq.number, now)

    def fire(self, timer: Timer, now: float) -> None:
        """No final answer for three minutes: cancel it; the transaction then ends it."""
        if self._errand is not None and self._errand.transaction is not None:
            cancel(self._core, self._errand.transaction, now)

    def drop(self) -> None:
        """The call has ended: the request goes no further if it has not left yet.

        If it has, Timer.C goes on: should BYE not bring the final answer, it is cancelled.
        """
        if self._errand is not None and self._errand.transaction is None:
            self._errand.drop()
