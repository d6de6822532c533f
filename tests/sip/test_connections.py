"""Connections that live: pings and pongs where both sides want them (RFC 6223, 5626), reuse by alias (RFC 5923)."""

from __future__ import annotations

from typing import Any

import pytest

from confserver.sip.connections import KEEP_FOR_S, MOST_ALIASES
from confserver.sip.flow import Flow
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request
from confserver.sip.outputs import CallEnded, CloseFlow, OpenFlow, Output, RequestAnswered, SendBytes
from confserver.sip.uri import parse_uri
from tests.kit.sip_play import Wire, answer_to, at_rest, none_of, sent, tcp, the, udp

FROM = parse_name_addr("<sip:us@192.0.2.1>")
PEER = ("192.0.2.9", 5060)


class Line:
    """A connection of ours to a server, and its answer to our OPTIONS."""

    def __init__(self, keep: str | None = "keep=30", transport: str = "TCP", **settings: Any) -> None:
        self.wire = Wire(Flow(transport, ("192.0.2.1", 41000), PEER, 7), **{"keeps_alive": True, **settings})
        self.request = self.ask()
        self.answer(keep)

    def ask(self) -> Request:
        target = parse_uri(f"sip:192.0.2.9:5060;transport={self.wire.flow.transport.lower()}")
        _, outputs = self.wire.stack.send("OPTIONS", target, FROM, self.wire.now)
        if not none_of(OpenFlow, outputs):
            outputs = self.wire.stack.flow_opened(the(OpenFlow, outputs).token, self.wire.flow, self.wire.now)
        request = sent(outputs)[0]
        assert isinstance(request, Request)
        return request

    def answer(self, keep: str | None) -> list[Output]:
        text = answer_to(self.request, 200)
        if keep is not None:
            text = text.replace(";keep", f";{keep}", 1)
        return self.wire.hear(text)

    def pings(self, seconds: float, *, pongs: bool = True) -> list[float]:
        """When pings went, from now on; each gets its pong."""
        times, end = [], self.wire.now + seconds
        while self.wire.now < end:
            due = self.wire.stack.next_deadline()
            if due is None or due > end:
                break
            outputs = self.wire.pass_time(due - self.wire.now)
            if [each for each in outputs if isinstance(each, SendBytes) and each.data == b"\r\n\r\n"]:
                times.append(self.wire.now)
                if pongs:
                    assert self.wire.hear(b"\r\n") == []
        return times


# ---------------------------------------------------------------- keep-alive
def test_a_connection_of_ours_says_that_it_would_be_kept_alive() -> None:
    assert str(Line().request.via).endswith(";alias;keep")
    assert "keep" not in str(Line(keep=None, keeps_alive=False).request.via)
    assert "keep" not in str(Line(keep=None, transport="WS").request.via), "a WebSocket has pings of its own"
    wire = Wire(keeps_alive=True)
    _, outputs = wire.stack.send("OPTIONS", parse_uri("sip:192.0.2.9"), FROM, wire.now)
    opened = the(OpenFlow, outputs)
    assert "keep" not in str(sent(wire.stack.flow_opened(opened.token, udp(opened.remote), wire.now))[0].via)


def test_pings_go_about_as_often_as_the_peer_wants() -> None:
    line = Line("keep=30")
    start, times = line.wire.now, line.pings(301)
    waits = [after - before for before, after in zip([start, *times], times, strict=False)]
    assert len(times) >= 10 and all(24 <= wait <= 30 for wait in waits) and len(set(waits)) > 5, "by lot"


@pytest.mark.parametrize("keep", ["keep", "keep=often", 'keep="', "keep=-1", None])
def test_who_does_not_want_them_gets_none(keep: str | None) -> None:
    assert Line(keep).pings(1000) == []


@pytest.mark.parametrize(("keep", "least", "most"), [("keep=0", 96, 120), ("keep=1", 8, 10), ("keep=99999", 672, 840)])
def test_how_often_has_limits(keep: str, least: float, most: float) -> None:
    line = Line(keep)
    start = line.wire.now
    assert least <= line.pings(900)[0] - start <= most


def test_without_a_pong_the_connection_has_failed() -> None:
    line = Line()
    [ping] = line.pings(30, pongs=False)
    line.wire.pass_time(ping + 9.9 - line.wire.now)
    asked = line.ask()
    assert asked.method == "OPTIONS"
    closed = the(CloseFlow, line.wire.pass_time(0.2))
    assert (closed.flow, closed.reason) == (line.wire.flow, "no pong")
    answered = the(RequestAnswered, line.wire.stack.flow_lost(line.wire.flow, line.wire.now))
    assert answered.response.status == 503
    line.wire.pass_time(40)
    assert at_rest(line.wire.stack) and line.wire.stack.describe()["connections without a pong"] == 1


def test_anything_that_comes_is_as_good_as_a_pong() -> None:
    line = Line()
    assert line.pings(30, pongs=False)
    line.request = line.ask()
    line.answer(None)
    assert none_of(CloseFlow, line.wire.pass_time(10.1))


def test_pongs_are_not_taken_for_pings() -> None:
    line = Line()
    assert len(line.pings(200)) > 5, "hear() would have been answered"


def test_a_connection_that_is_no_longer_used_is_not_kept_for_ever() -> None:
    line = Line("keep=600")
    start = line.wire.now
    assert line.pings(3 * KEEP_FOR_S)[-1] - start <= KEEP_FOR_S
    line.request = line.ask()
    line.answer("keep=600")
    assert line.pings(700), "used again"


