"""Offers and answers after the first: late offer, hold and resume, other addresses, other codecs."""

from __future__ import annotations

import pytest

from confserver.contract import OpenLeg, SetHearing, SetLeg
from confserver.focus import outputs as out
from confserver.sdp.description import Description
from confserver.sdp.direction import Direction
from confserver.sdp.text import parse
from confserver.sip import outputs as sip
from rooms import events as tell
from tests.focus.house import OUTSIDE, House, events, every, sdp, the


def answered(outputs: list[out.Output]) -> Description:
    return parse(the(out.AcceptOffer, outputs).body)


def direction(description: Description) -> Direction:
    return description.direction_of(description.media[0])


# ---------------------------------------------------------------- late offer
def test_an_invite_without_an_offer() -> None:
    house = House()
    call, outputs = house.invite("")
    assert the(OpenLeg, outputs).plan is None
    offer = parse(the(out.Accept, house.opened(call, port=20300)).body)
    assert offer.media[0].port == 20300 and offer.media[0].formats == ("111", "9", "0", "8", "101", "110")
    assert house.first_packet(call) == [], "nothing is agreed yet"
    outputs = house.ack(call, sdp(formats="8", maps=()))
    plan = the(SetLeg, outputs).plan
    assert plan.outgoing_format == "PCMA" and plan.remote == ("192.0.2.9", 4000)
    assert events(outputs) == [tell.ParticipantArrived, tell.HearingChanged]
    house.bye(call)
    assert house.is_empty()


