"""Calls that are not answered yet: they ring or listen, press keys, and come in, are turned away, or give up.

Who waits, and for what, is the rooms' affair; here a door decides, which opens or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from confserver.contract import CloseLeg, DigitPressed, OpenLeg, Play, SetHearing, SetLeg
from confserver.focus import outputs as out
from confserver.focus.legs import Leg, Stage
from confserver.focus.verdict import Verdict
from confserver.sip import outputs as sip
from rooms import entrance
from rooms import events as tell
from rooms.commands import End, Kick
from rooms.minutes import Minutes
from rooms.participant import Participant, Wait
from rooms.room import Room
from rooms.topics import ALARMS
from tests.focus.house import House, events, every, sdp, the

SPOKEN = ("tones:440:200",)


@dataclass
class Door:
    """Keeps everybody out until it opens; says something to who stands before it."""

    is_open: bool = False
    house: House = field(default_factory=House)

    def next_wait(self, room: Room, person: Participant) -> Wait | None:
        return None if self.is_open else Wait.APPROVAL

    def let_in(self, room: Room, minutes: Minutes) -> None:
        for person in room.waiting:
            entrance.go_on(room, person, minutes)

    def speak(self, room: Room, minutes: Minutes) -> None:
        for person in room.waiting:
            minutes.say(tell.Announced, SPOKEN, person.id)

    def rings_a_bell(self, purpose: str) -> list[out.Output]:
        room, scene = self.house.rooms.get("standup"), self.house.scene
        room.alarms.set(purpose, self.house.now)
        scene.obey(room.fire(self.house.now))
        return self.house.play(scene.taken())

    def opens(self) -> list[out.Output]:
        self.is_open = True
        return self.rings_a_bell("opens")

    def speaks(self) -> list[out.Output]:
        return self.rings_a_bell("speaks")


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    door = Door()
    monkeypatch.setattr(entrance, "next_wait", door.next_wait)
    monkeypatch.setitem(ALARMS, "opens", door.let_in)
    monkeypatch.setitem(ALARMS, "speaks", door.speak)
    return door


def waiting(door: Door, verdict: Verdict, body: str | None = None, *lines: str) -> tuple[House, int, list[out.Output]]:
    def decide(leg: Leg) -> Verdict:
        return verdict

    door.house = house = House(decide=decide)
    call, _ = house.invite(body, lines=lines)
    return house, call, house.opened(call)


def test_it_rings_until_it_is_let_in(door: Door) -> None:
    house, call, outputs = waiting(door, Verdict.RING)
    assert the(out.Ring, outputs) == out.Ring(call, 180, b"")
    assert the(tell.ParticipantWaits, outputs).waits_for is Wait.APPROVAL
    assert not every(out.Accept, outputs) and house.leg(call).stage is Stage.WAITING
    assert house.first_packet(call) == [] and house.people() == []
    outputs = door.opens()
    assert the(out.Accept, outputs).call == call and tell.ParticipantArrived in events(outputs)
    assert door.rings_a_bell("opens") == [], "once is enough"
    assert house.ack(call) == [] and house.leg(call).stage is Stage.PRESENT
    house.bye(call)
    assert house.is_empty()


def test_who_need_not_wait_is_answered_at_once(door: Door) -> None:
    door.is_open = True
    house, call, outputs = waiting(door, Verdict.LISTEN)
    assert [type(each) for each in outputs if isinstance(each, out.Ring | out.Accept)] == [out.Ring, out.Accept]
    house.ack(call)
    assert house.leg(call).stage is Stage.PRESENT


def test_who_listens_gets_a_description_before_the_answer(door: Door) -> None:
    _, _, outputs = waiting(door, Verdict.LISTEN)
    ring = the(out.Ring, outputs)
    accept = the(out.Accept, door.opens())
    assert (ring.status, ring.body) == (183, accept.body) and b"m=audio" in ring.body


def test_who_listens_hears_what_is_said_to_him_and_his_keys_are_heard(door: Door) -> None:
    """All that a PIN or a name takes, before the answer."""
    house, call, outputs = waiting(door, Verdict.LISTEN)
    leg = house.leg(call)
    assert all(leg.id not in mix.legs for told in every(SetHearing, outputs) for mix in told.mixes), "nobody hears him"
    play = the(Play, door.speaks())
    assert play.leg == leg.id and play.tones
    pressed = house.tell(DigitPressed(leg=leg.id, digit="7", duration_ms=100), leg.worker)
    assert the(tell.DigitReceived, pressed).digit == "7"
    info = house.ask("INFO", call=call, kind="application/dtmf", body="8")
    assert the(out.Respond, info).status == 200 and the(tell.DigitReceived, info).digit == "8"
    outputs = door.opens()
    assert the(out.Accept, outputs) and the(tell.ParticipantArrived, outputs)


def test_who_only_hears_it_ring_presses_nothing_by_accident(door: Door) -> None:
    """A leg that has not been opened is nobody's yet."""
    house = House(decide=lambda leg: Verdict.LISTEN)
    call, _ = house.invite()
    leg = house.leg(call)
    assert not every(tell.DigitReceived, house.tell(DigitPressed(leg=leg.id, digit="7", duration_ms=100)))


