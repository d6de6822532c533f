"""Requests of ours that are asked for credentials (RFC 3261 22.2): once more with them, no more than makes sense."""

from __future__ import annotations

from confserver.sip import digest
from confserver.sip.account import Account
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request
from confserver.sip.outputs import CallAccepted, CallEnded, OpenFlow, RequestAnswered
from tests.kit.sip_play import SDP, Wire, at_rest, methods, none_of, sent, statuses, the

PASSWORD = "wonderland"
CHALLENGE = 'Digest realm="carrier", nonce="NONCE", qop="auth", algorithm=SHA-256'


def account() -> Account:
    return Account("us", PASSWORD, lambda: "c0")


def calling(wire: Wire, ours: Account | None = None) -> tuple[int, Request]:
    from_, to = parse_name_addr("<sip:us@carrier>"), parse_name_addr("<sip:123@192.0.2.9:5062>")
    call, outputs = wire.stack.call(to.uri, from_, SDP, wire.now, account=ours or account())
    outputs = wire.stack.flow_opened(the(OpenFlow, outputs).token, wire.flow, wire.now)
    return call, request_in(outputs)


def request_in(outputs: list[object], method: str = "") -> Request:
    found = [m for m in sent(outputs) if isinstance(m, Request) and m.method != "ACK" and method in ("", m.method)]
    assert len(found) == 1, found
    return found[0]


def challenge(nonce: str = "n1", more: str = "") -> str:
    return f"Proxy-Authenticate: {CHALLENGE.replace('NONCE', nonce)}{more}"


def is_right(request: Request, header: str = "Proxy-Authorization") -> bool:
    said = digest.parse_credentials(request.headers.get(header) or "")
    secret = digest.ha1(said.algorithm, "us", "carrier", PASSWORD)
    return digest.with_response(said, secret, request.method) == said and said.uri == str(request.uri)


def test_an_invite_is_sent_again_with_credentials() -> None:
    wire = Wire()
    call, first = calling(wire)
    outputs = wire.answer(first, 407, challenge())
    assert methods(outputs) == ["ACK", "INVITE"] and none_of(CallEnded, outputs)
    second = request_in(outputs)
    assert second.call_id == first.call_id and second.from_.tag == first.from_.tag and second.cseq.number == 2
    assert is_right(second) and second.body == SDP
    outputs = wire.answer(second, 200, body=SDP)
    ack = sent(outputs)[0]
    assert ack.headers.get("Proxy-Authorization") == second.headers.get("Proxy-Authorization"), "RFC 3261 13.2.2.4"
    assert the(CallAccepted, outputs).call == call
    bye = request_in(wire.stack.hang_up(call, wire.now), "BYE")
    said = digest.parse_credentials(bye.headers.get("Proxy-Authorization") or "")
    assert is_right(bye) and said.nc == 2 and bye.cseq.number == 3
    wire.answer(bye, 200, tag="")
    wire.pass_time(40)
    assert at_rest(wire.stack)


def test_a_wrong_password_is_said_once() -> None:
    wire = Wire()
    _, first = calling(wire)
    second = request_in(wire.answer(first, 407, challenge()))
    outputs = wire.answer(second, 407, challenge("n2"))
    assert methods(outputs) == ["ACK"] and the(CallEnded, outputs).status == 407


def test_a_stale_nonce_is_renewed() -> None:
    wire = Wire()
    _, first = calling(wire)
    second = request_in(wire.answer(first, 407, challenge()))
    third = request_in(wire.answer(second, 407, challenge("n2", ", stale=true")))
    assert third.cseq.number == 3 and 'nonce="n2"' in (third.headers.get("Proxy-Authorization") or "")


def test_who_asks_for_ever_is_left() -> None:
    wire = Wire()
    _, request = calling(wire)
    for number in range(10):
        outputs = wire.answer(request, 407, challenge(f"n{number}", ", stale=true"))
        if methods(outputs) == ["ACK"]:
            break
        request = request_in(outputs)
    assert request.cseq.number == 4 and the(CallEnded, outputs).status == 407


def test_the_next_call_knows_the_challenge() -> None:
    wire, ours = Wire(), account()
    _, first = calling(wire, ours)
    wire.answer(first, 407, challenge())
    _, later = calling(wire, ours)
    assert is_right(later) and later.cseq.number == 1


def test_one_that_is_given_up_gives_no_credentials() -> None:
    wire = Wire()
    call, first = calling(wire)
    wire.stack.hang_up(call, wire.now)
    outputs = wire.answer(first, 407, challenge())
    assert methods(outputs) == ["ACK"] and the(CallEnded, outputs)


def test_a_challenge_that_we_do_not_understand() -> None:
    for line in ("Proxy-Authenticate: Basic realm=x", "Proxy-Authenticate: nonsense", "X: y"):
        wire = Wire()
        _, first = calling(wire)
        assert the(CallEnded, wire.answer(first, 407, line)).status == 407


def test_without_an_account_a_challenge_is_a_refusal() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    assert the(CallEnded, wire.answer(invite, 401, challenge())).status == 401


# ---------------------------------------------------------------- REGISTER and others
def registering(wire: Wire, ours: Account | None = None) -> tuple[int, Request]:
    us = parse_name_addr("<sip:us@carrier>")
    number, outputs = wire.stack.send(
        "REGISTER", parse_name_addr("<sip:192.0.2.9:5062>").uri, us, wire.now, (("Expires", "600"),), to=us,
        account=ours or account(), series=("series", 8),
    )  # fmt: skip
    if any(isinstance(each, OpenFlow) for each in outputs):
        outputs = wire.stack.flow_opened(the(OpenFlow, outputs).token, wire.flow, wire.now)
    return number, request_in(outputs)


def test_a_register_is_sent_again_with_credentials() -> None:
    wire = Wire()
    number, first = registering(wire)
    assert (first.call_id, str(first.cseq)) == ("series", "8 REGISTER")
    outputs = wire.answer(first, 401, f"WWW-Authenticate: {CHALLENGE.replace('NONCE', 'n1')}")
    second = request_in(outputs)
    assert (second.call_id, second.cseq.number, second.headers.get("Expires")) == ("series", 9, "600")
    assert is_right(second, "Authorization") and len(second.headers.get_all("Contact")) == 1
    assert len(second.headers.get_all("Via")) == 1 and none_of(RequestAnswered, outputs)
    told = the(RequestAnswered, wire.answer(second, 200))
    assert (told.number, told.response.status) == (number, 200)


def test_a_wrong_password_is_told() -> None:
    wire = Wire()
    number, first = registering(wire)
    line = f"WWW-Authenticate: {CHALLENGE}"
    second = request_in(wire.answer(first, 401, line))
    told = the(RequestAnswered, wire.answer(second, 401, line.replace("NONCE", "n2")))
    assert (told.number, told.response.status) == (number, 401) and statuses([]) == []
