"""Bursts: when they are heard, and when the delay is back after a stall."""

from __future__ import annotations

import numpy as np

from confserver.bench.link import Sound
from confserver.bench.media.delays import Heard, Passage, back_after, onsets, passages, usual
from confserver.engine.codecs.g711 import PCMU


def sound(*loud: tuple[int, int]) -> Sound:
    """50 packets of 20 ms; loud: which of them begin to sound, at which sample."""
    samples = np.zeros((50, 160), np.float32)
    for packet, at in loud:
        samples[packet, at:] = 0.5
        samples[packet + 1 : packet + 3] = 0.5
    payloads = np.empty((50, 160), np.uint8)
    PCMU.encode(samples, payloads)
    return Sound(10 + np.arange(50) * 0.02, np.arange(50, dtype=np.uint16), payloads)


def test_a_burst_is_found_where_it_begins() -> None:
    assert onsets(sound((5, 0), (30, 80))) == [Heard(10.1, 0.0), Heard(10.6, 0.01)]


def test_the_way_of_a_burst() -> None:
    found, unheard = passages([10.08, 10.585, 10.9], [Heard(10.1, 0.0), Heard(10.6, 0.01)], 4)
    assert [one.number for one in found] == [4, 4] and unheard == 1
    assert [round(one.carried, 4) for one in found] == [0.02, 0.015]
    assert [round(one.whole, 4) for one in found] == [0.02, 0.025]


def test_the_delay_is_back_when_the_slowest_is() -> None:
    before = {0: 0.02, 2: 0.03}
    found = [Passage(11.1, 0.2, 0.2, 0), Passage(11.6, 0.02, 0.025, 0), Passage(11.3, 0.03, 0.03, 2)]
    assert back_after(found, 11.0, before) is not None
    assert round(back_after(found, 11.0, before) or 0, 3) == 0.6
    assert back_after(found[:1], 11.0, before) is None, "one pair has had no burst in time"


def test_what_is_usual_is_the_median_of_each() -> None:
    bursts = ((1, 0.02, 0), (2, 0.04, 0), (3, 0.03, 0), (1, 0.01, 2))
    passed = [Passage(float(at), 0.0, whole, number) for at, whole, number in bursts]
    assert usual(passed) == {0: 0.03, 2: 0.01}
