"""Calls that we make, as plays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from confserver.sip.client_calls import MOST_FORKS
from confserver.sip.flow import Flow
from confserver.sip.grammar import Unwritable
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request
from confserver.sip.outputs import CallAccepted, CallEnded, CallRinging, OpenFlow, Resolve
from confserver.sip.stack import UnknownCall, WrongMoment
from confserver.sip.uri import parse_uri
from tests.kit.sip_play import SDP, Wire, answer_to, at_rest, methods, none_of, sent, statuses, the, udp


def request_in(outputs: object, method: str) -> Request:
    found = [m for m in sent(outputs) if isinstance(m, Request) and m.method == method]  # type: ignore[arg-type]
    assert len(found) == 1
    return found[0]


def from_peer(wire: Wire, invite: Request, method: str, cseq: int = 1, tag: str = "bob") -> list[object]:
    """The one we called asks something in the dialog."""
    text = wire.request(method, to_tag=invite.from_.tag, from_tag=tag, call_id=invite.call_id, cseq=cseq)
    return list(wire.hear(text))


def test_a_call_from_invite_to_their_bye() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    assert (invite.cseq.number, invite.to.tag, invite.max_forwards) == (1, "", 70)
    assert invite.headers.get("Contact") == "<sip:us@192.0.2.1:5060>" and invite.body == SDP
    assert "rport" in (invite.headers.get("Via") or "")
    assert wire.answer(invite, 100, tag="") == []
    assert the(CallRinging, wire.answer(invite, 180)).response.status == 180
    outputs = wire.answer(invite, 200, body=SDP)
    ack = request_in(outputs, "ACK")
    assert (ack.cseq.number, ack.to.tag, str(ack.uri)) == (1, "bob", "sip:bob@192.0.2.9:5062")
    assert ack.via.branch != invite.via.branch  # a transaction of its own (13.2.2.4)
    accepted = the(CallAccepted, outputs)
    assert accepted.call == call and accepted.response.body == SDP and accepted.flow.remote == ("192.0.2.9", 5062)
    outputs = from_peer(wire, invite, "BYE")
    assert statuses(outputs) == [200] and the(CallEnded, outputs) == CallEnded(call, "hung up", True, 0)
    wire.pass_time(33)
    assert at_rest(wire.stack)


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (('Warning: 399 confserver "standup is locked"',), "standup is locked"),
        (("Warning: 399 confserver unquoted",), ""),
        (('Warning: 399 confserver "cut off',), ""),
        ((), ""),
    ],
)
def test_a_refusal_says_why(headers: tuple[str, ...], detail: str) -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    outputs = wire.answer(invite, 403, *headers)
    assert the(CallEnded, outputs) == CallEnded(call, "Because", True, 403, detail)


def test_every_copy_of_the_2xx_is_acknowledged() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    first = request_in(wire.answer(invite, 200), "ACK")
    for _ in range(3):
        outputs = wire.answer(invite, 200)
        assert sent(outputs) == [first] and none_of(CallAccepted, outputs)


def test_a_refusal_ends_the_call_with_its_status() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180)
    outputs = wire.answer(invite, 486)
    ack = request_in(outputs, "ACK")
    assert ack.via == invite.via and ack.to.tag == "bob"  # RFC 3261 17.1.1.3
    assert the(CallEnded, outputs) == CallEnded(call, "Because", True, 486)
    wire.pass_time(33)
    assert at_rest(wire.stack)


@pytest.mark.parametrize("status", [302, 404, 503, 603])
def test_every_class_of_refusal_is_acknowledged(status: int) -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    outputs = wire.answer(invite, status)
    assert methods(outputs) == ["ACK"] and the(CallEnded, outputs).status == status


def test_a_second_fork_that_answers_gets_ack_and_bye() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180, tag="desk")
    wire.answer(invite, 180, tag="mobile")
    assert wire.stack.describe()["dialogs"] == 2
    the(CallAccepted, wire.answer(invite, 200, tag="desk"))
    assert wire.stack.describe()["dialogs"] == 1
    outputs = wire.answer(invite, 200, "Contact: <sip:mobile@192.0.2.9:5062>", tag="mobile")
    assert methods(outputs) == ["ACK", "BYE"] and none_of(CallAccepted, outputs)
    bye = request_in(outputs, "BYE")
    assert bye.to.tag == "mobile" and str(bye.uri) == "sip:mobile@192.0.2.9:5062"
    assert methods(wire.answer(invite, 200, tag="mobile")) == ["ACK"]
    assert wire.stack.describe()["calls"] == 1
    assert methods(wire.stack.hang_up(call, wire.now)) == ["BYE"]


def test_hanging_up_before_any_answer_waits_with_the_cancel() -> None:
    """RFC 3261 9.1: not before a provisional answer."""
    wire = Wire()
    call, invite, _ = wire.dial()
    assert wire.stack.hang_up(call, wire.now, "no more") == []
    cancel = request_in(wire.answer(invite, 100, tag=""), "CANCEL")
    assert cancel.via == invite.via and cancel.cseq.number == 1 and str(cancel.uri) == str(invite.uri)
    assert "Contact" not in cancel.headers and not cancel.body
    assert none_of(CallRinging, wire.answer(invite, 180))  # one CANCEL is enough, and nobody wants to hear it
    wire.hear(answer_to(cancel, 200))
    outputs = wire.answer(invite, 487)
    assert methods(outputs) == ["ACK"]
    assert the(CallEnded, outputs) == CallEnded(call, "no more", False, 487)
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_hanging_up_while_it_rings() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180)
    assert methods(wire.stack.hang_up(call, wire.now)) == ["CANCEL"]
    assert wire.stack.hang_up(call, wire.now) == []
    the(CallEnded, wire.answer(invite, 487))


def test_a_2xx_that_crosses_the_cancel_is_hung_up() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180)
    wire.stack.hang_up(call, wire.now, "no more")
    outputs = wire.answer(invite, 200)
    assert methods(outputs) == ["ACK", "BYE"] and none_of(CallAccepted, outputs)
    assert the(CallEnded, outputs) == CallEnded(call, "no more", False, 0)


def test_hanging_up_before_the_invite_has_left() -> None:
    wire = Wire()
    from_ = parse_name_addr("<sip:us@192.0.2.1>")
    call, outputs = wire.stack.call(parse_uri("sip:bob@phones.example"), from_, SDP, wire.now)
    token = the(Resolve, outputs).token
    outputs = wire.stack.hang_up(call, wire.now, "no more")
    assert outputs == [CallEnded(call, "no more", False, 487)]
    assert at_rest(wire.stack)
    assert wire.stack.resolved(token, ["192.0.2.9"], wire.now) == []


def test_a_target_without_an_address_ends_the_call() -> None:
    wire = Wire()
    from_ = parse_name_addr("<sip:us@192.0.2.1>")
    call, outputs = wire.stack.call(parse_uri("sip:bob@phones.example"), from_, SDP, wire.now)
    resolve = the(Resolve, outputs)
    assert resolve.host == "phones.example"
    ended = the(CallEnded, wire.stack.resolved(resolve.token, [], wire.now))
    assert ended == CallEnded(call, "phones.example has no address", False, 503) and at_rest(wire.stack)


def test_the_next_address_is_tried_where_the_first_fails() -> None:
    wire = Wire()
    from_ = parse_name_addr("<sip:us@192.0.2.1>")
    target = parse_uri("sip:bob@phones.example:5070;transport=tcp")
    call, outputs = wire.stack.call(target, from_, SDP, wire.now)
    token = the(Resolve, outputs).token
    opened = the(OpenFlow, wire.stack.resolved(token, ["192.0.2.8", "192.0.2.9"], wire.now))
    assert opened == OpenFlow(opened.token, "TCP", ("192.0.2.8", 5070), "phones.example")
    assert wire.stack.flow_failed(token, "an answer to another question", wire.now) == []
    opened = the(OpenFlow, wire.stack.flow_failed(opened.token, "refused", wire.now))
    assert opened.remote == ("192.0.2.9", 5070)
    ended = the(CallEnded, wire.stack.flow_failed(opened.token, "refused", wire.now))
    assert (ended.call, ended.status, ended.cause) == (call, 503, "refused")


def test_a_search_that_never_ends_is_ended() -> None:
    wire = Wire()
    from_ = parse_name_addr("<sip:us@192.0.2.1>")
    _, _outputs = wire.stack.call(parse_uri("sip:bob@phones.example"), from_, SDP, wire.now)
    assert the(CallEnded, wire.pass_time(32)).cause == "no way found in time"
    assert at_rest(wire.stack)


def test_a_tel_target_needs_a_proxy() -> None:
    wire = Wire()
    from_ = parse_name_addr("<sip:us@192.0.2.1>")
    _, outputs = wire.stack.call(parse_uri("tel:+4930123"), from_, SDP, wire.now)
    assert the(CallEnded, outputs).status == 503
    _, outputs = wire.stack.call(parse_uri("tel:+4930123"), from_, SDP, wire.now, via=("192.0.2.7", 5080))
    assert the(OpenFlow, outputs).remote == ("192.0.2.7", 5080)


def test_an_outbound_proxy_gets_the_invite_and_the_contact_the_ack() -> None:
    wire = Wire()
    from_ = parse_name_addr("<sip:us@192.0.2.1>")
    _, outputs = wire.stack.call(parse_uri("sip:bob@far.example"), from_, SDP, wire.now, via=("192.0.2.7", 5060))
    opened = the(OpenFlow, outputs)
    outputs = wire.stack.flow_opened(opened.token, replace(udp(), remote=opened.remote), wire.now)
    invite = request_in(outputs, "INVITE")
    assert str(invite.uri) == "sip:bob@far.example"
    outputs = wire.answer(invite, 200)
    assert the(OpenFlow, outputs).remote == ("192.0.2.9", 5062)
    the(CallAccepted, outputs)
    assert methods(wire.stack.flow_opened(the(OpenFlow, outputs).token, udp(), wire.now)) == ["ACK"]
    assert methods(wire.answer(invite, 200)) == ["ACK"]


def test_headers_of_the_user_go_along_and_bad_ones_change_nothing() -> None:
    wire = Wire()
    _, invite, _ = wire.dial(headers=(("Subject", "standup"),))
    assert invite.headers.get("Subject") == "standup"
    before = wire.stack.describe()
    with pytest.raises(Unwritable):
        wire.dial(headers=(("Subject", "a\r\nRoute: <sip:evil>"),))
    assert wire.stack.describe() == before


def test_a_bye_that_overtakes_the_2xx() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180)
    outputs = from_peer(wire, invite, "BYE")
    assert statuses(outputs) == [200] and none_of(CallEnded, outputs)
    outputs = wire.answer(invite, 200)
    assert methods(outputs) == ["ACK"] and the(CallEnded, outputs) == CallEnded(call, "hung up", True, 0)
    wire.pass_time(33)
    assert at_rest(wire.stack)


def test_a_bye_for_the_early_dialog_of_a_call_that_we_cancel() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180)
    wire.stack.hang_up(call, wire.now, "no more")
    outputs = from_peer(wire, invite, "BYE")
    assert statuses(outputs) == [200] and none_of(CallEnded, outputs)
    assert the(CallEnded, wire.answer(invite, 487)) == CallEnded(call, "no more", False, 487)


def test_one_fork_that_leaves_does_not_end_the_call() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    wire.answer(invite, 180, tag="desk")
    wire.answer(invite, 180, tag="mobile")
    from_peer(wire, invite, "BYE", tag="desk")
    assert wire.stack.describe()["dialogs"] == 1
    the(CallAccepted, wire.answer(invite, 200, tag="mobile"))


def test_the_forks_of_one_call_have_a_limit() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    for number in range(200):
        wire.answer(invite, 180, tag=f"fork{number}")
        if number % 2:
            from_peer(wire, invite, "BYE", tag=f"fork{number}")
    assert wire.stack.describe()["dialogs"] <= MOST_FORKS
    the(CallAccepted, wire.answer(invite, 200, tag="fork199"))
    assert wire.stack.describe()["dialogs"] == 1
    wire.stack.hang_up(call, wire.now)
    assert wire.stack.describe()["dialogs"] == 0


def test_invite_in_an_early_dialog_of_ours_gets_491() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    wire.answer(invite, 180)
    assert statuses(from_peer(wire, invite, "INVITE")) == [100, 491]
    assert statuses(from_peer(wire, invite, "OPTIONS", cseq=2)) == [200]


def test_what_one_may_not_ask_of_a_call_of_ours() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    for wish in (
        lambda: wire.stack.accept(call, SDP, wire.now),
        lambda: wire.stack.offer(call, SDP, wire.now),
        lambda: wire.stack.probe(call, wire.now),
    ):
        with pytest.raises(WrongMoment):
            wish()
    wire.answer(invite, 486)
    with pytest.raises(UnknownCall):
        wire.stack.hang_up(call, wire.now)


def test_late_provisional_answers_say_nothing() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    wire.answer(invite, 200)
    assert wire.answer(invite, 180, tag="other") == []
    assert wire.stack.describe()["dialogs"] == 1


def test_calling_ourselves_works() -> None:
    """Our own requests and answers come back to us, and nothing goes round."""
    wire = Wire()
    _call, _invite, outputs = wire.dial("sip:room@192.0.2.1:5060")
    loop = udp(remote=("192.0.2.1", 5060))
    heard = wire.stack.receive(outputs[-1].data, loop, wire.now)  # type: ignore[union-attr]
    assert statuses(heard) == [100]
    assert wire.stack.receive(heard[0].data, loop, wire.now) == []  # type: ignore[union-attr]
    assert wire.stack.describe()["calls"] == 2


def test_a_body_is_made_when_it_is_known_by_which_flow_it_goes() -> None:
    """So that our SDP names the address by which the peer reaches us, also where that had to be looked up."""
    wire = Wire()
    flows: list[Flow] = []

    def offer(flow: Flow) -> bytes:
        flows.append(flow)
        return SDP

    from_, to = parse_name_addr("<sip:us@192.0.2.1>"), parse_name_addr('"Bob" <sip:bob@192.0.2.9:5062>')
    call, outputs = wire.stack.call(to.uri, from_, offer, wire.now, to=to, contact_user="standup")
    assert flows == []
    outputs = wire.stack.flow_opened(the(OpenFlow, outputs).token, wire.flow, wire.now)
    invite = sent(outputs)[0]
    assert isinstance(invite, Request)
    assert flows == [wire.flow] and invite.body == SDP and invite.content_type == "application/sdp"
    assert invite.headers.get("To") == '"Bob" <sip:bob@192.0.2.9:5062>'
    assert "sip:standup@" in (invite.headers.get("Contact") or "")
    ended = the(CallEnded, wire.answer(invite, 302, "Contact: <sip:bob@192.0.2.20>"))
    assert ended.call == call and ended.answer is not None
    assert ended.answer.headers.get("Contact") == "<sip:bob@192.0.2.20>"
