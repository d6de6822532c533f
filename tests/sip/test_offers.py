"""re-INVITEs of both sides, and what happens when they meet (RFC 3261 14)."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request, Response
from confserver.sip.outputs import (
    CallAcknowledged,
    CallEnded,
    OfferAcknowledged,
    OfferAnswered,
    OfferArrived,
)
from confserver.sip.stack import WrongMoment
from tests.kit.sip_play import SDP, Wire, answer_to, at_rest, methods, none_of, sent, statuses, the

HOLD = SDP + b"a=sendonly\r\n"


def ours(outputs: object) -> Request:
    found = [m for m in sent(outputs) if isinstance(m, Request) and m.method == "INVITE"]  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0]


def answer(wire: Wire, invite: Request, status: int, body: bytes = b"") -> list[object]:
    return list(wire.hear(answer_to(invite, status, tag="", body=body)))


# ---------------------------------------------------------------- theirs
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_refused_offer_moves_nobody(method: str) -> None:
    """RFC 6141 section 4: who refuses a target refresh request goes on with the target that he had."""
    wire = Wire()
    call, tag = wire.establish()
    moved = "<sip:alice@192.0.2.9:5099>"
    the(OfferArrived, wire.hear(wire.request(method, to_tag=tag, cseq=2, body=HOLD, contact=moved)))
    assert 488 in statuses(wire.stack.refuse_offer(call, 488, wire.now))
    assert str(sent(wire.stack.probe(call, wire.now))[0].uri) == "sip:alice@192.0.2.9:5062"  # type: ignore[union-attr]
    wire.hear(wire.request(method, to_tag=tag, cseq=3, body=HOLD, contact=moved))
    wire.stack.accept_offer(call, SDP, wire.now)
    remains = wire.stack.remains(call)
    assert remains is not None and remains.target == "sip:alice@192.0.2.9:5099"


def test_their_offer_is_answered_and_acknowledged() -> None:
    wire = Wire()
    call, tag = wire.establish()
    outputs = wire.invite(to_tag=tag, cseq=2, body=HOLD)
    offer = the(OfferArrived, outputs)
    assert offer.call == call and offer.request.body == HOLD and statuses(outputs) == [100]
    accepted = sent(wire.stack.accept_offer(call, SDP, wire.now))[0]
    assert isinstance(accepted, Response)
    assert (accepted.status, accepted.to.tag, accepted.body) == (200, tag, SDP)
    assert accepted.headers.get("Contact") == "<sip:standup@192.0.2.1:5060>"
    assert wire.pass_time(2)[0].data == accepted.encode()  # type: ignore[union-attr]  # repeated until the ACK
    outputs = wire.hear(wire.request("ACK", to_tag=tag, cseq=2))
    assert the(OfferAcknowledged, outputs) == OfferAcknowledged(call, b"", "")
    assert wire.pass_time(20) == []


def test_a_body_that_nobody_asked_for_in_the_ack_is_passed_over() -> None:
    """RFC 3261 13.2.1: where the offer was in the INVITE, the answer was in our 2xx, and all is said."""
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    outputs = wire.hear(wire.request("ACK", to_tag=tag, body=HOLD))
    assert the(CallAcknowledged, outputs) == CallAcknowledged(call, b"", "")
    wire.invite(to_tag=tag, cseq=2, body=SDP)
    wire.stack.accept_offer(call, SDP, wire.now)
    outputs = wire.hear(wire.request("ACK", to_tag=tag, cseq=2, body=HOLD))
    assert the(OfferAcknowledged, outputs) == OfferAcknowledged(call, b"", "")


def test_an_offer_asked_of_us_is_answered_in_the_ack() -> None:
    wire = Wire()
    call, tag = wire.establish()
    assert the(OfferArrived, wire.invite(to_tag=tag, cseq=2, body=b"")).request.body == b""
    wire.stack.accept_offer(call, SDP, wire.now)
    outputs = wire.hear(wire.request("ACK", to_tag=tag, cseq=2, body=HOLD))
    assert the(OfferAcknowledged, outputs) == OfferAcknowledged(call, HOLD, "application/sdp")


def test_their_offer_refused_changes_nothing() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2, branch="z9hG4bKre")
    outputs = wire.stack.refuse_offer(call, 488, wire.now, headers=(("Warning", '304 us "no such codec"'),))
    refused = sent(outputs)[0]
    assert isinstance(refused, Response)
    assert refused.status == 488 and "304" in (refused.headers.get("Warning") or "")
    wire.hear(wire.request("ACK", to_tag=tag, cseq=2, branch="z9hG4bKre"))
    assert wire.stack.describe()["calls"] == 1
    the(OfferArrived, wire.invite(to_tag=tag, cseq=3))


def test_an_offer_whose_answer_is_never_acknowledged_ends_the_call() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2)
    wire.stack.accept_offer(call, SDP, wire.now)
    outputs = wire.pass_time(32)
    assert methods(outputs) == ["BYE"] and the(CallEnded, outputs) == CallEnded(call, "no ACK", True, 0)


def test_their_second_offer_while_the_first_waits_gets_500() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2)
    outputs = wire.invite(to_tag=tag, cseq=3)
    refused = [m for m in sent(outputs) if isinstance(m, Response) and m.status == 500]
    assert len(refused) == 1 and none_of(OfferArrived, outputs)
    assert 0 <= int(refused[0].headers.get("Retry-After") or "-1") <= 10
    assert statuses(wire.stack.accept_offer(call, SDP, wire.now)) == [200]  # the first still stands


def test_a_second_invite_before_we_answered_the_first_gets_500() -> None:
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.ring(call, wire.now))[0].to.tag
    outputs = wire.invite(to_tag=tag, cseq=2)
    assert statuses(outputs) == [100, 500] and "Retry-After" in sent(outputs)[1].headers


def test_their_next_offer_says_that_our_2xx_has_come() -> None:
    """Its ACK is lost, or late: the call goes on as if it had come."""
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    outputs = wire.invite(to_tag=tag, cseq=2)
    assert [type(o) for o in outputs[1:]] == [CallAcknowledged, OfferArrived]
    wire.stack.accept_offer(call, SDP, wire.now)
    assert wire.hear(wire.request("ACK", to_tag=tag, cseq=1)) == []
    outputs = wire.invite(to_tag=tag, cseq=3)
    assert [type(o) for o in outputs[1:]] == [OfferAcknowledged, OfferArrived]
    wire.stack.accept_offer(call, SDP, wire.now)
    the(OfferAcknowledged, wire.hear(wire.request("ACK", to_tag=tag, cseq=3)))


@pytest.mark.parametrize("is_first", [True, False])
def test_their_next_offer_before_their_answer_gets_491(is_first: bool) -> None:
    """Our 2xx had the offer; without its ACK there is no answer, and no new offer may be made."""
    wire = Wire()
    if is_first:
        call = wire.arrive(body=b"")
        tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    else:
        call, tag = wire.establish()
        wire.invite(to_tag=tag, cseq=2, body=b"")
        wire.stack.accept_offer(call, SDP, wire.now)
    outputs = wire.invite(to_tag=tag, cseq=5)
    assert statuses(outputs) == [100, 491] and none_of(OfferArrived, outputs)


def test_their_offer_while_we_wait_to_hang_up() -> None:
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.stack.hang_up(call, wire.now, "kicked")
    outputs = wire.invite(to_tag=tag, cseq=2)
    assert methods(outputs) == ["BYE"] and statuses(outputs) == [100, 481]
    assert the(CallEnded, outputs).cause == "kicked"


def test_a_new_target_of_theirs_is_used_from_then_on() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2, contact="<sip:alice-2@192.0.2.9:5062>")
    wire.stack.accept_offer(call, SDP, wire.now)
    wire.hear(wire.request("ACK", to_tag=tag, cseq=2))
    bye = sent(wire.stack.hang_up(call, wire.now))[0]
    assert isinstance(bye, Request) and str(bye.uri) == "sip:alice-2@192.0.2.9:5062"


def test_a_call_that_ends_answers_the_offer_that_waits() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2)
    outputs = wire.hear(wire.request("BYE", to_tag=tag, cseq=3))
    assert statuses(outputs) == [200, 487] and the(CallEnded, outputs)
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2)
    outputs = wire.stack.hang_up(call, wire.now)
    assert methods(outputs) == ["BYE"] and statuses(outputs) == [487]


def test_cancel_of_a_re_invite_does_not_touch_the_call() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2, branch="z9hG4bKre")
    outputs = wire.hear(wire.request("CANCEL", to_tag=tag, cseq=2, branch="z9hG4bKre"))
    assert statuses(outputs) == [200] and none_of(CallEnded, outputs)
    assert statuses(wire.stack.accept_offer(call, SDP, wire.now)) == [200]


# ---------------------------------------------------------------- ours
def test_our_offer_is_sent_in_the_dialog_and_its_2xx_acknowledged() -> None:
    wire = Wire()
    call, tag = wire.establish()
    invite = ours(wire.stack.offer(call, HOLD, wire.now))
    assert (invite.from_.tag, invite.to.tag, invite.body) == (tag, "alice", HOLD)
    assert invite.headers.get("Contact") == "<sip:standup@192.0.2.1:5060>"
    outputs = answer(wire, invite, 200, SDP)
    assert methods(outputs) == ["ACK"]
    assert the(OfferAnswered, outputs) == OfferAnswered(call, 200, SDP, "application/sdp")
    again = answer(wire, invite, 200, SDP)
    assert sent(again) == sent(outputs) and none_of(OfferAnswered, again)


def test_our_offer_refused_keeps_the_call() -> None:
    wire = Wire()
    call, _ = wire.establish()
    outputs = answer(wire, ours(wire.stack.offer(call, HOLD, wire.now)), 488)
    assert methods(outputs) == ["ACK"] and the(OfferAnswered, outputs).status == 488
    assert none_of(CallEnded, outputs)
    ours(wire.stack.offer(call, HOLD, wire.now))


@pytest.mark.parametrize("status", [408, 481])
def test_our_offer_to_a_call_that_is_gone_ends_it(status: int) -> None:
    wire = Wire()
    call, _ = wire.establish()
    outputs = answer(wire, ours(wire.stack.offer(call, HOLD, wire.now)), status)
    assert the(OfferAnswered, outputs).status == status and methods(outputs) == ["ACK", "BYE"]
    assert outputs[-1] == CallEnded(call, "no answer" if status == 408 else "unknown to the peer", True, 0)


def test_our_offer_that_nobody_answers_ends_the_call_with_408() -> None:
    wire = Wire()
    call, _ = wire.establish()
    wire.stack.offer(call, HOLD, wire.now)
    outputs = wire.pass_time(32)
    assert the(OfferAnswered, outputs) == OfferAnswered(call, 408, b"", "") and the(CallEnded, outputs)


def test_their_offer_while_ours_waits_gets_491() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.stack.offer(call, HOLD, wire.now)
    outputs = wire.invite(to_tag=tag, cseq=2)
    assert statuses(outputs) == [100, 491] and none_of(OfferArrived, outputs)


def test_only_one_offer_at_a_time() -> None:
    wire = Wire()
    call, tag = wire.establish()
    invite = ours(wire.stack.offer(call, HOLD, wire.now))
    with pytest.raises(WrongMoment):
        wire.stack.offer(call, HOLD, wire.now)
    answer(wire, invite, 200)
    wire.invite(to_tag=tag, cseq=2)
    with pytest.raises(WrongMoment):
        wire.stack.offer(call, HOLD, wire.now)
    wire.stack.accept_offer(call, SDP, wire.now)
    with pytest.raises(WrongMoment):
        wire.stack.offer(call, HOLD, wire.now)
    with pytest.raises(WrongMoment):
        wire.stack.accept_offer(call, SDP, wire.now)


def wait_for_invite(wire: Wire, most: float) -> tuple[float, Request]:
    start = wire.now
    while (at := wire.stack.next_deadline()) is not None and at <= start + most:
        wire.now = at
        outputs = wire.stack.fire(at)
        if "INVITE" in methods(outputs):
            return at - start, ours(outputs)
    raise AssertionError("not sent again")


def test_after_491_who_owns_the_call_id_waits_longer() -> None:
    waits: dict[bool, list[float]] = {True: [], False: []}
    for is_ours in (True, False):
        wire = Wire()
        if is_ours:
            call, invite, _ = wire.dial()
            wire.answer(invite, 200)
        else:
            call, _ = wire.establish()
        wire.pass_time(40)
        invite = ours(wire.stack.offer(call, HOLD, wire.now))
        for _ in range(8):
            outputs = answer(wire, invite, 491)
            assert none_of(OfferAnswered, outputs)
            waited, again = wait_for_invite(wire, 4.01)
            assert again.body == HOLD and again.cseq.number == invite.cseq.number + 1
            waits[is_ours].append(waited)
            invite = again
        the(OfferAnswered, answer(wire, invite, 200))
    assert all(2.09 < wait < 4.01 for wait in waits[True])
    assert all(-0.01 < wait < 2.01 for wait in waits[False])
    assert len({round(wait, 3) for wait in waits[True]}) > 3


def test_491_for_ever_is_given_up() -> None:
    wire = Wire()
    call, _ = wire.establish()
    wire.pass_time(40)
    invite = ours(wire.stack.offer(call, HOLD, wire.now))
    for _ in range(10):
        answer(wire, invite, 491)
        _, invite = wait_for_invite(wire, 2.01)
    assert the(OfferAnswered, answer(wire, invite, 491)).status == 491
    assert wire.stack.describe()["calls"] == 1


def test_their_offer_comes_first_while_ours_waits_after_491() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 200)
    answer(wire, ours(wire.stack.offer(call, HOLD, wire.now)), 491)
    theirs = wire.request("INVITE", to_tag=invite.from_.tag, from_tag="bob", call_id=invite.call_id, body=SDP)
    the(OfferArrived, wire.hear(theirs))
    assert "INVITE" not in methods(wire.pass_time(10))  # ours waits longer
    wire.stack.accept_offer(call, SDP, wire.now)
    assert "INVITE" not in methods(wire.pass_time(10))
    wire.hear(wire.request("ACK", to_tag=invite.from_.tag, from_tag="bob", call_id=invite.call_id))
    _, again = wait_for_invite(wire, 4.01)
    assert again.body == HOLD


def test_a_new_offer_replaces_the_one_that_waits_after_491() -> None:
    wire = Wire()
    call, _ = wire.establish()
    wire.pass_time(40)
    answer(wire, ours(wire.stack.offer(call, HOLD, wire.now)), 491)
    newer = ours(wire.stack.offer(call, SDP, wire.now))
    assert newer.body == SDP
    the(OfferAnswered, answer(wire, newer, 200))
    assert methods(wire.pass_time(10)) == []


def test_a_call_that_ends_forgets_the_offer_that_waits() -> None:
    wire = Wire()
    call, _ = wire.establish()
    answer(wire, ours(wire.stack.offer(call, HOLD, wire.now)), 491)
    bye = sent(wire.stack.hang_up(call, wire.now))[0]
    assert isinstance(bye, Request)
    wire.hear(answer_to(bye, 200, tag=""))
    assert methods(wire.pass_time(40)) == [] and at_rest(wire.stack)


def test_a_2xx_to_our_offer_after_the_call_has_ended_is_acknowledged() -> None:
    wire = Wire()
    call, _ = wire.establish()
    invite = ours(wire.stack.offer(call, HOLD, wire.now))
    bye = sent(wire.stack.hang_up(call, wire.now))[0]
    assert isinstance(bye, Request)
    outputs = answer(wire, invite, 200)
    assert methods(outputs) == ["ACK"] and none_of(OfferAnswered, outputs)
    assert methods(answer(wire, invite, 200)) == ["ACK"]
    wire.hear(answer_to(bye, 200, tag=""))
    wire.pass_time(40)
    assert at_rest(wire.stack)


def test_our_offer_that_only_rings_is_cancelled_after_three_minutes() -> None:
    """Timer C (RFC 3261 16.6), then 64*T1 for the answer to the CANCEL (9.1)."""
    wire = Wire()
    call, _ = wire.establish()
    answer(wire, ours(wire.stack.offer(call, HOLD, wire.now)), 180)
    assert methods(wire.pass_time(180)) == []
    assert methods(wire.pass_time(1.1)) == ["CANCEL"]
    outputs = wire.pass_time(32)
    assert the(OfferAnswered, outputs).status == 408 and the(CallEnded, outputs)
    wire.pass_time(40)
    assert at_rest(wire.stack)


def test_a_target_given_with_the_2xx_to_our_offer_is_used() -> None:
    wire = Wire()
    call, _ = wire.establish()
    invite = ours(wire.stack.offer(call, HOLD, wire.now))
    outputs = wire.hear(answer_to(invite, 200, "Contact: <sip:moved@192.0.2.9:5062>", tag=""))
    ack = sent(outputs)[0]
    assert isinstance(ack, Request) and str(ack.uri) == "sip:moved@192.0.2.9:5062"
