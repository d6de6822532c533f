"""Bursts sent and heard."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.bench.delay import delays, onsets
from confserver.bench.plan import burst_frames, silent_frames
from confserver.engine.codecs.g711 import PCMU
from confserver.engine.frame import FRAME


def heard(frames: np.ndarray, start: float = 50.0) -> list[float]:
    return onsets(start + 0.02 * np.arange(len(frames)), frames)


def test_a_burst_is_heard_where_it_begins() -> None:
    frames = np.concatenate([silent_frames(10), burst_frames(), burst_frames()])
    assert heard(frames) == pytest.approx([50.2, 50.7])


def test_its_place_in_the_packet_counts() -> None:
    late = np.roll(np.concatenate([silent_frames(10), burst_frames()]).reshape(-1), 40).reshape(-1, FRAME)
    assert heard(late) == pytest.approx([50.205])


def test_soft_noise_is_no_burst() -> None:
    out = np.empty((1, 20 * FRAME), np.uint8)
    PCMU.encode((0.1 * np.sin(np.arange(20 * FRAME)))[None].astype(np.float32), out)
    assert heard(out.reshape(-1, FRAME)) == []


def test_every_burst_has_its_own_delay() -> None:
    found, missing = delays([1.0, 1.5, 2.0], [0.9, 1.03, 1.54, 2.02])
    assert found == pytest.approx([0.03, 0.04, 0.02])
    assert missing == 0


def test_a_burst_that_was_not_heard_does_not_take_the_next_ones_place() -> None:
    found, missing = delays([1.0, 1.5, 2.0], [1.03, 2.02])
    assert found == pytest.approx([0.03, 0.02])
    assert missing == 1
    assert delays([1.0], []) == ([], 1)
    assert delays([], [1.0]) == ([], 0)
