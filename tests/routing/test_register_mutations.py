"""REGISTERs and credentials that somebody has torn to pieces: an answer or silence, and the directory stays whole."""

from __future__ import annotations

import random

import pytest

from confserver.routing.domains import Domains
from confserver.routing.gruus import Gruus
from confserver.routing.location import Location
from confserver.routing.registrar import OPTION_TAGS, Registrar
from confserver.sip.checks import fit
from confserver.sip.outputs import RequestArrived, SendBytes
from tests.kit.sip_play import the
from tests.routing.test_authentication import House

ODD = (
    b'"', b"<", b">", b";", b",", b"=", b"\\", b"*", b"\x00", b"\xff", b"%", b"@", b":", b"99999999999", b"\r\n",
    b"+sip.instance",
)  # fmt: skip
EXTRAS = (
    "Supported: path, outbound, gruu", "Path: <sip:edge.example;lr;ob>", "Expires: 300",
    'Contact: "A" <sip:alice@203.0.113.7:5062>;q=0.5;reg-id=1;+sip.instance="<urn:uuid:1>";expires=600',
    "Contact: <sip:alice@203.0.113.8>",
)  # fmt: skip
STATUSES = {200, 400, 401, 403, 404, 405, 407, 414, 416, 420, 423, 439, 481, 482, 483, 500, 501, 505, 513}


def torn(dice: random.Random, data: bytes) -> bytes:
    """One to four wounds: cut, doubled, odd bytes put in or over."""
    for _ in range(dice.randint(1, 4)):
        at, end = sorted((dice.randrange(len(data)), dice.randrange(len(data))))
        end = min(end, at + 40)
        odd = dice.choice(ODD)
        data = dice.choice((
            data[:at] + data[end:], data[:end] + data[at:], data[:at] + odd + data[at:],
            data[:at] + odd + data[at + len(odd) :], data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :],
        ))  # fmt: skip
    return data


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_the_registrar_stands(seed: int) -> None:
    dice = random.Random(seed)
    house = House(register_tags=OPTION_TAGS).with_alice()
    wire, location = house.wire, Location()
    registrar = Registrar(house.users, location, Domains(), Gruus(b"s"), lambda: f"{dice.getrandbits(48):012x}")
    house.answered("REGISTER")
    seen: set[int] = set()
    for number in range(800):
        wire.now += 0.01
        extras = dice.sample(EXTRAS, dice.randint(1, len(EXTRAS)))
        [(name, value)] = house.phone.prepared("REGISTER", "sip:standup@192.0.2.1")
        text = wire.request("REGISTER", f"{name}: {value}", *extras, cseq=number + 3, call_id=f"c{number % 7}")
        whole = text.replace("To: <sip:standup@", "To: <sip:alice@").encode()
        for output in wire.hear(torn(dice, whole) if number % 4 else whole):
            told: list[object] = [output]
            if isinstance(output, RequestArrived) and output.request.method == "REGISTER":
                answer = registrar.register(output.request, output.flow, wire.now)
                told = list(
                    wire.stack.respond(
                        output.transaction, answer.status, wire.now, fit(answer.reason), answer.headers
                    )
                )  # fmt: skip
            if any(isinstance(each, SendBytes) for each in told):
                seen.add(int(the(SendBytes, told).data[8:11]))
    assert {200, 400, 401} <= seen <= STATUSES
    bindings = location.bindings("alice", wire.now)
    assert 0 < len(location) <= 10 and len({binding.key for binding in bindings}) == len(bindings)
    assert len(house.nonces) <= 8
    assert location.expire(wire.now + 8000) and len(location) == 0
