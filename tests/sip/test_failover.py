"""The next target of a domain (RFC 3263 section 4.3), and TCP for large requests (RFC 3261 18.1.1)."""

from __future__ import annotations

from typing import Any

import pytest

from confserver.sip.flow import Flow
from confserver.sip.headers import parse_name_addr
from confserver.sip.locating import Target
from confserver.sip.message import Request
from confserver.sip.outputs import (
    CallAccepted,
    CallEnded,
    CallRinging,
    OfferAnswered,
    OpenFlow,
    Output,
    RequestAnswered,
    Resolve,
    SendBytes,
)
from confserver.sip.requests import MOST_UDP, NO_TCP_S, TCP_S
from confserver.sip.uri import parse_uri
from tests.kit.sip_play import SDP, Wire, at_rest, methods, none_of, sent, statuses, tcp, the, udp

ONE, TWO, THREE = (
    Target("UDP", "192.0.2.11", 5060),
    Target("TCP", "192.0.2.12", 5070),
    Target("UDP", "192.0.2.13", 5060),
)
FROM = parse_name_addr("<sip:us@192.0.2.1>")


class Trunk:
    """A call of ours to a domain with several targets."""

    def __init__(self, *targets: Target, uri: str = "sip:bob@trunk.example", **settings: Any) -> None:
        self.wire = Wire(**settings)
        self.call, outputs = self.wire.stack.call(parse_uri(uri), FROM, SDP, self.wire.now)
        self.question = the(Resolve, outputs)
        self.outputs = self.wire.stack.resolved(self.question.token, targets, self.wire.now)

    def opens(self, outputs: list[Output] | None = None) -> Request:
        """The flow that is wanted is there: the INVITE that goes by it."""
        opened = the(OpenFlow, self.outputs if outputs is None else outputs)
        self.flow = flow_to(opened)
        self.outputs = self.wire.stack.flow_opened(opened.token, self.flow, self.wire.now)
        invite = sent(self.outputs)[0]
        assert isinstance(invite, Request) and invite.method == "INVITE"
        return invite

    def fails(self) -> list[Output]:
        opened = the(OpenFlow, self.outputs)
        self.outputs = self.wire.stack.flow_failed(opened.token, "refused", self.wire.now)
        return self.outputs


def flow_to(opened: OpenFlow) -> Flow:
    return udp(opened.remote) if opened.transport == "UDP" else tcp(opened.remote, opened.token)


def test_what_a_uri_leaves_open_is_asked_for_as_open() -> None:
    question = Trunk().question
    assert (question.host, question.transport, question.port, question.is_secure) == ("trunk.example", "", 0, False)
    question = Trunk(uri="sip:bob@trunk.example;transport=tcp").question
    assert (question.transport, question.port) == ("TCP", 0)
    question = Trunk(uri="sip:bob@trunk.example:5080").question
    assert (question.transport, question.port) == ("", 5080)
    assert Trunk(uri="sips:bob@trunk.example").question.is_secure


def test_a_connection_that_cannot_be_is_followed_by_the_next_target() -> None:
    trunk = Trunk(TWO, THREE)
    assert the(OpenFlow, trunk.outputs).domain == "trunk.example"
    trunk.fails()
    invite = trunk.opens()
    assert trunk.flow.remote == ("192.0.2.13", 5060) and invite.via.transport == "UDP"


@pytest.mark.parametrize("how", ["silence", "503", "lost connection"])
def test_who_does_not_help_is_followed_by_the_next_target(how: str) -> None:
    trunk = Trunk(TWO, ONE)
    first = trunk.opens()
    if how == "silence":
        outputs = trunk.wire.pass_time(32.1)
    elif how == "503":
        outputs = trunk.wire.hear(answer(first, 503), trunk.flow)
    else:
        outputs = trunk.wire.stack.flow_lost(trunk.flow, trunk.wire.now)
    assert none_of(CallEnded, outputs)
    second = trunk.opens(outputs)
    assert second.via.branch != first.via.branch, "another transaction (RFC 3263 section 4.3)"
    assert (second.call_id, str(second.from_), second.cseq) == (first.call_id, str(first.from_), first.cseq)
    assert len(second.headers.get_all("Via")) == 1 and len(second.headers.get_all("Contact")) == 1
    assert second.via.transport == "UDP" and "transport" not in (second.headers.get("Contact") or "")
    accepted = the(CallAccepted, trunk.wire.hear(answer(second, 200), trunk.flow))
    assert accepted.call == trunk.call and accepted.flow == trunk.flow


def test_a_refusal_that_comes_again_is_acknowledged_by_its_own_branch() -> None:
    trunk = Trunk(ONE, THREE)
    first = trunk.opens()
    busy = answer(first, 503)
    before = trunk.flow
    second = trunk.opens(trunk.wire.hear(busy, trunk.flow))
    again = sent(trunk.wire.hear(busy, before))
    assert [str(each.via) for each in again] == [str(first.via)] and methods(trunk.wire.hear(busy, before)) == ["ACK"]
    the(CallAccepted, trunk.wire.hear(answer(second, 200), trunk.flow))


