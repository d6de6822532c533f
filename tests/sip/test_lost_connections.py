"""Connections that go away at the worst moment, in every state where that matters (RFC 3261 17, 18; RFC 6026)."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request
from confserver.sip.outputs import (
    CallArrived,
    CallEnded,
    OfferAnswered,
    OpenFlow,
    ProbeAnswered,
    RequestArrived,
    SendBytes,
)
from confserver.sip.transaction import WrongMoment
from tests.kit.sip_play import SDP, Wire, answer_to, at_rest, methods, none_of, sent, statuses, tcp, the


def lost(wire: Wire) -> None:
    assert none_of(SendBytes, wire.stack.flow_lost(wire.flow, wire.now))


def no_way_back(wire: Wire, outputs: object) -> list[object]:
    """The answer could not be sent, and no new connection comes up either."""
    opened = the(OpenFlow, outputs)  # type: ignore[arg-type]
    return list(wire.stack.flow_failed(opened.token, "refused", wire.now))


def test_ringing_into_the_void_does_not_end_the_call() -> None:
    """RFC 6026 7.1: INVITE server transactions outlive transport errors."""
    wire = Wire(tcp())
    call = wire.arrive()
    lost(wire)
    assert no_way_back(wire, wire.stack.ring(call, wire.now)) == []
    assert wire.stack.describe()["unconfirmed answers"] == 1 and wire.stack.describe()["calls"] == 1
    assert wire.stack.refuse(call, 486, wire.now) == [CallEnded(call, "Busy Here", False, 486)]
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_a_refusal_that_cannot_be_sent() -> None:
    wire = Wire(tcp())
    call = wire.arrive()
    lost(wire)
    no_way_back(wire, wire.stack.refuse(call, 486, wire.now))
    assert wire.stack.describe()["server transactions"] == 1
    wire.pass_time(32)
    assert at_rest(wire.stack)


def test_a_2xx_that_cannot_be_sent_ends_for_want_of_an_ack() -> None:
    wire = Wire(tcp())
    call = wire.arrive()
    lost(wire)
    assert no_way_back(wire, wire.stack.accept(call, SDP, wire.now)) == []
    outputs = wire.pass_time(32)
    assert the(CallEnded, outputs).cause == "no ACK"
    no_way_back(wire, outputs)  # nor can the BYE be sent
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_the_new_connection_serves_all_later_answers() -> None:
    wire = Wire(tcp())
    call = wire.arrive()
    lost(wire)
    opened = the(OpenFlow, wire.stack.ring(call, wire.now))
    assert none_of(OpenFlow, wire.stack.accept(call, SDP, wire.now))  # the search is on already
    second = tcp(("192.0.2.9", 5062), 2)
    outputs = wire.stack.flow_opened(opened.token, second, wire.now)
    assert statuses(outputs) == [200]  # only what was said last
    assert [o.flow for o in wire.pass_time(0.5) if isinstance(o, SendBytes)] == [second]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_request_repeated_by_another_connection_is_answered_there(is_known: bool) -> None:
    """No connection is opened for it: else whoever repeats many requests would make us open as many."""
    wire = Wire(tcp())
    text = wire.request("INVITE", body=SDP, branch="z9hG4bKagain")
    call = the(CallArrived, wire.hear(text)).call
    wire.stack.refuse(call, 486, wire.now)
    if is_known:
        lost(wire)
    second = tcp(("192.0.2.9", 40000), 2)
    outputs = wire.hear(text, second)
    assert statuses(outputs) == [486] and none_of(OpenFlow, outputs)
    assert [o.flow for o in outputs if isinstance(o, SendBytes)] == [second]


def test_a_request_repeated_while_a_way_back_is_sought() -> None:
    wire = Wire(tcp())
    text = wire.request("INVITE", body=SDP, branch="z9hG4bKagain")
    call = the(CallArrived, wire.hear(text)).call
    lost(wire)
    opened = the(OpenFlow, wire.stack.refuse(call, 486, wire.now))
    second = tcp(("192.0.2.9", 40000), 2)
    assert [o.flow for o in wire.hear(text, second) if isinstance(o, SendBytes)] == [second]
    wire.stack.flow_failed(opened.token, "refused", wire.now)
    assert [o.flow for o in wire.hear(text, second) if isinstance(o, SendBytes)] == [second]


def test_a_provisional_answer_that_cannot_be_sent_ends_a_plain_request() -> None:
    wire = Wire(tcp())
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    lost(wire)
    no_way_back(wire, wire.stack.respond(number, 100, wire.now))
    assert at_rest(wire.stack)
    assert wire.stack.respond(number, 200, wire.now) == []


def test_a_request_that_only_progresses_is_let_go() -> None:
    wire = Wire()
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    assert statuses(wire.stack.respond(number, 100, wire.now)) == [100]
    assert statuses(wire.stack.respond(number, 182, wire.now)) == [182]
    wire.pass_time(32)
    assert at_rest(wire.stack)


def test_a_request_that_progresses_may_be_refused() -> None:
    wire = Wire()
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    wire.stack.respond(number, 100, wire.now)
    assert statuses(wire.stack.respond(number, 404, wire.now)) == [404]
    with pytest.raises(WrongMoment):
        wire.stack.respond(number, 404, wire.now)


@pytest.mark.parametrize("provisional", [False, True])
def test_a_probe_whose_connection_is_lost_ends_the_call(provisional: bool) -> None:
    wire = Wire(tcp())
    call, _ = wire.establish(contact="<sip:alice@192.0.2.9:5062;transport=tcp>")
    options = sent(wire.stack.probe(call, wire.now))[0]
    assert isinstance(options, Request)
    if provisional:
        assert wire.hear(answer_to(options, 100, tag="")) == []
        assert wire.hear(answer_to(options, 100, tag="")) == []
    outputs = wire.stack.flow_lost(wire.flow, wire.now)
    assert the(ProbeAnswered, outputs) == ProbeAnswered(call, 408)
    assert the(CallEnded, outputs).cause == "no answer" and the(OpenFlow, outputs)  # for the BYE


@pytest.mark.parametrize("status", [200, 500])
def test_a_probe_that_progresses_before_its_answer(status: int) -> None:
    wire = Wire()
    call, _ = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    assert isinstance(options, Request)
    wire.hear(answer_to(options, 100, tag=""))
    assert wire.hear(answer_to(options, status, tag="")) == [ProbeAnswered(call, status)]


def test_a_probe_that_only_progresses_is_given_up() -> None:
    wire = Wire()
    call, _ = wire.establish()
    options = sent(wire.stack.probe(call, wire.now))[0]
    assert isinstance(options, Request)
    wire.hear(answer_to(options, 100, tag=""))
    assert the(ProbeAnswered, wire.pass_time(32)) == ProbeAnswered(call, 408)


def test_an_offer_whose_connection_is_lost_gets_503_and_keeps_the_call() -> None:
    wire = Wire(tcp())
    call, _ = wire.establish(contact="<sip:alice@192.0.2.9:5062;transport=tcp>")
    assert methods(wire.stack.offer(call, SDP, wire.now)) == ["INVITE"]
    outputs = wire.stack.flow_lost(wire.flow, wire.now)
    assert the(OfferAnswered, outputs) == OfferAnswered(call, 503, b"", "") and none_of(CallEnded, outputs)
    assert the(OpenFlow, wire.stack.offer(call, SDP, wire.now))


def test_a_transport_error_after_the_final_answer_is_quiet() -> None:
    """RFC 3261 figures 5 and 8: COMPLETED ends; the user has had, or given, the answer."""
    wire = Wire()
    _, invite, _ = wire.dial()
    wire.answer(invite, 486)
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    wire.stack.respond(number, 200, wire.now)
    core = wire.stack._core
    for transaction in (*core.clients.values(), *core.servers.values()):
        transaction.fail(wire.now)
    assert core.outputs == [] and at_rest(wire.stack)


def test_an_offer_still_on_its_way_when_the_call_ends_is_never_sent() -> None:
    wire = Wire()
    call, tag = wire.establish(contact="<sip:alice@192.0.2.9:5099>")
    opened = the(OpenFlow, wire.stack.offer(call, SDP, wire.now))
    the(CallEnded, wire.hear(wire.request("BYE", to_tag=tag, cseq=2)))
    assert wire.stack.flow_opened(opened.token, wire.flow, wire.now) == []
    wire.pass_time(33)
    assert at_rest(wire.stack)
