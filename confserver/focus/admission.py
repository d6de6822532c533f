"""The way in: from an INVITE to a participant whom the others know."""

from __future__ import annotations

from collections.abc import Callable

from confserver.contract import LegFailed, LegOpened, MediaPlan, OpenLeg
from confserver.focus.answers import NoAnswer, of_offer, of_room, unavailable, warning
from confserver.focus.legs import Leg, Reached, Stage, nobody
from confserver.focus.media import caller_of, check_family, check_reach, description_of, plan_of
from confserver.focus.outputs import Accept, NameRoom, Refuse, Ring, Tell
from confserver.focus.pins import attributes_of, manner_of, pin_of, without_pin
from confserver.focus.scene import OPENING_S, Scene
from confserver.focus.succession import heir_of, take_over
from confserver.focus.terms import RoomTerms
from confserver.focus.verdict import Decide, Verdict, at_once
from confserver.routing.routes import Refuse as RouteRefused
from confserver.routing.routes import ToRoom, route
from confserver.sdp import extras
from confserver.sdp.agreement import Agreed, Local, Rejected, Warn
from confserver.sdp.description import Description
from confserver.sdp.negotiation import accept, answer, negotiate, offer
from confserver.sdp.text import write
from confserver.sip.flow import Flow, written
from confserver.sip.identity import CallerId, caller_id
from confserver.sip.message import Request
from confserver.sip.outputs import CallAcknowledged, CallArrived, EarlyAnswered
from confserver.sip.uri import escape_user
from rooms import events as tell
from rooms.commands import Arrive, Hold, NoteCallerRefused, Reserve
from rooms.errors import Forbidden, Full, Locked, Refused
from rooms.participant import SYSTEM
from rooms.policy import room_name

CONF = "conf="
"""``sip:conf=standup@host``: a room as RFC 4240 section 5 names it."""


