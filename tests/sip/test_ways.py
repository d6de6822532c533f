"""Where answers and requests go: rport, NAT, route sets, connections, names (RFC 3261 12.2, 18; RFC 3581)."""

from __future__ import annotations

import pytest

from confserver.sip.flow import Flow
from confserver.sip.message import Request
from confserver.sip.outputs import CallAccepted, CallAcknowledged, CallEnded, OpenFlow, Resolve, SendBytes
from confserver.sip.uri import parse_uri
from confserver.sip.ways import Hop, hop_of
from tests.kit.sip_play import SDP, Wire, methods, none_of, sent, tcp, the, udp


def destination(outputs: object) -> Flow:
    return next(output.flow for output in outputs if isinstance(output, SendBytes))  # type: ignore[attr-defined]


# ---------------------------------------------------------------- answers
def test_with_rport_answers_go_where_the_request_came_from() -> None:
    wire = Wire(udp(("203.0.113.5", 61000)))
    outputs = wire.invite(via="SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKn")
    assert destination(outputs).remote == ("203.0.113.5", 61000)
    via = sent(outputs)[0].via
    assert (via.param("received"), via.param("rport")) == ("203.0.113.5", "61000")


def test_without_rport_answers_go_to_the_port_of_the_via_at_the_address_it_came_from() -> None:
    wire = Wire(udp(("203.0.113.5", 61000)))
    outputs = wire.invite(via="SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKn")
    assert destination(outputs).remote == ("203.0.113.5", 5070)
    assert sent(outputs)[0].via.param("received") == "203.0.113.5"
    assert not sent(outputs)[0].via.has_param("rport")
    outputs = wire.invite(via="SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKm", call_id="b")
    assert destination(outputs).remote == ("203.0.113.5", 5060)


def test_received_is_added_only_where_it_says_something_new() -> None:
    wire = Wire()
    outputs = wire.invite(via="SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKn")
    assert not sent(outputs)[0].via.has_param("received")


def test_nobody_aims_our_answers() -> None:
    wire = Wire()
    via = "SIP/2.0/UDP 192.0.2.99:5062;maddr=192.0.2.66;received=192.0.2.66;rport=99;branch=z9hG4bKn"
    outputs = wire.invite(via=via)
    assert destination(outputs).remote == ("192.0.2.9", 5062)
    assert sent(outputs)[0].via.param("received") == "192.0.2.9"
    assert str(sent(outputs)[0].via).count("received") == 1


@pytest.mark.parametrize("name", ["received", "Received"])
def test_a_made_up_received_is_taken_away(name: str) -> None:
    wire = Wire()
    outputs = wire.invite(via=f"SIP/2.0/UDP 192.0.2.9:5062;{name}=192.0.2.66;branch=z9hG4bKn")
    assert not sent(outputs)[0].via.has_param("received")
    outputs = wire.invite(via=f"SIP/2.0/UDP 10.0.0.9:5062;{name}=192.0.2.66;branch=z9hG4bKm", call_id="b")
    assert str(sent(outputs)[0].via).lower().count("received") == 1
    assert sent(outputs)[0].via.param("received") == "192.0.2.9"


def test_only_the_top_via_is_changed() -> None:
    wire = Wire()
    below = "SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKbelow"
    outputs = wire.invite(via=f"SIP/2.0/UDP 192.0.2.9:5062;rport;branch=z9hG4bKn, {below}")
    assert sent(outputs)[0].headers.get_all("Via")[1:] == [below]


def test_answers_by_a_stream_go_back_by_it() -> None:
    wire = Wire(tcp(("203.0.113.5", 61000)))
    outputs = wire.invite(via="SIP/2.0/TCP 10.0.0.9:5060;branch=z9hG4bKn")
    assert destination(outputs) == wire.flow


# ---------------------------------------------------------------- requests in the dialog
def hung_up(wire: Wire, contact: str, *headers: str, via: str | None = None) -> list[object]:
    call = wire.arrive(*headers, contact=contact, via=via)
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag))
    return list(wire.stack.hang_up(call, wire.now))


def test_a_contact_where_the_phone_is_needs_no_search() -> None:
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@192.0.2.9:5062>")
    assert destination(outputs) == wire.flow


def test_a_contact_at_another_port_is_sought_by_the_transports() -> None:
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@192.0.2.9:5099>")
    opened = the(OpenFlow, outputs)
    assert (opened.transport, opened.remote) == ("UDP", ("192.0.2.9", 5099))
    found = udp(("192.0.2.9", 5099), local=("198.51.100.1", 5060))
    bye = sent(wire.stack.flow_opened(opened.token, found, wire.now))[0]
    assert (bye.via.host, bye.via.port) == ("198.51.100.1", 5060)  # as that peer can reach us


