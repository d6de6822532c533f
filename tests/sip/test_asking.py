"""Requests in calls that our user answers, and requests of ours whose answer he is told."""

from __future__ import annotations

from typing import Any

import pytest

from confserver.sip.asking import MOST_ASKED
from confserver.sip.extensions import METHODS
from confserver.sip.grammar import Unwritable
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request
from confserver.sip.outputs import CallEnded, OpenFlow, RequestAnswered, RequestArrived, RequestInCall
from confserver.sip.stack import UnknownCall, WrongMoment
from confserver.sip.uri import parse_uri
from tests.kit.sip_play import SDP, Wire, at_rest, none_of, sent, statuses, the

ALLOW = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", *METHODS, "INFO", "MESSAGE", "REFER")


def wire(**settings: Any) -> Wire:
    return Wire(allow=ALLOW, **settings)


# ------------------------------------------------------------------ theirs
def test_a_request_in_a_call_is_our_users() -> None:
    phone = wire()
    call, tag = phone.establish()
    text = phone.request("INFO", to_tag=tag, cseq=2, body=b"Signal=5", content_type="application/dtmf-relay")
    asked = the(RequestInCall, phone.hear(text))
    assert (asked.call, asked.request.method, asked.request.body) == (call, "INFO", b"Signal=5")
    answer = sent(phone.stack.respond(asked.transaction, 200, phone.now))[0]
    assert (answer.status, answer.to.tag) == (200, tag)
    assert statuses(phone.hear(text)) == [200], "again, without asking"


def test_before_the_call_is_answered() -> None:
    """An early dialog carries requests, too (RFC 3261 12.2.2)."""
    phone = wire()
    call = phone.arrive()
    tag = sent(phone.stack.ring(call, phone.now))[0].to.tag
    asked = the(RequestInCall, phone.hear(phone.request("MESSAGE", to_tag=tag, cseq=2)))
    assert asked.call == call


def test_a_method_that_is_not_allowed_is_nobodys() -> None:
    phone = wire()
    _, tag = phone.establish()
    outputs = phone.hear(phone.request("PUBLISH", to_tag=tag, cseq=2))
    assert statuses(outputs) == [405] and none_of(RequestInCall, outputs)


def test_one_out_of_order_is_nobodys() -> None:
    """RFC 3261 12.2.2."""
    phone = wire()
    _, tag = phone.establish(cseq=5)
    outputs = phone.hear(phone.request("INFO", to_tag=tag, cseq=4))
    assert statuses(outputs) == [500] and none_of(RequestInCall, outputs)


@pytest.mark.parametrize("method", ["INFO", "MESSAGE", "REFER"])
def test_one_of_no_dialog_is_481(method: str) -> None:
    phone = wire()
    phone.establish()
    outputs = phone.hear(phone.request(method, to_tag="another", cseq=2))
    assert statuses(outputs) == [481] and none_of(RequestInCall, outputs)


def test_info_outside_of_a_call_is_481() -> None:
    """RFC 6086 4.2.2; a MESSAGE stands for itself."""
    phone = wire()
    assert statuses(phone.hear(phone.request("INFO"))) == [481]
    the(RequestArrived, phone.hear(phone.request("MESSAGE", call_id="another")))


def test_the_call_ends_before_the_answer() -> None:
    """RFC 3261 15.1.2: 487; our user's answer comes too late then."""
    phone = wire()
    _, tag = phone.establish()
    asked = the(RequestInCall, phone.hear(phone.request("INFO", to_tag=tag, cseq=2)))
    outputs = phone.hear(phone.request("BYE", to_tag=tag, cseq=3))
    assert sorted(statuses(outputs)) == [200, 487]
    the(CallEnded, outputs)
    with pytest.raises(WrongMoment):
        phone.stack.respond(asked.transaction, 200, phone.now)
    phone.pass_time(40)
    assert phone.stack.respond(asked.transaction, 200, phone.now) == []
    assert at_rest(phone.stack)


