"""The sums, measured before any codec: exact, own voice out, limited without a jump."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.engine.frame import FRAME
from confserver.engine.limiter import CEILING, limit
from confserver.engine.mixer import Mixer
from confserver.engine.seats import Seats
from tests.engine.hall import tone


def _stage(talkers: int, listeners: int = 1):
    seats = Seats()
    mixer = Mixer(seats)
    rows = [seats.take() for _ in range(talkers + listeners)]
    mix = mixer.open()
    mixer.set_gains(mix, dict.fromkeys(rows, 1.0))
    for row in rows:
        seats.mix[row] = mix
    for row in rows[:talkers]:
        seats.envelope[row] = 1
        mixer.admit(mix, row)
    return seats, mixer, mix, rows


def _db(part: np.ndarray, whole: np.ndarray) -> float:
    return 10 * np.log10(max((part.astype(np.float64) ** 2).mean(), 1e-30) / (whole.astype(np.float64) ** 2).mean())


@pytest.mark.parametrize("talkers", [2, 3, 10, 16])
def test_own_voice_leaves_a_residue_below_60_db_among_loud_talkers(talkers):
    seats, mixer, _, rows = _stage(talkers)
    chance = np.random.default_rng(talkers)
    worst = -300.0
    for _ in range(50):
        said = chance.uniform(-1, 1, (talkers, FRAME)).astype(np.float32)
        seats.signal[rows[:talkers]] = said
        if mixer.stale:
            mixer.find_own()
        first = mixer._before.max() == 0
        sums, own = mixer.mix()
        if first:
            continue
        exact = said.astype(np.float64).sum(axis=0)
        np.testing.assert_allclose(sums[1], exact, atol=1e-5)
        for place, row in enumerate(mixer.own_seat.tolist()):
            mine = said[rows.index(row)]
            residue = own[place] - (exact - mine)
            worst = max(worst, _db(residue, mine))
    assert worst < -100


def test_own_voice_is_out_also_in_the_frames_in_which_gains_ramp():
    seats, mixer, mix, rows = _stage(10)
    chance = np.random.default_rng(5)
    for _ in range(60):
        seats.signal[rows[0]] = chance.uniform(-1, 1, FRAME)
        seats.signal[rows[1:10]] = 0
        gains = dict(zip(rows, chance.uniform(0, 1, len(rows)).tolist(), strict=True))
        mixer.set_gains(mix, gains)
        seats.envelope[rows[:10]] = chance.choice([0, 0.5, 1], 10)
        if mixer.stale:
            mixer.find_own()
        _, own = mixer.mix()
        mine = own[mixer.own_seat.tolist().index(rows[0])]
        assert np.abs(mine).max() < 1e-6
        assert np.abs(mixer.sums[mix] - mixer.part_of(mix, rows[0])).max() < 1e-6
        assert not mixer.part_of(mix, rows[10]).any()


def test_a_gain_rises_within_5_ms_and_falls_over_the_whole_frame():
    seats, mixer, mix, rows = _stage(1)
    seats.signal[rows[0]] = 1
    mixer.find_own()
    rising = mixer.mix()[0][mix].copy()
    assert np.allclose(rising[:40], np.arange(1, 41) / 40) and np.allclose(rising[40:], 1)
    assert np.allclose(mixer.mix()[0][mix], 1)
    mixer.set_gains(mix, {rows[0]: 0.0})
    falling = mixer.mix()[0][mix].copy()
    assert np.allclose(falling, 1 - np.arange(1, 161) / 160, atol=1e-6)
    assert np.allclose(mixer.mix()[0][mix], 0)


# ---------------------------------------------------------------------- limiter
def _limited(sound: np.ndarray) -> tuple[np.ndarray, list[float]]:
    gain = np.ones(1, np.float32)
    frames, gains = [], []
    for frame in sound.astype(np.float32).reshape(-1, 1, FRAME):
        frame = frame.copy()
        limit(frame, gain)
        frames.append(frame[0])
        gains.append(float(gain[0]))
    return np.concatenate(frames), gains


def test_the_limiter_does_nothing_below_its_ceiling():
    sound = tone(440, 1, float(CEILING) - 0.001)
    limited, gains = _limited(sound)
    assert np.array_equal(limited, sound)
    assert set(gains) == {1.0}


@pytest.mark.parametrize("loudness", [1.0, 1.5, 3.0, 10.0, 100.0])
def test_the_limiter_never_goes_above_full_scale_nor_jumps(loudness):
    sound = np.concatenate((tone(150, 0.5, 0.5), tone(150, 1, loudness), tone(150, 2, 0.5)))
    limited, _ = _limited(sound)
    assert np.abs(limited).max() <= 1.0
    slope = np.abs(np.diff(sound[:4000])).max()
    loud = np.abs(np.diff(limited[4000 + 160 : 12000])).max()
    assert loud <= 2 * np.pi * 150 / 8000 * 1.1, "once its gain is found, it passes the wave"
    onset = np.abs(np.diff(limited[3990 : 4000 + 160])).max()
    assert onset <= max(2 * np.pi * 150 / 8000 * loudness, slope) * 1.2
    assert np.abs(np.diff(limited[12000 + 160 :])).max() <= slope * 1.1


def test_the_limiter_recovers_by_one_db_a_frame():
    sound = np.concatenate((tone(150, 0.2, 3.0), tone(150, 2, 0.1)))
    _, gains = _limited(sound)
    quiet = gains[10:]
    rises = 20 * np.log10(np.array(quiet[1:]) / np.array(quiet[:-1]))
    assert rises.max() <= 1.001
    assert quiet[15] == 1.0


def test_ten_loud_talkers_are_made_softer_not_cut():
    """Their sum keeps its shape: what is not in the sum stays far below it."""
    hz = [310, 470, 630, 790, 950, 1110, 1270, 1430, 1590, 1750]
    sound = sum(tone(each, 2, 0.9) for each in hz)
    limited, gains = _limited(sound)
    assert np.abs(limited).max() <= 1.0
    assert min(gains) < 0.2
    end, original = limited[8000:], sound[8000:]
    scale = np.dot(end, original) / np.dot(original, original)
    clipped = np.clip(original, -1, 1)
    cut = np.dot(clipped, original) / np.dot(original, original)
    distortion = _db(end - scale * original, end)
    assert distortion < -15
    assert distortion < _db(clipped - cut * original, clipped) - 6, "far less than by clipping"
