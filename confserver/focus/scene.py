"""What admission, sessions and administration share: rooms, legs, places, and the list of what is to be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from confserver.contract import (
    CloseLeg,
    CloseRoom,
    LegId,
    MediaPlan,
    MixSources,
    OpenRoom,
    SendDigits,
    SetHearing,
    SetLeg,
    SetRoom,
    ToWorker,
)
from confserver.focus.answers import NoAnswer, unavailable
from confserver.focus.draining import Draining
from confserver.focus.factory import Factory
from confserver.focus.forward_plan import ForwardTerms
from confserver.focus.legs import Leg, Legs, Place, Stage
from confserver.focus.media import Ground
from confserver.focus.outputs import Abandon, Audited, HangUp, Output, Publish, Refuse, TellWorker
from confserver.focus.terms import MediaTerms, RoomTerms
from confserver.routing.guard import Guard
from confserver.sdp.crypto import Secrets
from confserver.sip.flow import Flow
from rooms import events as tell
from rooms.commands import COMMANDS, Command
from rooms.errors import Refused
from rooms.hearing import SILENCE, Hearing
from rooms.manager import Rooms
from rooms.participant import Actor, ParticipantId
from rooms.records.audit import Entry

SIP, KEYPAD = "sip", "keypad"
"""The faces of those who ask by REFER and the like, or by keys for what others than the room must allow."""
A_LEG = 0.0005
"""Share of a worker's time that a leg is taken to cost until the worker has said it: twice what one of G.711 does."""
EASY = 0.65
"""A worker that was overloaded takes new calls again below this."""
OPENING_S = 2.0
"""So long a worker may take to open a leg; then the caller hears 503."""


class Surroundings(Protocol):
    """Where we are, as far as calls must know it."""

    @property
    def guard(self) -> Guard: ...

    def ground(self) -> Ground: ...

    def media_host(self, flow: Flow, peer: str | None, is_ipv6: bool) -> str | None:
        """The address of ours that SDP names to a caller of this flow.

        ``peer``: where its media are, None while nobody knows. None where we have no address of the family.
        """

    def own_host(self, peer: str | None, is_ipv6: bool) -> str | None:
        """The address of ours by which a call of ours goes to a peer; None as a peer: one whose address is unknown."""