def test_nobody_answers() -> None:
    """RFC 4320 4.2: no 408; the transaction is let go."""
    phone = wire()
    _, tag = phone.establish()
    phone.hear(phone.request("INFO", to_tag=tag, cseq=2))
    assert statuses(phone.pass_time(33)) == [100], "RFC 4320 4.1"
    assert statuses(phone.hear(phone.request("BYE", to_tag=tag, cseq=3))) == [200]
    phone.pass_time(40)
    assert at_rest(phone.stack)


def test_one_call_keeps_only_so_many_waiting() -> None:
    phone = wire()
    _, tag = phone.establish()
    for number in range(MOST_ASKED):
        asked = the(RequestInCall, phone.hear(phone.request("INFO", to_tag=tag, cseq=2 + number)))
    refused = phone.hear(phone.request("INFO", to_tag=tag, cseq=100))
    assert statuses(refused) == [500] and sent(refused)[0].headers.get("Retry-After") is not None
    phone.stack.respond(asked.transaction, 200, phone.now)
    the(RequestInCall, phone.hear(phone.request("INFO", to_tag=tag, cseq=101)))


# ------------------------------------------------------------------ ours, in a call
def asked_of(phone: Wire, call: int, method: str = "MESSAGE", **more: Any) -> tuple[int, Request]:
    number, outputs = phone.stack.ask(call, method, phone.now, **more)
    request = sent(outputs)[0]
    assert isinstance(request, Request)
    return number, request


def test_we_ask_in_a_call() -> None:
    phone = wire()
    call, tag = phone.establish()
    number, request = asked_of(phone, call, body=b"hello", content_type="text/plain", headers=(("Subject", "hi"),))
    assert (request.method, request.from_.tag, request.to.tag, request.cseq.number) == ("MESSAGE", tag, "alice", 1)
    assert (request.body, request.content_type, request.headers.get("Subject")) == (b"hello", "text/plain", "hi")
    assert str(request.uri) == "sip:alice@192.0.2.9:5062"
    assert "Contact" not in request.headers, "RFC 3428 section 4"
    assert none_of(RequestAnswered, phone.answer(request, 100, tag=""))
    told = the(RequestAnswered, phone.answer(request, 202, tag=""))
    assert (told.number, told.response.status) == (number, 202)
    _, refer = asked_of(phone, call, "REFER", headers=(("Refer-To", "<sip:bob@example.com>"),))
    assert refer.cseq.number == 2 and refer.contacts[0].uri.user == "standup", "RFC 3515 section 2"


@pytest.mark.parametrize(("status", "cause"), [(408, "no answer"), (481, "unknown to the peer")])
def test_an_answer_that_ends_the_call(status: int, cause: str) -> None:
    """RFC 3261 12.2.1.2, RFC 5057 5.1."""
    phone = wire()
    call, _ = phone.establish()
    number, request = asked_of(phone, call, "INFO")
    outputs = phone.answer(request, status, tag="")
    assert the(RequestAnswered, outputs).number == number
    assert the(CallEnded, outputs).cause == cause


def test_any_other_refusal_leaves_the_call_as_it_is() -> None:
    phone = wire()
    call, _ = phone.establish()
    _, request = asked_of(phone, call)
    outputs = phone.answer(request, 415, tag="")
    assert the(RequestAnswered, outputs).response.status == 415 and none_of(CallEnded, outputs)


def test_no_answer_ends_the_call() -> None:
    phone = wire()
    call, _ = phone.establish()
    number, _ = asked_of(phone, call, "INFO")
    outputs = phone.pass_time(33)
    told = the(RequestAnswered, outputs)
    assert (told.number, told.response.status) == (number, 408)
    assert the(CallEnded, outputs).by_peer


@pytest.mark.parametrize(("method", "status"), [("NOTIFY", 481), ("NOTIFY", 408), ("MESSAGE", 408)])
def test_what_says_nothing_of_the_call(method: str, status: int) -> None:
    """RFC 5057 5.1: a subscription beside the call has ended; a phone may let text fall."""
    phone = wire()
    call, _ = phone.establish()
    _, request = asked_of(phone, call, method)
    assert none_of(CallEnded, phone.answer(request, status, tag=""))


