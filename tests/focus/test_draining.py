"""A server that is emptied calls nobody either: whoever asks hears why, what is under way goes on."""

from __future__ import annotations

import pytest

from confserver.contract import OpenLeg
from confserver.focus import outputs as out
from confserver.focus.draining import Draining
from rooms import events as tell
from rooms.commands import Dial, DialList
from rooms.errors import NotOpen
from tests.focus.house import House, every, sdp, the
from tests.focus.test_dialout import BOB, house
from tests.focus.test_transfers import CARL, news, refer
from tests.focus.test_transfers import house as house_of_members

WORDS = "the server is being emptied"


def drained(it: House) -> House:
    it.scene.draining = Draining(30)
    return it


def test_nobody_is_called_and_the_room_is_told_why() -> None:
    it = house()
    it.enter()
    drained(it)
    with pytest.raises(NotOpen, match=WORDS):
        it.order(Dial("standup", BOB))
    refused = the(tell.DialRefused, it.focus.taken())
    assert (refused.uri, refused.reason, refused.by) == (BOB, WORDS, "system")
    it.scene.draining = None
    assert every(OpenLeg, it.order(Dial("standup", BOB))), "confserver drain --cancel"


def test_a_call_that_rings_goes_on_and_so_does_one_that_is_sent_elsewhere() -> None:
    it = house()
    rings, moved = it.dial(BOB), it.dial("sip:carl@192.0.2.40")
    drained(it)
    assert the(tell.ParticipantArrived, it.answers(rings)).name == BOB
    it.refuses(moved, 302, contact="<sip:carl@192.0.2.41>")
    leg = next(each for each in it.scene.legs.by_id.values() if each.call != rings)
    assert the(tell.ParticipantArrived, it.answers(leg.call)).room == "standup"


def test_a_list_is_not_begun() -> None:
    it = drained(house())
    with pytest.raises(NotOpen, match=WORDS):
        it.order(DialList("standup", (BOB,)))
    assert it.focus.taken() == [] and it.is_empty()


def test_who_waits_for_his_next_try_is_not_called_and_the_list_ends() -> None:
    it = house()
    it.enter()
    it.order(
        DialList("standup", ("Bob <sip:bob@192.0.2.9>", "Carl <sip:carl@192.0.2.40>"), tries=3, pause_s=60, at_once=1)
    )
    leg = it.leg_of("Bob")
    it.opened(leg.call)
    it.refuses(leg.call, 486)  # Carl is called at once, Bob again in a minute
    carl = it.leg_of("Carl")
    it.opened(carl.call)
    drained(it)
    told = it.answers(carl.call)
    assert not every(tell.DialRefused, told) and the(tell.ParticipantArrived, told).name == "Carl"
    told = it.pass_time(61)
    assert the(tell.DialRefused, told).reason == WORDS
    failed = every(tell.ListChanged, told)[-1]
    assert (failed.state, failed.cause) == ("failed", WORDS) and the(tell.ListEnded, told).joined == 1
    assert not every(OpenLeg, told)


def test_who_is_lost_is_not_called_back() -> None:
    it = house()
    it.enter()
    it.order(DialList("standup", ("Bob <sip:bob@192.0.2.9>",), redial=True, pause_s=5))
    leg = it.leg_of("Bob")
    it.opened(leg.call)
    it.answers(leg.call)
    drained(it)
    it.bye(leg.call, "no answer to OPTIONS")
    told = it.pass_time(6)
    assert the(tell.DialRefused, told).reason == WORDS and not every(OpenLeg, told)


def test_a_refer_hears_503_and_when_to_come_again() -> None:
    it = house_of_members()
    anna = it.enter()
    drained(it)
    told = refer(it, anna)
    answer = the(out.Respond, told)
    assert answer.status == 503 and ("Retry-After", "30") in answer.headers  # RFC 3261 21.5.4
    assert the(tell.DialRefused, told).uri == CARL and news(it, told) == [] and not every(OpenLeg, told)
    it.scene.draining = Draining(30, "other.example.com")
    assert the(out.Respond, refer(it, anna)).status == 503, "the room is here: nobody else can call into it"


def test_those_present_stay() -> None:
    it = house()
    call = it.enter()
    drained(it)
    it.reinvite(call, sdp(version=2))
    assert it.people() == [it.leg(call).participant]


def test_a_long_list_of_refusals_is_no_tower_of_calls() -> None:
    """Each refusal has the room want the next call at once."""
    it = house()
    it.enter()
    told = it.order(DialList("standup", tuple(f"sip:x{n}@elsewhere.example" for n in range(500)), at_once=1))
    assert len(every(tell.DialRefused, told)) == 500 and the(tell.ListEnded, told).failed == 500
