"""INVITEs that take another call's place or join its conversation (RFC 3891, RFC 3911)."""

from __future__ import annotations

import pytest

from confserver.sip.extensions.replaces import Named, Other, parse_named, written
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request
from confserver.sip.outputs import CallArrived, CallEnded
from tests.kit.sip_play import SDP, Wire, at_rest, sent, statuses, the


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("425928@bob.example.org;to-tag=7743;from-tag=6472", Named("425928@bob.example.org", "7743", "6472")),
        ("a;from-tag=f ; to-tag=t;early-only", Named("a", "t", "f", True)),
        ("98732@a.b ;from-tag=r33th4x0r;to-tag=ff87ff", Named("98732@a.b", "ff87ff", "r33th4x0r")),
    ],
)  # fmt: skip
def test_the_name_of_a_dialog(text: str, named: Named) -> None:
    assert parse_named(text) == named
    assert parse_named(written(named)) == named


@pytest.mark.parametrize(
    "text",
    ["", "a", "a;to-tag=1", "a;from-tag=1", ";to-tag=1;from-tag=2", "a b;to-tag=1;from-tag=2", "a;to-tag=;from-tag=2"],
)
def test_what_names_no_dialog(text: str) -> None:
    with pytest.raises(Malformed):
        parse_named(text)


def second(wire: Wire, *headers: str) -> list[object]:
    """A second call, of another phone."""
    return list(wire.invite(*headers, call_id="call-2", from_tag="carl"))


@pytest.mark.parametrize(("header", "replaces"), [("Replaces", True), ("Join", False)])
def test_it_finds_the_call_it_speaks_of(header: str, replaces: bool) -> None:
    wire = Wire()
    call, tag = wire.establish()
    arrived = the(CallArrived, second(wire, f"{header}: call-1;to-tag={tag};from-tag=alice"))
    assert arrived.other == Other(call, replaces)


def test_an_ordinary_call_speaks_of_none() -> None:
    assert the(CallArrived, Wire().invite()).other is None


@pytest.mark.parametrize("header", ["Replaces", "Join"])
@pytest.mark.parametrize(
    "value", ["call-1;to-tag=alice;from-tag=TAG", "call-9;to-tag=TAG;from-tag=alice", "call-1;to-tag=x;from-tag=alice"]
)
def test_no_such_dialog(header: str, value: str) -> None:
    wire = Wire()
    _, tag = wire.establish()
    outputs = second(wire, f"{header}: {value.replace('TAG', tag)}")
    assert statuses(outputs) == [481] and not [each for each in outputs if isinstance(each, CallArrived)]


@pytest.mark.parametrize(
    "headers",
    [
        ("Replaces: nonsense",),
        ("Join: ;;;",),
        ("Replaces: call-1;to-tag=TAG;from-tag=alice", "Join: call-1;to-tag=TAG;from-tag=alice"),
        ("Join: call-1;to-tag=TAG;from-tag=alice", "Join: call-1;to-tag=TAG;from-tag=alice"),
        ("Replaces: call-1;to-tag=TAG;from-tag=alice", "Replaces: call-2;to-tag=TAG;from-tag=alice"),
    ],
)
def test_what_makes_no_sense(headers: tuple[str, ...]) -> None:
    wire = Wire()
    _, tag = wire.establish()
    assert statuses(second(wire, *(header.replace("TAG", tag) for header in headers))) == [400]


def test_early_only_and_answered() -> None:
    wire = Wire()
    _, tag = wire.establish()
    assert statuses(second(wire, f"Replaces: call-1;to-tag={tag};from-tag=alice;early-only")) == [486]


def test_an_early_dialog_that_the_other_side_has_begun() -> None:
    """RFC 3891 section 3: 481, whatever its name."""
    wire = Wire()
    call = wire.arrive()
    tag = sent(wire.stack.ring(call, wire.now))[0].to.tag
    assert statuses(second(wire, f"Replaces: call-1;to-tag={tag};from-tag=alice")) == [481]


@pytest.mark.parametrize("flag", ["", ";early-only"])
def test_an_early_dialog_of_ours(flag: str) -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180, tag="bob")
    value = f"Replaces: {invite.call_id};to-tag={invite.from_.tag};from-tag=bob{flag}"
    assert the(CallArrived, second(wire, value)).other == Other(call, True)


def test_a_call_that_is_being_hung_up() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180, tag="bob")
    wire.stack.hang_up(call, wire.now)
    value = f"Replaces: {invite.call_id};to-tag={invite.from_.tag};from-tag=bob"
    assert statuses(second(wire, value)) == [603]


def test_a_refused_one_leaves_nothing() -> None:
    wire = Wire()
    second(wire, "Replaces: call-1;to-tag=1;from-tag=2")
    assert at_rest(wire.stack)


def test_we_say_that_we_know_them() -> None:
    wire = Wire()
    answer = sent(wire.stack.accept(wire.arrive(), SDP, wire.now))[0]
    assert {"replaces", "join"} <= set(answer.headers.get_all("Supported"))
    assert the(CallArrived, second(wire, "Require: replaces, join")).other is None


# ---------------------------------------------------------------- Reason (RFC 3326)
@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("", "hung up"),
        ('Q.850;cause=16;text="Terminated"', "hung up: Terminated"),
        ("Q.850 ;cause=16", "hung up"),
        ('Q.850;cause=17;text="User busy"', "hung up: User busy (Q.850 17)"),
        ('SIP ;cause=600 ;text="Busy Everywhere"', "hung up: Busy Everywhere (SIP 600)"),
        ("SIP;cause=200", "hung up: SIP 200"),
        ('X;"', "hung up"),
        ('SIP;cause=200;text="a\x01b"', "hung up: a b (SIP 200)"),
    ],
)
def test_why_they_hang_up(reason: str, cause: str) -> None:
    wire = Wire()
    _, tag = wire.establish()
    headers = [f"Reason: {reason}"] if reason else []
    ended = the(CallEnded, wire.hear(wire.request("BYE", *headers, to_tag=tag, cseq=2)))
    assert ended.cause == cause


def test_why_they_cancel() -> None:
    wire = Wire()
    wire.invite(branch="z9hG4bK1")
    cancel = wire.request("CANCEL", 'Reason: SIP;cause=200;text="Call completed elsewhere"', branch="z9hG4bK1")
    assert the(CallEnded, wire.hear(cancel)).cause == "cancelled: Call completed elsewhere (SIP 200)"


def test_why_we_hang_up() -> None:
    wire = Wire()
    call, _ = wire.establish()
    [bye] = sent(wire.stack.hang_up(call, wire.now, 'kicked by "Anna"'))
    assert isinstance(bye, Request) and bye.headers.get("Reason") == r'Q.850;cause=16;text="kicked by \"Anna\""'


def test_why_we_cancel() -> None:
    wire = Wire()
    call, invite, _ = wire.dial()
    wire.answer(invite, 180)
    [cancel] = sent(wire.stack.hang_up(call, wire.now, "no answer"))
    assert isinstance(cancel, Request) and cancel.headers.get("Reason") == 'Q.850;cause=19;text="no answer"'


def test_who_answers_second_is_told_why() -> None:
    wire = Wire()
    _, invite, _ = wire.dial()
    wire.answer(invite, 200, tag="first", body=SDP)
    bye = sent(wire.answer(invite, 200, tag="second", body=SDP))[-1]
    assert isinstance(bye, Request) and "completed elsewhere" in (bye.headers.get("Reason") or "")