def test_their_bye_crosses_what_we_ask() -> None:
    """The answer is told all the same, once, and the call ends once."""
    phone = wire()
    call, tag = phone.establish()
    number, request = asked_of(phone, call)
    assert none_of(RequestAnswered, phone.hear(phone.request("BYE", to_tag=tag, cseq=2)))
    outputs = phone.answer(request, 481, tag="")
    assert the(RequestAnswered, outputs).number == number and none_of(CallEnded, outputs)


def test_wrong_moments() -> None:
    phone = wire()
    call = phone.arrive()
    with pytest.raises(WrongMoment):
        phone.stack.ask(call, "INFO", phone.now)
    with pytest.raises(UnknownCall):
        phone.stack.ask(99, "INFO", phone.now)


def test_what_cannot_be_written_counts_nothing() -> None:
    phone = wire()
    call, _ = phone.establish()
    with pytest.raises(Unwritable):
        phone.stack.ask(call, "INFO", phone.now, headers=(("Subject", "a\r\nBye: b"),))
    assert asked_of(phone, call)[1].cseq.number == 1


# ------------------------------------------------------------------ ours, outside
def sent_by(phone: Wire, method: str = "OPTIONS", **more: Any) -> tuple[int, Request]:
    from_ = parse_name_addr("<sip:standup@192.0.2.1>")
    number, outputs = phone.stack.send(method, parse_uri("sip:bob@192.0.2.9:5062"), from_, phone.now, **more)
    outputs = phone.stack.flow_opened(the(OpenFlow, outputs).token, phone.flow, phone.now)
    request = sent(outputs)[0]
    assert isinstance(request, Request)
    return number, request


def test_we_ask_outside_of_any_call() -> None:
    phone = wire()
    number, request = sent_by(phone)
    assert (request.method, request.to.tag, request.cseq.number, request.max_forwards) == ("OPTIONS", "", 1, 70)
    assert request.contacts[0].uri.user == "standup"
    told = the(RequestAnswered, phone.answer(request, 404))
    assert (told.number, told.response.status) == (number, 404)
    phone.pass_time(40)
    assert at_rest(phone.stack)


def test_nobody_is_there() -> None:
    phone = wire()
    number, _ = sent_by(phone)
    assert the(RequestAnswered, phone.pass_time(33)).response.status == 408
    from_ = parse_name_addr("<sip:standup@192.0.2.1>")
    number, outputs = phone.stack.send("OPTIONS", parse_uri("sip:bob@192.0.2.9"), from_, phone.now)
    told = the(RequestAnswered, phone.stack.flow_failed(the(OpenFlow, outputs).token, "refused", phone.now))
    assert (told.number, told.response.status) == (number, 503)
    assert at_rest(phone.stack)


# ------------------------------------------------------------------ what we are
def test_every_contact_says_what_we_are() -> None:
    """RFC 4579 (isfocus), RFC 3840 section 5: in requests and answers; a REGISTER speaks for a trunk's user."""
    phone = wire(features=";isfocus;audio")
    _, invite, _ = phone.dial()
    assert invite.contacts[0].has_param("isfocus") and not invite.contacts[0].uri.has_param("isfocus")
    call = phone.arrive(call_id="2")
    ringing = sent(phone.stack.ring(call, phone.now))[0]
    accepted = sent(phone.stack.accept(call, SDP, phone.now))[0]
    phone.hear(phone.request("ACK", to_tag=accepted.to.tag, call_id="2"))
    inside = sent(phone.hear(phone.request("OPTIONS", to_tag=accepted.to.tag, call_id="2", cseq=2)))[0]
    asked = the(RequestArrived, phone.hear(phone.request("OPTIONS", call_id="3"))).transaction
    outside = sent(phone.stack.respond(asked, 200, phone.now))[0]
    again = sent(phone.stack.offer(call, SDP, phone.now))[0]
    for each in (ringing, accepted, inside, outside, again):
        assert each.contacts[0].has_param("isfocus"), each
    assert not sent_by(phone, "REGISTER")[1].contacts[0].has_param("isfocus")