BAD_ANSWERS = {
    "none": "",
    "garbage": "rubbish",
    "no codec in common": sdp(formats="18", maps=()),
    "refused": sdp(port=0),
    "another family": sdp("2001:db8::9"),
    "a reflector": sdp(port=53),
    "our own media": sdp("192.0.2.1", 20000),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_an_answer_that_cannot_be_used(kind: str) -> None:
    house = House()
    call, _ = house.invite("")
    house.opened(call)
    outputs = house.ack(call, BAD_ANSWERS[kind])
    assert the(out.HangUp, outputs).call == call
    assert not every(SetLeg, outputs) and tell.ParticipantArrived not in events(outputs)
    assert house.is_empty()


def test_an_answer_that_holds() -> None:
    house = House()
    call, _ = house.invite("")
    house.opened(call)
    outputs = house.ack(call, sdp("192.0.2.9", 4000, "inactive"))
    assert the(SetHearing, outputs).mixes[1].legs == []
    assert tell.ParticipantHeld in events(outputs)


def test_a_re_invite_before_the_late_answer() -> None:
    house = House()
    call, _ = house.invite("")
    house.opened(call)
    assert the(out.RefuseOffer, house.reinvite(call, sdp())).status == 491


# ---------------------------------------------------------------- hold
HOLDS = {
    "sendonly": (sdp("192.0.2.9", 4000, "sendonly", version=2), Direction.RECVONLY),
    "inactive": (sdp("192.0.2.9", 4000, "inactive", version=2), Direction.INACTIVE),
    "null": (sdp("0.0.0.0", version=2), Direction.SENDRECV),
    "null and sendonly": (sdp("0.0.0.0", 4000, "sendonly", version=2), Direction.RECVONLY),
}


@pytest.mark.parametrize("kind", HOLDS)
def test_hold_and_resume(kind: str) -> None:
    body, expected = HOLDS[kind]
    house = House()
    anna, bob = house.enter(), house.enter()
    leg = house.leg(anna).id
    outputs = house.reinvite(anna, body)
    assert direction(answered(outputs)) is expected
    hearing = the(SetHearing, outputs)
    assert hearing.mixes[1].legs == [house.leg(bob).id], "held music never enters the room"
    assert (leg, 0) in hearing.listeners
    plan = the(SetLeg, outputs).plan
    assert not plan.sends and plan.remote == ("192.0.2.9", 4000), "it keeps its place on the port"
    order = [type(each) for each in every(object, outputs) if isinstance(each, SetHearing | SetLeg)]
    assert order == [SetHearing, SetLeg], "out of the room before its music begins"
    house.ack_offer(anna)

    again = house.reinvite(anna, body)
    assert the(SetLeg, again).plan.remote == ("192.0.2.9", 4000), "also the second time"
    assert not every(SetHearing, again)

    outputs = house.reinvite(anna, sdp(version=3))
    assert direction(answered(outputs)) is Direction.SENDRECV
    assert leg in the(SetHearing, outputs).mixes[1].legs
    plan = the(SetLeg, outputs).plan
    assert plan.sends and plan.receives
    order = [type(each) for each in every(object, outputs) if isinstance(each, SetHearing | SetLeg)]
    assert order == [SetLeg, SetHearing]


def test_whoever_begins_with_sendonly_broadcasts() -> None:
    house = House()
    call = house.enter(sdp("192.0.2.9", 4000, "sendonly"))
    assert house.rooms.get("standup").places["p1"].held is False
    hearing = the(SetHearing, house.ack(house_second(house)))
    assert house.leg(call).id in hearing.mixes[1].legs


def house_second(house: House) -> int:
    call, _ = house.invite()
    house.opened(call)
    return call


def test_whoever_begins_with_inactive_is_held() -> None:
    house = House()
    call, _ = house.invite(sdp("192.0.2.9", 4000, "inactive"))
    house.opened(call)
    outputs = house.ack(call)
    assert the(SetHearing, outputs).mixes[1].legs == []


def test_hold_before_the_ack() -> None:
    """Media are up, and so are the fingers: a hold may overtake the ACK of the first 200."""
    house = House()
    call = house_second(house)
    house.reinvite(call, HOLDS["sendonly"][0])
    assert the(SetHearing, house.ack(call)).mixes[1].legs == []


def test_every_answer_carries_on_the_origin() -> None:
    house = House()
    call, _ = house.invite()
    first = parse(the(out.Accept, house.opened(call, port=20300)).body)
    house.ack(call)
    second = answered(house.reinvite(call, HOLDS["sendonly"][0]))
    assert second.origin.session_id == first.origin.session_id
    assert int(second.origin.version) == int(first.origin.version) + 1
    assert second.media[0].port == 20300
    assert answered(house.reinvite(call, HOLDS["sendonly"][0])).origin == second.origin


# ---------------------------------------------------------------- changes
def test_another_address_and_another_codec() -> None:
    house = House()
    call = house.enter()
    outputs = house.reinvite(call, sdp("192.0.2.77", 5000, formats="8 0", version=2))
    plan = the(SetLeg, outputs).plan
    assert plan.remote == ("192.0.2.77", 5000) and plan.outgoing_format == "PCMA"
    assert not every(SetHearing, outputs)


def test_a_phone_that_goes_to_another_network() -> None:
    house = House()
    call = house.enter()
    plan = the(SetLeg, house.reinvite(call, sdp("10.0.0.5", version=2), source=(OUTSIDE, 6000))).plan
    assert plan.remote is None and plan.symmetric and plan.signalling_host == OUTSIDE


REFUSED = {
    "another family": (sdp("2001:db8::9", version=2), 488),
    "no codec in common": (sdp(formats="18", maps=(), version=2), 488),
    "a reflector": (sdp(port=53, version=2), 488),
    "garbage": ("rubbish", 400),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_change_leaves_all_as_it_was(kind: str) -> None:
    body, status = REFUSED[kind]
    house = House()
    call = house.enter()
    leg = house.leg(call)
    before = leg.agreed, leg.sent, leg.local_host, leg.caller, leg.named
    outputs = house.reinvite(call, body)
    refused = the(out.RefuseOffer, outputs)
    assert refused.status == status and not every(SetLeg, outputs)
    assert (leg.agreed, leg.sent, leg.local_host, leg.caller, leg.named) == before
    assert house.people() == ["p1"]


def test_a_re_invite_without_an_offer() -> None:
    house = House()
    call = house.enter()
    outputs = house.reinvite(call, "")
    assert answered(outputs).media[0].port == 20100 and not every(SetLeg, outputs)
    outputs = house.ack_offer(call, sdp("192.0.2.9", 4000, "sendonly", formats="8", version=2))
    assert the(SetLeg, outputs).plan.outgoing_format == "PCMA"
    assert tell.ParticipantHeld in events(outputs)


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_a_later_answer_that_cannot_be_used_changes_nothing(kind: str) -> None:
    house = House()
    call = house.enter()
    house.reinvite(call, "")
    agreed = house.leg(call).agreed
    assert house.ack_offer(call, BAD_ANSWERS[kind]) == []
    assert house.leg(call).agreed is agreed


def test_offers_for_calls_that_are_no_more() -> None:
    house = House()
    assert the(out.RefuseOffer, house.reinvite(99, sdp())).status == 481
    assert house.ack_offer(99, sdp()) == []
    call = house_second(house)
    house.play(house.focus.close())
    assert the(out.RefuseOffer, house.reinvite(call, sdp())).status == 491
    assert house.ack_offer(call, sdp()) == []
    house.ack(call)
    assert house.is_empty()


# ---------------------------------------------------------------- refreshes of ours (RFC 4028 7.4)
def test_the_answer_to_a_refresh_is_followed_and_a_bad_one_changes_nothing() -> None:
    house = House()
    call = house.enter()
    before = house.leg(call).agreed
    outputs = house.play(house.focus.hear_call(sip.OfferAnswered(call, 200, b"rubbish", "application/sdp"), house.now))
    assert not every(SetLeg, outputs) and house.leg(call).agreed == before
    body = sdp(port=4444, version=2).encode()
    outputs = house.play(house.focus.hear_call(sip.OfferAnswered(call, 200, body, "application/sdp"), house.now))
    assert the(SetLeg, outputs).plan.remote == ("192.0.2.9", 4444)
    assert house.play(house.focus.hear_call(sip.OfferAnswered(call, 500, b"", ""), house.now)) == []
