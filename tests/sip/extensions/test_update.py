"""UPDATE of theirs (RFC 3311): like a re-INVITE, without an ACK and at any time."""

from __future__ import annotations

from confserver.sip.message import Response
from confserver.sip.outputs import CallAcknowledged, CallEnded, OfferArrived
from tests.kit.sip_play import SDP, Wire, answer_to, methods, none_of, sent, statuses, the

HOLD = SDP + b"a=sendonly\r\n"


def update(wire: Wire, tag: str, cseq: int, body: bytes = HOLD, *headers: str, **more: str) -> list[object]:
    return list(wire.hear(wire.request("UPDATE", *headers, to_tag=tag, cseq=cseq, body=body, **more)))  # type: ignore[arg-type]


def test_an_offer_is_answered_and_no_ack_is_waited_for() -> None:
    wire = Wire()
    call, tag = wire.establish()
    assert the(OfferArrived, update(wire, tag, 2)).request.body == HOLD
    [answer] = sent(wire.stack.accept_offer(call, SDP, wire.now))
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.headers.get("Contact")) == (200, SDP, "<sip:standup@192.0.2.1:5060>")
    assert sent(wire.pass_time(40)) == []
    the(OfferArrived, update(wire, tag, 3))


def test_a_refused_offer_changes_nothing() -> None:
    wire = Wire()
    call, tag = wire.establish()
    update(wire, tag, 2)
    assert statuses(wire.stack.refuse_offer(call, 488, wire.now)) == [488]
    the(OfferArrived, update(wire, tag, 3))


def test_the_target_is_refreshed_also_without_an_offer() -> None:
    wire = Wire()
    call, tag = wire.establish()
    assert statuses(update(wire, tag, 2, b"", contact="<sip:alice@192.0.2.9:5099>")) == [200]
    outputs = wire.stack.hang_up(call, wire.now)
    assert b"sip:alice@192.0.2.9:5099" in bytes(sent(outputs)[0]) if sent(outputs) else outputs


def test_a_second_offer_before_the_answer_to_the_first_gets_500() -> None:
    wire = Wire()
    _, tag = wire.establish()
    update(wire, tag, 2)
    [refused] = sent(update(wire, tag, 3))
    assert isinstance(refused, Response)
    assert refused.status == 500 and 0 <= int(refused.headers.get("Retry-After") or -1) <= 10


def test_an_offer_that_meets_ours_gets_491() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.stack.offer(call, SDP, wire.now)
    assert statuses(update(wire, tag, 2)) == [491]


def test_while_our_offer_in_a_2xx_waits_for_its_answer_theirs_gets_491() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.invite(to_tag=tag, cseq=2, body=b"")
    wire.stack.accept_offer(call, SDP, wire.now)
    assert statuses(update(wire, tag, 3)) == [491]


def test_an_update_says_what_a_lost_ack_would_have_said() -> None:
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    outputs = update(wire, tag, 2)
    the(CallAcknowledged, outputs)
    the(OfferArrived, outputs)


def test_before_the_answer_to_the_invite_an_offer_gets_500() -> None:
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.ring(call, wire.now))[0].to.tag
    assert statuses(update(wire, tag, 2)) == [500]
    assert statuses(update(wire, tag, 3, b"")) == [200]  # nothing against one without


def test_a_body_that_is_none_of_ours_gets_415_and_a_late_one_500() -> None:
    wire = Wire()
    _, tag = wire.establish()
    assert statuses(update(wire, tag, 5, b"x", content_type="text/plain")) == [415]
    update(wire, tag, 7, b"")
    assert statuses(update(wire, tag, 6)) == [500]


def test_the_end_of_the_call_answers_what_waits() -> None:
    wire = Wire()
    call, tag = wire.establish()
    update(wire, tag, 2)
    outputs = wire.stack.hang_up(call, wire.now)
    the(CallEnded, outputs)
    assert statuses(outputs) == [487]


def test_outside_of_a_call_it_means_nothing() -> None:
    wire = Wire()
    assert statuses(wire.hear(wire.request("UPDATE"))) == [481]
    assert statuses(wire.hear(wire.request("PRACK", "RAck: 1 1 INVITE"))) == [481]
    assert none_of(OfferArrived, update(wire, "nobody", 2)) and methods(wire.pass_time(40)) == []


def test_ours_that_is_being_answered_lets_theirs_wait() -> None:
    wire = Wire()
    call, tag = wire.establish()
    [invite] = sent(wire.stack.offer(call, SDP, wire.now))
    update(wire, tag, 2)
    wire.hear(answer_to(invite, 200, tag="", body=SDP))  # type: ignore[arg-type]
    the(OfferArrived, update(wire, tag, 3))