def test_our_early_offer_is_answered_by_the_prack(door: Door) -> None:
    house, call, outputs = waiting(door, Verdict.LISTEN, "", "Supported: 100rel")
    assert b"m=audio" in the(out.Ring, outputs).body
    body = sdp(formats="8", maps=()).encode()
    outputs = house.play(house.focus.hear_call(sip.EarlyAnswered(call, body, "application/sdp"), house.now))
    assert the(SetLeg, outputs).plan.outgoing_format == "PCMA"
    assert tell.ParticipantArrived in events(door.opens())
    house.ack(call)
    assert house.leg(call).stage is Stage.PRESENT


def test_who_could_not_answer_our_early_offer_waits_behind_the_answer(door: Door) -> None:
    """RFC 3261 13.2.1: an offer of ours needs a reliable answer, and who has no 100rel sends none before the ACK."""
    house, call, outputs = waiting(door, Verdict.LISTEN, "")
    assert not every(out.Ring, outputs) and the(out.Accept, outputs)
    assert tell.ParticipantWaits in events(house.ack(call, sdp()))
    assert tell.ParticipantArrived in events(door.opens())


@pytest.mark.parametrize("body", [b"", b"rubbish", sdp(formats="18", maps=()).encode()])
def test_an_early_answer_that_cannot_be_used_ends_the_call(door: Door, body: bytes) -> None:
    house, call, _ = waiting(door, Verdict.LISTEN, "", "Require: 100rel")
    outputs = house.play(house.focus.hear_call(sip.EarlyAnswered(call, body, "application/sdp"), house.now))
    assert the(out.Refuse, outputs).status in (400, 488) and house.is_empty()


def test_who_is_turned_away_is_refused_and_leaves_nothing(door: Door) -> None:
    house, call, _ = waiting(door, Verdict.RING)
    outputs = house.order(Kick("standup", house.leg(call).participant))
    assert the(out.Refuse, outputs).status == 480 and the(CloseLeg, outputs)
    assert tell.WaitEnded in events(outputs) and house.is_empty()


@pytest.mark.parametrize("verdict", [Verdict.RING, Verdict.LISTEN])
def test_who_gives_up_leaves_nothing_and_cannot_be_let_in_any_more(door: Door, verdict: Verdict) -> None:
    house, call, _ = waiting(door, verdict)
    assert tell.WaitEnded in events(house.cancel(call))
    assert house.is_empty() and house.pass_time(10) == []


def test_an_offer_that_is_on_hold_waits_on_hold(door: Door) -> None:
    house, call, _ = waiting(door, Verdict.LISTEN, sdp("192.0.2.9", 4000, "inactive"))
    arrived = events(door.opens())
    assert tell.ParticipantHeld in arrived and tell.ParticipantArrived in arrived
    house.ack(call)
    assert house.leg(call).stage is Stage.PRESENT


def test_who_is_let_in_and_goes_before_the_ack(door: Door) -> None:
    house, call, _ = waiting(door, Verdict.LISTEN)
    door.opens()
    assert tell.ParticipantLeft in events(house.bye(call))
    assert house.is_empty()


def test_a_room_that_ends_and_a_server_that_stops_refuse_who_waits(door: Door) -> None:
    house, call, _ = waiting(door, Verdict.RING)
    assert the(out.Refuse, house.order(End("standup"))).call == call
    assert house.is_empty()
    house, call, _ = waiting(door, Verdict.LISTEN)
    assert the(out.Refuse, house.play(house.focus.close())).call == call
    assert house.is_empty()


def test_a_lost_worker_s_heir_goes_on_with_who_waits(door: Door) -> None:
    house, call, _ = waiting(door, Verdict.LISTEN)
    leg = house.leg(call)
    house.lose(leg.worker)
    outputs = house.play(house.focus.worker_ready(leg.worker))
    assert the(OpenLeg, outputs).resume is not None
    assert the(out.Accept, door.opens()).call == call
