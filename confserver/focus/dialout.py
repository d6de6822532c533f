"""Calls of ours: from ``Dial`` to a participant (RFC 4579 5.5), or to one word of why not.

::

    Dial -> fence, limits -> Dialled -> OpenLeg -> LegOpened -> Call (INVITE with our offer)
        <- 1xx           -> DialRinging
        <- 2xx           -> answer settled -> SetLeg -> Arrive
        <- 3xx           -> DialRedirected, the next address, again by the fence (RFC 3261 8.1.3.4)
        <- 4xx 5xx 6xx   -> the next way where there is one, else DialFailed
        no answer in time, kick, end of the room, lost worker -> CANCEL -> DialFailed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from confserver.contract import LegOpened, OpenLeg
from confserver.focus.admission import Admission
from confserver.focus.answers import NoAnswer
from confserver.focus.deadlines import soonest
from confserver.focus.draining import WORDS as DRAINING
from confserver.focus.fencing import Fencing
from confserver.focus.legs import Leg, Stage
from confserver.focus.media import callee_of, check_family, check_reach, description_of, nobody, plan_of
from confserver.focus.members import Policy
from confserver.focus.outputs import Call, Headers
from confserver.focus.scene import OPENING_S, Scene
from confserver.routing.dialplan import MOST_TARGETS, DialPlan, Target
from confserver.routing.fence import Unreachable, read_callee
from confserver.routing.tolls import Tolls
from confserver.routing.trunks import Trunk
from confserver.sdp.agreement import Rejected
from confserver.sdp.negotiation import accept, offer
from confserver.sdp.text import write
from confserver.sip.dialog import as_request_uri
from confserver.sip.extensions.rel100 import is_reliable
from confserver.sip.flow import Flow, written
from confserver.sip.grammar import Malformed
from confserver.sip.headers import NameAddr
from confserver.sip.identity import agent_of
from confserver.sip.message import Response
from confserver.sip.outputs import CallAccepted, CallEnded, CallRinging
from confserver.sip.uri import Uri, escape_user
from confserver.sip.ways import is_address, usual
from rooms import events as tell
from rooms.commands import Arrive, Command, Dial, DialList, Hold, NoteDialFailed, NoteRedirected, NoteRinging
from rooms.errors import Conflict, Forbidden, NotOpen, Refused
from rooms.participant import SYSTEM, Actor

CAUSES = {
    404: "unknown", 408: "no answer", 410: "gone", 480: "not available", 484: "number incomplete", 486: "busy",
    487: "cancelled", 488: "no common codec", 503: "service unavailable", 600: "busy", 603: "declined",
    604: "unknown", 606: "no common codec",
}  # fmt: skip
"""What a final answer means to people; any other is told in its own words."""
ELSEWHERE = (408, 500, 502, 503, 504)
"""Answers that speak of the trunk's host, not of whom is called (RFC 3263 4.3): its next host is tried."""
NOBODY = 600
"""From here on nobody answers anywhere (RFC 3261 21.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialTerms:
    """The settings."""

    plan: DialPlan = field(default_factory=DialPlan)
    most: int = 50
    """Calls of ours at once, ringing and answered."""
    ring_s: float = 60.0
    trunks: tuple[Trunk, ...] = ()
    """Kept alive and registered with; the plan knows them too."""
    who: Policy = "members"
    """Who may ask for calls by REFER."""
    caller: str = ""
    """Who is shown as calling, as a URI; empty: the room, at our address."""
    caller_ids: tuple[str, ...] = ()
    """Which others whoever asks for a call may have shown."""
    tolls: Tolls = field(default_factory=Tolls)


@dataclass(slots=True, eq=False)
class Wanted:
    """A call that may be made. ``ways``: what is left to try, best first. ``headers``: for the INVITE."""

    uri: Uri
    ways: list[Target]
    headers: Headers
    now: float


@dataclass(slots=True, eq=False)
class Dialling:
    """One call of ours that has not been answered."""

    leg: Leg
    name: str
    wanted: Wanted
    until: float
    caller_id: str = ""
    tried: list[Uri] = field(default_factory=list)
    target: Target | None = None
    early: dict[str, bytes] = field(default_factory=dict)
    """Answers that have come in reliable provisional answers, by To tag: a 200 need not repeat them (RFC 6337 2)."""
    cause: str = ""
    """Why we ourselves have given up."""


class Dialout:
    """All calls of ours that are on their way."""

    def __init__(self, scene: Scene, admission: Admission, terms: DialTerms) -> None:
        self._scene = scene
        self._admission = admission
        self.terms = terms
        admission.forget = self.forget
        self.fencing = Fencing(scene, terms.tolls)
        self._dials: dict[int, Dialling] = {}
        """By leg."""
        self._wanted: Wanted | None = None
        """What ``check`` has found out for the command that is being carried out."""

    def __len__(self) -> int:
        return len(self._dials)

    # ------------------------------------------------------------------ Dial
    def check(self, command: Command, by: Actor, now: float, headers: Headers = ()) -> None:
        """Whether a call may be made. Raises Refused, of which the room is told; nothing else has changed.

        ``headers``: for its INVITE. A list is refused as a whole only where none of its calls would be made.
        """
        if isinstance(command, DialList):
            self._check_open()
        if not isinstance(command, Dial):
            return
        try:
            self._check(command, by, now, headers)
        except Refused as refused:
            self.fencing.refused(command.room, command.uri, refused.reason, by.name, now)
            raise

    def _check_open(self) -> None:
        """Calls under way go on while the server is emptied; no other is begun. Raises NotOpen."""
        if self._scene.is_closing:
            raise NotOpen("the server is stopping")
        if self._scene.draining is not None:
            raise NotOpen(DRAINING)

    def _check(self, command: Dial, by: Actor, now: float, headers: Headers) -> None:
        scene = self._scene
        self._check_open()
        if sum(leg.is_ours for leg in scene.legs.by_id.values()) >= self.terms.most:
            raise Conflict(f"dialling out: {self.terms.most} calls at once are the most (dialout.max_calls)")
        if command.caller_id and command.caller_id not in self.terms.caller_ids:
            raise Forbidden(f"{command.caller_id[:64]} is not listed in dialout.caller_ids")
        try:
            uri = read_callee(command.uri)
            ways = list(self.terms.plan.targets(uri, now))
            self.fencing.check(command.room, uri, ways, by.name, now)
            scene.check_workers(command.room)
        except Unreachable as why:
            raise Forbidden(why.reason) from why
        except NoAnswer as no:
            raise NotOpen(no.words) from no
        self._wanted = Wanted(uri, ways, headers, now)

    def follow(self, event: tell.Event) -> None:
        """Do what the rooms want."""
        self.fencing.follow(event)
        if isinstance(event, tell.Dialled) and self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self._open(event, wanted)

    def _open(self, event: tell.Dialled, wanted: Wanted) -> None:
        scene, now = self._scene, wanted.now
        place = scene.place_of(event.room)
        number = scene.number()
        is_ipv6 = self._is_ipv6(wanted.ways[0])
        leg = Leg(
            id=number, call=-number, room=event.room, participant=event.participant, place=place, caller=nobody(),
            local_host="", is_ipv6=is_ipv6, deadline=now + OPENING_S, is_ours=True, address=str(wanted.uri),
            called_by=event.by,
        )  # fmt: skip
        leg.session_id = int(now * 1000) << 16 | leg.id & 0xFFFF
        scene.legs.add(leg)
        until = now + (event.ring_s or self.terms.ring_s)
        self._dials[number] = Dialling(leg, event.name, wanted, until, event.caller_id)
        scene.tell_worker(place, OpenLeg(leg=leg.id, room=place.number, ipv6=is_ipv6))

    def _is_ipv6(self, way: Target) -> bool:
        """The family of a leg's port is settled before a name is looked up: IPv4, unless we have none."""
        if is_address(way.host):
            return ":" in usual(way.host)
        return self._scene.surroundings.own_host(None, False) is None

    # ------------------------------------------------------------------ the worker's word
    def opened(self, event: LegOpened) -> None:
        """The port is there: our offer can be made."""
        dial = self._dials.get(event.leg)
        if dial is not None and dial.leg.stage is Stage.OPENING and not dial.leg.place.is_lost:
            dial.leg.port = event.port
            dial.leg.go("dialled")
            self._call_next(dial)

    def _call_next(self, dial: Dialling) -> None:
        """There is a way left."""
        leg, target = dial.leg, dial.wanted.ways.pop(0)
        dial.target = target
        dial.tried.append(target.uri)
        dial.early.clear()
        self._scene.legs.set_call(leg, -leg.id)
        room = escape_user(leg.room)
        to = NameAddr(dial.name if dial.name != str(dial.wanted.uri) else "", target.uri)
        headers = (*(("Route", route) for route in target.routes), *dial.wanted.headers)
        from_ = self._from(leg, room, target, dial.caller_id)
        call = Call(leg.id, target, from_, to, room, partial(self._offer, leg), headers)
        self._scene.say(call)

    def _from(self, leg: Leg, room: str, target: Target, caller_id: str) -> NameAddr:
        if caller := caller_id or target.caller or self.terms.caller:
            return NameAddr("", read_callee(caller))
        peer = usual(target.host) if is_address(target.host) else None
        host = self._scene.surroundings.own_host(peer, leg.is_ipv6) or "anonymous.invalid"
        return NameAddr(leg.room, Uri("sip", room, host=host))

    def _offer(self, leg: Leg, flow: Flow) -> bytes:
        """The body of the INVITE, once it is known by which flow it goes."""
        host = self._scene.surroundings.media_host(flow, None, leg.is_ipv6)
        leg.local_host = host or leg.local_host or flow.local[0]
        leg.sent = offer(self._scene.terms(leg.room).offered(), self._admission.local(leg))
        return write(leg.sent)

    def called(self, leg: int, call: int) -> None:
        """The stack has given the call its number."""
        dial = self._dials.get(leg)
        if dial is not None:
            self._scene.legs.set_call(dial.leg, call)

    def forget(self, leg: Leg) -> None:
        """Another call has its place."""
        self._dials.pop(leg.id, None)

    # ------------------------------------------------------------------ the answers
    def ringing(self, event: CallRinging, now: float) -> None:
        dial = self._of_call(event.call)
        if dial is not None:
            leg = dial.leg
            if event.response.body and is_reliable(event.response):
                dial.early.setdefault(event.response.to.tag, event.response.body)
            self._scene.try_ask(NoteRinging(leg.room, leg.participant, event.response.status), SYSTEM, now)

    def accepted(self, event: CallAccepted, now: float) -> None:
        """200: whoever has answered is a participant from now on."""
        dial = self._of_call(event.call)
        if dial is None or dial.leg.stage is not Stage.CALLING:
            return
        try:
            self._settle(dial, event)
        except NoAnswer as no:
            self._give_up(dial, no.words or "its answer cannot be used")
            return
        self._arrive(dial.leg, event, now)

    def _settle(self, dial: Dialling, event: CallAccepted) -> None:
        """Raises NoAnswer."""
        leg, is_trunk = dial.leg, bool(dial.target and dial.target.trunk)
        body = event.response.body or dial.early.get(event.response.to.tag, b"")
        if not body or leg.sent is None:
            raise NoAnswer(488, "the answer has no SDP")
        try:
            agreed = accept(leg.sent, description_of(body))
        except Rejected as rejected:
            raise NoAnswer(488, rejected.reason) from rejected
        check_family(agreed, leg.is_ipv6)
        check_reach(agreed, self._scene.surroundings.ground())
        leg.note_abilities(event.response)
        leg.caller = callee_of(event.response, event.flow, self._scene.guard, is_trunk=is_trunk)
        leg.agreed = agreed
        leg.named = agreed if agreed.remote else None
        self._scene.set_plan(leg, plan_of(agreed, leg.caller, self._scene.terms(leg.room)))

    def _arrive(self, leg: Leg, event: CallAccepted, now: float) -> None:
        scene = self._scene
        if leg.agreed and leg.agreed.held:
            scene.try_ask(Hold(leg.room, leg.participant), SYSTEM, now)
        arrival = Arrive(leg.room, leg.participant, written(event.flow.remote), agent_of(event.response))
        if scene.try_ask(arrival, SYSTEM, now):
            leg.go("acknowledged")
            del self._dials[leg.id]
        else:
            scene.hang_up(leg, "the room has ended")

    def ended(self, event: CallEnded, now: float) -> bool:
        """Whether the end of this call has been seen to here: it was one of ours, without an answer."""
        dial = self._of_call(event.call)
        if dial is None:
            return False
        if dial.leg.stage is Stage.CALLING and self._goes_on(dial, event, now):
            return True
        del self._dials[dial.leg.id]
        self._scene.forget(dial.leg)
        cause = dial.cause or _cause_of(event)
        failed = NoteDialFailed(dial.leg.room, dial.leg.participant, cause, event.status)
        self._scene.try_ask(failed, SYSTEM, now)
        return True

    def _goes_on(self, dial: Dialling, event: CallEnded, now: float) -> bool:
        """Whether another way is tried."""
        if 300 <= event.status < 400 and event.answer is not None:
            if not self._redirect(dial, event.answer, now):
                return False
        elif not dial.wanted.ways or not _may_try_on(dial.target, event):
            return False
        if len(dial.tried) >= MOST_TARGETS or dial.leg.place.is_lost:
            return False
        self._call_next(dial)
        return True

    def _redirect(self, dial: Dialling, answer: Response, now: float) -> bool:
        """Put the Contacts of a 3xx before all other ways: those not tried yet, and within the fence."""
        reason = ""
        found: list[Target] = []
        for uri in _contacts_of(answer):
            try:
                found += self.terms.plan.targets(uri, now)
            except Unreachable as why:
                reason = reason or why.reason
        new = [way for way in found if not any(way.uri.matches(tried) for tried in dial.tried)]
        if not new:
            dial.cause = reason or "forwarded in a circle, or to nowhere"
            return False
        dial.wanted.ways[:0] = new[:MOST_TARGETS]
        leg = dial.leg
        self._scene.try_ask(NoteRedirected(leg.room, leg.participant, str(new[0].uri)), SYSTEM, now)
        return True

    def _give_up(self, dial: Dialling, cause: str) -> None:
        dial.cause = dial.cause or cause
        self._scene.hang_up(dial.leg, cause)

    def _of_call(self, call: int) -> Dialling | None:
        leg = self._scene.legs.by_call.get(call)
        return self._dials.get(leg.id) if leg else None

    # ------------------------------------------------------------------ time
    def next_deadline(self) -> float | None:
        waiting = [dial.until for dial in self._dials.values() if dial.leg.stage is not Stage.LEAVING]
        return soonest(*waiting, self.fencing.next_deadline())

    def fire(self, now: float) -> None:
        self.fencing.fire(now)
        for dial in list(self._dials.values()):
            if dial.until <= now and dial.leg.stage is not Stage.LEAVING:
                self._give_up(dial, "no answer")


def _may_try_on(target: Target | None, event: CallEnded) -> bool:
    """A trunk's next host where this one is at fault; a user's next phone in any case but a 6xx."""
    if target is not None and target.trunk:
        return event.answer is None or event.status in ELSEWHERE
    return event.status < NOBODY


def _contacts_of(answer: Response) -> Sequence[Uri]:
    """Where a 3xx sends us, by preference (RFC 3261 8.1.3.4)."""
    try:
        contacts = answer.contacts
    except Malformed:
        return ()
    if contacts == "*":
        return ()
    return [as_request_uri(each.uri) for each in sorted(contacts, key=_preference, reverse=True)[:MOST_TARGETS]]


def _preference(contact: NameAddr) -> float:
    try:
        return min(max(float(contact.param("q") or "1"), 0.0), 1.0)
    except ValueError:
        return 0.0


def _cause_of(event: CallEnded) -> str:
    if event.status in CAUSES and (event.by_peer or event.answer is not None):
        return CAUSES[event.status] if not event.detail else f"{CAUSES[event.status]}: {event.detail}"
    return event.cause if not event.detail else f"{event.cause}: {event.detail}"
