"""Reliable provisional answers (RFC 3262): sent again until PRACK says that they came; and PRACK of ours for theirs.

UAS: 1xx with RSeq -- T1, doubled --> again ... PRACK with its RAck --> the next one, or the 2xx that waited
                   -- 64*T1 --> the INVITE is refused
UAC: 1xx with RSeq, the next in its dialog --> PRACK; any other is passed over (section 4)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from confserver.sip.grammar import Malformed, number
from confserver.sip.message import Request, Response
from confserver.sip.requests import UNATTENDED, Errand
from confserver.sip.timers import TIMINGS, Timer, next_interval

if TYPE_CHECKING:
    from confserver.sip.core import Core
    from confserver.sip.dialog import Dialog
    from confserver.sip.transaction import ServerTransaction

TAG = "100rel"
MOST_RSEQ = 0xFFFFFFFF
FIRST_RSEQ = 0x7FFFFFFF
"""The first is drawn from 1 to here (section 3)."""
MOST_WAITING = 8
"""Provisional answers of ours that wait for the PRACK of the one before; more are not said."""


def is_supported_by(request: Request) -> bool:
    return TAG in request.headers.get_all("Supported") or is_required_by(request)


def is_required_by(request: Request) -> bool:
    return TAG in request.headers.get_all("Require")


class Provisionals:
    """Those of one INVITE of theirs, one at a time; ``gave_up`` is called where no PRACK comes."""

    __slots__ = ("_core", "_gave_up", "_interval", "_pending", "_rseq", "_transaction", "_waiting", "is_settled")

    def __init__(self, core: Core, transaction: ServerTransaction, gave_up: Callable[[float], None]) -> None:
        self._core = core
        self._transaction = transaction
        self._gave_up = gave_up
        self._rseq = core.random.randint(1, FIRST_RSEQ)
        self._pending: Response | None = None
        self._waiting: list[Response] = []
        self._interval = 0.0
        self.is_settled = False
        """The offer and the answer have been exchanged by a provisional answer and its PRACK (section 5)."""

    @property
    def holds_session(self) -> bool:
        """One with a description is not acknowledged yet: no 2xx may go before that (section 3)."""
        return any(each.body for each in (self._pending, *self._waiting) if each is not None)

    def send(self, response: Response, now: float) -> None:
        """Say it, once all before have been acknowledged."""
        if self._pending is None:
            self._begin(response, now)
        elif len(self._waiting) < MOST_WAITING:
            self._waiting.append(response)

    def _begin(self, response: Response, now: float) -> None:
        response.headers.add("Require", TAG)
        response.headers.add("RSeq", str(self._rseq))
        self._pending = response
        self._interval = TIMINGS[Timer.PROVISIONAL].first
        self._core.deadlines.start(self, Timer.PROVISIONAL, now + self._interval)
        self._core.deadlines.start(self, Timer.NO_PRACK, now + TIMINGS[Timer.NO_PRACK].first)
        self._transaction.respond(response, now)

    def acknowledged(self, prack: Request) -> Response | None:
        """The provisional answer that a PRACK is for; None where it is for none that waits. Raises Malformed."""
        pending = self._pending
        rseq, cseq, method = _rack(prack)
        if pending is None or (rseq, cseq, method) != (self._rseq, self._transaction.request.cseq.number, "INVITE"):
            return None
        self._stop_timers()
        self._pending = None
        self._rseq += 1
        self.is_settled = self.is_settled or bool(pending.body)
        return pending

    def go_on(self, now: float) -> None:
        """The next one, if one waits."""
        if self._pending is None and self._waiting:
            self._begin(self._waiting.pop(0), now)

    def fire(self, timer: Timer, now: float) -> None:
        if self._pending is None:
            return
        if timer is Timer.NO_PRACK:
            self.stop()
            self._gave_up(now)
            return
        self._transaction.respond(self._pending, now)
        self._interval = next_interval(Timer.PROVISIONAL, True, self._interval) or self._interval
        self._core.deadlines.start(self, Timer.PROVISIONAL, now + self._interval)

    def stop(self) -> None:
        """A final answer goes, or the call has ended."""
        self._stop_timers()
        self._pending = None
        self._waiting.clear()

    def _stop_timers(self) -> None:
        self._core.deadlines.stop(self, Timer.PROVISIONAL)
        self._core.deadlines.stop(self, Timer.NO_PRACK)


def _rack(prack: Request) -> tuple[int, int, str]:
    """RSeq, CSeq and method (section 7.2). Raises Malformed."""
    words = (prack.headers.get("RAck") or "").split()
    if len(words) != 3:
        raise Malformed("bad RAck")
    return number(words[0], MOST_RSEQ), number(words[1], MOST_RSEQ), words[2]


class Pracks:
    """Our PRACKs in one early dialog (section 4)."""

    __slots__ = ("_core", "_dialog", "_last")

    def __init__(self, core: Core, dialog: Dialog) -> None:
        self._core = core
        self._dialog = dialog
        self._last: int | None = None

    def take(self, response: Response, now: float) -> bool:
        """Acknowledge a reliable one that is next in its order; False for one that came before, or too early."""
        try:
            rseq = number(response.headers.get("RSeq") or "", MOST_RSEQ)
        except Malformed:
            return False
        if self._last is not None and rseq != self._last + 1:
            return False
        self._last = rseq
        request = self._dialog.request("PRACK")
        request.headers.add("RAck", f"{rseq} {response.cseq.number} INVITE")
        Errand(self._core, request, UNATTENDED, dialog=self._dialog).start(self._dialog.way(), now)
        return True


def is_reliable(response: Response) -> bool:
    """100 never is (section 4)."""
    return 100 < response.status < 200 and TAG in response.headers.get_all("Require")