def test_a_private_contact_behind_a_nat_is_reached_where_its_packets_come_from() -> None:
    wire = Wire(udp(("203.0.113.5", 61000)))
    outputs = hung_up(wire, "<sip:alice@10.0.0.9:5060>", via="SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bKn")
    assert destination(outputs) == wire.flow
    assert str(sent(outputs)[0].uri) == "sip:alice@10.0.0.9:5060"  # type: ignore[union-attr]


def test_behind_a_proxy_the_contact_is_where_it_says() -> None:
    wire = Wire()
    via = "SIP/2.0/UDP 192.0.2.9:5062;rport;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKb"
    assert the(OpenFlow, hung_up(wire, "<sip:alice@10.0.0.9:5060>", via=via)).remote == ("10.0.0.9", 5060)


def test_a_public_host_that_names_another_public_one_is_believed() -> None:
    wire = Wire(udp(("8.8.8.8", 5060)))
    outputs = hung_up(wire, "<sip:gw@9.9.9.9:5060>", via="SIP/2.0/UDP 8.8.8.8:5060;rport;branch=z9hG4bKn")
    assert the(OpenFlow, outputs).remote == ("9.9.9.9", 5060)


def test_a_name_is_looked_up_and_the_phone_s_own_address_serves_where_it_has_none() -> None:
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@phone.example:5062>")
    resolve = the(Resolve, outputs)
    assert resolve.host == "phone.example"
    outputs = wire.stack.resolved(resolve.token, [], wire.now)
    assert destination(outputs) == wire.flow and methods(outputs) == ["BYE"]


def test_a_way_once_found_is_not_sought_again() -> None:
    wire = Wire()
    call = wire.arrive(contact="<sip:alice@phone.example:5062>")
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag))
    token = the(Resolve, wire.stack.probe(call, wire.now)).token
    opened = the(OpenFlow, wire.stack.resolved(token, ["192.0.2.10"], wire.now))
    found = udp(("192.0.2.10", 5062))
    assert methods(wire.stack.flow_opened(opened.token, found, wire.now)) == ["OPTIONS"]
    assert destination(wire.stack.probe(call, wire.now)) == found


def test_loose_routes_are_written_in_order_and_the_first_is_the_way() -> None:
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@10.0.0.9>", "Record-Route: <sip:192.0.2.50;lr>, <sip:192.0.2.51;lr>")
    opened = the(OpenFlow, outputs)
    assert opened.remote == ("192.0.2.50", 5060)
    bye = sent(wire.stack.flow_opened(opened.token, udp(("192.0.2.50", 5060)), wire.now))[0]
    assert isinstance(bye, Request)
    assert str(bye.uri) == "sip:alice@10.0.0.9"
    assert bye.headers.get_all("Route") == ["<sip:192.0.2.50;lr>", "<sip:192.0.2.51;lr>"]


def test_a_proxy_that_the_call_came_by_needs_no_search() -> None:
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@10.0.0.9>", "Record-Route: <sip:192.0.2.9:5062;lr>")
    assert destination(outputs) == wire.flow


def test_a_strict_router_gets_the_request_as_its_own() -> None:
    """RFC 3261 12.2.1.1."""
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@10.0.0.9>", "Record-Route: <sip:192.0.2.50>, <sip:192.0.2.51;lr>")
    opened = the(OpenFlow, outputs)
    bye = sent(wire.stack.flow_opened(opened.token, udp(("192.0.2.50", 5060)), wire.now))[0]
    assert isinstance(bye, Request)
    assert str(bye.uri) == "sip:192.0.2.50"
    assert bye.headers.get_all("Route") == ["<sip:192.0.2.51;lr>", "<sip:alice@10.0.0.9>"]


def test_what_has_no_place_in_a_request_uri_is_left_out() -> None:
    """RFC 3261 19.1.1, 12.2.1.1: whoever gets headers in a Request-URI may refuse our BYE."""
    wire = Wire()
    bye = sent(hung_up(wire, "<sip:alice@192.0.2.9:5062;method=INVITE;ob?Subject=x&Replaces=y>"))[0]
    assert isinstance(bye, Request)
    assert str(bye.uri) == "sip:alice@192.0.2.9:5062;ob"
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@10.0.0.9?Subject=x>", "Record-Route: <sip:192.0.2.9:5062;method=INVITE?a=b>")
    bye = sent(outputs)[0]
    assert isinstance(bye, Request)
    assert str(bye.uri) == "sip:192.0.2.9:5062"
    assert bye.headers.get_all("Route") == ["<sip:alice@10.0.0.9>"]


