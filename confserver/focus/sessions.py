"""Session modification: re-INVITEs for hold, resume, another address, another order of codecs (RFC 3261 section 14)."""

from __future__ import annotations

from confserver.focus.admission import Admission
from confserver.focus.answers import NoAnswer, of_offer
from confserver.focus.legs import Leg, Stage
from confserver.focus.media import caller_of, check_family, check_reach, description_of, plan_of
from confserver.focus.outputs import AcceptOffer, RefuseOffer
from confserver.focus.ports import Ports
from confserver.focus.scene import Scene
from confserver.sdp.agreement import Agreed, Rejected
from confserver.sdp.negotiation import accept, answer, negotiate, offer
from confserver.sdp.text import write
from confserver.sip.outputs import OfferAcknowledged, OfferAnswered, OfferArrived
from rooms.commands import Hold, Resume
from rooms.participant import SYSTEM


class Sessions:
    """Follows what phones want changed; a refused change leaves the session as it was (RFC 3261 14.2)."""

    def __init__(self, scene: Scene, admission: Admission) -> None:
        self._scene = scene
        self._admission = admission
        self.ports = Ports(scene, self.offered)

    def offered(self, event: OfferArrived, now: float) -> None:
        leg = self._scene.legs.by_call.get(event.call)
        if leg is None or leg.agreed is None or leg.stage is Stage.LEAVING:
            self._scene.say(RefuseOffer(event.call, 481 if leg is None else 491, ""))
            return
        try:
            if event.request.body:
                self._answer(leg, event, now)
            else:
                self._offer(leg)
        except NoAnswer as no:
            self._scene.say(RefuseOffer(event.call, no.status, no.reason, no.headers))

    def _answer(self, leg: Leg, event: OfferArrived, now: float) -> None:
        described = description_of(event.request.body)
        terms, secrets = self._scene.terms(leg.room), self._scene.secrets_for(event.flow)
        try:
            agreed = negotiate(
                described,
                terms.taken(leg.agreed),
                leg.agreed,
                leg.allow,
                secrets,
                terms.ptime_ms,
                self._scene.best_effort,
            )
        except Rejected as rejected:
            raise of_offer(rejected) from rejected
        self._check(leg, agreed)
        self._move(leg, event, agreed)
        remote = plan_of(agreed, leg.caller, terms, leg.named).remote
        if remote is not None and self.ports.is_mistakable(leg, remote):
            self.ports.ask(leg, event, remote, now)
            return
        leg.sent = answer(described, agreed, self._admission.local(leg), leg.sent)
        self._follow(leg, agreed, now)
        self._scene.say(AcceptOffer(leg.call, write(leg.sent)))

    def _move(self, leg: Leg, event: OfferArrived, agreed: Agreed) -> None:
        """The phone may have gone to another network, from where we look different."""
        leg.caller = caller_of(event.request, event.flow, self._scene.guard)
        remote = plan_of(agreed, leg.caller, self._scene.terms(leg.room), leg.named).remote
        host = self._scene.surroundings.media_host(event.flow, remote[0] if remote else None, leg.is_ipv6)
        leg.local_host = host or leg.local_host

    def _offer(self, leg: Leg) -> None:
        """A re-INVITE without an offer wants ours (RFC 3261 14.2); the answer comes in the ACK."""
        formats = self._scene.terms(leg.room).offered(leg.agreed)
        leg.sent = offer(formats, self._admission.local(leg), leg.agreed, sent=leg.sent)
        self._scene.say(AcceptOffer(leg.call, write(leg.sent)))

    def acknowledged(self, event: OfferAcknowledged, now: float) -> None:
        """An answer in an ACK; one that cannot be used leaves things as they were."""
        leg = self._scene.legs.by_call.get(event.call)
        if leg is not None and leg.stage is not Stage.LEAVING:
            self.settle(leg, event.body, now)

    def refreshed(self, event: OfferAnswered, now: float) -> None:
        """The stack has offered what we said last once more (RFC 4028 7.4); the answer may name another address."""
        leg = self._scene.legs.by_call.get(event.call)
        if leg is not None and leg.stage is not Stage.LEAVING and event.status < 300:
            self.settle(leg, event.body, now)

    def settle(self, leg: Leg, body: bytes, now: float) -> bool:
        """Follow the answer to our last offer. False: it cannot be used, and all is as it was."""
        if leg.sent is None or not body:
            return False
        try:
            agreed = accept(leg.sent, description_of(body), leg.agreed)
            self._check(leg, agreed)
        except (NoAnswer, Rejected):
            return False
        self._follow(leg, agreed, now)
        return True

    def _check(self, leg: Leg, agreed: Agreed) -> None:
        """Raises NoAnswer."""
        check_family(agreed, leg.is_ipv6)
        check_reach(agreed, self._scene.surroundings.ground())

    def _follow(self, leg: Leg, agreed: Agreed, now: float) -> None:
        """Media first, then the rooms: what a held phone plays never enters the room."""
        scene = self._scene
        if agreed.held:
            scene.try_ask(Hold(leg.room, leg.participant), SYSTEM, now)
        leg.agreed = agreed
        scene.set_plan(leg, plan_of(agreed, leg.caller, scene.terms(leg.room), leg.named))
        if agreed.remote:
            leg.named = agreed
        if not agreed.held:
            scene.try_ask(Resume(leg.room, leg.participant), SYSTEM, now)
