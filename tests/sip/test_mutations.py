"""Broken and hostile datagrams: none raises, none is answered twice, and the stack goes on answering."""

from __future__ import annotations

import random

import pytest

from confserver.sip.outputs import CallArrived, CloseFlow, OfferArrived, RequestArrived, SendBytes
from tests.kit.sip_play import SDP, Wire, answer_to, at_rest, sent, statuses, tcp, the

PIECES = (
    b"\r\n", b"\r\n\r\n", b"\0", b"\xff", b";", b",", b"<", b">", b'"', b":", b"@", b" ", b"%", b"=", b"[", b"]",
    b"SIP/2.0", b"tag=", b";lr", b"branch=", b"99999999999", b"-1", b"Via: ", b"Content-Length: 4\r\n", b"*",
    b"Require: x\r\n", b"To: <sip:a@b>\r\n", b"Contact: *\r\n", b"\xc3\xa9", b"\xed\xa0\x80", b"a" * 300,
)  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    data = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(6):
            case 0:
                data[at : at + 1] = bytes([dice.randrange(256)])
            case 1:
                del data[at : at + dice.randrange(1, 40)]
            case 2:
                data[at:at] = dice.choice(PIECES)
            case 3:
                piece = data[at : at + dice.randrange(1, 60)]
                data[at:at] = piece
            case 4:
                del data[at:]
            case 5:
                lines = data.split(b"\r\n")
                lines.insert(dice.randrange(len(lines)), dice.choice(lines))
                data = bytearray(b"\r\n".join(lines))
    return bytes(data)


def seeds(wire: Wire) -> list[bytes]:
    """One of everything: a call of theirs, one of ours, and all that may come in them."""
    _, tag = wire.establish("Record-Route: <sip:192.0.2.9:5062;lr>", call_id="call-1")
    _, invite, _ = wire.dial()
    waiting = wire.arrive(call_id="call-2", branch="z9hG4bKwait")
    assert waiting
    texts = [wire.request("INVITE", call_id="call-3", body=SDP), wire.request("OPTIONS", call_id="call-4")]
    texts += [wire.request(m, to_tag=tag, cseq=9, body=SDP) for m in ("INVITE", "BYE", "OPTIONS", "INFO", "ACK")]
    texts += [wire.request("CANCEL", call_id="call-2", branch="z9hG4bKwait")]
    texts += [wire.request("REGISTER", call_id="call-5"), wire.request("BYE", call_id="call-6", to_tag="x")]
    texts += [answer_to(invite, status, body=SDP) for status in (100, 180, 200, 302, 486)]
    return [text.encode() for text in texts]


def plays_on(wire: Wire, outputs: list[object], dice: random.Random) -> None:
    """A user who does something with what he hears."""
    for output in outputs:
        match output:
            case CallArrived(call):
                wire.stack.ring(call, wire.now)
                if dice.random() < 0.5:
                    wire.stack.accept(call, SDP, wire.now)
            case OfferArrived(call):
                wire.stack.accept_offer(call, SDP, wire.now)
            case RequestArrived(transaction):
                wire.stack.respond(transaction, 200, wire.now)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_datagrams(seed: int) -> None:
    dice = random.Random(seed)
    wire = Wire()
    texts = seeds(wire)
    for number in range(500):
        outputs = wire.hear(mutated(dice.choice(texts), dice))
        assert sum(isinstance(output, SendBytes) for output in outputs) <= 3
        plays_on(wire, list(outputs), dice)
        if number % 50 == 0:
            wire.pass_time(dice.random() * 5)
    number = the(RequestArrived, wire.hear(wire.request("OPTIONS", call_id="still there?"))).transaction
    assert statuses(wire.stack.respond(number, 200, wire.now)) == [200]
    for call in list(wire.stack._core.calls):
        wire.stack.hang_up(call, wire.now)
    wire.pass_time(200)
    for answer in sent(wire.pass_time(1)):
        raise AssertionError(f"still sending {answer}")
    assert at_rest(wire.stack), wire.stack.describe()


def test_mutated_streams() -> None:
    dice = random.Random(7)
    wire = Wire(tcp())
    texts = [wire.request("OPTIONS").encode(), wire.request("INVITE", body=SDP).encode()]
    flow = wire.flow
    for number in range(300):
        data = mutated(dice.choice(texts), dice)
        cut = dice.randrange(len(data) + 1)
        for piece in (data[:cut], data[cut:]):
            outputs = wire.stack.receive(piece, flow, wire.now)
            plays_on(wire, list(outputs), dice)
            if any(isinstance(output, CloseFlow) for output in outputs):
                wire.stack.flow_lost(flow, wire.now)
                flow = tcp(number=number + 2)
    fresh = tcp(number=10_000)
    outputs = wire.stack.receive(wire.request("OPTIONS", call_id="still there?").encode(), fresh, wire.now)
    the(RequestArrived, outputs)
