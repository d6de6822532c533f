"""Stack and focus joined by the performer, over a clock of our own: crossings, faults, the one timer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from confserver.app.door import Door
from confserver.app.performer import Hands, Performer
from confserver.contract import CloseLeg, FromWorker, LegOpened, LegSilent, OpenLeg, ToWorker
from confserver.focus.factory import Factory
from confserver.focus.focus import Focus
from confserver.focus.outputs import Offer
from confserver.focus.requests import ALLOW
from confserver.focus.scene import Scene
from confserver.sip.flow import Flow
from confserver.sip.message import Request, Response, parse
from confserver.sip.outputs import OfferAnswered, SendBytes
from confserver.sip.stack import Stack, StackSettings
from confserver.storage import StorageError
from rooms.commands import CreateRoom, Lock, Mute
from rooms.errors import NotFound
from rooms.events import Event
from rooms.manager import Rooms
from rooms.participant import SYSTEM, ParticipantIds
from tests.focus.house import START, Street, sdp
from tests.kit.sip_play import Wire, answer_to, tokens


class Scribe:
    """A journal, a transport and a worker that take notes."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.sent: list[Request | Response] = []
        self.commands: list[ToWorker] = []
        self.commit: Deferred[None] | None = None

    def publish(self, events: tuple[Event, ...]) -> Deferred[Any]:
        self.events.extend(events)
        return self.commit or succeed(None)

    def note(self, word: object) -> Deferred[Any]:
        return succeed(None)

    def perform(self, wish: object) -> None:
        assert isinstance(wish, SendBytes), wish
        self.sent.append(parse(wish.data))

    def send(self, command: ToWorker) -> None:
        self.commands.append(command)


class Bench:
    def __init__(self, scribe: Scribe | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.scribe = scribe or Scribe()
        self.stack = Stack(StackSettings(**settings), tokens())
        self.focus = Focus(Scene(Rooms(ParticipantIds()), Street()))
        self.performer = Performer(self.clock, lambda: START + self.clock.seconds(), self.stack, self.focus)
        self.performer.use(Hands(self.scribe, [self.scribe], self.scribe, self.scribe))  # type: ignore[arg-type, list-item]
        self.performer.worker_ready(0)
        self.wire = Wire(Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062)))

    def hear(self, method: str = "INVITE", *lines: str, **how: Any) -> list[int | str]:
        """What is sent back: statuses and methods."""
        before = len(self.scribe.sent)
        body = {"body": sdp().encode()} if method == "INVITE" else {}
        self.performer.received(self.wire.request(method, *lines, **{**body, **how}).encode(), self.wire.flow)
        return self.said(before)

    def said(self, before: int = 0) -> list[int | str]:
        sent = self.scribe.sent[before:]
        return [each.status if isinstance(each, Response) else each.method for each in sent]

    def tell(self, event: FromWorker) -> list[int | str]:
        before = len(self.scribe.sent)
        self.performer.heard_worker(0, event)
        return self.said(before)

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.scribe.commands if isinstance(each, kind)]

    def up(self) -> str:
        """A call as far as the ACK; gives our tag."""
        assert self.hear(branch="z9hG4bK1") == [100]
        assert self.tell(LegOpened(leg=self.of(OpenLeg)[-1].leg, port=20000, ssrc=1)) == [200]
        tag = self.scribe.sent[-1].to.tag
        assert self.hear("ACK", to_tag=tag) == []
        return tag

    def stack_call(self) -> int:
        return next(iter(self.focus._scene.legs.by_call))

    def at_rest(self) -> bool:
        self.clock.advance(40)
        left = self.stack.describe()
        assert len(self.of(CloseLeg)) == len(self.of(OpenLeg))
        return not any(left[name] for name in ("calls", "transactions", "timers")) and not self.focus.describe()["legs"]


def test_a_call() -> None:
    bench = Bench()
    tag = bench.up()
    assert len(bench.focus.room("standup", START)["participants"]) == 1
    assert bench.hear("BYE", to_tag=tag, cseq=2) == [200]
    assert bench.at_rest() and bench.clock.getDelayedCalls() == []


def test_a_repeated_invite_makes_no_second_call() -> None:
    bench = Bench()
    bench.hear(branch="z9hG4bK1")
    assert bench.hear(branch="z9hG4bK1") == [100]
    assert len(bench.of(OpenLeg)) == 1


def test_an_answer_after_the_cancel() -> None:
    """The worker's word and the CANCEL cross; nothing more is said, and nothing is left."""
    bench = Bench()
    bench.hear(branch="z9hG4bK1")
    leg = bench.of(OpenLeg)[0].leg
    assert bench.hear("CANCEL", branch="z9hG4bK1") == [200, 487]
    assert bench.tell(LegOpened(leg=leg, port=20000, ssrc=1)) == []
    bench.hear("ACK", branch="z9hG4bK1")
    assert bench.at_rest()


