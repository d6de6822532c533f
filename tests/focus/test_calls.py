"""Calls come and go: each step of an INVITE, and every way in which it ends early."""

from __future__ import annotations

import pytest

from confserver.contract import CloseLeg, CloseRoom, LegFailed, LegOpened, OpenLeg, OpenRoom, SetHearing
from confserver.focus import outputs as out
from confserver.focus.legs import Stage
from confserver.sdp.description import Description
from confserver.sdp.text import parse
from rooms import events as tell
from tests.focus.house import START, House, events, every, sdp, the


def described(body: bytes) -> Description:
    return parse(body)


def test_a_call_from_invite_to_bye() -> None:
    house = House()
    call, outputs = house.invite()
    assert events(outputs) == [tell.RoomCreated, tell.RoomOpened, tell.PlaceReserved]
    opening = the(OpenLeg, outputs)
    assert opening.room == the(OpenRoom, outputs).room
    assert opening.plan is not None and opening.plan.remote == ("192.0.2.9", 4000)
    assert opening.plan.outgoing_format == "PCMU" and not opening.ipv6
    assert [(each.payload_type, each.format) for each in opening.plan.incoming][:2] == [(0, "PCMU"), (8, "PCMA")]
    assert not every(out.Accept, outputs), "not before there is a port"

    outputs = house.opened(call, port=20124)
    answer = described(the(out.Accept, outputs).body)
    assert answer.media[0].port == 20124
    assert answer.connection is not None and answer.connection.host == "192.0.2.1"
    assert house.people() == [], "nobody knows before the ACK"

    outputs = house.ack(call)
    arrived = the(tell.ParticipantArrived, outputs)
    assert (arrived.name, arrived.address, arrived.source) == ("Anna", "sip:anna@example.com", "192.0.2.9:5062")
    hearing = the(SetHearing, outputs)
    leg = house.leg(call).id
    assert hearing.mixes[1].legs == [leg] and hearing.listeners == [(leg, 1)]
    assert house.leg(call).stage is Stage.PRESENT

    outputs = house.bye(call)
    assert the(tell.ParticipantLeft, outputs).cause == "hung up"
    assert the(CloseLeg, outputs).leg == leg
    assert the(CloseRoom, outputs).room == opening.room
    assert house.is_empty()


def test_the_second_hears_the_first() -> None:
    house = House()
    anna = house.enter()
    bob, _ = house.invite(name="Bob <sip:bob@example.com>")
    outputs = house.opened(bob)
    assert not every(SetHearing, outputs), "a reserved place is in no mix"
    hearing = the(SetHearing, house.ack(bob))
    legs = [house.leg(anna).id, house.leg(bob).id]
    assert hearing.mixes[1].legs == legs and hearing.mixes[1].gains == [1.0, 1.0]
    assert hearing.listeners == [(legs[0], 1), (legs[1], 1)]
    hearing = the(SetHearing, house.bye(anna))
    assert hearing.mixes[1].legs == [legs[1]]
    assert house.people() == ["p2"]


def test_a_first_packet_is_as_good_as_an_ack() -> None:
    house = House()
    call, _ = house.invite()
    house.opened(call)
    assert tell.ParticipantArrived in events(house.first_packet(call))
    assert events(house.ack(call)) == [], "only once"
    assert events(house.first_packet(call)) == []
    house.bye(call)
    assert house.is_empty()


@pytest.mark.parametrize("word", ["", "PCMA/8000", "pcma/8000/1"])
def test_the_order_of_the_offer_decides_the_codec(word: str) -> None:
    house = House()
    maps = (f"rtpmap:8 {word}",) if word else ()
    _, outputs = house.invite(sdp(formats="8 0", maps=maps))
    plan = the(OpenLeg, outputs).plan
    assert plan is not None and (plan.outgoing_format, plan.outgoing_payload_type) == ("PCMA", 8)


# ---------------------------------------------------------------- ends that come early
def test_cancelled_while_the_worker_opens_the_leg() -> None:
    house = House()
    call, outputs = house.invite()
    opening = the(OpenLeg, outputs)
    outputs = house.cancel(call)
    assert events(outputs) == [tell.PlaceReleased, tell.RoomClosed]
    assert the(CloseLeg, outputs).leg == opening.leg
    assert house.is_empty()
    assert house.tell(LegOpened(leg=opening.leg, port=20000, ssrc=1)) == [], "it comes too late"
    assert house.tell(LegFailed(leg=opening.leg, reason="no room")) == []
    assert house.is_empty() and house.pass_time(5) == []


