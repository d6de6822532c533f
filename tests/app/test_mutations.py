"""Broken and crossed requests against stack, focus and performer together: no fault of ours, and nothing is left."""

from __future__ import annotations

import random
from typing import Any

import pytest

from confserver.app import performer
from confserver.contract import LegOpened
from confserver.sip.flow import Flow
from tests.app.test_performer import Bench, Scribe
from tests.focus.house import sdp

ODD = b'\x00\xff\r\n;:,<>"%@[] 0a'
SOURCES = (("192.0.2.9", 5062), ("fe80::1%eth0", 5060), ("::1", 5062), ("203.0.113.1", 9), ("192.0.2.9", 9))


class Complaints:
    """The log, of which only the faults matter."""

    def __init__(self) -> None:
        self.faults: list[object] = []

    def exception(self, *_: object, **facts: object) -> None:
        self.faults.append(facts)
        raise

    def info(self, *_: object, **__: object) -> None: ...

    debug = warning = error = info


class Deaf(Scribe):
    def perform(self, wish: object) -> None:
        """Answers to broken requests are as broken as those."""


@pytest.mark.parametrize("seed", range(4))
def test_nothing_breaks_it(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Complaints()
    monkeypatch.setattr(performer, "log", log)
    dice, bench = random.Random(seed), Bench(Deaf())
    for step in range(800):
        source = dice.choice(SOURCES)
        local = "::1" if ":" in source[0] else "192.0.2.1"
        bench.performer.received(mutated(request(bench, dice), dice), Flow("UDP", (local, 5060), source))
        for leg in list(bench.focus._scene.legs.by_id.values()):
            if dice.random() < 0.5:
                bench.performer.heard_worker(0, LegOpened(leg=leg.id, port=20000, ssrc=1))
        if step % 50 == 0:
            bench.clock.advance(1)
    assert bench.stack.describe()["malformed"] > 50, "else nothing was broken"
    assert len(bench.focus._scene.legs.by_id) > 10, "else nobody came in"
    bench.performer.perform(bench.focus.close())
    bench.clock.pump([0.5] * 300)
    assert bench.at_rest() and bench.focus.rooms(0.0) == [] and log.faults == []


def request(bench: Bench, dice: random.Random) -> bytes:
    method = dice.choice(["INVITE", "INVITE", "BYE", "ACK", "OPTIONS", "CANCEL"])
    more: dict[str, Any] = {"to_tag": dice.choice(["", "", f"t{dice.randrange(40)}"]), "cseq": dice.randrange(1, 4)}
    if method == "INVITE":
        more["body"] = sdp().encode()
    return bench.wire.request(
        method, call_id=str(dice.randrange(50)), branch=f"z9hG4bK{dice.randrange(80)}", **more
    ).encode()  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(dice.choice([0, 0, 1, 3])):
        broken[dice.randrange(len(broken))] = dice.choice(ODD)
    return bytes(broken)