@pytest.mark.parametrize("status", [404, 486, 500, 603])
def test_any_other_answer_is_the_answer(status: int) -> None:
    trunk = Trunk(ONE, THREE)
    outputs = trunk.wire.hear(answer(trunk.opens(), status), trunk.flow)
    assert the(CallEnded, outputs).status == status and none_of(OpenFlow, outputs)


def test_where_it_has_rung_nobody_else_is_called() -> None:
    trunk = Trunk(ONE, THREE)
    invite = trunk.opens()
    the(CallRinging, trunk.wire.hear(answer(invite, 180), trunk.flow))
    outputs = trunk.wire.hear(answer(invite, 503), trunk.flow)
    assert the(CallEnded, outputs).status == 503 and none_of(OpenFlow, outputs)


def test_who_has_hung_up_calls_nobody_else() -> None:
    trunk = Trunk(ONE, THREE)
    trunk.opens()
    assert trunk.wire.stack.hang_up(trunk.call, trunk.wire.now) == []
    outputs = trunk.wire.pass_time(33)
    assert the(CallEnded, outputs).call == trunk.call and none_of(OpenFlow, outputs)


def test_who_hangs_up_while_the_next_target_is_sought_calls_nobody() -> None:
    trunk = Trunk(ONE, TWO)
    invite = trunk.opens()
    sought = the(OpenFlow, trunk.wire.hear(answer(invite, 503), trunk.flow))
    the(CallEnded, trunk.wire.stack.hang_up(trunk.call, trunk.wire.now))
    assert trunk.wire.stack.flow_opened(sought.token, flow_to(sought), trunk.wire.now) == []
    trunk.wire.pass_time(40)
    assert at_rest(trunk.wire.stack)


def test_when_all_have_failed_the_last_word_counts() -> None:
    trunk = Trunk(TWO, ONE)
    trunk.fails()
    outputs = trunk.wire.hear(answer(trunk.opens(), 503), trunk.flow)
    assert the(CallEnded, outputs).status == 503
    trunk = Trunk(TWO)
    assert (the(CallEnded, trunk.fails()).status, the(CallEnded, trunk.outputs).cause) == (503, "refused")
    trunk.wire.pass_time(40)
    assert at_rest(trunk.wire.stack)


def test_other_requests_go_on_too() -> None:
    wire = Wire(allow=("OPTIONS",))
    number, outputs = wire.stack.send("OPTIONS", parse_uri("sip:trunk.example"), FROM, wire.now)
    outputs = wire.stack.resolved(the(Resolve, outputs).token, [ONE, THREE], wire.now)
    opened = the(OpenFlow, outputs)
    options = sent(wire.stack.flow_opened(opened.token, flow_to(opened), wire.now))[0]
    outputs = wire.hear(answer(options, 503), flow_to(opened))  # type: ignore[arg-type]
    opened = the(OpenFlow, outputs)
    options = sent(wire.stack.flow_opened(opened.token, flow_to(opened), wire.now))[0]
    answered = the(RequestAnswered, wire.hear(answer(options, 200), flow_to(opened)))  # type: ignore[arg-type]
    assert (answered.number, answered.response.status) == (number, 200)


def answer(request: Request, status: int) -> str:
    from tests.kit.sip_play import answer_to

    return answer_to(request, status)


# ---------------------------------------------------------------- what is large
LARGE = SDP + b"a=x-" + b"x" * MOST_UDP + b"\r\n"


def standing(
    contact: str = "<sip:alice@192.0.2.9:5062>", flow: Flow | None = None, **settings: Any
) -> tuple[Wire, int]:
    """A phone's call that stands."""
    wire = Wire(flow, **{"has_tcp": True, **settings})
    via = f"SIP/2.0/{wire.flow.transport} 10.0.0.9:5060;rport;branch=z9hG4bK{{}}" if flow else None
    call = wire.arrive(contact=contact, via=via and via.format("a"))
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag, via=via and via.format("b")))
    return wire, call


def test_a_large_request_goes_by_tcp_to_the_same_place() -> None:
    wire, call = standing()
    outputs = wire.stack.offer(call, LARGE, wire.now)
    opened = the(OpenFlow, outputs)
    assert (opened.transport, opened.remote) == ("TCP", ("192.0.2.9", 5062)) and none_of(SendBytes, outputs)
    stream = tcp(opened.remote, 5)
    invite = sent(wire.stack.flow_opened(opened.token, stream, wire.now))[0]
    assert isinstance(invite, Request) and invite.via.transport == "TCP" and len(invite.headers.get_all("Via")) == 1
    assert invite.headers.get("Contact") == "<sip:standup@192.0.2.1:5060>", "we are reached as before"
    outputs = wire.hear(answer(invite, 200), stream)
    assert the(OfferAnswered, outputs).status == 200
    assert the(SendBytes, wire.stack.probe(call, wire.now)).flow == wire.flow, "what is small goes as before"


