"""Reliable provisional answers (RFC 3262) in both roles, and offers and answers in them (RFC 6337)."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request, Response
from confserver.sip.outputs import (
    CallAccepted,
    CallAcknowledged,
    CallEnded,
    CallRinging,
    EarlyAnswered,
    OfferArrived,
    RequestInCall,
)
from confserver.sip.stack import WrongMoment
from tests.kit.sip_play import SDP, Wire, answer_to, at_rest, methods, sent, statuses, the

KNOWS, WANTS = "Supported: 100rel", "Require: 100rel"
EARLY = SDP + b"a=inactive\r\n"


def ring(wire: Wire, call: int, status: int = 180, body: bytes = b"") -> Response:
    [response] = sent(wire.stack.ring(call, wire.now, status, body))
    assert isinstance(response, Response)
    return response


def prack(wire: Wire, response: Response, cseq: int, body: bytes = b"", rack: str | None = None) -> list[object]:
    rack = rack or f"{response.headers.get('RSeq')} 1 INVITE"
    return list(wire.hear(wire.request("PRACK", f"RAck: {rack}", to_tag=response.to.tag, cseq=cseq, body=body)))


# ---------------------------------------------------------------- as UAS
def test_where_it_is_required_every_answer_is_acknowledged() -> None:
    wire = Wire()
    call = wire.arrive(WANTS)
    first = ring(wire, call)
    assert first.headers.get_all("Require") == ["100rel"] and 1 <= int(first.headers.get("RSeq") or 0) < 1 << 31
    assert "PRACK" in first.headers.get_all("Allow") and first.headers.get("Contact")
    assert wire.stack.ring(call, wire.now, 183) == []  # waits for the PRACK of the first
    outputs = prack(wire, first, 2)
    assert statuses(outputs) == [200, 183]
    second = sent(outputs)[1]
    assert isinstance(second, Response)
    assert int(second.headers.get("RSeq") or 0) == int(first.headers.get("RSeq") or 0) + 1
    prack(wire, second, 3)
    accepted = sent(wire.stack.accept(call, SDP, wire.now))[0]
    assert accepted.body == SDP
    assert the(CallAcknowledged, wire.hear(wire.request("ACK", to_tag=first.to.tag))).call == call


def test_without_a_description_and_a_wish_it_is_as_ever() -> None:
    for headers in ((), (KNOWS,)):
        wire = Wire()
        response = ring(wire, wire.arrive(*headers))
        assert "RSeq" not in response.headers and "Require" not in response.headers
        assert statuses(wire.pass_time(59)) == [] and statuses(wire.pass_time(2)) == [180]


def test_it_is_said_again_until_the_prack() -> None:
    wire = Wire()
    call = wire.arrive(WANTS)
    response = ring(wire, call)
    times = []
    begin = wire.now
    for _ in range(4):
        wire.now = wire.stack.next_deadline() or 0.0
        assert sent(wire.stack.fire(wire.now)) == [response]
        times.append(wire.now - begin)
    assert times == [0.5, 1.5, 3.5, 7.5]  # T1, doubled (section 3)
    assert statuses(prack(wire, response, 2)) == [200]
    assert wire.pass_time(100) == []


def test_after_two_and_a_half_minutes_there_is_another() -> None:
    """Section 3: so that no proxy on the way gives up (RFC 3261 13.3.1.1)."""
    wire = Wire()
    call = wire.arrive(WANTS)
    first = ring(wire, call, 183, SDP)
    prack(wire, first, 2)
    assert wire.pass_time(149) == []
    [again] = sent(wire.pass_time(1.2))[:1]
    assert isinstance(again, Response) and (again.status, again.body) == (183, b"")
    assert int(again.headers.get("RSeq") or 0) == int(first.headers.get("RSeq") or 0) + 1
    assert statuses(prack(wire, again, 3)) == [200] and wire.pass_time(140) == []
    assert sent(wire.stack.accept(call, SDP, wire.now))[0].body == b"", "the 183 and its PRACK have settled it"


def test_where_it_is_only_known_the_next_one_need_not_arrive() -> None:
    wire = Wire()
    first = ring(wire, wire.arrive(KNOWS), 183, SDP)
    assert "RSeq" in first.headers
    prack(wire, first, 2)
    [again] = sent(wire.pass_time(151))
    assert isinstance(again, Response) and again.status == 183 and "RSeq" not in again.headers
    assert statuses(wire.pass_time(58)) == [] and statuses(wire.pass_time(2)) == [183]


def test_keys_by_info_before_the_answer() -> None:
    """RFC 6086: in the dialog of the call, also an early one."""
    wire = Wire(allow=("INVITE", "ACK", "BYE", "INFO", "PRACK"))
    call = wire.arrive(KNOWS)
    first = ring(wire, call, 183, SDP)
    prack(wire, first, 2)
    asked = the(RequestInCall, wire.hear(wire.request("INFO", to_tag=first.to.tag, cseq=3)))
    assert asked.call == call and statuses(wire.stack.respond(asked.transaction, 200, wire.now)) == [200]


def test_without_a_prack_the_call_is_refused() -> None:
    wire = Wire()
    call = wire.arrive(WANTS)
    ring(wire, call)
    outputs = wire.pass_time(33)
    assert statuses(outputs)[-1] == 504 or 504 in statuses(outputs)
    assert the(CallEnded, outputs).cause == "no PRACK"
    wire.pass_time(40)
    assert at_rest(wire.stack)


@pytest.mark.parametrize("rack", ["{0} 2 INVITE", "{1} 1 INVITE", "{0} 1 UPDATE"])
def test_a_prack_of_nothing_gets_481(rack: str) -> None:
    wire = Wire()
    call = wire.arrive(WANTS)
    response = ring(wire, call)
    rseq = int(response.headers.get("RSeq") or 0)
    assert statuses(prack(wire, response, 2, rack=rack.format(rseq, rseq + 1))) == [481]
    assert statuses(prack(wire, response, 3)) == [200]
    assert statuses(prack(wire, response, 4)) == [481]  # a second one


@pytest.mark.parametrize("rack", ["x", "1 INVITE", "1 1 INVITE x", "-1 1 INVITE", "99999999999 1 INVITE"])
def test_a_prack_that_cannot_be_read_gets_400(rack: str) -> None:
    wire = Wire()
    response = ring(wire, wire.arrive(WANTS))
    assert statuses(prack(wire, response, 2, rack=rack)) == [400]


def test_the_answer_may_come_early_and_is_not_said_twice() -> None:
    wire = Wire()
    call = wire.arrive(KNOWS)
    early = ring(wire, call, 183, EARLY)
    assert early.body == EARLY and early.headers.get_all("Require") == ["100rel"]
    assert wire.stack.accept(call, SDP, wire.now) == []  # section 3: no 2xx before the PRACK
    with pytest.raises(WrongMoment):
        wire.stack.accept(call, SDP, wire.now)
    outputs = prack(wire, early, 2)
    assert statuses(outputs) == [200, 200]
    accepted = sent(outputs)[1]
    assert accepted.cseq.method == "INVITE" and accepted.body == b""
    the(CallAcknowledged, wire.hear(wire.request("ACK", to_tag=early.to.tag)))


def test_a_phone_that_knows_none_hears_the_early_answer_and_the_same_in_the_2xx() -> None:
    wire = Wire()
    call = wire.arrive()
    early = ring(wire, call, 183, SDP)
    assert early.body == SDP and "RSeq" not in early.headers
    assert sent(wire.stack.accept(call, SDP, wire.now))[0].body == SDP


def test_our_offer_may_go_early_and_is_answered_in_the_prack() -> None:
    wire = Wire()
    call = wire.arrive(KNOWS, body=b"")
    early = ring(wire, call, 183, EARLY)
    outputs = prack(wire, early, 2, SDP)
    assert the(EarlyAnswered, outputs) == EarlyAnswered(call, SDP, "application/sdp") and statuses(outputs) == [200]
    assert sent(wire.stack.accept(call, EARLY, wire.now))[0].body == b""
    acknowledged = the(CallAcknowledged, wire.hear(wire.request("ACK", to_tag=early.to.tag)))
    assert acknowledged.body == b""


def test_our_offer_does_not_go_early_to_who_could_not_answer_it() -> None:
    wire = Wire()
    call = wire.arrive(body=b"")
    with pytest.raises(WrongMoment):
        wire.stack.ring(call, wire.now, 183, EARLY)


def test_once_settled_early_both_may_change_it_by_update_and_prack() -> None:
    wire = Wire()
    call = wire.arrive(KNOWS)
    early = ring(wire, call, 183, EARLY)
    outputs = prack(wire, early, 2, SDP)  # a new offer in the PRACK (section 5)
    assert the(OfferArrived, outputs).request.method == "PRACK"
    [answer] = sent(wire.stack.accept_offer(call, SDP, wire.now))
    assert (answer.cseq.method, answer.body) == ("PRACK", SDP)
    update = wire.request("UPDATE", to_tag=early.to.tag, cseq=3, body=SDP)
    assert the(OfferArrived, wire.hear(update)).request.method == "UPDATE"
    assert statuses(wire.stack.accept_offer(call, SDP, wire.now)) == [200]


def test_cancel_and_hang_up_meanwhile_leave_nothing() -> None:
    for end in (
        lambda wire, call: wire.hear(wire.request("CANCEL", branch="z9hG4bKp1")),
        lambda wire, call: wire.stack.hang_up(call, wire.now),
    ):
        wire = Wire()
        call = wire.arrive(WANTS)
        ring(wire, call)
        the(CallEnded, end(wire, call))
        wire.hear(wire.request("ACK", branch="z9hG4bKp1", cseq_method="ACK"))
        wire.pass_time(70)
        assert at_rest(wire.stack)


# ---------------------------------------------------------------- as UAC
def provisional(invite: Request, rseq: int, status: int = 183, tag: str = "bob", body: bytes = b"") -> str:
    return answer_to(
        invite, status, WANTS, f"RSeq: {rseq}", "Contact: <sip:bob@192.0.2.9:5062>", tag=tag, body=body
    )  # fmt: skip


def test_theirs_are_acknowledged_in_order_and_told_once() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    outputs = wire.hear(provisional(invite, 7))
    [first] = [m for m in sent(outputs) if isinstance(m, Request)]
    assert (first.method, first.headers.get("RAck")) == ("PRACK", "7 1 INVITE")
    assert first.to.tag == "bob" and first.cseq.number == 2
    the(CallRinging, outputs)
    assert wire.hear(provisional(invite, 7)) == []  # again: the PRACK's own transaction sees to it
    assert wire.hear(provisional(invite, 9)) == []  # too early (section 4)
    outputs = wire.hear(provisional(invite, 8))
    assert methods(outputs) == ["PRACK"]
    the(CallRinging, outputs)


def test_each_fork_is_counted_by_itself() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    for tag, rseq in (("one", 5), ("two", 900), ("one", 6)):
        assert methods(wire.hear(provisional(invite, rseq, tag=tag))) == ["PRACK"]


def test_an_answer_that_came_early_stands() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    assert "100rel" in invite.headers.get_all("Supported")
    assert the(CallRinging, wire.hear(provisional(invite, 1, body=SDP))).response.body == SDP
    assert the(CallAccepted, wire.answer(invite, 200)).response.body == b""


@pytest.mark.parametrize("rseq", ["", "x", "-1", "99999999999"])
def test_a_number_that_is_none_is_passed_over(rseq: str) -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    assert wire.hear(answer_to(invite, 183, WANTS, f"RSeq: {rseq}", "Contact: <sip:b@192.0.2.9>")) == []
    the(CallAccepted, wire.answer(invite, 200, body=SDP))
