"""The limiter at every rate: what it does to a sound does not depend on how many samples make a frame."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.engine.frame import FRAMES, RATES_HZ
from confserver.engine.limiter import CEILING, limit

BANDS = range(len(RATES_HZ))
FRAME_S = 0.02


def _loud(band, *loudness, seconds=0.4, hz=150):
    """A tone of one loudness after another, without a seam in its wave."""
    time = np.arange(round(seconds * len(loudness) * RATES_HZ[band])) / RATES_HZ[band]
    return np.float32(np.sin(2 * np.pi * hz * time) * np.repeat(loudness, round(seconds * RATES_HZ[band])))


def _limited(band, sound):
    """The sound after the limiter, and the gain after each frame."""
    gain = np.ones(1, np.float32)
    frames, gains = [], []
    for frame in sound.reshape(-1, 1, FRAMES[band]).copy():
        limit(frame, gain)
        frames.append(frame[0])
        gains.append(float(gain[0]))
    return np.concatenate(frames), gains


@pytest.mark.parametrize("band", BANDS)
def test_below_the_ceiling_every_sample_stays_as_it_is(band):
    sound = _loud(band, float(CEILING) - 0.001)
    limited, gains = _limited(band, sound)
    assert np.array_equal(limited, sound) and set(gains) == {1.0}


@pytest.mark.parametrize("loudness", [1.0, 3.0, 50.0])
@pytest.mark.parametrize("band", BANDS)
def test_the_gain_falls_within_two_milliseconds_and_nothing_stands_above_full_scale(band, loudness):
    sound = _loud(band, 0.2, loudness)
    limited, _ = _limited(band, sound)
    begin, two_ms = len(sound) // 2, RATES_HZ[band] // 500
    assert np.abs(limited).max() <= 1
    assert np.abs(limited[begin + two_ms :]).max() <= CEILING + 1e-6


@pytest.mark.parametrize("band", BANDS)
def test_the_gain_rises_by_one_db_a_frame_evenly_over_all_of_it(band):
    steady = np.repeat(np.float32([3.0, 0.1]), FRAMES[band] * 20)
    limited, gains = _limited(band, steady)
    steps = 20 * np.log10(np.array(gains[20:32]) / np.array(gains[19:31]))
    assert steps[:-3] == pytest.approx(1, abs=0.01) and gains[31] == 1
    gain = limited[FRAMES[band] * 20 : FRAMES[band] * 21] / 0.1
    assert np.diff(gain) == pytest.approx((gains[20] - gains[19]) / FRAMES[band], rel=0.01, abs=1e-6)


@pytest.mark.parametrize("band", BANDS)
def test_no_step_where_frames_meet(band):
    """A loudness that goes up and down: no jump is larger than the loud wave's own."""
    sound = _loud(band, 0.5, 2.0, 0.5, 8.0, 0.1, 1.2, seconds=0.2)
    limited, _ = _limited(band, sound)
    assert np.abs(np.diff(limited)).max() <= 2 * np.pi * 150 / RATES_HZ[band] * 8.0


def test_the_gain_is_the_same_at_every_rate():
    """Whoever hears a room at 48 kHz hears the loudness that others hear at 8 kHz."""
    loudness = (0.3, 1.5, 0.2, 6.0, 0.9)
    narrow, *others = [_limited(band, _loud(band, *loudness))[1] for band in BANDS]
    for gains in others:
        assert np.abs(20 * np.log10(np.array(gains) / narrow)).max() < 0.05


@pytest.mark.parametrize("band", BANDS)
def test_rows_are_limited_one_by_one(band):
    frame = np.vstack([_loud(band, each, seconds=FRAME_S) for each in (0.5, 4.0, 0.9)])
    gain = np.ones(3, np.float32)
    quiet = frame[[0, 2]].copy()
    limit(frame, gain)
    assert np.array_equal(frame[[0, 2]], quiet)
    assert gain[0] == gain[2] == 1 and gain[1] == pytest.approx(CEILING / 4, rel=0.01)


def test_nobody_at_all_is_no_fault():
    limit(np.zeros((0, FRAMES[2]), np.float32), np.zeros(0, np.float32))
