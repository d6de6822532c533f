"""Session timers (RFC 4028): whoever refreshes does so at half time; who waits in vain says BYE.

our INVITE, re-INVITE, UPDATE -- 2xx --> agreed      their INVITE, re-INVITE, UPDATE -- our 2xx --> granted
refresher:  half time --> UPDATE, or a re-INVITE where the peer knows none -- 2xx --> again
both:       no refresh until shortly before the end --> BYE
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from confserver.sip.extensions.update import Update
from confserver.sip.grammar import SPACE, Malformed, number, param, read_params
from confserver.sip.message import Request, Response
from confserver.sip.timers import Timer

if TYPE_CHECKING:
    from confserver.sip.call import Call
    from confserver.sip.core import Core, Extra

LEAST_S = 90
"""No interval may be shorter (RFC 4028 section 5)."""
MOST_S = 0xFFFFFFFF
EARLY_S = 32.0
"""BYE goes so long before the end, or a third of the interval where that is less (section 10)."""
LATER_S = 2.0
"""A refresh that meets another change of the session waits so long."""
TAG = "timer"


class Interval(NamedTuple):
    """A Session-Expires: seconds, and who refreshes: ``uac`` or ``uas`` of this transaction, "" for nobody yet."""

    seconds: int
    refresher: str = ""


def session_expires(message: Request | Response) -> Interval | None:
    """None where the message has none. Raises Malformed."""
    text = message.headers.get("Session-Expires")
    if text is None:
        return None
    refresher = (param(read_params(text, len(_seconds(text))), "refresher") or "").lower()
    return Interval(number(_seconds(text).strip(SPACE), MOST_S), refresher if refresher in ("uac", "uas") else "")


def _seconds(text: str) -> str:
    return text.partition(";")[0]


def min_se(message: Request | Response) -> int:
    """Of the message; what the RFC takes where it has none. Raises Malformed."""
    text = message.headers.get("Min-SE")
    return max(number(_seconds(text).strip(SPACE), MOST_S), LEAST_S) if text is not None else LEAST_S


def is_supported_by(message: Request | Response) -> bool:
    return TAG in message.headers.get_all("Supported") or TAG in message.headers.get_all("Require")


def is_too_short(request: Request, least_s: int) -> bool:
    """Whether 422 is due: only who knows session timers can mend it (section 9). Raises Malformed."""
    asked = session_expires(request)
    return asked is not None and asked.seconds < least_s and is_supported_by(request)


class SessionTimer:
    """One call's. ``interval_s`` is 0 where none is agreed."""

    __slots__ = ("_call", "_core", "_least_s", "interval_s", "is_ours")

    def __init__(self, core: Core, call: Call) -> None:
        self._core = core
        self._call = call
        self._least_s = core.settings.min_se_s
        self.interval_s = 0
        self.is_ours = False
        """We refresh."""

    # -------------------------------------------------------------- our requests
    def asked(self) -> Extra:
        """Headers of our INVITE, re-INVITE or UPDATE (section 7.1, 7.4): in a call, whoever refreshes goes on."""
        seconds = self.interval_s or self._core.settings.session_expires_s
        if not seconds:
            return ()
        refresher = "" if not self.interval_s else ";refresher=uac" if self.is_ours else ";refresher=uas"
        lines = [("Session-Expires", f"{max(seconds, self._least_s)}{refresher}")]
        if self._least_s > LEAST_S:
            lines.append(("Min-SE", str(self._least_s)))
        return tuple(lines)

    def agreed(self, response: Response, now: float) -> None:
        """A 2xx to one of these (section 7.2): without a Session-Expires there is no timer."""
        try:
            interval = session_expires(response)
        except Malformed:
            interval = None
        if interval is None:
            self.stop()
        else:
            self._start(interval.seconds, interval.refresher != "uas", now)

    def is_longer_wanted(self, response: Response) -> bool:
        """A 422 (section 7.3): ask for as much from now on; False where that would be no more than was asked."""
        try:
            least = min_se(response)
        except Malformed:
            return False
        asked = max(self.interval_s or self._core.settings.session_expires_s, self._least_s)
        if least <= asked:
            return False
        self._least_s = least
        return True

    # -------------------------------------------------------------- their requests
    def granted(self, request: Request, now: float) -> Extra:
        """Headers of our 2xx to their INVITE, re-INVITE or UPDATE (section 9); the timer runs from here."""
        knows = is_supported_by(request)
        try:
            interval, least = self._interval_for(request), min_se(request)
        except Malformed:
            interval, least = None, LEAST_S
        if interval is None:
            self.stop()
            return ()
        seconds = max(interval.seconds, least)
        refresher = (interval.refresher or "uac") if knows else "uas"
        self._start(seconds, refresher == "uas", now)
        header = ("Session-Expires", f"{seconds};refresher={refresher}")
        return (("Require", TAG), header) if refresher == "uac" else (header,)

    def _interval_for(self, request: Request) -> Interval | None:
        """What they ask for, but no more than we like; ours where they know timers and ask for none."""
        asked, ours = session_expires(request), self._core.settings.session_expires_s
        if asked is None:
            return Interval(max(ours, self._least_s)) if ours and is_supported_by(request) else None
        wanted = max(ours, self._least_s) if ours else asked.seconds
        return Interval(min(asked.seconds, wanted), asked.refresher)

    # -------------------------------------------------------------- time
    def _start(self, seconds: int, is_ours: bool, now: float) -> None:
        seconds = max(seconds, LEAST_S)
        self.interval_s, self.is_ours = seconds, is_ours
        deadlines = self._core.deadlines
        deadlines.start(self, Timer.EXPIRY, now + seconds - min(EARLY_S, seconds / 3))
        if is_ours:
            deadlines.start(self, Timer.REFRESH, now + seconds / 2)
        else:
            deadlines.stop(self, Timer.REFRESH)

    def stop(self) -> None:
        self.interval_s = 0
        self._core.deadlines.stop(self, Timer.EXPIRY)
        self._core.deadlines.stop(self, Timer.REFRESH)

    def fire(self, timer: Timer, now: float) -> None:
        if timer is Timer.EXPIRY:
            self.stop()
            self._call.expired(now)
        elif self._call.offers.is_busy:
            self._core.deadlines.start(self, Timer.REFRESH, now + LATER_S)
        elif self._call.may_be_asked("UPDATE"):
            Update(self._core, self._call, self).start(now)
        else:
            self._call.offers.repeat(now)

    # -------------------------------------------------------------- as the user of an UPDATE
    def updated(self, response: Response, now: float) -> None:
        """The final answer to our refresh; what is left undone ends with the interval."""
        if response.status < 300:
            self.agreed(response, now)
        elif response.status in (408, 481):
            self._call.gone(response.status, now)
        elif response.status == 422 and self.is_longer_wanted(response):
            self.interval_s = self._least_s
            Update(self._core, self._call, self).start(now)
        elif response.status == 491:
            self._core.deadlines.start(self, Timer.REFRESH, now + LATER_S)
        elif not self._call.offers.is_busy:
            self._call.offers.repeat(now)  # it says that it knows UPDATE, and does not
