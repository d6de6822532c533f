"""Calls of ours, in virtual time: each way they can go, and what the rooms are told."""

from __future__ import annotations

import re

import pytest

from confserver.contract import CloseLeg, FirstPacket, LegFailed, LegOpened, OpenLeg, SetLeg
from confserver.focus import outputs as out
from confserver.focus.dialout import DialTerms
from confserver.routing.dialplan import DialPlan, Target
from confserver.routing.fence import Fence
from confserver.sip import outputs as sip
from confserver.sip.flow import Flow
from confserver.sip.uri import parse_uri
from confserver.sip.ways import Hop
from rooms import events as tell
from rooms.commands import Dial, DialList, End, Kick, Lock
from rooms.errors import Conflict, Forbidden, Full, NotOpen, Refused
from tests.focus.house import House, events, every, sdp, the

BOB = "sip:bob@192.0.2.9"


class Carrier:
    """Two hosts of one trunk."""

    def serving(self, number: str) -> list[Target]:
        hosts = ("192.0.2.50", "192.0.2.51")
        return [Target(parse_uri(f"sip:{number}@{host}"), Hop("UDP", host, 5060), trunk="carrier") for host in hosts]

    def named(self, host: str) -> bool:
        return host in ("192.0.2.50", "192.0.2.51")


def house(**how: object) -> House:
    terms = {"most": 5, "ring_s": 30.0, **how}
    plan = DialPlan(Fence(["+49"], ["192.0.2.0/24", "b.example"]), Carrier())
    return House(workers=1, dialling=DialTerms(**{"plan": plan, **terms}))  # type: ignore[arg-type]


def failed(outputs: object) -> tuple[str, int]:
    event = the(tell.DialFailed, outputs)  # type: ignore[arg-type]
    return event.cause, event.status


# ---------------------------------------------------------------- the good way
def test_a_call_of_ours_becomes_a_participant() -> None:
    it = house()
    dialled = it.order(Dial("standup", BOB, name="Bob"))
    assert events(dialled) == [tell.RoomCreated, tell.RoomOpened, tell.PlaceReserved, tell.Dialled]
    opening = the(OpenLeg, dialled)
    assert opening.plan is None and not every(out.Call, dialled)
    call = the(out.Call, it.tell(LegOpened(leg=opening.leg, port=20100, ssrc=1)))
    assert str(call.target.uri) == BOB and str(call.to) == f'"Bob" <{BOB}>'
    assert str(call.from_) == '"standup" <sip:standup@192.0.2.1>' and call.user == "standup"
    number = it.leg_of("Bob").call
    assert number in it.invites, "the stack's own number of the call"
    assert re.search(r"^c=IN IP4 192\.0\.2\.1\r$.*^m=audio 20100 ", it.offers[number], re.S | re.M)
    assert the(tell.DialRinging, it.rings(number)).status == 180
    assert it.people() == []
    answered = it.answers(number)
    assert the(SetLeg, answered).plan.remote == ("192.0.2.9", 4000)
    assert events(answered) == [tell.ParticipantArrived, tell.HearingChanged]
    arrived = the(tell.ParticipantArrived, answered)
    assert (arrived.name, arrived.address, arrived.source) == ("Bob", BOB, "192.0.2.9:5062")
    [bob] = it.focus.room("standup", it.now)["participants"]
    assert bob["dialled"] and bob["media"]["port"] == 20100
    assert the(tell.ParticipantLeft, it.bye(number)).cause == "hung up"
    assert it.is_empty()


def test_who_is_called_hears_those_who_are_there() -> None:
    it = house()
    anna = it.leg(it.enter())
    call = it.dial(BOB)
    hearing = the(tell.HearingChanged, it.answers(call)).hearing
    assert {who for mix in hearing.mixes for who, _ in mix.sources} == {anna.participant, it.leg(call).participant}


def test_who_is_being_called_is_shown() -> None:
    it = house()
    call = it.dial(BOB, name="Bob")
    it.rings(call, 183)
    [shown] = it.focus.room("standup", it.now)["dialling"]
    assert (shown["name"], shown["address"], shown["ringing"]) == ("Bob", BOB, 183)
    it.answers(call)
    assert it.focus.room("standup", it.now)["dialling"] == []


def test_ringing_is_told_once() -> None:
    it = house()
    call = it.dial()
    assert [len(every(tell.DialRinging, it.rings(call, status))) for status in (183, 183, 180, 180)] == [1, 0, 1, 0]


