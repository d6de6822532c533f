"""Subscriptions of ours: made, kept fresh, notified, ended (RFC 6665 section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from confserver.sip.events import Event
from confserver.sip.extensions import METHODS
from confserver.sip.headers import parse_name_addr
from confserver.sip.message import Request
from confserver.sip.outputs import Notified, OpenFlow, Output, RequestArrived, SubscriptionEnded
from confserver.sip.stack import UnknownSubscription
from confserver.sip.subscription import Content
from confserver.sip.uri import parse_uri
from tests.kit.sip_play import Play, Wire, at_rest, none_of, sent, statuses, the

ALLOW = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", *METHODS, "SUBSCRIBE", "NOTIFY")
CONFERENCE = Event("conference")


@dataclass
class Far:
    """The notifier, written by hand."""

    wire: Wire
    number: int = 0
    subscribe: Request | None = None
    outputs: list[Output] = field(default_factory=list)
    cseq: int = 0

    def ask(self, **more: Any) -> Far:
        from_ = parse_name_addr("<sip:standup@192.0.2.1>")
        target = parse_uri("sip:alice@192.0.2.9:5062")
        self.number, outputs = self.wire.stack.subscribe(CONFERENCE, target, from_, self.wire.now, **more)
        self.outputs = self.wire.stack.flow_opened(the(OpenFlow, outputs).token, self.wire.flow, self.wire.now)
        return self.see()

    def see(self) -> Far:
        """The SUBSCRIBE that we have sent, maybe again and again."""
        found = [each for each in sent(self.outputs) if isinstance(each, Request)]
        assert len({each.via.branch for each in found}) == 1, found
        self.subscribe = found[0]
        return self

    def answer(self, status: int, *lines: str) -> list[Output]:
        assert self.subscribe is not None
        contact = ("Contact: <sip:alice@192.0.2.9:5062>",) if status < 300 else ()
        self.outputs = self.wire.answer(self.subscribe, status, *contact, *lines, tag="alice")
        return self.outputs

    def notify(
        self, standing: str, *lines: str, event: str = "conference", body: bytes = b"x", **more: Any
    ) -> list[Output]:
        assert self.subscribe is not None
        self.cseq += 1
        how = {"to_tag": self.subscribe.from_.tag, "call_id": self.subscribe.call_id, "cseq": self.cseq}
        heads = (f"Event: {event}", *((f"Subscription-State: {standing}",) if standing else ()), *lines)
        text = self.wire.request("NOTIFY", *heads, body=body, content_type="text/plain", **{**how, **more})
        self.outputs = self.wire.hear(text)
        return self.outputs

    def wait(self, seconds: float) -> list[Output]:
        self.outputs = self.wire.pass_time(seconds)
        return self.outputs

    def stands(self, seconds: int = 600) -> Far:
        self.ask(expires_s=seconds)
        self.answer(200, f"Expires: {seconds}")
        self.notify(f"active;expires={seconds}")
        return self


def far() -> Far:
    return Far(Wire(allow=ALLOW, events=("conference",)))


def ended(outputs: list[Output]) -> str:
    return the(SubscriptionEnded, outputs).cause


# ------------------------------------------------------------------ the beginning
def test_we_subscribe() -> None:
    peer = far().ask(expires_s=600, headers=(("Accept", "text/plain"),))
    request = peer.subscribe
    assert request is not None
    assert (request.method, request.headers.get("Event"), request.headers.get("Expires")) == (
        "SUBSCRIBE",
        "conference",
        "600",
    )
    assert request.contacts[0].uri.user == "standup" and request.to.tag == ""
    assert peer.answer(200, "Expires: 600") == []
    outputs = peer.notify("active;expires=600", body=b"state")
    told = the(Notified, outputs)
    assert (told.subscription, told.standing.state, told.body) == (peer.number, "active", b"state")
    assert statuses(outputs) == [200]


def test_the_notify_overtakes_the_answer() -> None:
    """RFC 6665 4.1.2.4."""
    peer = far().ask()
    assert statuses(peer.notify("active;expires=600")) == [200]
    assert peer.answer(200, "Expires: 600") == []
    the(Notified, peer.notify("active;expires=590"))


@pytest.mark.parametrize(("status", "cause"), [(403, "Because"), (489, "Because"), (481, "Because")])
def test_it_is_refused(status: int, cause: str) -> None:
    peer = far().ask()
    assert ended(peer.answer(status)) == cause
    assert statuses(peer.notify("active")) == [481]
    peer.wait(40)
    assert at_rest(peer.wire.stack)


def test_no_notify_comes() -> None:
    """Timer N (RFC 6665 4.1.2.4)."""
    peer = far().ask()
    peer.answer(200, "Expires: 600")
    assert ended(peer.wait(33)) == "no NOTIFY" and at_rest(peer.wire.stack)


def test_nobody_is_there() -> None:
    peer = far().ask()
    ended(peer.wait(40))
    assert at_rest(peer.wire.stack)


def test_pending_then_active_then_pending() -> None:
    peer = far().ask()
    states = [the(Notified, peer.notify(each)).standing.state for each in ("pending", "active;expires=60", "pending")]
    assert states == ["pending", "active", "pending"]


def test_a_fork_too_many() -> None:
    """The first NOTIFY makes the dialog, another fork's gets 481 (RFC 6665 4.1.4)."""
    peer = far().ask()
    peer.notify("active;expires=600")
    outputs = peer.notify("active;expires=600", from_tag="mallory")
    assert statuses(outputs) == [481] and none_of(Notified, outputs)