def test_ended_without_an_ack() -> None:
    house = House()
    call, _ = house.invite()
    house.opened(call)
    outputs = house.bye(call, "no ACK")
    assert tell.PlaceReleased in events(outputs) and tell.ParticipantLeft not in events(outputs)
    assert house.is_empty()


def test_ended_without_an_ack_but_with_media() -> None:
    house = House()
    call, _ = house.invite()
    house.opened(call)
    house.first_packet(call)
    assert the(tell.ParticipantLeft, house.bye(call, "no ACK")).cause == "no ACK"
    assert house.is_empty()


def test_a_worker_that_says_nothing() -> None:
    house = House()
    call, _ = house.invite()
    assert house.focus.next_deadline() == START + 2.0
    assert house.pass_time(1.99) == []
    refused = the(out.Refuse, house.pass_time(0.02))
    assert (refused.call, refused.status) == (call, 503)
    assert dict(refused.headers)["Retry-After"] == "5"
    assert house.is_empty() and house.focus.next_deadline() is None


def test_deadlines_come_in_the_order_of_the_calls() -> None:
    house = House()
    first, _ = house.invite()
    house.now += 1
    second, _ = house.invite()
    house.opened(first)
    assert house.focus.next_deadline() == START + 3.0
    house.cancel(second)
    assert house.focus.next_deadline() is None
    house.bye(first)
    assert house.is_empty()


@pytest.mark.parametrize("stage", ["opening", "answered", "present"])
def test_a_worker_that_cannot(stage: str) -> None:
    """A leg may fail also later, by a plan that the worker cannot follow."""
    house = House()
    call, _ = house.invite()
    if stage != "opening":
        house.opened(call)
    if stage == "present":
        house.ack(call)
    outputs = house.tell(LegFailed(leg=house.leg(call).id, reason="no free port"))
    if stage == "opening":
        refused = the(out.Refuse, outputs)
        assert refused.status == 503 and "no free port" in dict(refused.headers)["Warning"]
    else:
        assert the(out.HangUp, outputs).call == call
    if stage == "answered":
        house.ack(call)
    assert house.is_empty()


def test_hanging_up_before_the_ack_ends_the_media_at_once() -> None:
    """The BYE has to wait for the ACK (RFC 3261 section 15); the voice has not."""
    house = House()
    call, _ = house.invite()
    house.opened(call)
    house.first_packet(call)
    outputs = house.tell(LegFailed(leg=house.leg(call).id, reason="no free port"))
    the(CloseLeg, outputs)
    assert house.leg(call).stage is Stage.LEAVING
    assert house.first_packet(call) == []
    assert the(tell.ParticipantLeft, house.ack(call)).cause == "no free port"
    assert house.is_empty()


def test_the_last_word_of_a_call_that_nobody_knows() -> None:
    house = House()
    house.acked[99] = True
    assert house.bye(99) == []
    house.acked[99] = True
    assert house.ack(99) == []


# ---------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"Anna B." <sip:anna@example.com>', "Anna B."),
        ("<sip:anna@example.com>", "anna"),
        ("<sip:an%20na@example.com>", "an na"),
        ("<sip:example.com>", "example.com"),
        ("<sip:%1b[31m@example.com>", "[31m"),
        ("<tel:+15551234>", "+15551234"),
    ],
)
def test_the_name_that_others_see(written: str, name: str) -> None:
    house = House()
    call, _ = house.invite(name=written)
    house.opened(call)
    assert the(tell.ParticipantArrived, house.ack(call)).name == name


def test_sources_of_ipv6_are_in_brackets() -> None:
    house = House()
    call, outputs = house.invite(sdp("2001:db8::9"), source=("2001:db8::9", 5062), local="2001:db8::1")
    assert the(OpenLeg, outputs).ipv6
    assert the(tell.PlaceReserved, outputs).source == "[2001:db8::9]:5062"
    answer = described(the(out.Accept, house.opened(call)).body)
    assert answer.connection is not None
    assert (answer.connection.family, answer.connection.host) == ("IP6", "2001:db8::1")


def test_rooms_have_one_spelling() -> None:
    house = House()
    house.enter(room="StandUp")
    house.enter(room="standup")
    house.enter(room="%73tandup")
    assert house.people("standup") == ["p1", "p2", "p3"] and len(house.scene.places) == 1
