"""A steady tone through a room, half a minute where the whole is asked for: no frame is missing, doubled or skipped."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.kit.listen import Recording
from tests.kit.phone import FRAME_SAMPLES, RATE, Phone
from tests.kit.server import Server
from tests.kit.tones import LEVEL_DB, pcmu_decoded
from tests.kit.whole import whole

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.alone]

TONE = 437.0
"""A frame of 20 ms holds 8.74 periods: one missing or doubled turns the phase by a quarter."""
SECONDS = whole(30, 12)
MOST_TURN = 0.02
"""In cycles; G.711's noise turns the phase of a frame by a few thousandths."""


EXCUSED_SECONDS = 1.0
"""For so long after the phone itself has sent late, playout may still be at work on it."""


def test_a_steady_tone_is_whole(server: Server) -> None:
    with Phone(server.address, "anna", tone_hz=TONE) as anna, Phone(server.address, "bob") as bob:
        assert anna.dial("standup").status == bob.dial("standup").status == 200
        server.wait_until_in("standup", "anna", "bob")
        time.sleep(2.0)
        since = time.monotonic()
        time.sleep(SECONDS)
        packets = [packet for packet in bob.packets if packet.at >= since]
        said = server.status()["workers"], server.participants("standup")["anna"]["media"]
    assert len(packets) == pytest.approx(SECONDS * 50, abs=5)
    assert len({packet.ssrc for packet in packets}) == 1
    assert steps(packets, "sequence", 16) == {1}, "packets lost, doubled or out of order"
    assert steps(packets, "timestamp", 32) == {FRAME_SAMPLES}
    assert np.diff([packet.at for packet in packets]).max() <= 0.060, "the stream stood still"

    at = np.array([packet.at for packet in packets])
    excused = np.zeros(len(at), bool)
    for late, _ in anna.late:
        excused |= (at >= late - 0.1) & (at <= late + EXCUSED_SECONDS)
    assert excused.mean() < 0.5, f"the machine is too busy for a phone to keep time: {anna.late}"
    late_at = [(round(when - since, 2), round(by, 3)) for when, by in anna.late]
    heard = Recording(pcmu_decoded(b"".join(packet.payload for packet in packets)), RATE)
    turned = np.abs(heard.phase_steps(TONE, FRAME_SAMPLES / RATE))
    broken = np.flatnonzero((turned > MOST_TURN) & ~excused[1 : len(turned) + 1])
    assert len(broken) == 0, f"the tone breaks after {broken * 0.02} s; the phone was late at {late_at}; {said}"
    levels = heard.levels_db(TONE, FRAME_SAMPLES / RATE)[~excused]
    assert np.ptp(levels) < 0.5, f"from {levels.min():.1f} to {levels.max():.1f} dB; {said}"
    assert np.median(levels) == pytest.approx(LEVEL_DB, abs=1)


def steps(packets: list[object], name: str, bits: int) -> set[int]:
    """By what a field of the header grows."""
    values = np.array([getattr(packet, name) for packet in packets], np.int64)
    return set((np.diff(values) % (1 << bits)).tolist())
