"""A 2xx to an INVITE until its ACK comes (RFC 3261 13.3.1.4): the user's part, as ACK and 2xx are end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from confserver.sip.message import Request, Response
from confserver.sip.timers import TIMINGS, Timer, next_interval
from confserver.sip.transaction import ServerTransaction, State

if TYPE_CHECKING:
    from confserver.sip.core import Core


class Accepter(Protocol):
    """Whose 2xx it is. One of the two is called, once."""

    def ack_came(self, ack: Request | None, now: float) -> None:
        """The ACK, where an answer is awaited in it. None: it needs not be read, as our 2xx held the answer, or it
        never came, but what came shows that the peer has our 2xx.
        """

    def no_ack_came(self, now: float) -> None: ...


class Acceptance:
    """Repeats the 2xx by T1 .. T2, on every transport, until it is acknowledged or 64*T1 have passed."""

    __slots__ = ("_accepter", "_core", "_interval", "_transaction", "cseq", "has_offer", "response")

    def __init__(
        self,
        core: Core,
        transaction: ServerTransaction,
        response: Response,
        accepter: Accepter,
        now: float,
        *,
        is_settled: bool = False,
    ) -> None:
        """``is_settled``: offer and answer were exchanged before, by provisional answers (RFC 3262 section 5)."""
        self._core = core
        self._transaction = transaction
        self._accepter = accepter
        self.response = response
        self.cseq = transaction.request.cseq.number
        self.has_offer = not transaction.request.body and not is_settled
        """The INVITE had no offer, so the 2xx has it, and the ACK carries the answer."""
        self._interval = TIMINGS[Timer.REPEAT].first
        core.deadlines.start(self, Timer.REPEAT, now + self._interval)
        core.deadlines.start(self, Timer.NO_ACK, now + TIMINGS[Timer.NO_ACK].first)

    def acknowledged(self, ack: Request, now: float) -> bool:
        """Take the ACK, if it is for this 2xx."""
        if ack.cseq.number != self.cseq:
            return False
        self.stop()
        self._accepter.ack_came(ack if self.has_offer else None, now)
        return True

    def implied(self, now: float) -> None:
        self.stop()
        self._accepter.ack_came(None, now)

    def fire(self, timer: Timer, now: float) -> None:
        if timer is Timer.NO_ACK:
            self.stop()
            self._accepter.no_ack_came(now)
            return
        if self._transaction.state is State.ACCEPTED:
            self._transaction.respond(self.response, now)
        self._interval = next_interval(Timer.REPEAT, True, self._interval) or self._interval
        self._core.deadlines.start(self, Timer.REPEAT, now + self._interval)

    def stop(self) -> None:
        self._core.deadlines.stop(self, Timer.REPEAT)
        self._core.deadlines.stop(self, Timer.NO_ACK)
