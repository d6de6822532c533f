"""Calls that come to us, as plays: a phone written by hand and our user."""

from __future__ import annotations

import pytest

from confserver.sip.grammar import Unwritable
from confserver.sip.message import Request, Response
from confserver.sip.outputs import CallAcknowledged, CallArrived, CallEnded, OfferArrived, ProbeAnswered, SendBytes
from confserver.sip.stack import UnknownCall, WrongMoment
from tests.kit.sip_play import SDP, Wire, answer_to, at_rest, methods, none_of, sent, statuses, the


def reply(wire: Wire, request: object, status: int) -> list[object]:
    assert isinstance(request, Request)
    return list(wire.hear(answer_to(request, status, tag="")))


def test_a_call_from_invite_to_bye() -> None:
    wire = Wire()
    outputs = wire.invite()
    assert statuses(outputs) == [100]  # at once
    assert isinstance(outputs[0], SendBytes)  # before anybody thinks about it
    call = the(CallArrived, outputs).call
    ringing = sent(wire.stack.ring(call, wire.now))[0]
    accepted = sent(wire.stack.accept(call, SDP, wire.now))[0]
    assert isinstance(ringing, Response) and isinstance(accepted, Response)
    assert (ringing.status, accepted.status) == (180, 200)
    assert ringing.to.tag == accepted.to.tag != ""
    assert accepted.body == SDP and accepted.content_type == "application/sdp"
    assert accepted.headers.get("Contact") == "<sip:standup@192.0.2.1:5060>"
    assert "INVITE" in accepted.headers.get_all("Allow")
    outputs = wire.hear(wire.request("ACK", to_tag=accepted.to.tag))
    assert the(CallAcknowledged, outputs) == CallAcknowledged(call, b"", "")
    outputs = wire.hear(wire.request("BYE", to_tag=accepted.to.tag, cseq=2))
    assert statuses(outputs) == [200]
    assert the(CallEnded, outputs) == CallEnded(call, "hung up", True, 0)
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_a_call_without_an_offer_is_answered_in_the_ack() -> None:
    wire = Wire()
    call = wire.arrive(body=b"")
    accepted = sent(wire.stack.accept(call, SDP, wire.now))[0]
    assert accepted.body == SDP
    outputs = wire.hear(wire.request("ACK", to_tag=accepted.to.tag, body=b"v=0"))
    assert the(CallAcknowledged, outputs) == CallAcknowledged(call, b"v=0", "application/sdp")


def test_the_2xx_is_repeated_until_the_ack_with_the_same_tag() -> None:
    wire = Wire()
    call = wire.arrive()
    first = sent(wire.stack.accept(call, SDP, wire.now))[0]
    start, times = wire.now, []
    for _ in range(6):
        wire.now = wire.stack.next_deadline() or 0.0
        again = sent(wire.stack.fire(wire.now))
        assert again == [first]
        times.append(wire.now - start)
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5]  # T1, doubled up to T2 (13.3.1.4)
    wire.hear(wire.request("ACK", to_tag=first.to.tag))
    assert wire.pass_time(100) == []
    assert wire.stack.describe()["calls"] == 1


def test_without_an_ack_the_call_is_ended_by_bye() -> None:
    wire = Wire()
    call = wire.arrive()
    wire.stack.accept(call, SDP, wire.now)
    outputs = wire.pass_time(31.9)
    assert methods(outputs) == [] and none_of(CallEnded, outputs)
    outputs = wire.pass_time(0.1)
    assert methods(outputs) == ["BYE"]
    assert the(CallEnded, outputs) == CallEnded(call, "no ACK", True, 0)
    wire.pass_time(40)
    assert at_rest(wire.stack)


@pytest.mark.parametrize("tag", ["tag", "tag=", 'tag=""'])
def test_an_empty_to_tag_is_none(tag: str) -> None:
    """Else our answers would have none either, and no ACK would ever find the call."""
    wire = Wire()
    text = wire.request(body=SDP).replace("To: <sip:standup@192.0.2.1>", f"To: <sip:standup@192.0.2.1>;{tag}")
    call = the(CallArrived, wire.hear(text)).call
    accepted = sent(wire.stack.accept(call, SDP, wire.now))[0]
    assert accepted.to.tag
    assert accepted.headers.get("To") == f"<sip:standup@192.0.2.1>;tag={accepted.to.tag}"
    the(CallAcknowledged, wire.hear(wire.request("ACK", to_tag=accepted.to.tag)))


