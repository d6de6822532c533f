"""The toll fence at work: calls through a trunk are counted, refused with an event that says why, and ended."""

from __future__ import annotations

import pytest

from confserver.focus.dialout import DialTerms
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from confserver.routing.tolls import Toll, TollLimits, Tolls
from rooms import events as tell
from rooms.commands import Dial
from rooms.errors import Forbidden
from tests.focus.house import House, events, the
from tests.focus.test_dialout import BOB, Carrier

BERLIN = "+4930123456"


def house(asks: bool = False, **limits: int) -> House:
    plan = DialPlan(Fence(["+"], ["192.0.2.0/24"]), Carrier())
    tolls = Tolls(TollLimits(**limits), ["+"], asks=asks)
    return House(workers=1, dialling=DialTerms(plan=plan, tolls=tolls))


def test_a_call_is_counted_from_the_dial_to_its_end() -> None:
    it, kept = house(), []
    it.focus.fencing.keep = kept.append
    call = it.dial(BERLIN)
    it.now += 5
    it.answers(call)
    it.now += 60
    it.bye(call)
    began, answered, ended = kept
    assert isinstance(began, Toll) and (began.number, began.country, began.by) == (BERLIN, "+49", "system")
    assert answered.answered_at == it.now - 60 and ended.ended_at == it.now


def test_a_call_that_comes_to_nothing_costs_no_minute() -> None:
    it = house(room_calls=1)
    it.refuses(it.dial(BERLIN), 486)
    told = it.focus.fencing.tolls.describe(it.now)["all"]
    assert (told["calls_now"], told["calls_day"], told["minutes_day"]) == (0, 1, 0.0)


def test_a_refusal_is_an_event_that_says_why() -> None:
    it = house(room_calls=1)
    it.enter()
    it.dial(BERLIN)
    with pytest.raises(Forbidden, match="room_calls"):
        it.order(Dial("standup", BERLIN))
    refused = the(tell.DialRefused, it.focus.taken())
    assert (refused.uri, refused.by) == (BERLIN, "system") and "room_calls" in refused.reason
    it.order(Dial("standup", BOB)), "a host costs nothing"


def test_a_refusal_in_a_room_that_is_not_there_makes_none() -> None:
    it = house()
    with pytest.raises(Forbidden):
        it.order(Dial("standup", "sip:x@elsewhere.example"))
    assert it.focus.taken() == [] and it.is_empty()


def test_a_new_country_waits_for_a_second_word() -> None:
    it = house(asks=True)
    with pytest.raises(Forbidden, match="confserver fence approve"):
        it.order(Dial("standup", BERLIN))
    it.focus.fencing.tolls.approve("+49", "bob", it.now)
    it.order(Dial("standup", BERLIN))


def test_when_the_minutes_are_used_up_the_call_is_told_so_and_ends() -> None:
    it = house(room_minutes_hour=1)
    anna = it.enter()
    call = it.dial(BERLIN)
    it.answers(call)
    leg = it.leg(call)
    it.now += 60
    assert it.focus.next_deadline() <= it.now
    said = the(tell.Announced, it.play(it.focus.fire(it.now)))
    assert (said.participant, said.sounds) == (leg.participant, ("prompt:minutes-used-up",))
    assert it.play(it.focus.fire(it.now + 1)) == [], "said once"
    it.now += 6
    left = the(tell.ParticipantLeft, it.play(it.focus.fire(it.now)))
    assert left.participant == leg.participant and "used up" in left.cause
    assert tell.ParticipantLeft not in events(it.play(it.focus.fire(it.now + 60)))
    assert it.leg(anna).participant in it.people()