def test_a_worker_that_says_nothing() -> None:
    bench = Bench()
    bench.hear(branch="z9hG4bK1")
    bench.clock.advance(1.9)
    assert bench.said() == [100]
    bench.clock.advance(0.2)
    assert bench.said()[:2] == [100, 503]
    bench.hear("ACK", branch="z9hG4bK1")
    assert bench.at_rest()


def test_an_offer_that_cannot_be_sent_now_is_answered_by_491() -> None:
    """One at a time (RFC 3261 14.1): who asks for a second hears what a phone would say."""
    bench = Bench()
    tag = bench.up()
    answered = []
    bench.focus.hear_call = lambda event, now: answered.append(event) or []  # type: ignore[method-assign, func-returns-value]
    offer = Offer(bench.stack_call(), sdp().encode())
    before = len(bench.scribe.sent)
    bench.performer.perform([offer, offer])
    assert bench.said(before) == ["INVITE"]
    assert [(type(each), each.status) for each in answered] == [(OfferAnswered, 491)]
    bench.performer.perform([Offer(999, b"")])
    assert [each.call for each in answered] == [offer.call, 999]
    del bench.focus.hear_call
    bench.hear("BYE", to_tag=tag, cseq=2)


def test_a_probe_that_crosses_the_bye() -> None:
    bench = Bench()
    tag = bench.up()
    leg = bench.of(OpenLeg)[0].leg
    assert bench.tell(LegSilent(leg=leg, seconds=60)) == ["OPTIONS"]
    assert bench.hear("BYE", to_tag=tag, cseq=2) == [200]
    bench.clock.advance(40)
    assert bench.at_rest()


def test_the_contact_is_the_room_that_was_made() -> None:
    """RFC 4579 5.4: the phone learns from it where the others are to be invited to."""
    bench = Bench()
    bench.focus._scene.factory = Factory("new-room", lambda: "room-x")
    bench.hear(uri="sip:new-room@192.0.2.1")
    bench.tell(LegOpened(leg=bench.of(OpenLeg)[-1].leg, port=20000, ssrc=1))
    assert bench.scribe.sent[-1].contacts[0].uri.user == "room-x"


def test_a_subscription_lives_and_ends() -> None:
    """SUBSCRIBE, documents as the room changes, one a second; the end with the room."""
    bench = Bench(events=("conference",), allow=ALLOW, features=";isfocus")
    tag = bench.up()
    assert bench.hear("SUBSCRIBE", "Event: conference", call_id="s") == [200, "NOTIFY"]
    accepted, first = bench.scribe.sent[-2:]
    assert accepted.contacts[0].has_param("isfocus")
    assert isinstance(first, Request) and b'state="full" version="1"' in first.body
    bench.performer.received(answer_to(first, 200, tag="").encode(), bench.wire.flow)
    before = len(bench.scribe.sent)
    bench.performer.perform(bench.focus.command(Lock("standup"), SYSTEM, START))
    bench.performer.perform(bench.focus.command(Mute("standup", "p1"), SYSTEM, START))
    assert bench.said(before) == []
    bench.clock.advance(1.1)
    assert bench.said(before) == ["NOTIFY"]
    second = bench.scribe.sent[-1]
    assert isinstance(second, Request) and b'state="partial" version="2"' in second.body
    assert b"<locked>true</locked>" in second.body and b"recvonly" in second.body
    bench.performer.received(answer_to(second, 200, tag="").encode(), bench.wire.flow)
    assert bench.hear("BYE", to_tag=tag, cseq=2) == [200, "NOTIFY"]
    last = bench.scribe.sent[-1]
    assert last.headers.get("Subscription-State") == "terminated;reason=noresource"
    bench.performer.received(answer_to(last, 200, tag="").encode(), bench.wire.flow)
    assert bench.at_rest() and bench.focus.describe()["watchers"] == 0


def test_a_fault_in_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(events=("conference",), allow=ALLOW)
    tag = bench.up()
    with monkeypatch.context() as faulty:
        faulty.setattr(bench.focus._watching, "_compose", broken)
        bench.hear("SUBSCRIBE", "Event: conference", call_id="s")
    assert 200 in bench.hear("BYE", to_tag=tag, cseq=2)
    bench.hear("OPTIONS", call_id="3")
    assert bench.focus.describe()["watchers"] == 0


def test_what_we_ask_in_a_call_and_outside() -> None:
    """Each is answered once: by the peer, or by ourselves where it could not be sent."""
    bench, answered = Bench(), []
    bench.up()

    def heard(name: str) -> Callable[[Response, float], None]:
        return lambda response, now: answered.append((name, response.status))

    def ask(name: str, call: int, *headers: tuple[str, str]) -> list[int | str]:
        before = len(bench.scribe.sent)
        bench.focus._requests.ask(call, "INFO", heard(name), headers, b"x", "text/plain")
        bench.performer.perform(bench.focus._scene.taken())
        return bench.said(before)

    assert ask("in the call", bench.stack_call()) == ["INFO"]
    assert ask("of no call", 999) == []
    assert ask("in two lines", bench.stack_call(), ("Subject", "a\r\nb")) == []
    assert answered == [("of no call", 481), ("in two lines", 500)]
    info = bench.scribe.sent[-1]
    assert isinstance(info, Request) and info.body == b"x"
    bench.performer.received(answer_to(info, 200, tag="").encode(), bench.wire.flow)
    assert answered[2:] == [("in the call", 200)]
    assert len(bench.focus._requests) == 0