def test_early_media_breaks_nothing() -> None:
    """An answer in a 183 is a preview (RFC 6337 3.1); sound before the 200 makes nobody a participant."""
    it = house()
    call = it.dial()
    assert not every(SetLeg, it.rings(call, 183, sdp(port=4444)))
    it.tell(FirstPacket(leg=it.leg(call).id))
    assert it.people() == []
    assert the(SetLeg, it.answers(call, sdp(port=4000))).plan.remote == ("192.0.2.9", 4000)
    assert len(it.people()) == 1


def test_the_answer_may_have_come_reliably_before_the_200() -> None:
    """RFC 3262 section 5, RFC 6337 section 2: then the 200 need not say it again."""
    it = house()
    call = it.dial()
    it.rings(call, 183, sdp(port=4444), "Require: 100rel", "RSeq: 1")
    assert the(SetLeg, it.answers(call, "")).plan.remote == ("192.0.2.9", 4444)
    assert len(it.people()) == 1


def test_who_answers_on_hold_is_held() -> None:
    it = house()
    assert tell.ParticipantHeld in events(it.answers(it.dial(), sdp("192.0.2.9", 4000, "inactive")))


# ---------------------------------------------------------------- the other ways
@pytest.mark.parametrize(
    ("status", "cause"),
    [(486, "busy"), (600, "busy"), (603, "declined"), (404, "unknown"), (480, "not available"),
     (503, "service unavailable"), (488, "no common codec"), (499, "Because")],
)  # fmt: skip
def test_a_refusal_is_told_in_words(status: int, cause: str) -> None:
    it = house()
    call = it.dial()
    told = it.refuses(call, status)
    assert failed(told) == (cause, status)
    assert events(told) == [tell.DialFailed, tell.PlaceReleased, tell.RoomClosed]
    assert the(CloseLeg, told) and it.is_empty()


def test_nobody_answers_in_time() -> None:
    it = house()
    call = it.dial()
    it.rings(call)
    assert not every(out.HangUp, it.pass_time(29.9))
    given_up = it.pass_time(0.2)
    assert the(out.HangUp, given_up).cause == "no answer" and it.cancelled == [call]
    assert not it.pass_time(60), "once"
    assert failed(it.refuses(call, 487)) == ("no answer", 487)
    assert it.is_empty()


def test_a_call_may_ring_shorter() -> None:
    it = house()
    call = it.dial(BOB, ring_s=5.0)
    it.pass_time(5.1)
    assert it.cancelled == [call]


def test_no_way_there() -> None:
    it = house()
    assert failed(it.unanswered(it.dial(), 503)) == ("no answer", 503)
    assert it.is_empty()


def test_a_call_that_rings_is_given_up() -> None:
    it = house()
    call = it.dial(BOB, name="Bob")
    it.rings(call)
    kicked = it.order(Kick("standup", "bob"))
    assert the(out.HangUp, kicked).cause == "kicked" and the(CloseLeg, kicked)
    assert it.order(Kick("standup", "bob")) == []
    assert failed(it.refuses(call, 487))[1] == 487 and it.is_empty()


def test_the_room_ends_while_it_rings() -> None:
    it = house()
    anna, call = it.enter(), it.dial()
    assert call in [hang_up.call for hang_up in every(out.HangUp, it.order(End("standup")))]
    assert anna not in it.acked
    it.refuses(call, 487)
    assert it.is_empty()


def test_the_server_stops_while_it_rings() -> None:
    it = house()
    call = it.dial()
    assert the(out.HangUp, it.play(it.focus.close())).call == call
    with pytest.raises(NotOpen):
        it.order(Dial("standup", BOB))
    it.refuses(call, 487)
    assert it.is_empty()


