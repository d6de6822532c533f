"""What a request must be before anybody hears of it (RFC 3261 8.2), and how little a bad one costs."""

from __future__ import annotations

import pytest

from confserver.sip.flow import Flow
from confserver.sip.message import Response
from confserver.sip.outputs import CallArrived, CloseFlow, RequestArrived, SendBytes
from tests.kit.sip_play import SDP, Wire, at_rest, none_of, sent, statuses, tcp, the


def refused(wire: Wire, *headers: str, **more: object) -> Response:
    outputs = wire.invite(*headers, **more)
    assert none_of(CallArrived, outputs)
    answer = sent(outputs)[0]
    assert isinstance(answer, Response) and len(outputs) == 1
    assert answer.to.tag  # 8.2.6.2
    assert at_rest(wire.stack)  # nothing is kept
    return answer


def test_a_method_that_we_do_not_know_gets_405() -> None:
    wire = Wire()
    answer = sent(wire.hear(wire.request("PUBLISH")))[0]
    assert isinstance(answer, Response)
    assert answer.status == 405
    assert answer.headers.get_all("Allow") == ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "PRACK", "UPDATE"]


def test_a_method_that_our_user_knows_comes_to_him() -> None:
    wire = Wire(allow=("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER"))
    arrived = the(RequestArrived, wire.hear(wire.request("REGISTER")))
    answer = sent(wire.stack.respond(arrived.transaction, 403, wire.now, headers=(("X-Why", "no"),)))[0]
    assert isinstance(answer, Response)
    assert answer.status == 403 and answer.headers.get("X-Why") == "no" and "Allow" not in answer.headers


def test_options_say_what_we_can() -> None:
    wire = Wire(option_tags=("timer",))
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS"))).transaction
    answer = sent(wire.stack.respond(number, 200, wire.now))[0]
    assert answer.headers.get("Accept") == "application/sdp" and answer.headers.get("Supported") == "timer"
    assert "INVITE" in answer.headers.get_all("Allow") and answer.to.tag


@pytest.mark.parametrize("uri", ["http:standup", "mailto:a@b"])
def test_other_uris_get_416(uri: str) -> None:
    assert refused(Wire(), uri=uri).status == 416


def test_tel_is_heard() -> None:
    the(CallArrived, Wire().invite(uri="tel:+4930123"))


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS", "WS", "WSS"])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "MESSAGE"])
def test_sips_must_come_securely(method: str, transport: str) -> None:
    """RFC 3261 26.2.2."""
    flow = Flow(transport, ("192.0.2.1", 5060), ("192.0.2.9", 5062), int(transport != "UDP"))
    wire = Wire(flow, allow=("INVITE", "OPTIONS", "MESSAGE"))
    outputs = wire.hear(wire.request(method, uri="sips:standup@192.0.2.1"))
    if flow.is_secure:
        assert any(isinstance(each, CallArrived | RequestArrived) for each in outputs)
        return
    assert statuses(outputs) == [403] and "TLS" in (sent(outputs)[0].headers.get("Warning") or "")
    assert at_rest(wire.stack), "nothing is kept"


def test_another_version_gets_505() -> None:
    wire = Wire()
    assert statuses(wire.hear(wire.request("INVITE").replace(" SIP/2.0\r\nVia", " SIP/3.0\r\nVia", 1))) == [505]


def test_an_extension_that_we_lack_gets_420() -> None:
    answer = refused(Wire(option_tags=("timer",)), "Require: timer, 100rel, x")
    assert answer.status == 420 and answer.headers.get_all("Unsupported") == ["100rel", "x"]
    the(CallArrived, Wire(option_tags=("timer",)).invite("Require: timer"))


def test_require_in_ack_and_cancel_is_not_looked_at() -> None:
    """RFC 3261 8.2.2.3."""
    wire = Wire()
    call = wire.arrive(branch="z9hG4bKone")
    assert statuses(wire.hear(wire.request("CANCEL", "Require: x", branch="z9hG4bKone"))) == [200, 487]
    assert wire.hear(wire.request("ACK", "Require: x", branch="z9hG4bKone")) == []
    wire.pass_time(6)
    assert call and at_rest(wire.stack)