def test_a_lost_connection_leaves_no_timers() -> None:
    line = Line()
    line.wire.stack.flow_lost(line.wire.flow, line.wire.now)
    assert at_rest(line.wire.stack)


@pytest.mark.parametrize("transport", ["TCP", "TLS", "WS", "WSS"])
def test_we_let_others_keep_theirs_alive(transport: str) -> None:
    """RFC 6223 section 4.4: a value in the Via says that we would."""
    wire = Wire(Flow(transport, ("192.0.2.1", 5060), PEER, 1))
    outputs = wire.invite(via=f"SIP/2.0/{transport} 192.0.2.9:5060;keep;branch=z9hG4bKk")
    assert sent(outputs)[0].via.param("keep") == "120"
    assert wire.hear(b"\r\n\r\n") == [SendBytes(wire.flow, b"\r\n")]


def test_not_by_udp_where_pings_are_stun() -> None:
    via = sent(Wire().invite(via="SIP/2.0/UDP 192.0.2.9:5062;keep;branch=z9hG4bKk"))[0].via
    assert via.has_param("keep") and via.param("keep") is None


def test_the_connections_of_dialogs_are_known() -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)))
    assert wire.stack.flows() == set()
    call, _ = wire.establish(contact="<sip:alice@192.0.2.9;transport=tcp>")
    assert wire.stack.flows() == {wire.flow}
    wire.stack.hang_up(call, wire.now)
    assert wire.stack.flows() == set()
    by_udp = Wire()
    by_udp.establish()
    assert by_udp.stack.flows() == set(), "nothing to be kept"


# ---------------------------------------------------------------- reuse
THERE = "sip:bob@192.0.2.9:5060;transport=tcp"


def came(wire: Wire, via: str = "SIP/2.0/TCP 192.0.2.9:5060;alias;branch=z9hG4bKr", flow: Flow | None = None) -> None:
    """A request by a connection that its peer offers for reuse."""
    wire.hear(wire.request("BYE", via=via, call_id=via), flow)


def sought(wire: Wire, target: str = THERE) -> list[Output]:
    return wire.stack.send("OPTIONS", parse_uri(target), FROM, wire.now)[1]


def believing(flow: Flow, name: str) -> bool:
    return name == "192.0.2.9"


def test_a_connection_that_came_serves_for_requests_to_where_its_peer_listens() -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)), vouches=believing)
    came(wire)
    outputs = sought(wire)
    assert the(SendBytes, outputs).flow == wire.flow and none_of(OpenFlow, outputs)
    wire.stack.flow_lost(wire.flow, wire.now)
    assert the(OpenFlow, sought(wire)).remote == ("192.0.2.9", 5060)
    assert not wire.stack._core.aliases


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/TCP 192.0.2.9:5060;branch=z9hG4bKr",  # it did not say so
        "SIP/2.0/TCP 192.0.2.9:5070;alias;branch=z9hG4bKr",  # it listens elsewhere
        "SIP/2.0/TLS 192.0.2.9:5060;alias;branch=z9hG4bKr",  # by another transport
    ],
)
def test_what_was_not_offered_is_not_taken(via: str) -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)), vouches=believing)
    came(wire, via)
    the(OpenFlow, sought(wire))


def test_nobody_takes_another_s_requests() -> None:
    """Only the address that it comes from counts, whatever the Via says, and only for who is believed."""
    wire = Wire(tcp(("192.0.2.66", 49152)), vouches=lambda flow, name: True)
    came(wire)
    assert the(OpenFlow, sought(wire)).remote == ("192.0.2.9", 5060)
    wire = Wire(tcp(("192.0.2.9", 49152)))
    came(wire)
    the(OpenFlow, sought(wire))


def test_a_domain_wants_to_be_vouched_for_by_its_name() -> None:
    asked: list[str] = []
    wire = Wire(
        Flow("TLS", ("192.0.2.1", 5061), ("192.0.2.9", 49152), 1), vouches=lambda _, name: not asked.append(name)
    )
    came(wire, "SIP/2.0/TLS 192.0.2.9;alias;branch=z9hG4bKr")
    outputs = sought(wire, "sips:bob@trunk.example")
    token = next(iter(wire.stack._core.searches))
    outputs = wire.stack.resolved(token, ["192.0.2.9"], wire.now)
    assert the(SendBytes, outputs).flow == wire.flow and asked == ["trunk.example"]


def test_the_newest_connection_serves() -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)), vouches=believing)
    second = tcp(("192.0.2.9", 49153), 2)
    came(wire)
    came(wire, "SIP/2.0/TCP 192.0.2.9:5060;alias;branch=z9hG4bKs", second)
    assert the(SendBytes, sought(wire)).flow == second
    wire.stack.flow_lost(wire.flow, wire.now)
    assert the(SendBytes, sought(wire)).flow == second


def test_a_connection_has_few_aliases() -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)), vouches=believing)
    for n in range(20):
        came(wire, f"SIP/2.0/TCP 192.0.2.9:{5060 + n};alias;branch=z9hG4bKr{n}")
    assert len(wire.stack._core.aliases) == MOST_ALIASES
    wire.stack.flow_lost(wire.flow, wire.now)
    assert not wire.stack._core.aliases and none_of(CallEnded, sought(wire))