def test_the_route_set_of_a_call_of_ours_is_turned_round() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    routes = "Record-Route: <sip:192.0.2.51;lr>, <sip:192.0.2.50;lr>"
    outputs = wire.answer(invite, 200, routes)
    opened = the(OpenFlow, outputs)
    assert opened.remote == ("192.0.2.50", 5060)
    ack = sent(wire.stack.flow_opened(opened.token, udp(("192.0.2.50", 5060)), wire.now))[0]
    assert ack.headers.get_all("Route") == ["<sip:192.0.2.50;lr>", "<sip:192.0.2.51;lr>"]
    assert destination(wire.stack.hang_up(call, wire.now)).remote == ("192.0.2.50", 5060)


def test_a_route_by_name_and_port_is_the_next_hop() -> None:
    assert hop_of(parse_uri("sip:p.example:5070;transport=tcp;lr")) == Hop("TCP", "p.example", 5070)
    assert hop_of(parse_uri("sip:p.example")) == Hop("UDP", "p.example", 5060)
    assert hop_of(parse_uri("sips:p.example")) == Hop("TLS", "p.example", 5061)
    assert hop_of(parse_uri("sip:[2001:db8::1]:5070")) == Hop("UDP", "2001:db8::1", 5070)
    assert hop_of(parse_uri("tel:+49")) is None


# ---------------------------------------------------------------- connections
@pytest.mark.parametrize("contact", ["<sip:alice@192.0.2.9:5060;transport=tcp>", "<sip:alice@192.0.2.9>"])
def test_a_connection_that_lives_is_used(contact: str) -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)))
    assert destination(hung_up(wire, contact)) == wire.flow


def test_a_connection_that_is_lost_is_opened_anew() -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)))
    call = wire.arrive(contact="<sip:alice@192.0.2.9:5060;transport=tcp>")
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    the(CallAcknowledged, wire.hear(wire.request("ACK", to_tag=tag)))
    wire.stack.flow_lost(wire.flow, wire.now)
    outputs = wire.stack.hang_up(call, wire.now)
    assert the(OpenFlow, outputs).remote == ("192.0.2.9", 5060) and the(CallEnded, outputs)
    bye = sent(wire.stack.flow_opened(the(OpenFlow, outputs).token, tcp(("192.0.2.9", 5060), 2), wire.now))[0]
    assert bye.via.transport == "TCP"


def test_a_call_survives_its_connection_and_moves_by_re_invite() -> None:
    wire = Wire(tcp(("192.0.2.9", 49152)))
    call = wire.arrive(contact="<sip:alice@192.0.2.9;transport=tcp>")
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag))
    wire.stack.flow_lost(wire.flow, wire.now)
    second = tcp(("192.0.2.9", 49153), 2)
    again = wire.request("INVITE", to_tag=tag, cseq=2, body=SDP, contact="<sip:alice@192.0.2.9;transport=tcp>")
    wire.hear(again, second)
    assert destination(wire.stack.accept_offer(call, SDP, wire.now)) == second
    wire.hear(wire.request("ACK", to_tag=tag, cseq=2), second)
    assert destination(wire.stack.hang_up(call, wire.now)) == second


def test_our_contact_and_via_say_what_is_advertised_to_that_peer() -> None:
    wire = Wire(tcp(), advertised=lambda flow: ("198.51.100.7", 5070))
    call = wire.arrive()
    accepted = sent(wire.stack.accept(call, SDP, wire.now))[0]
    assert accepted.headers.get("Contact") == "<sip:standup@198.51.100.7:5070;transport=tcp>"
    wire.hear(wire.request("ACK", to_tag=accepted.to.tag))
    bye = sent(wire.stack.hang_up(call, wire.now))[0]
    assert (bye.via.host, bye.via.port) == ("198.51.100.7", 5070)


def test_ipv6_has_its_brackets() -> None:
    flow = Flow("UDP", ("2001:db8::1", 5060), ("2001:db8::9", 5062))
    wire = Wire(flow)
    via = "SIP/2.0/UDP [2001:db8::9]:5062;rport;branch=z9hG4bKn"
    call = wire.arrive(via=via, contact="<sip:alice@[2001:db8::9]:5062>")
    accepted = sent(wire.stack.accept(call, SDP, wire.now))[0]
    assert accepted.headers.get("Contact") == "<sip:standup@[2001:db8::1]:5060>"
    wire.hear(wire.request("ACK", to_tag=accepted.to.tag, via=via.replace("bKn", "bKa")))
    outputs = wire.stack.hang_up(call, wire.now)
    assert destination(outputs) == flow and "[2001:db8::1]" in str(sent(outputs)[0].via)


