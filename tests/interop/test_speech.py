"""Speech through rooms of a real server over bad lines, PCMU: how well it is understood, and how late it comes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest

from tests.interop.test_codecs import assert_no_faults
from tests.kit.bad_line import BadLine
from tests.kit.nat import PHONE_SIDE
from tests.kit.network import Conditions
from tests.kit.phone import FRAME_S, Phone
from tests.kit.server import Server
from tests.kit.speech import RATE, lags, mos, speech
from tests.kit.whole import whole

pytestmark = [pytest.mark.slow, pytest.mark.alone]

LEAD_S = 1.0
"""Silence before the speech, in which a phone is found and its line known."""
SEEDS = (1, 2, 3)
CHANCE = 0.2
"""Which words a loss hits differs from call to call: two standard deviations of the mean of three. Over 30 seeds, in
virtual time, the mean at 3 % is 3.80 and the deviation of one 0.16."""
TURNS = 3


@dataclass(frozen=True)
class Line:
    """What is wanted of speech over a line: MOS-LQO at least, p95 of the delay at most."""

    name: str
    conditions: Conditions
    least: float
    most_delay_s: float
    seeds: tuple[int, ...] = whole(SEEDS, SEEDS[:1])
    """Those that lose packets are heard with all seeds."""


LINES = (
    Line("clean", Conditions(), 4.4, 0.045),
    Line("3 % lost", Conditions(loss=0.03), 3.8 - CHANCE, 0.045, SEEDS),
    Line("10 % lost", Conditions(loss=0.10), 2.8 - CHANCE, 0.045, SEEDS),
    Line("jitter to 60 ms, packets in disorder", Conditions(jitter_ms=60), 4.2, 0.100),
    Line("one in 20 comes 50 ms late", Conditions(reorder=0.05), 4.2, 0.100),
)


def through_a_room(server: Server, room: str, line: Line, seed: int, stack: ExitStack) -> tuple[Phone, Phone]:
    """Who speaks over the line, and who listens."""
    said = np.concatenate((np.zeros(round(LEAD_S * RATE)), speech()))
    way = stack.enter_context(BadLine(server.address, out=line.conditions, seed=seed))
    listener = stack.enter_context(Phone(server.address, f"listener-{room}"))
    assert listener.dial(room).status == 200
    talker = stack.enter_context(Phone(server.address, f"talker-{room}", host=PHONE_SIDE, via=way.inside, sound=said))
    assert talker.dial(room).status == 200
    return talker, listener


def as_heard(talker: Phone, listener: Phone) -> np.ndarray:
    """What was heard since the talker has said his first word."""
    assert talker.began is not None
    packets = [packet for packet in listener.packets if packet.at > talker.began + LEAD_S]
    ahead = min(packet.at - packet.timestamp / RATE for packet in packets)
    """When timestamp 0 was heard: the line to the listener is clean."""
    first = min(packet.timestamp for packet in packets)
    late = first / RATE + ahead - talker.began - LEAD_S
    heard = listener.heard(talker.began + LEAD_S).samples
    return np.concatenate((np.zeros(max(round(late * RATE), 0)), heard))


@dataclass(frozen=True)
class Found:
    """Of one line, means over its seeds."""

    words: str
    mos: float
    delay_s: float
    """Its p95."""
    phones_late_s: float


def said_and_heard(server: Server, lines: list[Line], turn: int, said: np.ndarray) -> dict[str, Found]:
    pairs: dict[str, list[tuple[Phone, Phone]]] = {}
    with ExitStack() as stack:
        for number, line in enumerate(lines):
            rooms = {seed: f"room{turn}-{number}-{seed}" for seed in line.seeds}
            pairs[line.name] = [through_a_room(server, room, line, seed, stack) for seed, room in rooms.items()]
        time.sleep(LEAD_S + len(said) / RATE + 0.6)
        heard = {name: [as_heard(*pair) for pair in each] for name, each in pairs.items()}
        late = {name: [late for talker, _ in each for _, late in talker.late] for name, each in pairs.items()}
    found = {}
    for name, each in heard.items():
        scores = [mos(said, one) for one in each]
        behind = [float(np.percentile(lags(said, one)[:, 1], 95)) for one in each]
        slow = max(late[name], default=0.0)
        words = (
            f"{name}: MOS-LQO {np.round(scores, 2)}, mean {np.mean(scores):.2f}; p95 of the delay "
            f"{np.round(behind, 3)} s; a phone was late by {slow * 1000:.0f} ms"
        )
        print(words)
        found[name] = Found(words, float(np.mean(scores)), float(np.mean(behind)), slow)
    return found


def test_speech_over_bad_lines(server: Server) -> None:
    """All lines at once; one of them once more where the machine has kept a phone of it from speaking in time."""
    said, left = speech(), list(LINES)
    found: dict[str, Found] = {}
    for turn in range(TURNS):
        found |= said_and_heard(server, left, turn, said)
        left = [line for line in left if found[line.name].phones_late_s >= FRAME_S]
        if not left:
            break
    assert_no_faults(server)
    bad = [
        found[line.name].words
        for line in LINES
        if found[line.name].mos < line.least or found[line.name].delay_s > line.most_delay_s
    ]
    assert not bad
