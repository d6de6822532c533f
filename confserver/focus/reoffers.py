"""What we want changed in calls that are up, by re-INVITEs of ours: a new key (RFC 4568 section 7.1, RFC 3711
section 9.1), or which way sound goes (RFC 3264 section 8.4).

::

    wanted --re-INVITE--> asked --200 with an answer--> the call goes on
                                --491 of our own stack--> again in RETRY_S, MOST_TRIES times
                                --anything else--> a key: BYE; a direction: all stays as it was

The phone's key is its own to change: it stays, unless its answer has another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from msgspec import structs

from confserver.contract import SrtpKey
from confserver.focus.admission import Admission
from confserver.focus.deadlines import soonest
from confserver.focus.legs import Leg, Stage
from confserver.focus.outputs import Offer
from confserver.focus.scene import Scene
from confserver.sdp.agreement import Agreed
from confserver.sdp.crypto import SUITES
from confserver.sdp.negotiation import offer
from confserver.sdp.text import write
from confserver.sip.outputs import CallId, OfferAnswered

RETRY_S = 1.0
"""While another offer of either side is under way (RFC 3261 section 14.1)."""
MOST_TRIES = 30
PENDING = 491

Settle = Callable[[Leg, bytes, float], bool]
"""Follow the answer to ``leg.sent``, at a time; False: it cannot be used."""


@dataclass(slots=True)
class Attempt:
    """A call whose phone is asked for a change."""

    tries: int = 0
    is_asked: bool = False
    """A re-INVITE is under way."""
    is_stale: bool = False
    """Something else is wanted since it left."""
    is_vital: bool = False
    """Without it the call cannot go on."""
    retry_at: float | None = None


class Reoffers:
    """The calls that are being changed."""

    def __init__(self, scene: Scene, admission: Admission, settle: Settle) -> None:
        self._scene = scene
        self._admission = admission
        self._settle = settle
        self._attempts: dict[CallId, Attempt] = {}
        self.followers: list[Callable[[Leg, bool, float], None]] = []
        """Told of each offer that has come to its end: whether the phone has taken it."""

    def renew(self, leg: Leg) -> None:
        """Give a protected leg another key of ours, in what was agreed and in its plan. Nobody is told yet."""
        agreed, plan = leg.agreed, leg.plan
        if agreed is None or agreed.crypto is None or plan is None or self._scene.secrets is None:
            return
        ours = self._scene.secrets(SUITES[agreed.crypto.suite])
        leg.agreed = replace(agreed, crypto=replace(agreed.crypto, ours=ours))
        leg.plan = structs.replace(plan, outgoing_key=SrtpKey(agreed.crypto.suite, ours))

    def ask(self, leg: Leg, is_vital: bool = True) -> None:
        """Offer the phone what we want now; at once, or as soon as the offer that is under way is over."""
        attempt = self._attempts.setdefault(leg.call, Attempt())
        attempt.is_vital = attempt.is_vital or is_vital
        if attempt.is_asked:
            attempt.is_stale = True
        elif leg.agreed:
            self._offer(leg, leg.agreed, attempt)

    def _offer(self, leg: Leg, agreed: Agreed, attempt: Attempt) -> None:
        formats = self._scene.terms(leg.room).offered(agreed)
        leg.sent = offer(formats, self._admission.local(leg), agreed, sent=leg.sent)
        attempt.is_asked, attempt.is_stale, attempt.retry_at = True, False, None
        attempt.tries += 1
        self._scene.say(Offer(leg.call, write(leg.sent)))

    def answered(self, event: OfferAnswered, now: float) -> None:
        """The phone's last word on our offer, or why it never got there."""
        attempt, leg = self._attempts.get(event.call), self._scene.legs.by_call.get(event.call)
        if attempt is None or leg is None or leg.stage is Stage.LEAVING:
            self._attempts.pop(event.call, None)
            return
        attempt.is_asked = False
        if event.status == PENDING and attempt.tries < MOST_TRIES:
            attempt.retry_at = now + RETRY_S
            return
        if event.status < 300 and attempt.is_stale and leg.agreed:
            # what it has agreed to is not wanted any more: a key that another worker has used, an old direction
            self._offer(leg, leg.agreed, attempt)
            return
        del self._attempts[event.call]
        is_taken = event.status < 300 and self._settle(leg, event.body, now)
        if not is_taken and attempt.is_vital:
            self._scene.hang_up(leg, "its media worker is gone, and it has not taken a new key")
        for follow in self.followers:
            follow(leg, is_taken, now)

    # ------------------------------------------------------------------ time
    def next_deadline(self) -> float | None:
        return soonest(*(each.retry_at for each in self._attempts.values())) if self._attempts else None

    def fire(self, now: float) -> None:
        for call, attempt in list(self._attempts.items()):
            leg = self._scene.legs.by_call.get(call)
            if leg is None or leg.agreed is None or leg.stage is Stage.LEAVING:
                del self._attempts[call]
            elif attempt.retry_at is not None and attempt.retry_at <= now:
                self._offer(leg, leg.agreed, attempt)

    def __len__(self) -> int:
        return len(self._attempts)

    def __contains__(self, call: object) -> bool:
        return call in self._attempts