def test_a_body_that_we_cannot_read_gets_415() -> None:
    answer = refused(Wire(), body=b"<xml/>", content_type="application/xml")
    assert answer.status == 415 and answer.headers.get("Accept") == "application/sdp"
    answer = refused(Wire(), "Content-Encoding: gzip")
    assert answer.status == 415 and answer.headers.get("Accept-Encoding") == "identity"
    the(CallArrived, Wire().invite("Content-Encoding: identity"))
    the(CallArrived, Wire().invite(content_type="Application/SDP;charset=utf-8"))


def test_parts_are_not_taken_apart() -> None:
    """A multipart body gets 415 with what we would take (RFC 3261 8.2.3), whatever stands in it."""
    parts = b"--x\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"--x--\r\n"
    answer = refused(Wire(), body=parts, content_type='multipart/mixed;boundary="x"')
    assert answer.status == 415 and answer.headers.get("Accept") == "application/sdp"


def test_a_body_that_we_need_not_read_is_taken_away() -> None:
    optional = 'Content-Disposition: render; handling = "Optional"'
    arrived = the(CallArrived, Wire().invite(optional, body=b"<xml/>", content_type="application/xml"))
    assert arrived.request.body == b"" and arrived.request.content_type == ""
    needed = "Content-Disposition: render; handling=required"
    assert refused(Wire(), needed, body=b"<xml/>", content_type="application/xml").status == 415


@pytest.mark.parametrize("contact", [None, "*", "nonsense", "<sip:a@b>, <sip:c@d>"])
def test_an_invite_needs_one_contact(contact: str | None) -> None:
    assert refused(Wire(), contact=contact).status == 400


def test_a_bad_record_route_gets_400() -> None:
    assert refused(Wire(), "Record-Route: <sip:>").status == 400


def test_max_forwards_is_none_of_our_business() -> None:
    wire = Wire()
    the(CallArrived, wire.hear(wire.request("INVITE", body=SDP).replace("Max-Forwards: 70", "Max-Forwards: 0")))


def test_a_stateless_answer_is_always_the_same() -> None:
    wire = Wire()
    text = wire.request("INVITE", "Require: x", body=SDP)
    assert wire.hear(text) == wire.hear(text)
    assert sent(wire.hear(text))[0].to.tag != sent(wire.invite("Require: x"))[0].to.tag


# ---------------------------------------------------------------- malformed
def test_a_broken_request_is_answered_once_as_far_as_it_can_be() -> None:
    wire = Wire()
    text = wire.request("INVITE").replace("CSeq: 1 INVITE", "CSeq: one INVITE")
    answer = wire.hear(text)
    assert len(answer) == 1
    assert answer[0].data.startswith(b"SIP/2.0 400 bad CSeq: 'one INVITE'\r\n")  # type: ignore[union-attr]
    assert answer[0].flow == wire.flow  # type: ignore[union-attr]
    assert wire.stack.describe()["malformed"] == 1 and at_rest(wire.stack)


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense",
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",  # nobody to answer
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n\r\n",  # responses are never answered
        b"\xff\xfe\x00",
    ],
)
def test_what_cannot_be_answered_is_dropped(data: bytes) -> None:
    wire = Wire()
    assert wire.hear(data) == []
    assert wire.stack.describe()["malformed"] == 1


def test_a_broken_ack_is_never_answered() -> None:
    wire = Wire()
    assert wire.hear(wire.request("ACK").replace("CSeq: 1 ACK", "CSeq: one ACK")) == []


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0", b"\0\0\0\0"])
def test_keep_alives_by_datagram_are_not_even_counted(data: bytes) -> None:
    wire = Wire()
    before = wire.stack.describe()
    assert wire.hear(data) == [] and wire.stack.describe() == before


def test_a_2xx_with_a_bad_contact_does_not_break_the_call() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    outputs = wire.answer(invite, 200, "Contact: <<<", "Record-Route: <sip:>")
    assert next(type(o) for o in outputs) is SendBytes and wire.stack.describe()["dialogs"] == 1


# ---------------------------------------------------------------- streams
def test_requests_by_a_stream_in_pieces_and_together() -> None:
    wire = Wire(tcp())
    text = (wire.request("OPTIONS", call_id="a") + wire.request("OPTIONS", call_id="b")).encode()
    outputs = [output for index in range(len(text)) for output in wire.hear(text[index : index + 1])]
    assert len([o for o in outputs if isinstance(o, RequestArrived)]) == 2