@pytest.mark.parametrize(
    "answer",
    [
        "", "nonsense", sdp(port=0), sdp(formats="99"), sdp(host="224.0.0.1"), sdp(port=22), sdp("2001:db8::9"),
        sdp(proto="RTP/SAVP"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_ends_the_call(answer: str) -> None:
    it = house()
    call = it.dial()
    told = it.answers(call, answer)
    assert the(out.HangUp, told).call == call and the(tell.DialFailed, told).cause
    assert it.is_empty()


# ---------------------------------------------------------------- workers
def test_the_worker_has_no_port() -> None:
    it = house()
    it.order(Dial("standup", BOB))
    [leg] = it.scene.legs.by_id.values()
    told = it.tell(LegFailed(leg=leg.id, reason="no port is free"))
    assert failed(told) == ("no port is free", 0) and not it.invites
    assert it.is_empty()


def test_the_worker_says_nothing() -> None:
    it = house()
    it.order(Dial("standup", BOB))
    assert failed(it.pass_time(2.1))[0] == "no word from the media worker"
    assert it.is_empty()


def test_the_worker_is_lost_while_it_rings() -> None:
    """The call goes on ringing; its heir takes the same port."""
    it = house()
    call = it.dial()
    leg = it.leg(call)
    it.lose(0)
    it.play(it.focus.worker_ready(0))
    assert leg.port == 20100
    assert len(every(SetLeg, it.answers(call))) == 1 and len(it.people()) == 1


def test_the_worker_is_lost_while_it_rings_and_answered_before_its_heir_stands() -> None:
    it = house()
    call = it.dial()
    it.lose(0)
    assert not every(SetLeg, it.answers(call))
    [opening] = every(OpenLeg, it.play(it.focus.worker_ready(0)))
    assert opening.plan is not None and opening.resume is not None and opening.resume.port == 20100


def test_the_worker_is_lost_before_there_is_a_port() -> None:
    it = house()
    it.order(Dial("standup", BOB))
    [leg] = it.scene.legs.by_id.values()
    it.lose(0)
    [opening] = every(OpenLeg, it.play(it.focus.worker_ready(0)))
    assert opening.resume is None
    assert the(out.Call, it.tell(LegOpened(leg=leg.id, port=20100, ssrc=1)))


def test_no_heir_stands() -> None:
    it = house(ring_s=60.0)
    call = it.dial()
    it.lose(0)
    assert the(out.HangUp, it.pass_time(10.1)).call == call


# ---------------------------------------------------------------- 3xx
def test_a_redirected_call_goes_on_elsewhere() -> None:
    it = house()
    call = it.dial(BOB, name="Bob")
    told = it.refuses(call, 302, contact="<sip:bob@192.0.2.20>;q=0.2, <sip:bob@192.0.2.21>;q=0.8")
    assert the(tell.DialRedirected, told).uri == "sip:bob@192.0.2.21"
    assert str(the(out.Call, told).target.uri) == "sip:bob@192.0.2.21"
    second = it.leg_of("Bob").call
    assert second != call
    told = it.refuses(second, 486)
    assert str(the(out.Call, told).target.uri) == "sip:bob@192.0.2.20", "the next of the Contacts"
    third = it.leg_of("Bob").call
    it.answers(third)
    assert len(it.people()) == 1
    it.bye(third)
    assert it.is_empty()


def test_calls_do_not_go_in_circles() -> None:
    it = house()
    call = it.dial()
    it.refuses(call, 302, contact="<sip:bob@192.0.2.20>")
    second = next(reversed(it.invites))
    assert failed(it.refuses(second, 302, contact=f"<{BOB}>"))[0] == "forwarded in a circle, or to nowhere"
    assert it.is_empty()


def test_a_redirect_does_not_lead_out_of_the_fence() -> None:
    it = house()
    told = it.refuses(it.dial(), 302, contact="<tel:+1900123>")
    assert "dialout.prefixes" in failed(told)[0] and it.is_empty()


@pytest.mark.parametrize("contact", ["<mailto:bob@b>", "*", "nonsense nonsense", "<sip:bob@192.0.2.9>"])
def test_a_redirect_to_nowhere(contact: str) -> None:
    it = house()
    told = it.refuses(it.dial(), 301, contact=contact)
    assert failed(told)[1] == 301 and it.is_empty()


def test_redirects_come_to_an_end() -> None:
    it = house()
    call = it.dial()
    for number in range(20, 40):
        told = it.refuses(call, 302, contact=f"<sip:bob@192.0.2.{number}>")
        if every(tell.DialFailed, told):
            break
        call = next(reversed(it.invites))
    assert len(it.invites) == 10 and it.is_empty()


def test_a_redirect_after_the_kick_is_not_followed() -> None:
    it = house()
    call = it.dial(BOB, name="Bob")
    it.order(Kick("standup", "Bob"))
    assert not every(out.Call, it.refuses(call, 302, contact="<sip:bob@192.0.2.20>")) and it.is_empty()


# ---------------------------------------------------------------- trunks
def test_a_number_goes_by_a_trunk_and_by_its_next_host() -> None:
    it = house()
    call = it.dial("+49 30 1234")
    assert it.invites[call].target.hop == Hop("UDP", "192.0.2.50", 5060)
    told = it.unanswered(call, 503)
    assert the(out.Call, told).target.hop == Hop("UDP", "192.0.2.51", 5060)
    it.answers(next(reversed(it.invites)))
    assert len(it.people()) == 1


def test_busy_is_busy_at_every_host_of_a_trunk() -> None:
    it = house()
    assert failed(it.refuses(it.dial("+49301234"), 486)) == ("busy", 486)
    assert len(it.invites) == 1


# ---------------------------------------------------------------- who may be called
@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("sip:bob@198.51.100.1", "198.51.100.1 is not listed in dialout.domains"),
        ("+1900", "begins with none of dialout.prefixes"),
        ("mailto:bob@b", "cannot be called"),
        ("bob", "is no address"),
    ],
)
def test_nobody_beyond_the_fence(uri: str, why: str) -> None:
    it = house()
    with pytest.raises(Forbidden, match=why):
        it.order(Dial("standup", uri))
    assert it.is_empty()


def test_at_first_nobody_is_called() -> None:
    it = House()
    with pytest.raises(Forbidden, match=r"not listed in dialout\.domains"):
        it.order(Dial("standup", BOB))
    with pytest.raises(Forbidden, match=r"no number such as \+4930 is listed in dialout\.prefixes"):
        it.order(Dial("standup", "+4930"))


def test_calls_of_ours_are_counted() -> None:
    it = house(most=2)
    first, second = it.dial(), it.dial()
    it.answers(first)
    with pytest.raises(Conflict, match="2 calls at once"):
        it.order(Dial("standup", BOB))
    it.refuses(second, 486)
    it.order(Dial("standup", BOB))


def test_a_full_room_calls_nobody_and_a_locked_one_does() -> None:
    it = House(most=1, dialling=DialTerms(plan=DialPlan(Fence(domains=["*"]))))
    it.enter()
    it.order(Lock("standup"))
    with pytest.raises(Full):
        it.order(Dial("standup", BOB))
    it.rooms.get("standup").policy = it.rooms.policy_of("other").__class__(max_participants=2)
    assert the(tell.Dialled, it.order(Dial("standup", BOB)))


@pytest.mark.parametrize("wrong", [{"uri": " "}, {"uri": BOB, "ring_s": -1.0}, {"uri": BOB, "ring_s": 1e9}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    it = house()
    with pytest.raises(Refused):
        it.order(Dial("standup", **wrong))  # type: ignore[arg-type]
    assert it.is_empty()


def test_no_worker_no_call() -> None:
    it = house()
    it.lose(0)
    with pytest.raises(NotOpen, match="no media worker is ready"):
        it.order(Dial("standup", BOB))
    assert it.is_empty()


def test_crossed_endings_are_harmless() -> None:
    it = house()
    call = it.dial()
    it.refuses(call, 486)
    for late in (sip.CallRinging(call, it.response(180)), sip.CallEnded(call, "x", True)):
        assert it.focus.hear_call(late, it.now) == []
    it.focus.called(99, 99)
    assert it.tell(LegOpened(leg=99, port=1, ssrc=1)) == []


def test_a_call_by_ipv6() -> None:
    it = House(dialling=DialTerms(plan=DialPlan(Fence(domains=["2001:db8::/64"]))))
    it.outgoing_flow = Flow("UDP", ("2001:db8::1", 5060), ("2001:db8::9", 5060))
    call = it.dial("sip:bob@[2001:db8::9]")
    assert "c=IN IP6 2001:db8::1" in it.offers[call] and it.leg(call).is_ipv6
    assert the(SetLeg, it.answers(call, sdp("2001:db8::9"))).plan.remote == ("2001:db8::9", 4000)


def test_a_name_is_called_by_ipv4_unless_we_have_none() -> None:
    it = house()
    assert not it.leg(it.dial("sip:bob@b.example")).is_ipv6
    it.street.hosts[False] = None  # type: ignore[assignment]
    it.outgoing_flow = Flow("UDP", ("2001:db8::1", 5060), ("2001:db8::9", 5060))
    assert it.leg(it.dial("sip:bob@b.example")).is_ipv6


# ---------------------------------------------------------------- lists
def test_a_list_is_called_one_after_another_and_refusals_are_told() -> None:
    it = house()
    it.enter()
    outputs = it.order(DialList("standup", ("Bob <sip:bob@192.0.2.9>", "sip:x@elsewhere.example"), at_once=2))
    assert len(every(OpenLeg, outputs)) == 1
    assert [(event.entry, event.state) for event in every(tell.ListChanged, outputs)] == [
        (0, "calling"), (1, "calling"), (1, "failed"),
    ]  # fmt: skip
    refused = the(tell.DialRefused, outputs)
    assert refused.uri == "sip:x@elsewhere.example" and "dialout.domains" in refused.reason
    leg = it.leg_of("Bob")
    it.tell(LegOpened(leg=leg.id, port=20100, ssrc=leg.id), leg.worker)
    assert the(tell.ListEnded, it.answers(leg.call)).joined == 1


def test_another_caller_is_shown_only_where_it_is_listed() -> None:
    it = house(caller_ids=("sip:sales@example.com",))
    call = it.dial(BOB, caller_id="sip:sales@example.com")
    assert str(it.invites[call].from_) == "<sip:sales@example.com>"
    with pytest.raises(Forbidden, match=r"dialout\.caller_ids"):
        it.order(Dial("standup", BOB, caller_id="sip:boss@example.com"))