class Scene:
    """The state of the focus.

    ``terms``: how rooms sound whose policy does not say. ``secrets`` makes our keys for RTP/SAVP, None where such calls
    are refused (see ``sdp.negotiation.negotiate``); ``keys_in_the_open``: also where others can read the SIP;
    ``best_effort``: also where they stand beside RTP/AVP.
    """

    def __init__(
        self,
        rooms: Rooms,
        surroundings: Surroundings,
        terms: MediaTerms | None = None,
        secrets: Secrets | None = None,
        keys_in_the_open: bool = True,
        best_effort: bool = True,
    ) -> None:
        self.secrets = secrets
        self.best_effort = best_effort
        self._keys_in_the_open = keys_in_the_open
        self.rooms = rooms
        self.guard = surroundings.guard
        self.surroundings = surroundings
        self.legs = Legs()
        self.places: dict[str, Place] = {}
        self.workers: set[int] = set()
        self.overloaded: set[int] = set()
        self._loads: dict[int, tuple[float, int]] = {}
        """Of each worker: the share of its time that it has used of late, and how many legs it had then."""
        self.is_closing = False
        self.draining: Draining | None = None
        """What who calls hears, while nobody is let in any more."""
        self.factory = Factory("", str)
        """The name that makes rooms."""
        self.attribute_headers: tuple[str, ...] = ()
        """What else a call may say of its caller, for who looks at the room."""
        self.forward_terms = ForwardTerms()
        self.forwards: dict[tuple[str, int], LegId] = {}
        """By which leg sound is sent on to a program, by room and number (``focus.forwarding``)."""
        self.followers: list[Callable[[tell.Event], None]] = []
        """Who else does what events want, each after us."""
        self._terms = terms or MediaTerms()
        self._outputs: list[Output] = []
        self._number = 0

    def use_terms(self, terms: MediaTerms, forward_terms: ForwardTerms | None = None) -> None:
        """Other ones, for rooms that open from now on, and for what is sent on from now on."""
        self._terms = terms
        for place in self.places.values():
            place.terms = None
        self.forward_terms = forward_terms or self.forward_terms

    def secrets_for(self, flow: Flow) -> Secrets | None:
        """What makes our keys for who offers his own by this flow: nothing where others could read them."""
        return self.secrets if flow.is_secure or self._keys_in_the_open else None

    def number(self) -> int:
        """For legs and rooms of the workers; never reused."""
        self._number += 1
        return self._number

    def say(self, output: Output) -> None:
        self._outputs.append(output)

    def taken(self) -> list[Output]:
        """Give all that has been said since the last time."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def tell_worker(self, place: Place, command: ToWorker) -> None:
        """Say something to the worker of a place; nothing to the heir of one that is lost."""
        if not place.is_lost:
            self.say(TellWorker(place.worker, command))

    # ------------------------------------------------------------------ rooms
    def ask(self, command: Command, by: Actor, now: float) -> list[tell.Event]:
        """Put a command to the rooms and do what its events want. Raises Refused; nothing has changed then."""
        try:
            events = self.rooms.handle(command, by, now)
        except Refused as refused:
            self.audit(command, by, now, refused)
            raise
        self.audit(command, by, now)
        self.obey(events)
        return events

    def audit(self, command: Command, by: Actor, now: float, refused: Refused | None = None) -> None:
        """Who asks by his phone for what administrators ask for is noted here; all others at their door."""
        if by.face in (SIP, KEYPAD) and type(command) in COMMANDS:
            entry = Entry(command, by, now, refused.kind, refused.reason) if refused else Entry(command, by, now)
            self.say(Audited(entry))

    def obey(self, events: Sequence[tell.Event]) -> None:
        """Tell the world what has happened in the rooms, and do what it wants."""
        if events:
            self.say(Publish(tuple(events)))
        for name in {event.room: None for event in events}:
            room = self.rooms.find(name)
            for entry in room.keypads.take_asked() if room else ():
                self.say(Audited(entry))
        for event in events:
            self._obey(event)
            for follow in self.followers:
                follow(event)

    def try_ask(self, command: Command, by: Actor, now: float) -> bool:
        """The same, where a refusal is no news: both sides may have ended something at once."""
        try:
            self.ask(command, by, now)
        except Refused:
            return False
        return True

    def _obey(self, event: tell.Event) -> None:
        match event:
            case tell.HearingChanged(room=room, hearing=hearing):
                self.tell_hearing(room, hearing)
            case tell.ParticipantKicked(participant=participant, cause=cause, is_told=is_told):
                leg = self.legs.by_participant.get(participant)
                if leg and is_told and leg.stage is Stage.PRESENT:
                    leg.go("removed")  # ``announcer`` hangs up
                elif leg:
                    self.hang_up(leg, cause)
            case tell.DigitsSent(participant=participant):
                leg = self.legs.by_participant.get(participant)
                if leg:
                    keys = SendDigits(
                        leg=leg.id, digits=event.digits, duration_ms=event.duration_ms, gap_ms=event.gap_ms
                    )  # fmt: skip
                    self.tell_worker(leg.place, keys)
            case tell.RoomEnding(room=room):
                for leg in self.legs.in_room(room):
                    self.hang_up(leg, "the room has ended")
            case tell.RoomCreated(room=room) | tell.RoomChanged(room=room) if room in self.places:
                number, sound = self.places[room].number, self.terms(room).sound
                self.tell_worker(self.places[room], SetRoom(room=number, sound=sound))
            case tell.RoomClosed(room=room):
                place = self.places.pop(room, None)
                if place:
                    self.tell_worker(place, CloseRoom(room=place.number))

    def tell_hearing(self, room: str, hearing: Hearing) -> None:
        """Who hears whom; those whose media have ended are left out."""
        place = self.places.get(room)
        if place is None:
            return
        here = [leg for leg in self.legs.in_room(room) if leg.place is place and leg.stage is not Stage.LEAVING]
        leg_of = {leg.participant: leg.id for leg in here}
        guests = {who: leg.id for who, _ in hearing.guests if (leg := self._guest(who, place))}
        leg_of |= guests
        mixes = [
            MixSources(
                legs=[leg_of[who] for who, _ in mix.sources if who in leg_of],
                gains=[gain for who, gain in mix.sources if who in leg_of],
            )
            for mix in hearing.mixes
        ]
        listeners = [(leg_of[each.listener], each.mix) for each in hearing.listeners if each.listener in leg_of]
        forwards = [(self.forwards.get((room, number)), mix) for number, mix in hearing.forwards]
        listeners += [(leg, mix) for leg, mix in forwards if leg is not None]
        exceptions = [
            (leg_of[each.listener], leg_of[who], gain)
            for each in hearing.listeners
            for who, gain in each.exceptions
            if each.listener in leg_of and who in leg_of
        ]
        command = SetHearing(
            room=place.number, mixes=mixes, listeners=listeners, exceptions=exceptions,
            private=[leg_of[who] for who in hearing.private if who in leg_of], silent=SILENCE,
            guests=list(guests.values()), waiting=[leg_of[who] for who in hearing.waiting if who in leg_of],
            bare=list(hearing.bare),
        )  # fmt: skip
        self.tell_worker(place, command)

    def _guest(self, participant: ParticipantId, place: Place) -> Leg | None:
        """Who is heard in a room that he is not in; all rooms of a family live in one worker (``place_of``)."""
        leg = self.legs.by_participant.get(participant)
        is_heard = leg is not None and leg.stage is not Stage.LEAVING and leg.place.worker == place.worker
        return leg if is_heard else None

    def check_workers(self, room: str) -> None:
        """Whether a call to this room finds a worker. Raises NoAnswer."""
        place = self.places.get(room) or self._kin(room)
        if place and place.is_lost:
            return  # its heir is about to stand
        if not self.workers:
            raise unavailable("no media worker is ready")
        if (place and place.worker in self.overloaded) or not self.workers - self.overloaded:
            raise unavailable("the media workers are busy")

    def place_of(self, room: str, near: Place | None = None) -> Place:
        """Where a room's media live. One without a place gets the worker of its main room, or of another breakout room,
        so that somebody can speak to all of them; else that of ``near``, else the one that has least to do.

        ``check_workers`` comes first.
        """
        if room in self.places:
            return self.places[room]
        near = self._kin(room) or near
        if near is not None:
            place = self.places[room] = Place(self.number(), near.worker, near.is_lost)
            self.open_room(room, place)
            return place
        rooms_at = Counter(place.worker for place in self.places.values())
        ready = sorted(self.workers - self.overloaded)
        worker = min(ready, key=lambda each: (self._load_of(each), self.legs.count_at(each), rooms_at[each]))
        place = self.places[room] = Place(self.number(), worker)
        self.open_room(room, place)
        return place

    def _kin(self, room: str) -> Place | None:
        """The place of a room of the same family."""
        return next((self.places[name] for name in self.rooms.family(room) if name in self.places), None)

    def note_load(self, worker: int, load: float) -> None:
        """A worker has said how much of its time it uses."""
        self._loads[worker] = load, self.legs.count_at(worker)
        if load < EASY:
            self.overloaded.discard(worker)

    def _load_of(self, worker: int) -> int:
        """With those legs that have come since it last said so, in steps of 5 %."""
        load, legs = self._loads.get(worker, (0.0, 0))
        return round((load + (self.legs.count_at(worker) - legs) * A_LEG) / 0.05)

    def forget_worker(self, worker: int) -> None:
        self.workers.discard(worker)
        self.overloaded.discard(worker)
        self._loads.pop(worker, None)

    def open_room(self, room: str, place: Place) -> None:
        self.tell_worker(place, OpenRoom(room=place.number, sound=self.terms(room).sound))

    def terms(self, room: str) -> RoomTerms:
        """How a room sounds, or would sound if it were there."""
        policy, place = self.rooms.policy_of(room), self.places.get(room)
        if place is None:
            return self._terms.of(policy)
        if place.terms is None or place.terms[0] is not policy:
            place.terms = policy, self._terms.of(policy)
        return place.terms[1]

    # ------------------------------------------------------------------ calls
    def set_plan(self, leg: Leg, plan: MediaPlan) -> None:
        """The worker follows a new plan; where that names another address, it learns anew where media come from."""
        if leg.plan is None or (plan.remote and plan.remote != leg.plan.remote):
            leg.remote = None
        leg.plan = plan
        self.tell_worker(leg.place, SetLeg(leg=leg.id, plan=plan))

    def hang_up(self, leg: Leg, cause: str, answer: NoAnswer | None = None) -> None:
        """End a call, however far it has come; ``answer`` where it has had no final one yet (else 480).

        Its media end at once: between our 200 and its ACK the call itself cannot (RFC 3261 section 15).
        """
        if leg.stage is Stage.LEAVING:
            return
        self.tell_worker(leg.place, CloseLeg(leg=leg.id))
        if leg.stage is Stage.OPENING and leg.is_ours:
            leg.go("refused")
            self.say(Abandon(leg.call, cause))
        elif leg.stage in (Stage.OPENING, Stage.WAITING):
            no = answer or NoAnswer(480, cause.capitalize())
            leg.go("refused")
            self.say(Refuse(leg.call, no.status, no.reason, no.headers))
        else:
            leg.go("hung up")
            self.say(HangUp(leg.call, cause))

    def forget(self, leg: Leg) -> None:
        """The call is over."""
        if leg.stage is not Stage.LEAVING:
            self.tell_worker(leg.place, CloseLeg(leg=leg.id))
        self.legs.remove(leg)