@pytest.mark.parametrize(
    ("standing", "event", "status"), [("", "conference", 400), ("a b", "conference", 400), ("active", "presence", 489)]
)
def test_a_notify_that_is_none_of_ours(standing: str, event: str, status: int) -> None:
    peer = far().ask()
    outputs = peer.notify(standing, event=event)
    assert statuses(outputs) == [status] and none_of(Notified, outputs)
    the(Notified, peer.notify("active"))


def test_a_notify_of_nothing() -> None:
    wire = Wire(allow=ALLOW)
    text = wire.request("NOTIFY", "Event: conference", "Subscription-State: active", to_tag="nobody")
    assert statuses(wire.hear(text)) == [481]
    text = wire.request("NOTIFY", "Event: conference", "Subscription-State: active", call_id="2")
    assert statuses(wire.hear(text)) == [481]


# ------------------------------------------------------------------ its life
def test_it_is_kept_fresh() -> None:
    peer = far().stands(600)
    assert sent(peer.wait(569)) == []
    peer.wait(2)
    again = peer.see().subscribe
    assert again is not None and (again.cseq.number, again.to.tag, again.headers.get("Expires")) == (2, "alice", "600")
    peer.answer(200, "Expires: 300")
    peer.wait(271)
    assert peer.see().subscribe is not again, "by what was granted"


def test_a_notify_may_make_it_shorter() -> None:
    peer = far().stands(600)
    peer.notify("active;expires=100")
    assert peer.wait(74) == []
    peer.wait(2)
    peer.see()


def test_a_refresh_that_fails() -> None:
    """It stands until its time is over (RFC 6665 4.1.2.2), but 481 is its end."""
    peer = far().stands(600)
    peer.wait(571)
    peer.see()
    assert peer.answer(500) == []
    assert ended(peer.wait(30)) == "expired"
    peer = far().stands(600)
    peer.wait(571)
    peer.see()
    assert ended(peer.answer(481)) == "Because"
    peer.wait(40)
    assert at_rest(peer.wire.stack)


def test_they_end_it() -> None:
    peer = far().stands()
    outputs = peer.notify("terminated;reason=probation;retry-after=30")
    assert the(Notified, outputs).standing.state == "terminated"
    assert the(SubscriptionEnded, outputs) == SubscriptionEnded(peer.number, "probation", 30)
    assert statuses(peer.notify("active")) == [481]
    with pytest.raises(UnknownSubscription):
        peer.wire.stack.unsubscribe(peer.number, peer.wire.now)
    peer.wait(40)
    assert at_rest(peer.wire.stack)


def test_a_state_that_nobody_knows_is_the_end() -> None:
    peer = far().stands()
    ended(peer.notify("suspended"))


def test_we_leave() -> None:
    peer = far().stands()
    peer.outputs = peer.wire.stack.unsubscribe(peer.number, peer.wire.now)
    last = peer.see().subscribe
    assert last is not None and last.headers.get("Expires") == "0"
    assert peer.notify("active;expires=500") != [] and none_of(Notified, peer.outputs), "it has crossed"
    assert peer.answer(200, "Expires: 0") == []
    assert ended(peer.notify("terminated;reason=timeout")) == "timeout"
    peer.wait(40)
    assert at_rest(peer.wire.stack)


def test_we_leave_and_they_say_nothing() -> None:
    peer = far().stands()
    peer.wire.stack.unsubscribe(peer.number, peer.wire.now)
    ended(peer.wait(40))
    assert at_rest(peer.wire.stack)


def test_we_leave_before_anything_has_come() -> None:
    peer = far().ask()
    outputs = peer.wire.stack.unsubscribe(peer.number, peer.wire.now)
    assert ended(outputs) == "we have left"
    assert peer.answer(200, "Expires: 600") == []
    assert statuses(peer.notify("active")) == [481], "which ends it there, too"
    peer.wait(40)
    assert at_rest(peer.wire.stack)


# ------------------------------------------------------------------ both sides
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("seed", range(3))
def test_two_stacks_over_a_bad_network(transport: str, seed: int) -> None:
    """Whatever is lost, late or doubled: what is told last is how it stands."""
    play = Play(seed)
    play.weather.lost, play.weather.doubled, play.weather.late = 0.15, 0.1, 0.2
    ours = play.party("192.0.2.1", allow=ALLOW, events=("conference",))
    theirs = play.party("192.0.2.9", allow=ALLOW, events=("conference",))
    count, granted = [0], []

    def compose(is_all: bool) -> Content:
        return Content(str(count[0]).encode(), "text/plain")

    def grants(party: Any, output: Output) -> None:
        if isinstance(output, RequestArrived):
            granted.append(output.transaction)
            party.do(party.stack.grant(output.transaction, compose, play.now, pace_s=1.0))

    theirs.plays = grants
    from_ = parse_name_addr("<sip:us@192.0.2.1>")
    target = parse_uri(f"sip:room@192.0.2.9:5060;transport={transport.lower()}")
    number, outputs = ours.stack.subscribe(CONFERENCE, target, from_, play.now, expires_s=120)
    ours.do(outputs)
    play.run(10)
    for _ in range(20):
        count[0] += 1
        theirs.do(theirs.stack.notify(granted[0], play.now))
        play.run(7)
    play.run(40)
    assert ours.of(Notified)[-1].body == b"20" and not ours.of(SubscriptionEnded)
    ours.do(ours.stack.unsubscribe(number, play.now))
    play.run(70)
    assert len(ours.of(SubscriptionEnded)) == len(theirs.of(SubscriptionEnded)) == 1
    assert at_rest(ours.stack) and at_rest(theirs.stack)
