"""Phones, workers and administrators at random: at the end nothing is left, and no worker was told nonsense.

``Strict`` workers fail the test at once where a leg or room is opened twice, closed twice, or closed unopened.
"""

from __future__ import annotations

import contextlib
import random

import pytest

from confserver.contract import LegFailed, LegReports, LegSilent, Overloaded, SetHearing, SpeakingChanged
from confserver.focus.dialout import DialTerms
from confserver.focus.legs import Leg, Stage
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from confserver.sip.extensions.replaces import Other
from confserver.sip.outputs import ProbeAnswered
from rooms.commands import CreateRoom, Deafen, Dial, End, Kick, Lock, Mute, RemoveRoom, Unlock, Unmute
from rooms.errors import Refused
from rooms.hearing import may_be_heard
from tests.focus.house import House, every, sdp

ROOMS = ("one", "two", "three")
OFFERS = (
    sdp(), sdp("192.0.2.9", 4000, "sendonly"), sdp("192.0.2.9", 4000, "inactive"), sdp("0.0.0.0"), sdp("192.0.2.80"),
    sdp("2001:db8::9"), sdp(port=53), sdp(formats="18"), "", "rubbish",
)  # fmt: skip


class Chaos:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        plan = DialPlan(Fence(domains=["192.0.2.0/24"]))
        self.house = House(workers=2, most=5, dialling=DialTerms(plan=plan, most=4, ring_s=5.0))
        self.dead: set[int] = set()

    def step(self) -> None:
        self.house.now += self.dice.random() * 0.4
        outputs = self.house.pass_time(0)
        outputs += self.dice.choice([self.call, self.phone, self.worker, self.order, self.call, self.dial])() or []
        self.check_hearing(outputs)
        for worker in self.house.workers:
            assert set(worker.legs.values()) <= worker.rooms

    def check_hearing(self, outputs: list) -> None:
        """Whoever is muted or held is in no mix that a worker gets."""
        house = self.house
        for hearing in every(SetHearing, outputs):
            sources = {leg for mix in hearing.mixes for leg in mix.legs}
            assert sources <= {leg for leg, _ in hearing.listeners}
        for command in every(SetHearing, outputs)[-1:]:
            sources = {leg for mix in command.mixes for leg in mix.legs}
            for leg in house.scene.legs.by_id.values():
                room = house.rooms.get(leg.room) if leg.room in house.rooms else None
                person = room.places.get(leg.participant) if room else None  # None: its place is another's
                assert leg.id not in sources or (person is not None and may_be_heard(person))

    def leg(self) -> Leg | None:
        legs = list(self.house.scene.legs.by_id.values())
        return self.dice.choice(legs) if legs else None

    # ---------------------------------------------------------------- moves
    def dial(self) -> list:
        room, uri = self.dice.choice(ROOMS), self.dice.choice(("sip:bob@192.0.2.9", "sip:x@198.51.100.1", "x"))
        with contextlib.suppress(Refused):
            return self.house.order(Dial(room, uri))
        return []

    def callee(self, leg: Leg) -> list:
        """Who is called: the stack has one last word for each call, whatever was wished meanwhile."""
        house, call, dice = self.house, leg.call, self.dice
        if leg.stage is Stage.CALLING and dice.random() < 0.5:
            return house.answers(call, dice.choice(OFFERS))
        moves = [
            lambda: house.refuses(call, dice.choice((302, 486, 500, 603)), contact="<sip:bob@192.0.2.20>"),
            lambda: house.unanswered(call, dice.choice((408, 503))),
        ]
        if leg.stage is Stage.CALLING:
            moves.append(lambda: house.rings(call, dice.choice((180, 183))))
        return dice.choice(moves)()

    def take_over(self, leg: Leg) -> list:
        """Another phone comes for the place of this one."""
        return self.house.invite(self.dice.choice(OFFERS), other=Other(leg.call, self.dice.random() < 0.8))[1]

    def call(self) -> list:
        leg = self.leg()
        if leg is not None and leg.call > 0 and self.dice.random() < 0.2:
            return self.take_over(leg)
        return self.house.invite(self.dice.choice(OFFERS), room=self.dice.choice(ROOMS))[1]

    def phone(self) -> list:
        house, leg = self.house, self.leg()
        if leg is None:
            return []
        if leg.call < 0:
            return []  # nobody has been asked yet
        if leg.call in house.invites and leg.call not in house.acked:
            return self.callee(leg)
        call, acked = leg.call, house.acked[leg.call]
        if leg.stage is Stage.OPENING:
            return house.cancel(call)
        moves = [house.bye] if acked else [house.bye, lambda each: house.ack(each, self.dice.choice(OFFERS))]
        moves += [lambda each: house.reinvite(each, self.dice.choice(OFFERS))]
        moves += [lambda each: house.ack_offer(each, self.dice.choice(OFFERS))]
        moves += [lambda each: house.play(house.focus.hear_call(ProbeAnswered(each, 200), house.now))]
        return self.dice.choice(moves)(call)

    def worker(self) -> list:
        house, leg, dice = self.house, self.leg(), self.dice
        if dice.random() < 0.1:
            number = dice.randrange(2)
            if number in self.dead:
                self.dead.discard(number)
                return house.play(house.focus.worker_ready(number))
            self.dead.add(number)
            return house.lose(number)
        if leg is None or leg.worker in self.dead:
            return []
        if leg.stage is Stage.OPENING and dice.random() < 0.8:
            return house.opened(leg.call)
        words = [LegFailed(leg=leg.id, reason="no port"), LegSilent(leg=leg.id, seconds=60)]
        words += [SpeakingChanged(leg=leg.id, speaking=dice.random() < 0.5)]
        words += [Overloaded(load=0.9), LegReports(reports=[], load=0.1)]
        return house.first_packet(leg.call) if dice.random() < 0.4 else house.tell(dice.choice(words), leg.worker)

    def order(self) -> list:
        room = self.dice.choice(ROOMS)
        person = self.dice.choice(self.house.people(room) or ["p1"])
        commands = [Lock(room), Unlock(room), Unlock(room), CreateRoom(room), RemoveRoom(room)]
        commands += [kind(room, person) for kind in (Mute, Unmute, Unmute, Deafen, Kick)]
        commands += [End(room)] if self.dice.random() < 0.3 else []
        with contextlib.suppress(Refused):
            return self.house.order(self.dice.choice(commands))
        return []

    def finish(self) -> None:
        """Everybody hangs up or is silent for good; the stack ends what never got its ACK."""
        self.house.pass_time(3)
        self.house.pass_time(60)
        while ringing := [leg.call for leg in self.house.scene.legs.by_id.values() if leg.call in self.house.invites]:
            call = ringing[0]
            self.house.bye(call) if call in self.house.acked else self.house.refuses(call, 487)
        for call in list(self.house.acked):
            if call in self.house.acked:
                self.house.bye(call, "no ACK")


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left(seed: int) -> None:
    chaos = Chaos(seed)
    for _ in range(200):
        chaos.step()
    chaos.finish()
    assert chaos.house.is_empty(), f"seed {seed}"


def test_chaos_reaches_what_it_looks_for() -> None:
    """Else the play above proves nothing: people come in, are held, lose their worker."""
    seen: set[str] = set()
    for seed in range(6):
        chaos = Chaos(seed)
        for _ in range(200):
            chaos.step()
            seen |= {leg.stage.value for leg in chaos.house.scene.legs.by_id.values()}
            seen |= {"heir" for leg in chaos.house.scene.legs.by_id.values() if leg.takes_over or leg.has_place}
            seen |= {"dialled" for room in chaos.house.rooms for person in room.present if person.dialled}
            seen |= {"held" for room in chaos.house.rooms for person in room.present if person.held}
            seen |= {"two" for room in chaos.house.rooms if len(room.present) > 1}
            seen |= {"lost" for leg in chaos.house.scene.legs.by_id.values() if leg.place.is_lost}
    assert seen >= {"calling", "heir", "dialled", "opening", "answered", "present", "leaving", "held", "two", "lost"}