def test_an_ipv6_address_is_the_same_in_any_spelling() -> None:
    """RFC 5952 section 2: the phone's Contact is where it sits, at the port that it names."""
    flow = Flow("UDP", ("2001:db8::1", 5060), ("2001:db8::9", 61000))
    wire = Wire(flow)
    outputs = hung_up(
        wire, "<sip:alice@[2001:DB8:0:0::0009]:5062>", via="SIP/2.0/UDP [2001:DB8::9];rport;branch=z9hG4bKn"
    )
    assert the(OpenFlow, outputs).remote == ("2001:db8::9", 5062)


def test_the_ack_to_a_name_is_sent_when_the_name_is_known() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    outputs = wire.answer(invite, 200, "Contact: <sip:bob@phone.example>")
    resolve = the(Resolve, outputs)
    the(CallAccepted, outputs)
    assert none_of(SendBytes, wire.answer(invite, 200))  # not known yet
    opened = the(OpenFlow, wire.stack.resolved(resolve.token, ["192.0.2.10"], wire.now))
    assert methods(wire.stack.flow_opened(opened.token, udp(opened.remote), wire.now)) == ["ACK"]
    assert methods(wire.answer(invite, 200)) == ["ACK"]


def test_late_words_of_the_transports_are_passed_over() -> None:
    wire = Wire()
    assert wire.stack.flow_opened(99, udp(), wire.now) == []
    assert wire.stack.flow_failed(99, "late", wire.now) == []
    assert wire.stack.resolved(99, ["192.0.2.1"], wire.now) == []
    assert wire.stack.flow_lost(tcp(), wire.now) == []


# ---------------------------------------------------------------- what is said of TLS and WebSockets
def test_hops_by_tls_and_websocket() -> None:
    assert hop_of(parse_uri("sip:p.example;transport=tls")) == Hop("TLS", "p.example", 5061)
    assert hop_of(parse_uri("sips:p.example;transport=tcp")) == Hop("TLS", "p.example", 5061)
    assert hop_of(parse_uri("sip:p.example;transport=ws")) == Hop("WS", "p.example", 80)
    assert hop_of(parse_uri("sips:p.example;transport=ws")) == Hop("WSS", "p.example", 443)


@pytest.mark.parametrize(
    ("transport", "uri", "headers", "contact"),
    [
        ("TLS", "sip:standup@192.0.2.1", (), "<sip:standup@192.0.2.1:5060;transport=tls>"),
        ("TLS", "sips:standup@192.0.2.1", (), "<sips:standup@192.0.2.1:5060>"),
        ("WSS", "sips:standup@192.0.2.1", (), "<sips:standup@192.0.2.1:5060;transport=ws>"),
        ("TLS", "sip:standup@192.0.2.1", ("Record-Route: <sips:192.0.2.9;lr>",), "<sips:standup@192.0.2.1:5060>"),
        ("TLS", "sip:standup@192.0.2.1", ("Record-Route: <sip:x;lr>",), "<sip:standup@192.0.2.1:5060;transport=tls>"),
    ],
)  # fmt: skip
def test_our_contact_is_as_safe_as_the_request(
    transport: str, uri: str, headers: tuple[str, ...], contact: str
) -> None:
    """RFC 3261 12.1.1: sips where the Request-URI or the first Record-Route is."""
    wire = Wire(Flow(transport, ("192.0.2.1", 5060), ("192.0.2.9", 49152), 1))
    call = wire.arrive(*headers, uri=uri, contact="<sip:alice@192.0.2.9:5061;transport=tls>")
    found = sent(wire.stack.accept(call, SDP, wire.now))[0].headers.get("Contact") or ""
    assert found.partition(">")[0] + ">" == contact


def test_a_sips_contact_alone_counts_where_there_is_no_record_route() -> None:
    wire = Wire(Flow("TLS", ("192.0.2.1", 5061), ("192.0.2.9", 49152), 1))
    call = wire.arrive(contact="<sips:alice@192.0.2.9>")
    found = sent(wire.stack.accept(call, SDP, wire.now))[0].headers.get("Contact") or ""
    assert found.startswith("<sips:standup@192.0.2.1:5061>")


def test_who_says_ob_is_reached_by_his_flow() -> None:
    """RFC 5626 section 4.3."""
    wire = Wire(udp(("203.0.113.5", 61000)))
    outputs = hung_up(wire, "<sip:alice@203.0.113.5:5062;ob>")
    assert destination(outputs) == wire.flow


def test_the_name_of_a_hop_goes_along_for_its_certificate() -> None:
    """RFC 5922 section 7.3: the domain that was looked up, not the host that its records name."""
    wire = Wire()
    outputs = hung_up(wire, "<sip:alice@trunk.example;transport=tls>")
    opened = the(OpenFlow, wire.stack.resolved(the(Resolve, outputs).token, ["192.0.2.10"], wire.now))
    assert (opened.transport, opened.remote, opened.domain) == ("TLS", ("192.0.2.10", 5061), "trunk.example")
