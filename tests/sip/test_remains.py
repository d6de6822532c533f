"""Dialogs that outlive their process: what is kept of them is enough to say BYE."""

from __future__ import annotations

import pytest

from confserver.sip.message import Request
from confserver.sip.outputs import OpenFlow, Output, SendBytes
from confserver.sip.remains import MOST_BYTES, Remains, read_remains
from tests.kit.sip_play import PHONE, SDP, Wire, at_rest, methods, sent, statuses, tcp, the, udp


def kept(wire: Wire, call: int) -> Remains:
    """Over the disk and back."""
    remains = wire.stack.remains(call)
    assert remains is not None
    read = read_remains(remains.written())
    assert read == remains and remains.written().isascii()
    return remains


def bye_of(wire: Wire, remains: Remains) -> tuple[OpenFlow, Request, list[Output]]:
    """What another stack, that has never heard of the call, sends."""
    wanted = the(OpenFlow, wire.stack.say_goodbye(remains, "server restarted", wire.now))
    flow = tcp(wanted.remote) if wanted.transport == "TCP" else udp(wanted.remote)
    outputs = wire.stack.flow_opened(wanted.token, flow, wire.now)
    [bye] = sent(outputs)
    assert isinstance(bye, Request) and bye.method == "BYE"
    return wanted, bye, outputs


def test_a_call_of_theirs_is_ended_by_the_next_run() -> None:
    before, after = Wire(), Wire()
    call, tag = before.establish()
    wanted, bye, _ = bye_of(after, kept(before, call))
    assert (wanted.transport, wanted.remote) == ("UDP", PHONE)
    assert (bye.call_id, bye.from_.tag, bye.to.tag) == ("call-1", tag, "alice")
    assert str(bye.uri) == "sip:alice@192.0.2.9:5062"
    assert "server restarted" in (bye.headers.get("Reason") or "")
    assert after.answer(bye, 200) == []
    after.pass_time(60)
    assert at_rest(after.stack)


def test_the_phone_takes_it_for_the_same_dialog() -> None:
    """CSeq goes on: higher than anything that was sent (RFC 3261 12.2.2), whatever was sent after it was noted."""
    before, after = Wire(), Wire()
    call, _ = before.establish()
    remains = kept(before, call)
    for _ in range(20):
        before.answer(sent(before.stack.probe(call, before.now))[0], 200)  # type: ignore[arg-type]
    last = before.stack.remains(call)
    assert last is not None and last.cseq == 20
    assert bye_of(after, remains)[1].cseq.number > 20
    assert bye_of(after, remains)[1].cseq.number < 2**31


def test_a_call_of_ours() -> None:
    before, after = Wire(), Wire()
    call, invite, _ = before.dial()
    before.answer(invite, 200, body=SDP)
    wanted, bye, _ = bye_of(after, kept(before, call))
    assert wanted.remote == PHONE and bye.cseq.number > 1
    assert (bye.from_.tag, bye.to.tag, bye.call_id) == (invite.from_.tag, "bob", invite.call_id)


@pytest.mark.parametrize(
    ("routes", "uri", "rest"),
    [
        ("<sip:192.0.2.50:5070;lr>, <sip:b@192.0.2.51;lr>", "sip:alice@192.0.2.9:5062", 2),
        ("<sip:192.0.2.50:5070>, <sip:b@192.0.2.51;lr>", "sip:192.0.2.50:5070", 2),
    ],
)
def test_along_the_routes(routes: str, uri: str, rest: int) -> None:
    """Loose and strict (RFC 3261 12.2.1.1)."""
    before, after = Wire(), Wire()
    call, _ = before.establish(f"Record-Route: {routes}")
    wanted, bye, _ = bye_of(after, kept(before, call))
    assert wanted.remote == ("192.0.2.50", 5070)
    assert str(bye.uri) == uri and len(bye.headers.get_all("Route")) == rest


def test_behind_a_nat_it_goes_where_the_calls_came_from() -> None:
    nat = udp(("203.0.113.7", 41_000))
    before, after = Wire(nat), Wire()
    call, _ = before.establish(contact="<sip:alice@10.0.0.5:5060>")
    assert bye_of(after, kept(before, call))[0].remote == ("203.0.113.7", 41_000)


def test_a_connection_is_opened_anew() -> None:
    before, after = Wire(tcp()), Wire()
    call, _ = before.establish(contact="<sip:alice@192.0.2.9:5062;transport=tcp>")
    wanted, bye, _ = bye_of(after, kept(before, call))
    assert (wanted.transport, wanted.remote) == ("TCP", PHONE) and bye.via.transport == "TCP"


def test_a_new_target_counts() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.hear(wire.request("INVITE", to_tag=tag, cseq=2, body=SDP, contact="<sip:alice@192.0.2.9:5099>"))
    wire.stack.accept_offer(call, SDP, wire.now)
    assert kept(wire, call).port == 5099


def test_what_the_peer_wrote_comes_back_byte_for_byte() -> None:
    before, after = Wire(), Wire()
    text = (
        before.request("INVITE", body=SDP).encode().replace(b"From: <sip:alice@a>", b'From: "\xff\xfe" <sip:alice@a>')
    )
    [arrived] = [each for each in before.hear(text) if hasattr(each, "call")]
    before.stack.accept(arrived.call, SDP, before.now)
    _, _, outputs = bye_of(after, kept(before, arrived.call))
    assert b"\xff\xfe" in the(SendBytes, outputs).data


def test_a_lost_bye_is_sent_again_and_given_up() -> None:
    before, after = Wire(), Wire()
    call, _ = before.establish()
    bye_of(after, kept(before, call))
    again = after.pass_time(40)
    assert set(methods(again)) == {"BYE"} and len(sent(again)) == 10
    assert at_rest(after.stack) and statuses(again) == []


def test_no_way_is_no_fault() -> None:
    before, after = Wire(), Wire()
    call, _ = before.establish()
    wanted = the(OpenFlow, after.stack.say_goodbye(kept(before, call), "server restarted", after.now))
    assert after.stack.flow_failed(wanted.token, "no route", after.now) == []
    assert at_rest(after.stack)


def test_of_calls_that_do_not_stand_nothing_is_kept() -> None:
    wire = Wire()
    call, tag = wire.establish()
    wire.hear(wire.request("BYE", to_tag=tag, cseq=2))
    assert wire.stack.remains(call) is None and wire.stack.remains(99) is None


def test_a_hostile_route_set_is_not_kept() -> None:
    wire = Wire()
    routes = ", ".join(f"<sip:{'x' * 300}{n}@192.0.2.50;lr>" for n in range(20))
    call, _ = wire.establish(*[f"Record-Route: {routes}"] * 3)
    assert wire.stack.remains(call) is None and MOST_BYTES < 20 * 300 * 3


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", "17", '{"call_id": "x"}', '{"routes": 7}', '{"routes": [], "wings": 2}', "\x00"]
)
def test_damaged_remains_are_none(text: str) -> None:
    assert read_remains(text) is None


def test_remains_that_make_no_sense_send_nothing() -> None:
    wire = Wire()
    nonsense = Remains("c", "<sip:a@b>;tag=1", "<<", "sip:a@b", (), 1, "UDP", "192.0.2.9", 5060)
    assert wire.stack.say_goodbye(nonsense, "x", wire.now) == []
