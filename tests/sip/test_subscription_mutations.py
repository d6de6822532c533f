"""Broken and hostile SUBSCRIBEs, NOTIFYs and their answers: none raises, and in the end nothing is left."""

from __future__ import annotations

import random

import pytest

from confserver.sip.events import Event
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request
from confserver.sip.outputs import OpenFlow, Output, RequestArrived, RequestInCall
from confserver.sip.stack import StackSettings
from confserver.sip.subscription import Content
from confserver.sip.uri import parse_uri
from tests.kit.sip_play import Wire, answer_to, at_rest, sent, the
from tests.sip.test_mutations import mutated

ALLOW = (*StackSettings().allow, "INFO", "REFER", "SUBSCRIBE", "NOTIFY")
EVENT = "Event: conference"


def compose(is_all: bool) -> Content:
    return Content(b"x", "text/plain")


def plays_on(wire: Wire, outputs: list[Output]) -> None:
    """A user who grants everything."""
    for output in outputs:
        if isinstance(output, RequestArrived | RequestInCall):
            if output.request.method == "SUBSCRIBE":
                wire.stack.grant(output.transaction, compose, wire.now, pace_s=1.0)
            else:
                wire.stack.respond(output.transaction, 200, wire.now)


def seeds(wire: Wire) -> list[bytes]:
    """A subscription of theirs, one in a call, one of ours, and all that may come in them."""
    arrived = the(RequestArrived, wire.hear(wire.request("SUBSCRIBE", EVENT, call_id="theirs")))
    accepted, first = sent(wire.stack.grant(arrived.transaction, compose, wire.now))
    _, tag = wire.establish(call_id="call-1")
    in_call = the(RequestInCall, wire.hear(wire.request("SUBSCRIBE", EVENT, to_tag=tag, cseq=2)))
    wire.stack.grant(in_call.transaction, compose, wire.now)
    from_, target = parse_name_addr("<sip:us@192.0.2.1>"), parse_uri("sip:bob@192.0.2.9:5062")
    _, outputs = wire.stack.subscribe(Event("conference"), target, from_, wire.now)
    [ours] = sent(wire.stack.flow_opened(the(OpenFlow, outputs).token, wire.flow, wire.now))
    assert isinstance(first, Request) and isinstance(ours, Request)
    again = {"to_tag": accepted.to.tag, "call_id": "theirs", "cseq": 9}
    there = {"to_tag": ours.from_.tag, "call_id": ours.call_id, "cseq": 9}
    texts = [wire.request("SUBSCRIBE", EVENT, "Expires: 600", call_id="new")]
    texts += [wire.request("SUBSCRIBE", EVENT, f"Expires: {seconds}", **again) for seconds in (0, 600)]
    texts += [wire.request(method, **again) for method in ("OPTIONS", "BYE", "NOTIFY", "INVITE")]
    texts += [
        wire.request("NOTIFY", EVENT, f"Subscription-State: {state}", **there)
        for state in ("active;expires=99", "pending", "terminated;reason=probation;retry-after=9")
    ]
    texts += [answer_to(first, status, "Retry-After: 5", tag="") for status in (100, 200, 481, 500)]
    texts += [answer_to(ours, status, "Expires: 600") for status in (200, 423, 489)]
    return [text.encode() for text in texts]


@pytest.mark.parametrize("seed", range(4))
def test_mutated_subscriptions(seed: int) -> None:
    dice = random.Random(seed)
    wire = Wire(allow=ALLOW, events=("conference",), most_subscriptions=20)
    texts = seeds(wire)
    for number in range(600):
        plays_on(wire, wire.hear(mutated(dice.choice(texts), dice)))
        assert wire.stack.describe()["subscriptions"] <= 20
        for each in list(wire.stack._core.subscriptions)[:2]:
            wire.stack.notify(each, wire.now)
        if number % 40 == 0:
            wire.pass_time(dice.random() * 5)
    for call in list(wire.stack._core.calls):
        wire.stack.hang_up(call, wire.now)
    for each in list(wire.stack._core.subscribers):
        wire.stack.unsubscribe(each, wire.now)
    for each in list(wire.stack._core.subscriptions):
        wire.stack.end_subscription(each, wire.now)
    wire.pass_time(300)
    core = wire.stack._core
    assert at_rest(wire.stack), wire.stack.describe()
    assert not core.usages and not core.awaiting and not core.subscribers and not core.subscribers_at
