"""Calls that nobody has decided on yet: they ring or listen, and come in, are turned away, or give up.

The decision is the rooms' affair; here a double decides.
"""

from __future__ import annotations

import pytest

from confserver.contract import CloseLeg, OpenLeg, SetLeg
from confserver.focus import outputs as out
from confserver.focus.legs import Stage
from confserver.focus.verdict import Verdict
from confserver.sip import outputs as sip
from rooms import events as tell
from tests.focus.house import House, events, every, sdp, the


def waiting(verdict: Verdict, body: str | None = None) -> tuple[House, int, list[out.Output]]:
    house = House(decide=lambda leg: verdict)
    call, _ = house.invite() if body is None else house.invite(body)
    return house, call, house.opened(call)


def test_it_rings_until_it_is_let_in() -> None:
    house, call, outputs = waiting(Verdict.RING)
    assert the(out.Ring, outputs) == out.Ring(call, 180, b"")
    assert not every(out.Accept, outputs) and house.leg(call).stage is Stage.WAITING
    assert house.first_packet(call) == [], "nobody else knows of it"
    who = house.leg(call).participant
    assert the(out.Accept, house.play(house.focus.let_in(who))).call == call
    assert tell.ParticipantArrived in events(house.ack(call))
    assert house.play(house.focus.let_in(who)) == [], "once is enough"
    house.bye(call)
    assert house.is_empty()


def test_who_may_listen_gets_a_description_before_the_answer() -> None:
    house, call, outputs = waiting(Verdict.LISTEN)
    ring = the(out.Ring, outputs)
    accept = the(out.Accept, house.play(house.focus.let_in(house.leg(call).participant)))
    assert (ring.status, ring.body) == (183, accept.body) and b"m=audio" in ring.body


def test_our_early_offer_is_answered_by_the_prack() -> None:
    house, call, outputs = waiting(Verdict.LISTEN, "")
    assert b"m=audio" in the(out.Ring, outputs).body
    body = sdp(formats="8", maps=()).encode()
    outputs = house.play(house.focus.hear_call(sip.EarlyAnswered(call, body, "application/sdp"), house.now))
    assert the(SetLeg, outputs).plan.outgoing_format == "PCMA"
    house.play(house.focus.let_in(house.leg(call).participant))
    assert tell.ParticipantArrived in events(house.ack(call))


@pytest.mark.parametrize("body", [b"", b"rubbish", sdp(formats="18", maps=()).encode()])
def test_an_early_answer_that_cannot_be_used_ends_the_call(body: bytes) -> None:
    house, call, _ = waiting(Verdict.LISTEN, "")
    outputs = house.play(house.focus.hear_call(sip.EarlyAnswered(call, body, "application/sdp"), house.now))
    assert the(out.Refuse, outputs).status in (400, 488) and house.is_empty()


def test_who_is_turned_away_is_refused_and_leaves_nothing() -> None:
    house, call, _ = waiting(Verdict.RING)
    outputs = house.play(house.focus.turn_away(house.leg(call).participant, 403, "the host says no"))
    assert the(out.Refuse, outputs).status == 403 and the(CloseLeg, outputs) and house.is_empty()


def test_who_gives_up_leaves_nothing_and_cannot_be_let_in_any_more() -> None:
    house, call, _ = waiting(Verdict.RING)
    who = house.leg(call).participant
    house.cancel(call)
    assert house.is_empty() and house.focus.let_in(who) == [] == house.focus.turn_away(who)


def test_a_room_that_ends_and_a_server_that_stops_refuse_who_waits() -> None:
    house, call, _ = waiting(Verdict.RING)
    assert the(out.Refuse, house.play(house.focus.close())).call == call
    assert house.is_empty()


def test_a_lost_worker_s_heir_goes_on_with_who_waits() -> None:
    house, call, _ = waiting(Verdict.LISTEN)
    leg = house.leg(call)
    house.lose(leg.worker)
    outputs = house.play(house.focus.worker_ready(leg.worker))
    assert the(OpenLeg, outputs).resume is not None
    assert the(out.Accept, house.play(house.focus.let_in(leg.participant))).call == call
