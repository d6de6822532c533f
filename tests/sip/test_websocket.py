"""Calls by WebSocket as the stack sees them (RFC 7118): hosts that are made up, one way back, one piece a message."""

from __future__ import annotations

import pytest

from confserver.sip.flow import Flow
from confserver.sip.outputs import CallArrived, CallEnded, CloseFlow, OpenFlow, RequestArrived, Resolve, SendBytes
from tests.kit.sip_play import SDP, Wire, at_rest, methods, none_of, sent, statuses, the

BROWSER = ("203.0.113.7", 50123)
CONTACT = "<sip:u4kq2@df7jal23ls0d.invalid;transport=ws>"
VIA = "SIP/2.0/{} df7jal23ls0d.invalid;branch=z9hG4bK{}"


def ws(transport: str = "WS", number: int = 1) -> Flow:
    return Flow(transport, ("192.0.2.1", 5066), BROWSER, number)


def browser(transport: str = "WS") -> Wire:
    return Wire(ws(transport))


def established(wire: Wire) -> int:
    call = wire.arrive(contact=CONTACT, via=VIA.format(wire.flow.transport, 1))
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag, via=VIA.format(wire.flow.transport, 2)))
    return call


@pytest.mark.parametrize("transport", ["WS", "WSS"])
def test_answers_go_back_by_the_flow_with_a_contact_for_websockets(transport: str) -> None:
    wire = browser(transport)
    call = wire.arrive(contact=CONTACT, via=VIA.format(transport, 1))
    outputs = wire.stack.accept(call, SDP, wire.now)
    assert the(SendBytes, outputs).flow == wire.flow
    answer = sent(outputs)[0]
    assert answer.headers.get("Contact") == "<sip:standup@192.0.2.1:5066;transport=ws>"
    assert answer.via.transport == transport and answer.via.param("received") == BROWSER[0]


@pytest.mark.parametrize("transport", ["WS", "WSS"])
def test_requests_in_the_dialog_go_by_the_flow_though_the_host_is_made_up(transport: str) -> None:
    wire = browser(transport)
    call = established(wire)
    outputs = wire.stack.probe(call, wire.now)
    assert the(SendBytes, outputs).flow == wire.flow and none_of(Resolve, outputs)
    options = sent(outputs)[0]
    assert str(options.uri) == CONTACT[1:-1] and options.via.transport == transport  # type: ignore[union-attr]
    outputs = wire.stack.hang_up(call, wire.now)
    assert methods(outputs) == ["BYE"] and the(SendBytes, outputs).flow == wire.flow


def test_a_contact_that_forgets_the_transport_is_one_all_the_same() -> None:
    wire = browser()
    call = wire.arrive(contact="<sip:u4kq2@df7jal23ls0d.invalid>", via=VIA.format("WS", 1))
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag, via=VIA.format("WS", 2)))
    assert the(SendBytes, wire.stack.hang_up(call, wire.now)).flow == wire.flow


def test_a_websocket_that_is_closed_leads_nowhere_and_the_call_can_be_ended() -> None:
    wire = browser()
    call = established(wire)
    wire.stack.flow_lost(wire.flow, wire.now)
    outputs = wire.stack.hang_up(call, wire.now)
    the(CallEnded, outputs)
    assert none_of(OpenFlow, outputs) and none_of(Resolve, outputs)
    wire.pass_time(40)
    assert at_rest(wire.stack)


def test_an_answer_for_a_closed_websocket_is_let_go() -> None:
    wire = browser()
    call = wire.arrive(contact=CONTACT, via=VIA.format("WS", 1))
    wire.stack.flow_lost(wire.flow, wire.now)
    outputs = wire.stack.refuse(call, 486, wire.now)
    assert none_of(OpenFlow, outputs) and none_of(SendBytes, outputs)
    wire.pass_time(40)
    assert at_rest(wire.stack)


def test_a_browser_that_connects_anew_takes_its_call_along_by_re_invite() -> None:
    wire = browser()
    call = wire.arrive(contact=CONTACT, via=VIA.format("WS", 1))
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag, via=VIA.format("WS", 2)))
    wire.stack.flow_lost(wire.flow, wire.now)
    second = ws(number=2)
    again = wire.request("INVITE", to_tag=tag, cseq=2, body=SDP, contact=CONTACT, via=VIA.format("WS", 3))
    wire.hear(again, second)
    wire.stack.accept_offer(call, SDP, wire.now)
    wire.hear(wire.request("ACK", to_tag=tag, cseq=2, via=VIA.format("WS", 4)), second)
    assert the(SendBytes, wire.stack.hang_up(call, wire.now)).flow == second


# ---------------------------------------------------------------- one piece a message
def test_a_message_without_content_length_is_whole() -> None:
    """RFC 7118 section 5.3: the header field is optional."""
    wire = browser()
    text = wire.request("INVITE", contact=CONTACT, via=VIA.format("WS", 1), body=SDP)
    arrived = the(CallArrived, wire.hear(text.replace(f"Content-Length: {len(SDP)}\r\n", "")))
    assert arrived.request.body == SDP


def test_half_a_message_is_answered_and_the_next_one_is_not_its_rest() -> None:
    wire = browser()
    text = wire.request("OPTIONS", via=VIA.format("WS", 1), body=b"hello")
    outputs = wire.hear(text[:-3])
    assert statuses(outputs) == [400] and none_of(CloseFlow, outputs)
    the(RequestArrived, wire.hear(wire.request("OPTIONS", via=VIA.format("WS", 2), call_id="b")))


@pytest.mark.parametrize("data", [b"\x00\xff garbage", b"\r\n", b"", b"\r\n" * 300, b"GET / HTTP/1.1\r\n\r\n"])
def test_garbage_is_passed_over(data: bytes) -> None:
    wire = browser()
    assert wire.hear(data) == []
    the(RequestArrived, wire.hear(wire.request("OPTIONS", via=VIA.format("WS", 2))))


def test_a_ping_gets_its_pong() -> None:
    """RFC 5626 section 4.4.1, as RFC 7118 section 6 allows."""
    wire = browser()
    assert the(SendBytes, wire.hear(b"\r\n\r\n")) == SendBytes(wire.flow, b"\r\n")
    assert Wire().hear(b"\r\n\r\n") == [], "not by UDP"
