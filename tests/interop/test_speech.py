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


LINES = (
    Line("clean", Conditions(), 4.4, 0.045),
    Line("3 % lost", Conditions(loss=0.03), 3.8 - CHANCE, 0.045),
    Line("10 % lost", Conditions(loss=0.10), 2.8 - CHANCE, 0.045),
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


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_speech_over_a_line(server: Server, line: Line) -> None:
    """Once more where the machine has kept a phone from speaking in time."""
    said = speech()
    for turn in range(TURNS):
        rooms = {seed: f"room{turn}-{seed}" for seed in SEEDS}
        with ExitStack() as stack:
            pairs = [through_a_room(server, room, line, seed, stack) for seed, room in rooms.items()]
            time.sleep(LEAD_S + len(said) / RATE + 0.6)
            heard = [as_heard(*pair) for pair in pairs]
            late = max((late for talker, _ in pairs for _, late in talker.late), default=0.0)
            print([server.participants(room)[f"talker-{room}"]["media"] for room in rooms.values()])
        if late < FRAME_S:
            break
    found = [mos(said, each) for each in heard]
    behind = [float(np.percentile(lags(said, each)[:, 1], 95)) for each in heard]
    print(f"{line.name}: MOS-LQO {np.round(found, 2)}, mean {np.mean(found):.2f}; p95 of the delay "
          f"{np.round(behind, 3)} s; a phone was late by {late * 1000:.0f} ms")  # fmt: skip
    assert_no_faults(server)
    assert np.mean(found) >= line.least
    assert np.mean(behind) <= line.most_delay_s
