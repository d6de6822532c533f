"""The messages that are kept of each call, and how many."""

from __future__ import annotations

import random

from confserver.sip.message import Request, parse
from confserver.sip.outputs import CallEnded, Output, RelayBegan, RelayEnded, SendBytes
from confserver.sip.trace import COST, MOST_FIRST, MOST_LAST, SHARE_OF_OTHERS, Trace
from tests.kit.sip_play import SDP, Wire, sent, udp


class Tapped:
    """A stack that is listened to, as the shell does it."""

    def __init__(self, most: int = 1 << 20) -> None:
        self.trace = Trace(most)
        self.wire = Wire(tap=self.trace)

    def do(self, outputs: list[Output]) -> list[Output]:
        for output in outputs:
            if isinstance(output, SendBytes):
                self.trace.said(output.data, output.flow, self.wire.now)
            else:
                self.trace.follow(output)
        return outputs

    def call(self, call_id: str = "call-1") -> tuple[int, str]:
        wire = self.wire
        [arrived] = [each for each in self.do(wire.invite(call_id=call_id)) if hasattr(each, "call")]
        tag = sent(self.do(wire.stack.accept(arrived.call, SDP, wire.now)))[0].to.tag
        self.do(wire.hear(wire.request("ACK", to_tag=tag, call_id=call_id)))
        return arrived.call, tag

    def said(self, name: str) -> list[str]:
        story = self.trace.find(name)
        assert story is not None
        return [("-> " if each.is_ours else "<- ") + str(parse(each.data)).split()[0] for each in story]


def test_a_call_of_theirs_by_number_and_by_call_id() -> None:
    tapped = Tapped()
    call, tag = tapped.call()
    tapped.do(tapped.wire.hear(tapped.wire.request("BYE", to_tag=tag, cseq=2)))
    said = ["<- INVITE", "-> 100", "-> 200", "<- ACK", "<- BYE", "-> 200"]
    assert tapped.said(str(call)) == tapped.said("call-1") == said
    [story] = tapped.trace.stories()
    assert story.is_over and story.number == call
    assert tapped.trace.find("99") is None and tapped.trace.find("") is None and tapped.trace.find("9" * 5000) is None


def test_a_call_of_ours() -> None:
    tapped = Tapped()
    wire = tapped.wire
    call, invite, outputs = wire.dial()
    tapped.do(outputs)
    tapped.do(wire.answer(invite, 180))
    tapped.do(wire.answer(invite, 200, body=SDP))
    tapped.do(wire.stack.hang_up(call, wire.now))
    assert tapped.said(str(call)) == ["-> INVITE", "<- 180", "<- 200", "-> ACK", "-> BYE"]


def test_a_call_that_is_relayed() -> None:
    tapped = Tapped()
    for number, status in ((70, 200), (71, 486)):
        request = parse(tapped.wire.request("INVITE", call_id=f"r{number}", body=SDP).encode())
        assert isinstance(request, Request)
        tapped.trace.heard(request.call_id, request.encode(), tapped.wire.flow, tapped.wire.now)
        tapped.trace.follow(RelayBegan(number, request, tapped.wire.flow, ("sip:bob@192.0.2.8",)))
        tapped.trace.follow(RelayEnded(number, status))
        story = tapped.trace.find(str(number))
        assert story is not None and story.is_over == (status == 486)


def test_what_is_no_call_is_kept_for_a_while() -> None:
    tapped = Tapped()
    tapped.do(tapped.wire.hear(tapped.wire.request("PUBLISH", call_id="odd")))
    assert tapped.said("odd") == ["<- PUBLISH", "-> 405"] and tapped.trace.stories() == []


def test_a_strangers_flood_drives_out_no_call() -> None:
    tapped = Tapped(256 * 1024)
    call, _ = tapped.call()
    for number in range(3000):
        tapped.do(tapped.wire.hear(tapped.wire.request("PUBLISH", call_id=f"flood-{number}"), udp(("203.0.113.7", 9))))
    assert len(tapped.said(str(call))) == 4
    described = tapped.trace.describe()
    assert described["others"] < 100 and described["bytes"] < 256 * 1024 * (1 + 1 / SHARE_OF_OTHERS)


def test_the_call_that_ended_first_is_forgotten_first() -> None:
    tapped = Tapped(40_000)
    early, _ = tapped.call("early")
    ended, tag = tapped.call("ended")
    tapped.do(tapped.wire.hear(tapped.wire.request("BYE", to_tag=tag, call_id="ended", cseq=2)))
    number = 0
    while tapped.trace.find(str(ended)) is not None:
        number += 1
        tapped.call(f"c{number}")
    assert tapped.trace.find(str(early)) is not None, "it still stands"
    for more in range(100):
        tapped.call(f"m{more}")
    assert tapped.trace.find(str(early)) is None
    assert tapped.trace.describe()["bytes"] <= 41_000


def test_a_long_call_keeps_its_beginning_and_its_end() -> None:
    tapped = Tapped(1 << 24)
    call, tag = tapped.call()
    for cseq in range(2, 400):
        tapped.do(tapped.wire.hear(tapped.wire.request("OPTIONS", to_tag=tag, cseq=cseq)))
    story = tapped.trace.find(str(call))
    assert story is not None
    kept = list(story)
    assert len(kept) == MOST_FIRST + MOST_LAST and story.left_out == 4 + 2 * 398 - len(kept)
    assert parse(kept[0].data).method == "INVITE" and b"CSeq: 399" in kept[-1].data  # type: ignore[union-attr]
    assert story.size == sum(len(each.data) + COST for each in kept)


def test_off() -> None:
    tapped = Tapped(0)
    call, _ = tapped.call()
    assert tapped.trace.find(str(call)) is None
    assert tapped.trace.describe() == {"calls kept": 0, "others": 0, "bytes": 0}


def test_any_order_of_events_keeps_the_books() -> None:
    """One Call-ID may be two calls (a merged fork, a hostile peer); numbers end that were never named."""
    dice = random.Random(11)
    tapped = Tapped(30_000)
    calls = [tapped.call("same")[0]]
    for number in range(400):
        match dice.randrange(4):
            case 0:
                outputs = tapped.do(tapped.wire.invite(call_id="same", from_tag=f"t{number}"))
                calls += [each.call for each in outputs if hasattr(each, "call")]
            case 1:
                tapped.trace.follow(CallEnded(dice.choice(calls), "", True))
            case 2:
                tapped.trace.follow(CallEnded(10_000 + number, "", True))
            case 3:
                calls.append(tapped.call(f"c{number}")[0])
    trace = tapped.trace
    stories = trace.stories()
    assert trace._size == sum(story.size for story in stories)
    assert trace._numbers == {story.number: story.call_id for story in stories}
    assert set(trace._over) <= set(trace._calls)
