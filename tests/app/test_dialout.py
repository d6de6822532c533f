"""Calls of ours by stack and focus together: what is on the wire, and what is left afterwards."""

from __future__ import annotations

from dataclasses import replace

from confserver.app.performer import Hands, Performer
from confserver.contract import LegOpened, OpenLeg
from confserver.focus.dialout import DialTerms
from confserver.focus.focus import Focus
from confserver.focus.scene import Scene
from confserver.routing.dialplan import DialPlan
from confserver.routing.fence import Fence
from confserver.sip.message import Request
from confserver.sip.outputs import OpenFlow, Resolve
from rooms import events as tell
from rooms.commands import Dial, Kick
from rooms.manager import Rooms
from rooms.participant import SYSTEM, ParticipantIds
from tests.app.test_performer import Bench, Scribe
from tests.focus.house import Street, sdp
from tests.kit.sip_play import answer_to


class Opening(Scribe):
    """Transports that find every way, a moment later."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[OpenFlow] = []

    def perform(self, wish: object) -> None:
        if isinstance(wish, OpenFlow):
            self.wanted.append(wish)
        elif not isinstance(wish, Resolve):
            super().perform(wish)


class Caller(Bench):
    def __init__(self) -> None:
        self.opening = Opening()
        super().__init__(self.opening)
        plan = DialPlan(Fence(domains=["*"]))
        self.focus = Focus(Scene(Rooms(ParticipantIds()), Street()), dialling=DialTerms(plan=plan, ring_s=20.0))
        self.performer = Performer(self.clock, self.performer.now, self.stack, self.focus)
        self.performer.use(Hands(self.scribe, [self.scribe], self.scribe, self.scribe))  # type: ignore[arg-type, list-item]
        self.performer.worker_ready(0)

    def dial(self, uri: str = "sip:bob@192.0.2.9:5062") -> Request:
        """As far as the INVITE on the wire."""
        command = Dial("standup", uri, name="Bob")
        self.performer.perform(self.focus.command(command, SYSTEM, self.performer.now()))
        self.tell(LegOpened(leg=self.of(OpenLeg)[-1].leg, port=20000, ssrc=1))
        return self.find_way()

    def find_way(self) -> Request:
        wish = self.opening.wanted.pop()
        self.performer.opened(wish.token, replace(self.wire.flow, remote=wish.remote))
        invite = self.scribe.sent[-1]
        assert isinstance(invite, Request) and invite.method == "INVITE"
        return invite

    def answer(self, request: Request, status: int, *headers: str, tag: str = "bob", body: str = "") -> list[int | str]:
        before = len(self.scribe.sent)
        text = answer_to(request, status, *headers, tag=tag, body=body.encode())
        self.performer.received(text.encode(), self.wire.flow)
        return self.said(before)

    def last(self, kind: type[tell.Event]) -> tell.Event:
        return [event for event in self.scribe.events if isinstance(event, kind)][-1]

    def people(self) -> int:
        rooms = self.focus.rooms(self.performer.now())
        return len(rooms[0]["participants"]) if rooms else 0


def test_a_call_of_ours_from_invite_to_their_bye() -> None:
    it = Caller()
    invite = it.dial()
    assert invite.headers.get("To") == '"Bob" <sip:bob@192.0.2.9:5062>'
    assert "sip:standup@192.0.2.1" in (invite.headers.get("Contact") or "")
    assert b"m=audio 20000 " in invite.body and b"c=IN IP4 192.0.2.1" in invite.body
    assert it.answer(invite, 100, tag="") == []
    it.answer(invite, 180)
    assert it.last(tell.DialRinging)
    assert it.answer(invite, 200, body=sdp()) == ["ACK"] and it.people() == 1
    assert it.answer(invite, 200, body=sdp()) == ["ACK"], "repeated"
    bye = it.wire.request("BYE", to_tag=invite.from_.tag, from_tag="bob", call_id=invite.call_id)
    it.performer.received(bye.encode(), it.wire.flow)
    assert it.people() == 0 and it.at_rest()


def test_the_first_of_two_who_answer_is_taken() -> None:
    """A forked 2xx (RFC 3261 13.2.2.4): acknowledged and hung up."""
    it = Caller()
    invite = it.dial()
    assert it.answer(invite, 200, tag="first", body=sdp()) == ["ACK"]
    assert it.answer(invite, 200, tag="second", body=sdp(port=4002)) == ["ACK", "BYE"]
    bye = it.scribe.sent[-1]
    assert bye.to.tag == "second" and it.people() == 1
    assert isinstance(bye, Request)
    it.answer(bye, 200)
    it.performer.perform(it.focus.command(Kick("standup", "Bob"), SYSTEM, it.performer.now()))
    own = it.scribe.sent[-1]
    assert isinstance(own, Request) and (own.method, own.to.tag) == ("BYE", "first")
    it.answer(own, 200)
    assert it.at_rest()


def test_a_call_that_nobody_answers_is_cancelled() -> None:
    it = Caller()
    invite = it.dial()
    it.answer(invite, 180)
    before = len(it.scribe.sent)
    it.clock.pump([0.5] * 41)
    cancel = it.scribe.sent[before]
    assert isinstance(cancel, Request) and cancel.method == "CANCEL"
    it.answer(cancel, 200)
    assert it.answer(invite, 487) == ["ACK"]
    failed = it.last(tell.DialFailed)
    assert isinstance(failed, tell.DialFailed) and (failed.cause, failed.status) == ("no answer", 487)
    assert it.at_rest()


def test_who_answers_the_very_moment_we_give_up_is_hung_up() -> None:
    it = Caller()
    invite = it.dial()
    it.answer(invite, 180)
    it.performer.perform(it.focus.command(Kick("standup", "Bob"), SYSTEM, it.performer.now()))
    assert it.said()[-1] == "CANCEL"
    assert it.answer(invite, 200, body=sdp()) == ["ACK", "BYE"] and it.people() == 0
    bye = it.scribe.sent[-1]
    assert isinstance(bye, Request)
    it.answer(bye, 200)
    assert it.last(tell.DialFailed) and it.at_rest()


def test_a_redirected_call_is_a_new_one() -> None:
    it = Caller()
    invite = it.dial()
    assert it.answer(invite, 302, "Contact: <sip:bob@192.0.2.20>") == ["ACK"]
    assert it.opening.wanted[-1].remote == ("192.0.2.20", 5060)
    second = it.find_way()
    assert second.call_id != invite.call_id and str(second.uri) == "sip:bob@192.0.2.20"
    assert it.answer(second, 486) == ["ACK"]
    failed = it.last(tell.DialFailed)
    assert isinstance(failed, tell.DialFailed) and failed.cause == "busy" and it.at_rest()


def test_a_host_that_is_never_found_ends_the_call() -> None:
    it = Caller()
    command = Dial("standup", "sip:bob@nowhere.invalid")
    it.performer.perform(it.focus.command(command, SYSTEM, it.performer.now()))
    it.tell(LegOpened(leg=it.of(OpenLeg)[-1].leg, port=20000, ssrc=1))
    it.clock.pump([1.0] * 40)
    assert it.last(tell.DialFailed) and it.at_rest()