def test_the_ack_must_have_the_cseq_of_the_invite() -> None:
    wire = Wire()
    call = wire.arrive(cseq=7)
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    assert wire.hear(wire.request("ACK", to_tag=tag, cseq=6)) == []
    assert wire.stack.describe()["dropped"] == 1
    the(CallAcknowledged, wire.hear(wire.request("ACK", to_tag=tag, cseq=7)))
    assert wire.hear(wire.request("ACK", to_tag=tag, cseq=7)) == []  # a copy


def test_an_ack_with_the_branch_of_its_invite_counts_too() -> None:
    """Some phones use the INVITE's branch for the ACK of a 2xx; the tags would not find it if they are wrong."""
    wire = Wire()
    call = wire.arrive(branch="z9hG4bKone")
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    assert the(CallAcknowledged, wire.hear(wire.request("ACK", branch="z9hG4bKone", to_tag=tag))).call == call


def test_acks_of_no_dialog_are_dropped() -> None:
    wire = Wire()
    assert wire.hear(wire.request("ACK", to_tag="nobody")) == []
    assert wire.hear(wire.request("ACK")) == []
    assert wire.stack.describe()["dropped"] == 2


def test_a_refusal_carries_what_the_user_says() -> None:
    wire = Wire()
    call = wire.arrive()
    outputs = wire.stack.refuse(call, 503, wire.now, "Full House", (("Retry-After", "30"),))
    answer = sent(outputs)[0]
    assert isinstance(answer, Response)
    assert (answer.status, answer.reason, answer.headers.get("Retry-After")) == (503, "Full House", "30")
    assert answer.to.tag
    assert the(CallEnded, outputs) == CallEnded(call, "Full House", False, 503)
    with pytest.raises(UnknownCall):
        wire.stack.accept(call, SDP, wire.now)


def test_bad_words_of_the_user_change_nothing() -> None:
    wire = Wire()
    call = wire.arrive()
    with pytest.raises(Unwritable):
        wire.stack.refuse(call, 486, wire.now, "Busy\r\nX-Evil: 1")
    with pytest.raises(Unwritable):
        wire.stack.refuse(call, 486, wire.now, headers=(("Warning", "a\nb"),))
    with pytest.raises(ValueError):
        wire.stack.refuse(call, 200, wire.now)
    assert statuses(wire.stack.refuse(call, 486, wire.now)) == [486]


def test_cancel_gets_200_and_the_invite_487() -> None:
    wire = Wire()
    text = wire.request("INVITE", branch="z9hG4bKone", body=SDP)
    call = the(CallArrived, wire.hear(text)).call
    tag = sent(wire.stack.ring(call, wire.now))[0].to.tag
    cancel = wire.request("CANCEL", branch="z9hG4bKone")
    outputs = wire.hear(cancel)
    assert [(m.status, m.cseq.method) for m in sent(outputs)] == [(200, "CANCEL"), (487, "INVITE")]  # type: ignore[union-attr]
    assert {message.to.tag for message in sent(outputs)} == {tag}  # RFC 3261 9.2
    assert the(CallEnded, outputs) == CallEnded(call, "cancelled", True, 487)
    again = wire.hear(cancel)
    assert statuses(again) == [200] and none_of(CallEnded, again)
    wire.hear(wire.request("ACK", branch="z9hG4bKone"))
    wire.pass_time(6)
    assert at_rest(wire.stack)


def test_cancel_of_nothing_gets_481() -> None:
    wire = Wire()
    outputs = wire.hear(wire.request("CANCEL"))
    assert statuses(outputs) == [481] and at_rest(wire.stack)


def test_cancel_after_the_answer_has_no_effect() -> None:
    wire = Wire()
    call = wire.arrive(branch="z9hG4bKone")
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    outputs = wire.hear(wire.request("CANCEL", branch="z9hG4bKone"))
    assert statuses(outputs) == [200] and none_of(CallEnded, outputs)
    the(CallAcknowledged, wire.hear(wire.request("ACK", to_tag=tag)))
    assert wire.hear(wire.request("CANCEL", branch="z9hG4bKone"))[1:] == []
    assert wire.stack.describe()["calls"] == 1


def test_bye_that_overtakes_the_ack() -> None:
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    outputs = wire.hear(wire.request("BYE", to_tag=tag, cseq=2))
    assert statuses(outputs) == [200] and the(CallEnded, outputs).call == call
    assert wire.pass_time(20) == []  # the 2xx is not repeated any more
    assert wire.hear(wire.request("ACK", to_tag=tag)) == []


def test_bye_for_an_early_dialog() -> None:
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.ring(call, wire.now))[0].to.tag
    outputs = wire.hear(wire.request("BYE", to_tag=tag, cseq=2))
    assert [(m.status, m.cseq.method) for m in sent(outputs)] == [(200, "BYE"), (487, "INVITE")]  # type: ignore[union-attr]
    assert the(CallEnded, outputs) == CallEnded(call, "hung up", True, 487)