def test_a_flood_of_pings_costs_one_pong() -> None:
    wire = Wire(tcp())
    assert wire.hear(b"\r\n" * 30_001) == [SendBytes(wire.flow, b"\r\n")]
    assert wire.hear(b"\r\n") == [SendBytes(wire.flow, b"\r\n")]
    assert wire.hear(b"\r\n") == []


def test_a_ping_gets_a_pong() -> None:
    wire = Wire(tcp())
    assert wire.hear(b"\r\n\r\n") == [SendBytes(wire.flow, b"\r\n")]


def test_a_broken_message_in_a_stream_is_answered_and_the_next_one_heard() -> None:
    wire = Wire(tcp())
    bad = wire.request("INVITE").replace("CSeq: 1 INVITE", "CSeq: one INVITE")
    outputs = wire.hear(bad + wire.request("OPTIONS"))
    assert b" 400 " in outputs[0].data  # type: ignore[union-attr]
    the(RequestArrived, outputs)


def test_a_stream_that_cannot_be_cut_is_closed_and_no_more_heard() -> None:
    wire = Wire(tcp())
    good = wire.request("OPTIONS", call_id="good")
    bad = wire.request("INVITE").replace("Content-Length: 0", "Content-Length: many")
    outputs = wire.hear(good + bad)
    the(RequestArrived, outputs)
    assert isinstance(outputs[-1], CloseFlow) and b" 400 " in outputs[-2].data  # type: ignore[union-attr]
    assert wire.hear(wire.request("OPTIONS")) == []
    wire.stack.flow_lost(wire.flow, wire.now)
    assert wire.stack.describe()["connections"] == 0


def test_a_peer_that_sends_nothing_of_use_costs_its_buffer_only() -> None:
    wire = Wire(tcp())
    for _ in range(1000):
        assert wire.hear(b"x" * 50) == []
    assert at_rest(wire.stack) and wire.stack.describe()["connections"] == 1
    assert wire.stack.flow_lost(wire.flow, wire.now) == [] and wire.stack.describe()["connections"] == 0


# ---------------------------------------------------------------- limits
def test_too_many_calls_get_503_with_retry_after() -> None:
    wire = Wire(most_calls=2, retry_after=7)
    for number in range(2):
        wire.arrive(call_id=f"c{number}")
    answer = sent(wire.invite(call_id="c3"))[0]
    assert isinstance(answer, Response)
    assert answer.status == 503 and answer.headers.get("Retry-After") == "7"
    the(RequestArrived, wire.hear(wire.request("OPTIONS", call_id="o")))
    assert wire.stack.describe()["refused for load"] == 1


def test_too_many_transactions_get_503_but_a_bye_is_heard() -> None:
    wire = Wire(most_transactions=3)
    _, tag = wire.establish()
    for number in range(2):
        the(RequestArrived, wire.hear(wire.request("OPTIONS", call_id=f"o{number}")))
    assert statuses(wire.hear(wire.request("OPTIONS", call_id="o"))) == [503]
    assert statuses(wire.hear(wire.request("OPTIONS", to_tag=tag, cseq=2))) == [503]
    assert statuses(wire.hear(wire.request("BYE", to_tag=tag, cseq=3))) == [200]
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_too_much_of_large_requests_gets_503() -> None:
    """What is kept for half a minute of each request must not be the peer's to choose."""
    wire = Wire(most_bytes=20_000)
    large = ["X-Large: " + "x" * 6_000]
    for number in range(3):
        the(RequestArrived, wire.hear(wire.request("OPTIONS", *large, call_id=f"o{number}")))
    assert 18_000 < wire.stack.describe()["bytes of requests"] < 20_000
    the(RequestArrived, wire.hear(wire.request("OPTIONS", *large, call_id="the last")))
    assert statuses(wire.invite(call_id="one too many")) == [503]
    wire.pass_time(33)
    assert at_rest(wire.stack) and wire.stack.describe()["bytes of requests"] == 0
    the(CallArrived, wire.invite(call_id="later"))


