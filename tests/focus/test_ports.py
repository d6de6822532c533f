"""A phone moves to where another leg of the same port is heard from: it gets another port in the answer."""

from __future__ import annotations

import pytest

from confserver.contract import ChangePort, LegLatched, PortChanged, SetLeg
from confserver.focus import outputs as out
from confserver.sdp.text import parse
from tests.focus.house import House, every, sdp, the

HERE, THERE = ("192.0.2.9", 4000), ("192.0.2.77", 4000)
MOVED = sdp(THERE[0], THERE[1], version=2)
PORT = 20100


def enters(house: House, host: str, heard: bool = True) -> int:
    """A call on the port that all have here."""
    call = house.enter(sdp(host))
    if heard:
        house.tell(LegLatched(leg=house.leg(call).id, remote=(host, 4000)))
    return call


def pair(heard: bool = True) -> tuple[House, int, int]:
    house = House()
    return house, enters(house, HERE[0]), enters(house, THERE[0], heard)


@pytest.mark.parametrize("heard", [True, False])
def test_another_port_in_the_answer(heard: bool) -> None:
    """Also where the other has not been heard yet: its first packets could come from anywhere."""
    house, call, _ = pair(heard)
    outputs = house.reinvite(call, MOVED)
    assert the(ChangePort, outputs) == ChangePort(leg=house.leg(call).id, ipv6=False, remote=THERE)
    assert not every(out.AcceptOffer, outputs) and not every(SetLeg, outputs)
    outputs = house.tell(PortChanged(leg=house.leg(call).id, port=20300))
    assert parse(the(out.AcceptOffer, outputs).body).media[0].port == 20300
    assert the(SetLeg, outputs).plan.remote == THERE and house.leg(call).port == 20300
    assert house.pass_time(10) == []


def test_who_collides_with_nobody_keeps_the_port() -> None:
    house, call, other = pair()
    house.leg(other).port = 20102
    outputs = house.reinvite(call, MOVED)
    assert not every(ChangePort, outputs) and parse(the(out.AcceptOffer, outputs).body).media[0].port == PORT


def test_hold_and_resume_change_nothing() -> None:
    house, call, _ = pair(heard=False)
    for version, lines in enumerate([("sendonly",), (), ("inactive",), ()], 2):
        outputs = house.reinvite(call, sdp(*HERE, *lines, version=version))
        assert not every(ChangePort, outputs) and every(out.AcceptOffer, outputs)


def test_without_another_port_all_stays_as_it_was() -> None:
    house, call, _ = pair()
    house.reinvite(call, MOVED)
    outputs = house.tell(PortChanged(leg=house.leg(call).id, port=0))
    refused = the(out.RefuseOffer, outputs)
    assert refused.status == 500 and dict(refused.headers)["Retry-After"]
    assert house.leg(call).port == PORT and house.leg(call).plan and house.leg(call).plan.remote == HERE


def test_without_a_word_of_the_worker_it_is_refused_and_what_comes_late_still_counts() -> None:
    house, call, _ = pair()
    house.reinvite(call, MOVED)
    assert the(out.RefuseOffer, house.pass_time(2.1)).status == 500
    assert house.tell(PortChanged(leg=house.leg(call).id, port=20300)) == []
    outputs = house.reinvite(call, MOVED)
    assert parse(the(out.AcceptOffer, outputs).body).media[0].port == 20300


def test_who_has_gone_meanwhile() -> None:
    house, call, _ = pair()
    house.reinvite(call, MOVED)
    number = house.leg(call).id
    house.bye(call)
    refused = house.tell(PortChanged(leg=number, port=20300))
    assert every(out.Accept, refused) == [] and house.pass_time(10) == []