def test_the_ack_that_never_comes() -> None:
    bench = Bench()
    bench.hear(branch="z9hG4bK1")
    bench.tell(LegOpened(leg=bench.of(OpenLeg)[0].leg, port=20000, ssrc=1))
    bench.clock.pump([0.1] * 330)
    assert bench.said()[-1] == "BYE" and bench.said().count(200) > 3
    bench.clock.pump([0.5] * 80)
    assert bench.at_rest()


# ---------------------------------------------------------------- faults of ours
def test_a_fault_in_the_focus_costs_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    with monkeypatch.context() as faulty:
        faulty.setattr(bench.focus._scene.surroundings, "media_host", broken)
        assert bench.hear(branch="z9hG4bK9", call_id="9") == [100, 500]
        bench.hear("ACK", branch="z9hG4bK9", call_id="9")
    tag = bench.up()
    assert bench.hear("BYE", to_tag=tag, cseq=2) == [200]
    assert bench.at_rest() and bench.focus.rooms(START) == []


def test_a_fault_at_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.hear(branch="z9hG4bK1")
    monkeypatch.setattr(bench.stack, "accept", broken)
    assert bench.tell(LegOpened(leg=bench.of(OpenLeg)[0].leg, port=20000, ssrc=1)) == [500]
    bench.hear("ACK", branch="z9hG4bK1")
    assert bench.at_rest()


def test_a_fault_at_a_re_invite(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    tag = bench.up()
    monkeypatch.setattr(bench.focus._sessions, "offered", broken)
    assert bench.hear(to_tag=tag, cseq=2, branch="z9hG4bK2") == [100, 500]
    bench.hear("ACK", to_tag=tag, cseq=2, branch="z9hG4bK2")
    assert bench.hear("BYE", to_tag=tag, cseq=3) == [200]


def test_a_fault_at_options(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setitem(bench.focus._requests.outside, "OPTIONS", broken)
    assert bench.hear("OPTIONS") == [500]


@pytest.mark.parametrize("where", ["receive", "fire"])
def test_a_fault_in_the_stack_costs_one_message(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    with monkeypatch.context() as faulty:
        faulty.setattr(bench.stack, where, broken)
        bench.hear()
        bench.clock.advance(1)
        for door in (bench.performer.lost, lambda flow: bench.performer.opened(1, flow)):
            door(bench.wire.flow)
    assert bench.hear("OPTIONS", call_id="2") == [200]


def test_a_fault_on_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    with monkeypatch.context() as faulty:
        faulty.setattr(bench.scribe, "perform", broken)
        bench.hear(branch="z9hG4bK1")
    assert bench.of(OpenLeg), "the rest was done"


def broken(*_: object, **__: object) -> Any:
    raise RuntimeError("a fault of ours")


# ---------------------------------------------------------------- the door
def outcome(done: Deferred[None]) -> list[object]:
    told: list[object] = []
    done.addBoth(told.append)
    return told


def test_a_command_is_answered_after_its_commit() -> None:
    bench = Bench()
    door = Door(bench.focus, bench.performer, dict)
    bench.scribe.commit = Deferred()
    told = outcome(door.submit(CreateRoom("standup"), SYSTEM))
    assert told == [] and door.room("standup")["name"] == "standup"
    bench.scribe.commit.callback(None)
    assert told == [None]


def test_a_command_that_changes_nothing_is_answered_at_once() -> None:
    bench = Bench()
    door = Door(bench.focus, bench.performer, dict)
    assert outcome(door.submit(CreateRoom("standup"), SYSTEM)) == [None]
    assert outcome(door.submit(CreateRoom("standup"), SYSTEM)) == [None]


def test_a_command_that_is_refused() -> None:
    bench = Bench()
    door = Door(bench.focus, bench.performer, lambda: {"more": 1})
    (failure,) = outcome(door.submit(Lock("nowhere"), SYSTEM))
    assert failure.check(NotFound)  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        door.room("nowhere")
    assert door.rooms() == [] and door.status()["more"] == 1 and door.status()["uptime_s"] == 0.0


def test_a_command_that_cannot_be_stored() -> None:
    bench = Bench()
    door = Door(bench.focus, bench.performer, dict)
    bench.scribe.commit = fail(StorageError("the disk is full"))
    (failure,) = outcome(door.submit(CreateRoom("standup"), SYSTEM))
    assert failure.check(StorageError)  # type: ignore[attr-defined]


def test_calls_go_on_where_nothing_can_be_stored() -> None:
    bench = Bench()
    bench.scribe.commit = fail(StorageError("the disk is full"))
    tag = bench.up()
    assert bench.hear("BYE", to_tag=tag, cseq=2) == [200]
    assert bench.at_rest()