def test_the_unwelcome_get_403_and_leave_no_trace() -> None:
    wire = Wire(unwelcome=lambda flow: f"no calls from {flow.remote[0]}")
    answer = refused(wire)
    assert answer.status == 403
    assert answer.headers.get("Warning") == f'399 confserver "no calls from {wire.flow.remote[0]}"'
    options = sent(wire.hear(wire.request("OPTIONS")))[0]
    assert isinstance(options, Response) and options.status == 403
    wire.pass_time(33)
    assert at_rest(wire.stack) and wire.stack.describe()["unwelcome"] == 2


def test_who_becomes_unwelcome_keeps_the_call_he_has() -> None:
    banned: set[str] = set()
    wire = Wire(unwelcome=lambda flow: "enough" if flow.remote[0] in banned else "")
    call = wire.arrive()
    banned.add(wire.flow.remote[0])
    outputs = wire.stack.accept(call, SDP, wire.now)
    assert statuses(outputs) == [200]


# ---------------------------------------------------------------- answers for what is too much, or not enough
@pytest.mark.parametrize("accept", ["text/nobodyKnowsThis", "application/xml, text/*", "", "application/sdpx;q=1"])
def test_an_answer_that_we_cannot_give_is_406(accept: str) -> None:
    """RFC 3261 20.1: an empty Accept takes nothing; RFC 4475 3.3.15."""
    answer = refused(Wire(), f"Accept: {accept}")
    assert answer.status == 406 and (answer.headers.get("Warning") or "").startswith("399 ")


@pytest.mark.parametrize(
    "accept", ["application/sdp", "text/plain, Application/SDP;level=1", "*/*", "application/*;q=0.5, text/html"]
)
def test_an_answer_that_we_can_give(accept: str) -> None:
    the(CallArrived, Wire().invite(f"Accept: {accept}"))


def test_accept_is_not_looked_at_where_no_body_is_answered() -> None:
    the(RequestArrived, Wire().hear(Wire().request("OPTIONS", "Accept: text/html")))


def test_a_body_that_is_too_large_is_413() -> None:
    assert refused(Wire(most_body=1000), body=b"v=0\r\n" + b"x" * 1000).status == 413
    the(CallArrived, Wire(most_body=1000).invite(body=SDP))


def test_a_request_uri_that_is_too_long_is_414() -> None:
    assert refused(Wire(), uri=f"sip:{'x' * 2048}@192.0.2.1").status == 414
    the(CallArrived, Wire().invite(uri=f"sip:{'x' * 2000}@192.0.2.1"))


def test_a_request_line_that_is_too_long_is_414_too() -> None:
    """Though no line of that length is read."""
    wire = Wire()
    text = wire.request("INVITE", uri=f"sip:{'x' * 20_000}@192.0.2.1", body=SDP)
    [answer] = sent(wire.hear(text))
    assert isinstance(answer, Response) and (answer.status, answer.cseq.method) == (414, "INVITE")
    assert at_rest(wire.stack)


@pytest.mark.parametrize("name", ["Subject", "Contact"])
def test_another_line_that_is_too_long_is_400(name: str) -> None:
    assert statuses(Wire().hear(Wire().request("INVITE", f"{name}: {'x' * 20_000}"))) == [400]


def test_a_message_that_is_too_large_is_513() -> None:
    assert statuses(Wire().hear(Wire().request("INVITE", body=b"x" * 70_000))) == [513]


def test_what_a_house_cannot_do_without_is_421() -> None:
    wire = Wire(needed_tags=("timer", "100rel"))
    answer = refused(wire, "Supported: 100rel, replaces")
    assert answer.status == 421 and answer.headers.get_all("Require") == ["timer"]
    call = wire.arrive("Supported: 100rel", "Require: timer")
    tag = sent(wire.stack.accept(call, SDP, wire.now))[0].to.tag
    wire.hear(wire.request("ACK", to_tag=tag))
    again = wire.hear(wire.request("INVITE", to_tag=tag, cseq=2, body=SDP))
    assert 421 not in statuses(again), "a call that stands is not asked again"


def test_a_phone_from_before_rfc_3261_needs_no_contact() -> None:
    wire = Wire()
    old = {"branch": "old-fashioned", "contact": None, "from_tag": ""}
    text = wire.request("INVITE", body=SDP, **old).replace(";tag=\r\n", "\r\n")  # type: ignore[arg-type]
    call = the(CallArrived, wire.hear(text)).call
    assert statuses(wire.stack.accept(call, SDP, wire.now)) == [200]
