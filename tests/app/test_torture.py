"""Each message of RFC 4475 and RFC 5118 against stack, focus and rooms together: the answers of docs/conformance.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from confserver.app.performer import Hands, Performer
from confserver.contract import LegOpened, OpenLeg
from confserver.focus.focus import Focus
from confserver.focus.scene import Scene
from confserver.sip.flow import Flow
from confserver.sip.outputs import Output, RequestArrived, SendBytes
from confserver.sip.stack import Stack, StackSettings
from rooms.manager import Rooms
from rooms.participant import ParticipantIds
from tests.app.test_performer import Scribe
from tests.focus.house import START, Street
from tests.kit.sip_play import tokens
from tests.sip.torture import IPV6, READ, REFUSED, VALID, message

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "conformance.md").read_text("utf-8")
ROWS = re.findall(r"^\| (4475|5118), [0-9.]+ \| `([a-z0-9-]+)` \| ([^|]+) \| ([^|]+) \|  ?\|$", TEXT, re.MULTILINE)
ALL = VALID | READ | REFUSED | IPV6
MESSAGES = {name: text[2] if isinstance(text, tuple) else text for name, text in ALL.items()}
ALLOW = (*StackSettings().allow, "REGISTER", "MESSAGE")


class Telling(Scribe):
    """Notes what is answered; the answer to a broken request may be as broken, for it copies what was there."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []

    def perform(self, wish: object) -> None:
        if isinstance(wish, SendBytes) and wish.data.startswith(b"SIP/2.0 "):
            self.statuses.append(int(wish.data.split(maxsplit=2)[1]))


class House:
    """A server of which the registrar and the like are left out: what they would get is ``taken``."""

    def __init__(self) -> None:
        self.clock, self.scribe = Clock(), Telling()
        self.stack = Stack(StackSettings(allow=ALLOW), tokens())
        self.focus = Focus(Scene(Rooms(ParticipantIds()), Street()))
        self.taken: list[Output] = []
        self.hear_call = self.focus.hear_call
        self.focus.hear_call = self._hear  # type: ignore[method-assign]
        self.performer = Performer(self.clock, lambda: START + self.clock.seconds(), self.stack, self.focus)
        hands = Hands(self.scribe, [self.scribe], self.scribe, self.scribe)  # type: ignore[arg-type, list-item]
        self.performer.use(hands)
        self.performer.worker_ready(0)

    def _hear(self, event: Output, now: float) -> list[Output]:
        if isinstance(event, RequestArrived):
            self.taken.append(event)
            return []
        return self.hear_call(event, now)  # type: ignore[return-value]

    def hear(self, data: bytes) -> str:
        """What comes of a datagram: a final status, ``taken`` or ``nothing``."""
        flow = Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062))
        before = len(self.scribe.statuses)
        self.performer.received(data, flow)
        for opened in [each for each in self.scribe.commands if isinstance(each, OpenLeg)]:
            self.performer.heard_worker(0, LegOpened(leg=opened.leg, port=20000, ssrc=1))
        finals = [status for status in self.scribe.statuses[before:] if status >= 200]
        if self.taken:
            assert not finals and len(self.taken) == 1
            return "taken"
        assert len(finals) <= 1
        return str(finals[0]) if finals else "nothing"

    def at_rest(self) -> bool:
        """When the peer has said no more."""
        self.clock.pump([1.0] * 120)
        left = self.stack.describe()
        return not any(left[name] for name in ("calls", "dialogs", "transactions", "timers", "searches", "merged"))


def test_there_is_a_row_for_each_message() -> None:
    assert len(VALID | READ | REFUSED) == 49
    assert {name for rfc, name, *_ in ROWS if rfc == "5118"} == IPV6.keys()
    assert {name for _, name, *_ in ROWS} == MESSAGES.keys() and len(ROWS) == len(MESSAGES) == 49 + len(IPV6)


@pytest.mark.parametrize(("rfc", "name", "answer", "why"), ROWS, ids=[name for _, name, *_ in ROWS])
def test_what_we_answer(rfc: str, name: str, answer: str, why: str) -> None:
    house = House()
    assert house.hear(message(MESSAGES[name])) == answer.strip(), why
    assert why.strip() and rfc
    assert house.at_rest()


@pytest.mark.parametrize("name", MESSAGES)
def test_the_server_goes_on(name: str) -> None:
    """And the same again is the same answer, or none: nothing of it has stuck."""
    house = House()
    first = house.hear(message(MESSAGES[name]))
    assert house.hear(message(MESSAGES[name])) in (first, "nothing")
    sent = len(house.scribe.statuses)
    house.scribe.commands.clear()
    lines = [
        "OPTIONS sip:192.0.2.1 SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKgoes-on",
        "Max-Forwards: 70",
    ]
    lines += ["From: <sip:a@b>;tag=1", "To: <sip:192.0.2.1>", "Call-ID: goes-on", "CSeq: 1 OPTIONS", "", ""]
    taken = len(house.taken)
    house.performer.received("\r\n".join(lines).encode(), Flow("UDP", ("192.0.2.1", 5060), ("192.0.2.9", 5062)))
    assert len(house.taken) == taken + 1 and len(house.scribe.statuses) == sent
