"""RTCP intervals (RFC 3550 sections 6.2 and 6.3)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from confserver.rtp import timing


def one(value: float | bool) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(("chance", "times"), [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)])
@pytest.mark.parametrize("is_first", [True, False])
def test_between_half_and_one_and_a_half_of_five_seconds(chance: float, times: float, is_first: bool) -> None:
    expected = times * 5 / (math.e - 1.5) / (2 if is_first else 1)
    assert timing.interval_s(one(chance), one(is_first))[0] == pytest.approx(expected)


def test_who_draws_a_longer_interval_at_the_end_waits_for_it() -> None:
    sends, due = timing.reconsidered(104, np.array([100.0, 100.0]), np.array([0.2, 0.9]), np.array([False, False]))
    assert sends.tolist() == [True, False]
    assert due[1] == pytest.approx(100 + 1.4 * 5 / (math.e - 1.5))


def test_the_mean_comes_to_what_section_6_3_wants_with_reconsideration() -> None:
    """Each sender draws, waits, draws again; RFC 3550 section 6.3.1 has e-3/2 make the mean the intended interval."""
    rng, count = np.random.default_rng(7), 4000
    last, never = np.zeros(count), np.zeros(count, bool)
    due, sent = timing.interval_s(rng.random(count), never), np.zeros(count)
    for now in np.arange(0, 200, 0.05):
        ready = np.flatnonzero(due <= now)
        sends, later = timing.reconsidered(now, last[ready], rng.random(len(ready)), never[ready])
        last[ready[sends]] = now
        sent[ready[sends]] += 1
        due[ready] = np.where(sends, now + timing.interval_s(rng.random(len(ready)), never[ready]), later)
    assert 200 / sent.mean() == pytest.approx(5.0, abs=0.3)
