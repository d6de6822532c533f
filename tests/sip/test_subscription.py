"""Subscriptions of others: granted, refreshed, told of changes, ended (RFC 6665)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from confserver.sip.events import Event, Standing, parse_event, parse_standing
from confserver.sip.extensions import METHODS
from confserver.sip.grammar import Malformed
from confserver.sip.message import Request, Response
from confserver.sip.outputs import (
    CallEnded,
    OpenFlow,
    Output,
    RequestArrived,
    RequestInCall,
    SubscriptionEnded,
)
from confserver.sip.stack import UnknownSubscription, WrongMoment
from confserver.sip.subscription import Content
from tests.kit.sip_play import PHONE, Wire, at_rest, methods, none_of, sent, statuses, tcp, the, udp

ALLOW = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", *METHODS, "REFER", "SUBSCRIBE", "NOTIFY")
EVENT = "Event: conference"


@dataclass
class Watch:
    """A phone that subscribes, and our user, who says how often he was asked."""

    wire: Wire
    asked: list[bool] = field(default_factory=list)
    tag: str = ""
    cseq: int = 1
    outputs: list[Output] = field(default_factory=list)
    number: int = 0

    more: int = 0

    def compose(self, is_all: bool) -> Content | None:
        self.asked.append(is_all)
        self.more -= 1
        return Content(f"{'all' if is_all else 'part'} {len(self.asked)}".encode(), "text/plain", self.more >= 0)

    @property
    def notify(self) -> Request:
        """The one that was sent, maybe again and again."""
        found = [each for each in sent(self.outputs) if isinstance(each, Request)]
        assert {each.method for each in found} == {"NOTIFY"} and len({each.via.branch for each in found}) == 1, found
        return found[0]

    @property
    def standing(self) -> Standing:
        return parse_standing(self.notify.headers.get("Subscription-State") or "")

    def hear(self, *headers: str, method: str = "SUBSCRIBE", **more: Any) -> list[Output]:
        lines = (EVENT, *headers) if not any(each.startswith("Event:") for each in headers) else headers
        text = self.wire.request(method, *lines, to_tag=self.tag, cseq=self.cseq, **more)
        self.cseq += 1
        self.outputs = self.wire.hear(text)
        return self.outputs

    def grant(self, *headers: str, **terms: Any) -> list[Output]:
        self.number = the(RequestArrived, self.hear(*headers)).transaction
        self.outputs = self.wire.stack.grant(self.number, self.compose, self.wire.now, **terms)
        first = sent(self.outputs)[0]
        self.tag = first.to.tag
        return self.outputs

    def stands(self, *headers: str, **terms: Any) -> Watch:
        """As far as the first NOTIFY answered."""
        self.grant(*headers, **terms)
        self.answer()
        return self

    def answer(self, status: int = 200, *headers: str) -> list[Output]:
        self.outputs = self.wire.answer(self.notify, status, *headers, tag="")
        return self.outputs

    def change(self) -> list[Output]:
        self.outputs = self.wire.stack.notify(self.number, self.wire.now)
        return self.outputs

    def wait(self, seconds: float) -> list[Output]:
        self.outputs = self.wire.pass_time(seconds)
        return self.outputs


def watch(**settings: Any) -> Watch:
    return Watch(Wire(allow=ALLOW, **{"events": ("conference", "refer"), **settings}))


# ------------------------------------------------------------------ the words
@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("conference", Event("conference")),
        ("refer;id=93809824", Event("refer", "93809824")),
        ("presence.winfo ; x=1; ID=a", Event("presence.winfo", "a")),
    ],
)
def test_events(text: str, event: Event) -> None:
    assert parse_event(text) == event


@pytest.mark.parametrize("text", ["", ";id=1", "a b", "a;id=1;;", '"a"'])
def test_what_is_no_event(text: str) -> None:
    with pytest.raises(Malformed):
        parse_event(text)


@pytest.mark.parametrize(
    "standing",
    [
        Standing("active", 600),
        Standing("pending"),
        Standing("terminated", reason="noresource"),
        Standing("terminated", reason="probation", retry_after=30),
    ],
)
def test_standings_are_read_as_written(standing: Standing) -> None:
    assert parse_standing(str(standing)) == standing


@pytest.mark.parametrize("text", ["", "active;expires=x", "active;expires", "active;expires=99999999999", "a b"])
def test_what_is_no_standing(text: str) -> None:
    with pytest.raises(Malformed):
        parse_standing(text)


# ------------------------------------------------------------------ the beginning
def test_a_subscription() -> None:
    """200 with Expires and Contact, and at once a NOTIFY with the whole state (RFC 6665 4.2.1.2)."""
    phone = watch()
    outputs = phone.grant("Expires: 600")
    answer = sent(outputs)[0]
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers.get("Expires")) == (200, "600")
    assert answer.headers.get_all("Allow-Events") == ["conference", "refer"]
    assert answer.contacts[0].uri.user == "standup" and answer.to.tag
    notify = phone.notify
    assert (notify.to.tag, notify.from_.tag, notify.call_id) == ("alice", phone.tag, "call-1")
    assert str(notify.uri) == "sip:alice@192.0.2.9:5062" and notify.contacts[0].uri.user == "standup"
    assert (notify.headers.get("Event"), notify.body, notify.content_type) == ("conference", b"all 1", "text/plain")
    assert phone.standing == Standing("active", 600)
    assert phone.answer() == []


def test_how_long() -> None:
    phone = watch()
    phone.grant()
    assert phone.standing.expires == 3600, "what the package has"
    phone = watch()
    phone.grant("Expires: 99999", most_s=1800)
    assert phone.standing.expires == 1800, "RFC 6665 4.2.1.1: shorter, never longer"
    phone = watch()
    phone.grant("Expires: 600", most_s=1800)
    phone.answer()
    phone.wait(100)
    phone.hear("Expires: 1200")
    assert phone.standing.expires == 1200
    phone.answer()
    phone.wait(1199)
    assert phone.outputs == []
    assert the(SubscriptionEnded, phone.wait(2)).cause == "expired"


@pytest.mark.parametrize(
    ("lines", "status", "header"),
    [
        (("Event: presence",), 489, "Allow-Events"),
        (("Event: Conference",), 489, "Allow-Events"),
        (("Event: ;;",), 400, None),
        (("Expires: soon",), 400, None),
        (("Expires: 10",), 423, "Min-Expires"),
    ],
)
def test_what_is_refused_at_once(lines: tuple[str, ...], status: int, header: str | None) -> None:
    phone = watch()
    outputs = phone.hear(*lines)
    assert statuses(outputs) == [status] and none_of(RequestArrived, outputs)
    assert header is None or sent(outputs)[0].headers.get(header) is not None
    assert at_rest(phone.wire.stack)


def test_without_an_event_or_a_contact() -> None:
    phone = watch()
    assert statuses(phone.wire.hear(phone.wire.request("SUBSCRIBE"))) == [489]
    assert statuses(phone.hear(contact=None)) == [400]
    assert statuses(phone.hear(contact="*")) == [400]


def test_a_fetch() -> None:
    """Expires: 0 outside of a dialog: the state, once (RFC 6665 4.4.3)."""
    phone = watch()
    outputs = phone.grant("Expires: 0")
    assert sent(outputs)[0].headers.get("Expires") == "0"
    assert phone.standing == Standing("terminated", reason="timeout") and phone.notify.body == b"all 1"
    assert the(SubscriptionEnded, outputs).subscription == phone.number
    phone.answer()
    phone.wait(40)
    assert at_rest(phone.wire.stack)


def test_one_that_waits_to_be_allowed() -> None:
    """Pending says nothing (RFC 6665 4.2.1.2), then all."""
    phone = watch()
    phone.grant("Expires: 600", pending=True)
    assert phone.standing == Standing("pending", 600) and not phone.notify.body
    phone.answer()
    assert phone.change() == [] and phone.asked == []
    phone.outputs = phone.wire.stack.activate(phone.number, phone.wire.now)
    assert phone.standing.state == "active" and phone.notify.body == b"all 1"
    phone.answer()
    with pytest.raises(WrongMoment):
        phone.wire.stack.activate(phone.number, phone.wire.now)


def test_one_that_is_not_allowed_after_all_has_seen_nothing() -> None:
    phone = watch().stands("Expires: 600", pending=True)
    phone.outputs = phone.wire.stack.end_subscription(phone.number, phone.wire.now, "rejected")
    assert phone.standing == Standing("terminated", reason="rejected") and not phone.notify.body
    assert the(SubscriptionEnded, phone.outputs).cause == "rejected" and phone.asked == []


def test_granted_too_late() -> None:
    phone = watch()
    number = the(RequestArrived, phone.hear()).transaction
    phone.wait(40)
    ended = the(SubscriptionEnded, phone.wire.stack.grant(number, phone.compose, phone.wire.now))
    assert ended == SubscriptionEnded(number, "too late") and at_rest(phone.wire.stack)


def test_the_subscribe_comes_twice() -> None:
    phone = watch()
    text = phone.wire.request("SUBSCRIBE", EVENT)
    number = the(RequestArrived, phone.wire.hear(text)).transaction
    phone.wire.stack.grant(number, phone.compose, phone.wire.now)
    again = phone.wire.hear(text)
    assert statuses(again) == [200] and methods(again) == [] and phone.asked == [True]


# ------------------------------------------------------------------ its life
def test_a_change() -> None:
    phone = watch().stands()
    phone.wait(5)
    phone.change()
    assert phone.notify.body == b"part 2" and phone.notify.cseq.number == 2
    assert phone.standing.expires == 3595


def test_one_notify_at_a_time() -> None:
    """What changes meanwhile comes with the next one."""
    phone = watch()
    phone.grant()
    first = phone.notify
    assert phone.change() == [] and phone.change() == []
    phone.outputs = phone.wire.answer(first, 200, tag="")
    assert phone.notify.body == b"part 2"
    assert phone.answer() == []


def test_the_pace() -> None:
    """No faster than the package has it, but a refresh is answered at once."""
    phone = watch().stands(pace_s=1.0)
    assert phone.change() == [] and phone.change() == []
    assert methods(phone.wait(0.9)) == []
    assert methods(phone.wait(0.2)) == ["NOTIFY"]
    phone.answer()
    phone.change()
    phone.hear()
    assert phone.notify.body == b"all 3"
    phone.answer()
    assert methods(phone.wait(2)) == [], "the refresh has said it"


def test_many_are_not_told_in_one_breath() -> None:
    """What changes for all is sent to one after another; nobody waits longer than half the pace more."""
    phone = watch()
    numbers = []
    for number in range(100):
        arrived = the(RequestArrived, phone.wire.hear(phone.wire.request("SUBSCRIBE", EVENT, call_id=f"c{number}")))
        numbers.append(arrived.transaction)
        outputs = phone.wire.stack.grant(arrived.transaction, phone.compose, phone.wire.now, pace_s=1.0)
        phone.wire.answer(sent(outputs)[-1], 200, tag="")  # type: ignore[arg-type]
    phone.wire.now += 10
    for each in numbers:
        assert phone.wire.stack.notify(each, phone.wire.now) == []
    sizes = []
    while (at := phone.wire.stack.next_deadline()) is not None and at <= phone.wire.now + 0.2:
        sizes.append(len(phone.wire.stack.fire(at)))
    assert sum(sizes) == 100 and max(sizes) <= 3


def test_what_does_not_fit_follows() -> None:
    phone = watch()
    phone.more = 2
    phone.grant(pace_s=1.0)
    assert phone.answer() == []
    bodies = []
    for _ in range(2):
        phone.wait(1.1)
        bodies.append(phone.notify.body)
        phone.answer()
    assert bodies == [b"part 2", b"part 3"] and methods(phone.wait(5)) == []
    phone.more = 1
    phone.outputs = phone.wire.stack.end_subscription(phone.number, phone.wire.now)
    phone.answer()
    assert methods(phone.wait(5)) == [], "the last one is the last"


def test_what_turns_out_to_be_nothing_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = watch().stands()
    subscription = phone.wire.stack._core.subscriptions[phone.number]
    monkeypatch.setattr(subscription, "_compose", lambda is_all: None)
    assert phone.change() == []
    phone.hear()
    assert phone.notify.body == b"" and phone.notify.cseq.number == 2, "but a refresh is answered"


def test_a_refresh() -> None:
    phone = watch().stands("Expires: 600")
    phone.wait(300)
    outputs = phone.hear("Expires: 600", contact="<sip:alice@192.0.2.9:5080>")
    assert sent(outputs)[0].headers.get("Expires") == "600"
    opening, there = the(OpenFlow, outputs), udp(("192.0.2.9", 5080))
    phone.outputs = phone.wire.stack.flow_opened(opening.token, there, phone.wire.now)
    assert phone.notify.body == b"all 2" and phone.standing.expires == 600
    assert str(phone.notify.uri) == "sip:alice@192.0.2.9:5080", "a target refresh (RFC 6665 4.5)"
    phone.answer()
    assert methods(phone.wait(590)) == []


def test_a_refresh_that_cannot_be() -> None:
    phone = watch().stands("Expires: 600")
    assert statuses(phone.hear("Expires: 10")) == [423]
    assert statuses(phone.hear("Expires: x")) == [400]
    assert statuses(phone.hear("Event: presence")) == [489]
    phone.cseq = 0
    assert statuses(phone.hear()) == [500], "RFC 3261 12.2.2"
    assert phone.change() != [], "and it goes on"


def test_unsubscribe() -> None:
    """RFC 6665 4.2.1.4: 200, and a last NOTIFY."""
    phone = watch().stands()
    outputs = phone.hear("Expires: 0")
    assert statuses(outputs) == [200] and phone.standing == Standing("terminated", reason="timeout")
    assert the(SubscriptionEnded, outputs).cause == "unsubscribed"
    phone.answer()
    assert statuses(phone.hear()) == [481], "there is no such dialog any more"
    with pytest.raises(UnknownSubscription):
        phone.change()
    phone.wait(40)
    assert at_rest(phone.wire.stack)


def test_expiry() -> None:
    phone = watch().stands("Expires: 60")
    assert methods(phone.wait(59)) == []
    outputs = phone.wait(2)
    assert phone.standing == Standing("terminated", reason="timeout")
    assert the(SubscriptionEnded, outputs).cause == "expired"
    phone.answer()
    phone.wait(40)
    assert at_rest(phone.wire.stack)


def test_we_end_it() -> None:
    phone = watch().stands()
    now = phone.wire.now
    phone.outputs = phone.wire.stack.end_subscription(phone.number, now, "probation", retry_after=30)
    assert phone.standing == Standing("terminated", reason="probation", retry_after=30)
    the(SubscriptionEnded, phone.outputs)
    with pytest.raises(UnknownSubscription):
        phone.wire.stack.end_subscription(phone.number, now)


def test_it_ends_while_a_notify_is_out() -> None:
    """The last one waits for the one before, so that they cannot arrive in the wrong order."""
    phone = watch()
    phone.grant()
    first = phone.notify
    outputs = phone.wire.stack.end_subscription(phone.number, phone.wire.now)
    the(SubscriptionEnded, outputs)
    assert methods(outputs) == []
    phone.outputs = phone.wire.answer(first, 200, tag="")
    assert phone.standing == Standing("terminated", reason="noresource")
    assert phone.answer() == []
    phone.wait(40)
    assert at_rest(phone.wire.stack)


def test_it_ends_and_they_are_gone() -> None:
    phone = watch()
    phone.grant()
    phone.wire.stack.end_subscription(phone.number, phone.wire.now)
    outputs = phone.wait(70)
    assert set(methods(outputs)) == {"NOTIFY"} and none_of(SubscriptionEnded, outputs)
    assert at_rest(phone.wire.stack)


# ------------------------------------------------------------------ NOTIFY refused
@pytest.mark.parametrize("status", [404, 405, 410, 416, 480, 481, 485, 489, 501, 604, 500, 603])
def test_a_notify_that_ends_it(status: int) -> None:
    """RFC 6665 4.2.2; any other without Retry-After, too."""
    phone = watch()
    phone.grant()
    ended = the(SubscriptionEnded, phone.answer(status))
    assert ended.subscription == phone.number and str(status) in ended.cause
    assert statuses(phone.hear()) == [481]
    phone.wait(40)
    assert at_rest(phone.wire.stack)


def test_nobody_answers_a_notify() -> None:
    phone = watch()
    phone.grant()
    ended = the(SubscriptionEnded, phone.wait(33))
    assert ended.cause == "no answer to NOTIFY" and at_rest(phone.wire.stack)


def test_a_notify_that_is_to_come_later() -> None:
    """With Retry-After it is said again, whole, for what it said is lost (RFC 6665 4.2.2)."""
    phone = watch().stands()
    phone.wait(5)
    phone.change()
    assert phone.answer(500, "Retry-After: 7 (busy)") == []
    assert phone.change() == [] and methods(phone.wait(6.9)) == []
    assert methods(phone.wait(0.2)) == ["NOTIFY"] and phone.notify.body == b"all 3"
    phone.answer(503, "Retry-After: 5")
    phone.wait(6)
    ended = the(SubscriptionEnded, phone.answer(503, "Retry-After: 5"))
    assert "503" in ended.cause, "three times is enough"


@pytest.mark.parametrize("value", ["", "soon", "-1"])
def test_a_retry_after_that_cannot_be_read(value: str) -> None:
    phone = watch()
    phone.grant()
    the(SubscriptionEnded, phone.answer(500, f"Retry-After: {value}"))


def test_a_refresh_while_we_wait() -> None:
    """Who refreshes is there: no more waiting."""
    phone = watch()
    phone.grant()
    phone.answer(500, "Retry-After: 60")
    phone.hear()
    assert phone.notify.body == b"all 2"


def test_the_way_is_lost() -> None:
    """A connection that is gone is opened anew for the next NOTIFY (RFC 3261 18)."""
    phone = Watch(Wire(tcp(), allow=ALLOW, events=("conference",)))
    phone.stands()
    phone.wire.stack.flow_lost(phone.wire.flow, phone.wire.now)
    outputs = phone.change()
    [opening] = outputs
    outputs = phone.wire.stack.flow_failed(opening.token, "refused", phone.wire.now)  # type: ignore[union-attr]
    ended = the(SubscriptionEnded, outputs)
    assert ended.cause == "refused" and at_rest(phone.wire.stack)


# ------------------------------------------------------------------ in dialogs
def test_other_requests_in_its_dialog() -> None:
    phone = watch().stands()
    assert statuses(phone.hear(method="OPTIONS")) == [200]
    assert statuses(phone.hear(method="BYE")) == [481], "there is no call in it"
    assert statuses(phone.hear(method="INFO" if "INFO" in ALLOW else "UPDATE")) == [481]
    assert 403 in statuses(phone.wire.invite(to_tag=phone.tag, cseq=50))


def test_two_in_one_dialog() -> None:
    """RFC 6665 8.2.1: told apart by id."""
    phone = watch().stands()
    first = phone.number
    arrived = the(RequestArrived, phone.hear("Event: conference;id=2"))
    phone.outputs = phone.wire.stack.grant(arrived.transaction, phone.compose, phone.wire.now)
    assert phone.notify.headers.get("Event") == "conference;id=2"
    phone.answer()
    assert the(SubscriptionEnded, phone.hear("Expires: 0")).subscription == first
    phone.answer()
    assert the(SubscriptionEnded, phone.hear("Event: conference;id=2", "Expires: 0")).subscription != first


def refer(phone: Wire, tag: str, cseq: int = 2) -> int:
    text = phone.request("REFER", "Refer-To: <sip:b@b>", to_tag=tag, cseq=cseq)
    return the(RequestInCall, phone.hear(text)).transaction


def test_a_refer_in_a_call_is_notified_in_its_dialog() -> None:
    """RFC 3515 2.4.4: an implicit subscription, told apart by the CSeq."""
    phone = watch()
    wire = phone.wire
    _, tag = wire.establish()
    number = refer(wire, tag)
    phone.outputs = wire.stack.grant(number, phone.compose, wire.now, event=Event("refer", "2"), most_s=180)
    assert statuses(phone.outputs) == [202] and phone.standing == Standing("active", 180)
    notify = phone.notify
    assert (notify.headers.get("Event"), notify.from_.tag, notify.cseq.number) == ("refer;id=2", tag, 1)
    phone.answer()
    with pytest.raises(WrongMoment):
        wire.stack.grant(refer(wire, tag, 3), phone.compose, wire.now, event=Event("refer", "2"))
    phone.outputs = wire.hear(wire.request("SUBSCRIBE", "Event: refer;id=2", to_tag=tag, cseq=4))
    assert phone.notify.body == b"all 2", "it may be refreshed"


def test_it_outlives_the_call() -> None:
    """RFC 5057 4.2: BYE ends the call, not what else lives in the dialog."""
    phone = watch()
    wire = phone.wire
    _, tag = wire.establish()
    number = phone.number = refer(wire, tag)
    phone.outputs = wire.stack.grant(number, phone.compose, wire.now, event=Event("refer", "2"))
    phone.answer()
    the(CallEnded, wire.hear(wire.request("BYE", to_tag=tag, cseq=3)))
    phone.change()
    assert phone.notify.body == b"part 2"
    phone.answer()
    phone.outputs = wire.hear(wire.request("SUBSCRIBE", "Event: refer;id=2", "Expires: 0", to_tag=tag, cseq=4))
    assert the(SubscriptionEnded, phone.outputs).subscription == number
    phone.answer()
    phone.wait(40)
    assert at_rest(wire.stack)


def test_a_481_to_its_notify_does_not_end_the_call() -> None:
    phone = watch()
    wire = phone.wire
    call, tag = wire.establish()
    phone.outputs = wire.stack.grant(refer(wire, tag), phone.compose, wire.now, event=Event("refer", "2"))
    outputs = phone.answer(481)
    the(SubscriptionEnded, outputs)
    assert none_of(CallEnded, outputs)
    assert methods(wire.stack.hang_up(call, wire.now)) == ["BYE"]


def test_a_subscribe_in_a_call_is_our_users() -> None:
    phone = watch()
    wire = phone.wire
    _, tag = wire.establish()
    asked = the(RequestInCall, wire.hear(wire.request("SUBSCRIBE", EVENT, to_tag=tag, cseq=2)))
    phone.outputs = wire.stack.grant(asked.transaction, phone.compose, wire.now)
    assert statuses(phone.outputs) == [200] and phone.notify.from_.tag == tag


# ------------------------------------------------------------------ limits
def test_so_many_and_no_more() -> None:
    phone = watch(most_subscriptions=3, most_subscriptions_at=2)
    answers = []
    for number in range(4):
        flow = udp() if number < 3 else udp(("192.0.2.77", 5060))
        text = phone.wire.request("SUBSCRIBE", EVENT, call_id=f"c{number}")
        arrived = the(RequestArrived, phone.wire.hear(text, flow))
        outputs = phone.wire.stack.grant(arrived.transaction, phone.compose, phone.wire.now)
        answers += statuses(outputs)
    assert answers == [200, 200, 480, 200]
    arrived = the(RequestArrived, phone.wire.hear(phone.wire.request("SUBSCRIBE", EVENT, call_id="c9"), udp(PHONE)))
    outputs = phone.wire.stack.grant(arrived.transaction, phone.compose, phone.wire.now)
    assert statuses(outputs) == [503] and sent(outputs)[0].headers.get("Retry-After")
    assert the(SubscriptionEnded, outputs).cause == "too many subscriptions"


def test_nothing_is_left_of_many() -> None:
    phone = watch()
    for number in range(50):
        arrived = the(RequestArrived, phone.wire.hear(phone.wire.request("SUBSCRIBE", EVENT, call_id=f"c{number}")))
        phone.wire.stack.grant(arrived.transaction, phone.compose, phone.wire.now)
    assert phone.wire.stack.describe()["subscriptions"] == 50
    phone.wait(33)
    assert at_rest(phone.wire.stack) and not phone.wire.stack._core.subscribers_at