class Admission:
    """Lets calls in, one step at a time."""

    def __init__(self, scene: Scene, decide: Decide = at_once) -> None:
        self._scene = scene
        self._decide = decide
        self.forget: Callable[[Leg], None] = lambda leg: None
        """Told of a call of ours whose place another has taken before it was answered."""

    # ------------------------------------------------------------------ INVITE
    def arrived(self, call: CallArrived, now: float) -> None:
        """An INVITE: settle what can be, keep a place, ask for a leg."""
        try:
            self._let_in(call, now)
        except NoAnswer as no:
            if isinstance(no.__cause__, Forbidden | Locked | Full):
                self._note_refused(call, no.__cause__.reason, now)
            self._scene.say(Refuse(call.call, no.status, no.reason, no.headers))

    def _note_refused(self, call: CallArrived, why: str, now: float) -> None:
        """Told in the room where it is there, else in the log alone."""
        who = caller_id(call.request, is_believed=self._scene.guard.is_believed(call.flow.remote[0]))
        address, source = str(who.address.uri), written(call.flow.remote)
        joined = self._scene.legs.by_call.get(call.other.call) if call.other else None
        to = route(call.request, call.flow, self._scene.guard)
        room = joined.room if joined else room_name(self._called(to.name if isinstance(to, ToRoom) else ""))
        if not self._scene.try_ask(NoteCallerRefused(room, address, source, why), SYSTEM, now):
            facts = (("room", room), ("address", address), ("source", source), ("why", why))
            self._scene.say(Tell("caller refused", facts))

    def _let_in(self, call: CallArrived, now: float) -> None:
        """All that may be refused comes first; then a place, its leg, and the worker's turn. Raises NoAnswer."""
        scene, request, flow = self._scene, call.request, call.flow
        old = self._place_of(call)
        name = old.room if old else self._room_called(call)
        scene.check_workers(name)
        caller = caller_of(request, flow, scene.guard)
        described = description_of(request.body) if request.body else None
        terms = scene.terms(name)
        agreed = self._settled(described, terms, flow) if described else None
        plan = plan_of(agreed, caller, terms) if agreed else None
        is_ipv6 = agreed.is_ipv6 if agreed else flow.is_ipv6
        host = self._host(flow, plan, is_ipv6)
        number, who = scene.number(), caller_id(request, is_believed=scene.guard.is_believed(flow.remote[0]))
        room, participant = (old.room, nobody(number)) if old else self._reserve(name, who, request, flow, now)
        place = scene.place_of(room)
        leg = Leg(
            id=number, call=call.call, room=room, participant=participant, place=place, caller=caller,
            takes_over=old, address=str(who.address.uri), agent=who.agent, source=written(flow.remote),
            local_host=host, is_ipv6=is_ipv6, deadline=now + OPENING_S, agreed=agreed, offer=described, plan=plan,
        )  # fmt: skip
        leg.named = agreed if agreed and agreed.remote else None
        leg.note_abilities(request)
        leg.session_id = int(now * 1000) << 16 | leg.id & 0xFFFF
        scene.legs.add(leg)
        if request.uri.user_decoded.strip().lower() != room:
            scene.say(NameRoom(call.call, escape_user(room)))  # RFC 4579 5.1: the Contact is the conference
        scene.tell_worker(place, OpenLeg(leg=leg.id, room=place.number, ipv6=is_ipv6, plan=plan))

    def _place_of(self, call: CallArrived) -> Leg | None:
        """The leg whose place the call takes (RFC 3891), None where it takes none. Raises NoAnswer."""
        if call.other is None or not call.other.replaces:
            return None
        leg = self._scene.legs.by_call.get(call.other.call)
        if leg is None or leg.stage in (Stage.LEAVING, Stage.PARTING, Stage.OPENING):
            raise NoAnswer(603, "")  # it is being hung up on (RFC 3891 section 3)
        if leg.takes_over or heir_of(self._scene, leg):
            raise NoAnswer(486, "")  # two at once cannot have one place
        if self._scene.is_closing:
            raise unavailable("the server is stopping")
        return leg

    def _room_called(self, call: CallArrived) -> str:
        """By the URI, or by the call that this one joins (RFC 3911). Raises NoAnswer."""
        self._check_drained(call.request)
        joined = self._scene.legs.by_call.get(call.other.call) if call.other else None
        if joined is not None:
            return self._checked(joined.room)
        name = self.room_for(call.request, call.flow)
        if name is None:
            raise NoAnswer(404, "", (warning(399, "the URI names no room"),))
        return name

    def _host(self, flow: Flow, plan: MediaPlan | None, is_ipv6: bool) -> str:
        """Our address in the SDP for this caller. Raises NoAnswer where we have none of the family."""
        host = self._scene.surroundings.media_host(flow, plan.remote[0] if plan and plan.remote else None, is_ipv6)
        if host is None:
            family = "IPv6" if is_ipv6 else "IPv4"
            raise of_offer(Rejected(Warn.ADDRESS, f"this server has no {family} address for media"))
        return host

    def room_of(self, request: Request, flow: Flow) -> str:
        """The room that is there and that a request other than INVITE is for. Raises NoAnswer."""
        to = route(request, flow, self._scene.guard)
        if isinstance(to, RouteRefused):
            raise NoAnswer(to.status, "", (warning(399, to.reason),))
        if self._scene.is_closing:
            raise unavailable("the server is stopping")
        try:
            return self._scene.rooms.get(self._called(to.name) if isinstance(to, ToRoom) else "").name
        except Refused as refused:
            raise of_room(refused) from refused

    def _called(self, text: str) -> str:
        """A room by whatever it is called, with a PIN or conf= around it."""
        return self._scene.rooms.named(without_pin(text).removeprefix(CONF))

    def room_for(self, request: Request, flow: Flow) -> str | None:
        """The room that is called, which takes calls now; None: the server itself. Raises NoAnswer."""
        to = route(request, flow, self._scene.guard)
        if isinstance(to, RouteRefused):
            raise NoAnswer(to.status, "", (warning(399, to.reason),))
        if self._scene.is_closing:
            raise unavailable("the server is stopping")
        self._check_drained(request)
        if isinstance(to, ToRoom) and self._scene.factory.is_named(to.name):
            return self._scene.factory.make(self._scene.rooms.__contains__)
        return self._checked(to.name) if isinstance(to, ToRoom) else None

    def _check_drained(self, request: Request) -> None:
        if self._scene.draining is not None:
            raise self._scene.draining.answer(request)

    def _checked(self, text: str) -> str:
        rooms = self._scene.rooms
        try:
            name = room_name(self._called(text))
            if not (rooms.is_on_demand or name in rooms.entrances) or name in rooms:
                rooms.get(name).check_entrance(is_moderator=True)
        except Refused as refused:
            raise of_room(refused) from refused
        return name

    def _settled(self, described: Description, terms: RoomTerms, flow: Flow) -> Agreed:
        secrets = self._scene.secrets_for(flow)
        try:
            agreed = negotiate(
                described, terms.taken(), secrets=secrets, ptime_ms=terms.ptime_ms, best_effort=self._scene.best_effort
            )
        except Rejected as rejected:
            raise of_offer(rejected) from rejected
        check_reach(agreed, self._scene.surroundings.ground())
        return agreed

    def _reserve(self, room: str, who: CallerId, request: Request, flow: Flow, now: float) -> tuple[str, str]:
        """Keep a place. Gives the room's one spelling and the participant's id. Raises NoAnswer."""
        source = written(flow.remote)
        name, address, manner = who.address.label, str(who.address.uri), manner_of(request)
        try:
            reserve = Reserve(
                room, name, address, source, who.agent, who.diverted_by, who.user, who.referred_by,
                is_verified=who.is_asserted and not who.is_anonymous, pin=pin_of(request),
                muted="muted" in manner, deaf="deaf" in manner,
                attributes=() if who.is_anonymous else attributes_of(request, self._scene.attribute_headers),
            )  # fmt: skip
            events = self._scene.ask(reserve, SYSTEM, now)
        except Refused as refused:
            raise of_room(refused) from refused
        reserved = next(event for event in events if isinstance(event, tell.PlaceReserved))
        return reserved.room, reserved.participant

    # ------------------------------------------------------------------ the worker's word
    def opened(self, event: LegOpened, now: float) -> None:
        """The leg has its port: answer the call. One that goes on at a lost worker's heir has been answered."""
        leg = self._scene.legs.by_id.get(event.leg)
        if leg is None or leg.place.is_lost:
            return
        leg.reached, leg.ssrc = Reached(event.sequence, event.timestamp, event.at), event.ssrc
        if leg.stage is not Stage.OPENING or leg.is_ours:
            return
        leg.port = event.port
        if leg.agreed and leg.offer:
            leg.sent = answer(leg.offer, leg.agreed, self.local(leg))
        else:
            leg.sent = offer(self._scene.terms(leg.room).offered(), self.local(leg))
        leg.offer = None
        verdict = self._verdict(leg)
        if verdict is Verdict.COME:
            leg.go("leg opened")
            self._scene.say(Accept(leg.call, write(leg.sent)))
            return
        leg.go("asked to wait")
        is_heard = verdict is Verdict.LISTEN
        leg.only_rings = not is_heard
        self._scene.say(Ring(leg.call, 183, write(leg.sent)) if is_heard else Ring(leg.call, 180))
        self._knock(leg, now)

    def _verdict(self, leg: Leg) -> Verdict:
        """Who could not answer an offer of ours in a 183 hears nothing before the answer: he waits behind it."""
        if leg.takes_over:
            return Verdict.COME
        verdict = self._decide(leg)
        return Verdict.COME if verdict is Verdict.LISTEN and leg.agreed is None and not leg.takes_prack else verdict

    def _knock(self, leg: Leg, now: float) -> None:
        """The rooms say what he waits for, and when he may come (``follow``); at once, where that is nothing."""
        if leg.agreed and leg.agreed.held:
            self._scene.try_ask(Hold(leg.room, leg.participant), SYSTEM, now)
        if not self._scene.try_ask(Arrive(leg.room, leg.participant), SYSTEM, now):
            self._scene.hang_up(leg, "the room has ended")

    def follow(self, event: tell.Event) -> None:
        """Somebody whose call has not been answered has been let in: now it is."""
        if not isinstance(event, tell.ParticipantArrived):
            return
        leg = self._scene.legs.by_participant.get(event.participant)
        if leg is not None and leg.stage is Stage.WAITING and leg.sent is not None:
            leg.go("let in")
            self._scene.say(Accept(leg.call, write(leg.sent)))

    def answered_early(self, event: EarlyAnswered) -> None:
        """The PRACK of our offer holds the answer: who waits hears us from now on (RFC 3262 section 5)."""
        leg = self._scene.legs.by_call.get(event.call)
        if leg is None or leg.stage is Stage.LEAVING or leg.agreed is not None:
            return
        try:
            self._take_answer(leg, event)
        except NoAnswer as no:
            self._scene.hang_up(leg, no.reason or "its answer cannot be used", no)

    def failed(self, event: LegFailed) -> None:
        leg = self._scene.legs.by_id.get(event.leg)
        if leg is not None:
            self._scene.hang_up(leg, event.reason, unavailable(event.reason))

    def local(self, leg: Leg) -> Local:
        """Ourselves, in the SDP for this peer."""
        terms = self._scene.terms(leg.room)
        return Local(
            host=leg.local_host, port=leg.port, session_id=leg.session_id, ptime_ms=terms.ptime_ms,
            parameters=terms.stated, extras=extras.OURS, allow=leg.allow,
        )  # fmt: skip

    # ------------------------------------------------------------------ the phone's word
    def acknowledged(self, event: CallAcknowledged, now: float) -> None:
        """The ACK came; after an INVITE without an offer it holds the answer."""
        leg = self._scene.legs.by_call.get(event.call)
        if leg is None or leg.stage is Stage.LEAVING:
            return
        leg.is_probed = False
        if leg.agreed is None:
            try:
                self._take_answer(leg, event)
            except NoAnswer as no:
                self._scene.hang_up(leg, no.reason or "its answer cannot be used")
                return
        self.arrive(leg, now)

    def _take_answer(self, leg: Leg, event: CallAcknowledged | EarlyAnswered) -> None:
        """The answer to the offer in our 200, or in our 183. Raises NoAnswer."""
        if not event.body or leg.sent is None:
            raise NoAnswer(488, "the ACK holds no answer to our offer")
        try:
            agreed = accept(leg.sent, description_of(event.body))
        except Rejected as rejected:
            raise NoAnswer(488, rejected.reason) from rejected
        check_family(agreed, leg.is_ipv6)
        check_reach(agreed, self._scene.surroundings.ground())
        leg.agreed = agreed
        leg.named = agreed if agreed.remote else None
        self._scene.set_plan(leg, plan_of(agreed, leg.caller, self._scene.terms(leg.room)))

    def arrive(self, leg: Leg, now: float) -> None:
        """The call is up, by ACK or by its first packet: now the others know."""
        if leg.stage is not Stage.ANSWERED or leg.agreed is None:
            return
        if leg.takes_over or leg.has_place:
            leg.go("acknowledged")
            take_over(self._scene, leg, self.forget, now)
            return
        if leg.agreed.held:
            self._scene.try_ask(Hold(leg.room, leg.participant), SYSTEM, now)
        if self._scene.try_ask(Arrive(leg.room, leg.participant), SYSTEM, now):
            leg.go("acknowledged")
        else:
            self._scene.hang_up(leg, "the room has ended")