def test_hanging_up_before_the_answer_refuses() -> None:
    wire = Wire()
    call = wire.arrive()
    outputs = wire.stack.hang_up(call, wire.now, "room closed")
    assert statuses(outputs) == [480]
    assert the(CallEnded, outputs) == CallEnded(call, "room closed", False, 480)


def test_hanging_up_before_the_ack_waits_for_it() -> None:
    """RFC 3261 15: no BYE before the ACK."""
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    assert wire.stack.hang_up(call, wire.now, "kicked") == []
    assert wire.stack.hang_up(call, wire.now, "again") == []
    assert statuses(wire.pass_time(1)) == [200]
    outputs = wire.hear(wire.request("ACK", to_tag=tag))
    assert methods(outputs) == ["BYE"] and none_of(CallAcknowledged, outputs)
    assert the(CallEnded, outputs) == CallEnded(call, "kicked", False, 0)


def test_hanging_up_where_the_ack_never_comes() -> None:
    wire = Wire()
    call = wire.arrive()
    wire.stack.accept(call, SDP, wire.now)
    wire.stack.hang_up(call, wire.now, "kicked")
    outputs = wire.pass_time(32)
    assert methods(outputs) == ["BYE"] and the(CallEnded, outputs).cause == "kicked"


def test_bye_while_we_wait_to_hang_up() -> None:
    wire = Wire()
    call = wire.arrive(branch="z9hG4bKone")
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.stack.hang_up(call, wire.now)
    assert statuses(wire.hear(wire.request("CANCEL", branch="z9hG4bKone"))) == [200]  # too late, and no matter
    outputs = wire.hear(wire.request("BYE", to_tag=tag, cseq=2))
    assert statuses(outputs) == [200] and methods(outputs) == [] and the(CallEnded, outputs)


def test_hanging_up_a_call_that_stands() -> None:
    wire = Wire()
    call, tag = wire.establish()
    outputs = wire.stack.hang_up(call, wire.now)
    bye = sent(outputs)[0]
    assert isinstance(bye, Request)
    assert bye.method == "BYE" and str(bye.uri) == "sip:alice@192.0.2.9:5062"
    assert (bye.from_.tag, bye.to.tag, bye.cseq.number) == (tag, "alice", 1)
    assert the(CallEnded, outputs) == CallEnded(call, "hung up", False, 0)
    assert reply(wire, bye, 200) == []
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_two_byes_that_cross() -> None:
    wire = Wire()
    call, tag = wire.establish()
    bye = sent(wire.stack.hang_up(call, wire.now))[0]
    assert statuses(wire.hear(wire.request("BYE", to_tag=tag, cseq=2))) == [481]
    assert reply(wire, bye, 481) == []
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_ringing_is_said_again_every_minute() -> None:
    wire = Wire()
    call = wire.arrive()
    wire.stack.ring(call, wire.now)
    assert statuses(wire.pass_time(185)) == [180, 180, 180]
    wire.stack.accept(call, SDP, wire.now)
    assert statuses(wire.pass_time(0.4)) == []


def test_invite_to_no_dialog_gets_481() -> None:
    wire = Wire()
    outputs = wire.invite(to_tag="nobody")
    assert statuses(outputs) == [481] and none_of(CallArrived, outputs) and at_rest(wire.stack)


def test_merged_requests_get_482() -> None:
    """The same request by two ways (RFC 3261 8.2.2.2)."""
    wire = Wire()
    call = wire.arrive(branch="z9hG4bKone")
    assert statuses(wire.invite(branch="z9hG4bKtwo")) == [482]
    assert statuses(wire.invite(branch="z9hG4bKone")) == [100]  # the first way still stands
    the(CallArrived, wire.invite(branch="z9hG4bKthree", from_tag="other"))
    wire.stack.refuse(call, 486, wire.now)
    wire.hear(wire.request("ACK", branch="z9hG4bKone"))
    the(CallArrived, wire.invite(branch="z9hG4bKfour", cseq=2))  # another try of the same phone


def test_in_the_dialog_what_we_know_is_answered_and_the_rest_refused() -> None:
    wire = Wire()
    _, tag = wire.establish()
    options = sent(wire.hear(wire.request("OPTIONS", to_tag=tag, cseq=2)))[0]
    assert isinstance(options, Response)
    assert options.status == 200 and options.headers.get("Accept") == "application/sdp"
    for cseq, method in enumerate(("INFO", "MESSAGE", "REFER"), 3):
        answer = sent(wire.hear(wire.request(method, to_tag=tag, cseq=cseq)))[0]
        assert isinstance(answer, Response)
        assert answer.status == 405 and "BYE" in answer.headers.get_all("Allow"), method


