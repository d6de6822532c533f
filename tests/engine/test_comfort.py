"""Comfort noise, measured: its level, its colour, that it never repeats itself near by, and that it does not click."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.engine.comfort import LEVEL_DB, ComfortNoise, add
from confserver.engine.frame import FRAMES, RATES_HZ

BANDS = range(len(RATES_HZ))


@pytest.fixture(scope="module")
def minute():
    """A minute of noise at each rate, (frames, samples)."""
    noise = ComfortNoise()
    return [np.stack([noise.frames(band) for _ in range(3000)]).astype(np.float64) for band in BANDS]


def _db(samples, axis=None):
    return 10 * np.log10((samples**2).mean(axis=axis))


def _part_db(samples, rate_hz, low_hz, high_hz):
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    return 10 * np.log10(spectrum[(hz >= low_hz) & (hz < high_hz)].sum() / spectrum.sum())


@pytest.mark.parametrize("band", BANDS)
def test_the_level_is_exact_and_no_frame_comes_near_60(minute, band):
    assert FRAMES[band] == minute[band].shape[1]
    assert _db(minute[band]) == pytest.approx(LEVEL_DB, abs=0.1) and LEVEL_DB == -65
    frames = _db(minute[band], axis=1)
    assert frames.max() < -61 and frames.min() > -70
    assert np.abs(minute[band]).max() < 10 ** (-50 / 20)


@pytest.mark.parametrize("band", BANDS)
def test_it_sounds_like_a_quiet_room(minute, band):
    """Falling by 5 dB an octave: octaves of equal loudness lose 2 dB each. No rumble, no hiss."""
    sound, rate = minute[band][:211].ravel(), RATES_HZ[band]
    octaves = [_part_db(sound, rate, low, low * 2) for low in (125, 250, 500, 1000)]
    assert np.diff(octaves) == pytest.approx([-2] * 3, abs=0.3)
    assert _part_db(sound, rate, 0, 50) < -20
    if rate == 48000:
        assert _part_db(sound, rate, 9000, 24000) < -40


@pytest.mark.parametrize("band", BANDS)
def test_frames_are_not_alike(minute, band):
    """Within four seconds no frame is another one again, nor one turned over."""
    frames = minute[band][:200]
    whole = frames / np.linalg.norm(frames, axis=1, keepdims=True)
    likeness = np.abs(whole @ whole.T) - np.eye(len(frames))
    assert likeness.max() < 0.95 and np.median(likeness) < 0.25


@pytest.mark.parametrize("band", BANDS)
def test_no_seam_between_frames_nor_where_the_loop_closes(minute, band):
    steps = np.abs(np.diff(minute[band].ravel()))
    seams = steps[FRAMES[band] - 1 :: FRAMES[band]]
    assert seams.max() <= steps.max() and seams.mean() == pytest.approx(steps.mean(), rel=0.15)


def test_all_rates_hear_the_same_room(minute):
    """Below 3 kHz the loops are the same sound."""
    spectra = [np.fft.rfft(sound[:211].ravel())[: 3000 * 4] / sound[:211].size for sound in minute]
    for other in spectra[1:]:
        assert np.abs(other - spectra[0]).max() < 0.15 * np.abs(spectra[0]).max()


def test_every_rate_goes_on_for_itself():
    noise, other = ComfortNoise(), ComfortNoise()
    first = noise.frames(0)
    noise.frames(2)
    assert np.array_equal(other.frames(0), first)
    assert np.array_equal(noise.frames(0), other.frames(0)) and not np.array_equal(noise.frames(0), first)


def test_nobody_can_spoil_the_noise():
    with pytest.raises(ValueError, match="read-only"):
        ComfortNoise().frames(0)[...] = 1


# ---------------------------------------------------------------------- adding it
@pytest.mark.parametrize("band", BANDS)
def test_it_comes_and_goes_over_a_frame(band):
    noise = np.ones(FRAMES[band], np.float32)
    samples = np.zeros((4, FRAMES[band]), np.float32)
    add(samples, noise, np.array([False, False, True, True]), np.array([False, True, True, False]))
    never, coming, steady, going = samples
    assert not never.any() and (steady == 1).all()
    assert np.diff(coming) == pytest.approx(1 / FRAMES[band], abs=1e-6) and coming[-1] == 1
    assert going == pytest.approx(1 - coming)


def test_it_is_added_to_what_is_there():
    noise = ComfortNoise().frames(0)
    samples = np.full((2, FRAMES[0]), 0.25, np.float32)
    add(samples, noise, np.array([True, False]), np.array([True, False]))
    assert np.array_equal(samples[0], np.float32(0.25) + noise) and (samples[1] == 0.25).all()