def test_a_small_one_does_not() -> None:
    wire, call = standing()
    assert the(SendBytes, wire.stack.offer(call, SDP, wire.now)).flow == wire.flow


@pytest.mark.parametrize("how", ["refused", "silence"])
def test_where_nobody_takes_tcp_it_goes_by_udp_and_that_is_remembered(how: str) -> None:
    """18.1.1: who is not there by TCP may be an old element that has only UDP."""
    wire, call = standing()
    opened = the(OpenFlow, wire.stack.offer(call, LARGE, wire.now))
    outputs = (
        wire.stack.flow_failed(opened.token, "refused", wire.now) if how == "refused" else wire.pass_time(TCP_S + 0.1)
    )
    invite = sent(outputs)[0]
    assert the(SendBytes, outputs).flow == wire.flow and invite.via.transport == "UDP"
    assert len(invite.headers.get_all("Via")) == 1
    assert isinstance(invite, Request)
    wire.hear(answer(invite, 200))
    again = wire.stack.offer(call, LARGE, wire.now)
    assert the(SendBytes, again).flow == wire.flow, "not asked every time"
    wire.hear(answer(sent(again)[0], 200))  # type: ignore[arg-type]
    wire.pass_time(NO_TCP_S)
    assert the(OpenFlow, wire.stack.offer(call, LARGE, wire.now)).transport == "TCP"


def test_a_stream_that_opens_too_late_is_not_used() -> None:
    wire, call = standing()
    opened = the(OpenFlow, wire.stack.offer(call, LARGE, wire.now))
    wire.pass_time(TCP_S + 0.1)
    assert wire.stack.flow_opened(opened.token, tcp(opened.remote, 5), wire.now) == []


def test_a_phone_behind_a_nat_cannot_be_called_by_tcp() -> None:
    wire, call = standing("<sip:alice@10.0.0.9:5060>", udp(("203.0.113.5", 61000)))
    assert the(SendBytes, wire.stack.offer(call, LARGE, wire.now)).flow == wire.flow


def test_without_tcp_it_goes_by_udp_whatever_its_size() -> None:
    wire, call = standing(has_tcp=False)
    assert the(SendBytes, wire.stack.offer(call, LARGE, wire.now)).flow == wire.flow


def test_a_stream_takes_all_sizes() -> None:
    wire, call = standing("<sip:alice@192.0.2.9:5060;transport=tcp>", tcp(("192.0.2.9", 49152)))
    assert the(SendBytes, wire.stack.offer(call, LARGE, wire.now)).flow == wire.flow


def test_a_call_that_ends_while_its_stream_is_opened_leaves_nothing() -> None:
    wire, call = standing()
    opened = the(OpenFlow, wire.stack.offer(call, LARGE, wire.now))
    outputs = wire.stack.hang_up(call, wire.now)
    assert methods(outputs) == ["BYE"]
    assert wire.stack.flow_opened(opened.token, tcp(opened.remote, 5), wire.now) == []
    wire.hear(answer(sent(outputs)[0], 200))  # type: ignore[arg-type]
    wire.pass_time(40)
    assert at_rest(wire.stack)


def test_an_invite_of_ours_whose_body_depends_on_the_way() -> None:
    wire = Wire(has_tcp=True)
    bodies: list[Flow] = []

    def compose(flow: Flow) -> bytes:
        bodies.append(flow)
        return LARGE

    call, outputs = wire.stack.call(parse_uri("sip:bob@192.0.2.9:5062"), FROM, compose, wire.now)
    first = the(OpenFlow, outputs)
    second = the(OpenFlow, wire.stack.flow_opened(first.token, udp(first.remote), wire.now))
    assert (first.transport, second.transport) == ("UDP", "TCP")
    outputs = wire.stack.flow_opened(second.token, tcp(second.remote, 5), wire.now)
    invite = sent(outputs)[0]
    assert isinstance(invite, Request) and invite.body == LARGE
    the(CallAccepted, wire.hear(answer(invite, 200), tcp(second.remote, 5)))
    assert statuses(outputs) == [] and call


def test_the_memory_of_who_has_no_tcp_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from confserver.sip import requests

    monkeypatch.setattr(requests, "MOST_WITHOUT_TCP", 3)
    wire = Wire(has_tcp=True)
    for n in range(5):
        target = parse_uri(f"sip:bob@192.0.2.{20 + n}")
        _, outputs = wire.stack.call(target, FROM, LARGE, wire.now)
        first = the(OpenFlow, outputs)
        second = the(OpenFlow, wire.stack.flow_opened(first.token, udp(first.remote), wire.now))
        wire.stack.flow_failed(second.token, "refused", wire.now)
    assert [host for host, _ in wire.stack._core.without_tcp] == ["192.0.2.22", "192.0.2.23", "192.0.2.24"]