def test_a_method_we_know_outside_of_dialogs_only() -> None:
    wire = Wire(allow=("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER"))
    _, tag = wire.establish()
    assert statuses(wire.hear(wire.request("REGISTER", to_tag=tag, cseq=2))) == [405]


def test_an_old_cseq_in_the_dialog_gets_500() -> None:
    wire = Wire()
    call, tag = wire.establish(cseq=1)
    assert statuses(wire.hear(wire.request("OPTIONS", to_tag=tag, cseq=9))) == [200]
    assert statuses(wire.hear(wire.request("OPTIONS", to_tag=tag, cseq=8))) == [500]
    outputs = wire.hear(wire.request("BYE", to_tag=tag, cseq=8))
    assert statuses(outputs) == [500] and none_of(CallEnded, outputs)
    assert statuses(wire.hear(wire.request("BYE", to_tag=tag, cseq=10))) == [200]
    with pytest.raises(UnknownCall):
        wire.stack.hang_up(call, wire.now)


def test_bye_of_no_dialog_gets_481() -> None:
    wire = Wire()
    assert statuses(wire.hear(wire.request("BYE", to_tag="nobody"))) == [481]
    assert statuses(wire.hear(wire.request("BYE"))) == [481]
    assert statuses(wire.hear(wire.request("OPTIONS", to_tag="nobody"))) == [481]
    assert at_rest(wire.stack)


def test_what_the_user_may_not_ask_raises_and_changes_nothing() -> None:
    wire = Wire()
    call = wire.arrive()
    for wish in (
        lambda: wire.stack.offer(call, SDP, wire.now),
        lambda: wire.stack.probe(call, wire.now),
        lambda: wire.stack.accept_offer(call, SDP, wire.now),
        lambda: wire.stack.refuse_offer(call, 488, wire.now),
    ):
        with pytest.raises(WrongMoment):
            wish()
    wire.stack.accept(call, SDP, wire.now)
    for wish in (
        lambda: wire.stack.ring(call, wire.now),
        lambda: wire.stack.accept(call, SDP, wire.now),
        lambda: wire.stack.refuse(call, 486, wire.now),
        lambda: wire.stack.offer(call, SDP, wire.now),
    ):
        with pytest.raises(WrongMoment):
            wish()
    with pytest.raises(UnknownCall):
        wire.stack.ring(4711, wire.now)
    assert wire.stack.describe()["calls"] == 1


@pytest.mark.parametrize(("status", "cause"), [(408, "no answer"), (481, "unknown to the peer")])
def test_a_probe_that_finds_the_call_gone_ends_it(status: int, cause: str) -> None:
    wire = Wire()
    call, _ = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    outputs = reply(wire, options, status)
    assert outputs[0] == ProbeAnswered(call, status)
    assert methods(outputs) == ["BYE"]
    assert outputs[-1] == CallEnded(call, cause, True, 0)


@pytest.mark.parametrize("status", [200, 405, 501, 503])
def test_any_other_answer_to_a_probe_keeps_the_call(status: int) -> None:
    wire = Wire()
    call, _ = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    assert reply(wire, options, status) == [ProbeAnswered(call, status)]
    assert wire.stack.describe()["calls"] == 1


def test_a_probe_that_nobody_answers_ends_the_call() -> None:
    wire = Wire()
    call, _ = wire.establish()
    wire.stack.probe(call, wire.now)
    outputs = wire.pass_time(32)
    assert the(ProbeAnswered, outputs).status == 408 and the(CallEnded, outputs).cause == "no answer"


def test_a_probe_under_way_when_the_call_ends_says_nothing_more() -> None:
    wire = Wire()
    call, tag = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    wire.hear(wire.request("BYE", to_tag=tag, cseq=2))
    assert reply(wire, options, 481) == []


def test_record_route_is_copied_and_followed() -> None:
    wire = Wire()
    route = "Record-Route: <sip:192.0.2.50;lr>, <sip:192.0.2.51;lr>"
    outputs = wire.invite(route)
    call = the(CallArrived, outputs).call
    for answer in (*sent(wire.stack.ring(call, wire.now)), *sent(wire.stack.accept(call, SDP, wire.now))):
        assert answer.headers.get_all("Record-Route") == ["<sip:192.0.2.50;lr>", "<sip:192.0.2.51;lr>"]
        tag = answer.to.tag
    assert none_of(OfferArrived, wire.hear(wire.request("ACK", to_tag=tag)))
    assert statuses(outputs) == [100] and "Record-Route" not in sent(outputs)[0].headers
