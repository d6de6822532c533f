"""Tones keep pitch, level and time whatever the rate; what 8 kHz cannot hold does not fold back."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.phone.resampler import HIGHEST_HZ, LOWEST_HZ, resampled
from tests.kit.listen import Recording
from tests.kit.tones import tone

RATES = [4000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000]


def converted(hz: float, rate: int, seconds: float = 0.6) -> Recording:
    return Recording(resampled(tone(hz, seconds, rate).astype(np.float32), rate).astype(np.float64), 8000)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hz", [100, 1000, 1500])
def test_a_tone_keeps_its_level_and_its_phase(hz: int, rate: int) -> None:
    heard = converted(hz, rate)
    assert abs(heard.seconds - 0.6) <= 1 / 8000
    assert abs(heard.level_db(hz, 0.1, 0.5) + 14.0) < 0.05
    inner = slice(800, 4000)
    wrong = heard.samples[inner] - tone(hz, 0.6, 8000)[inner]
    assert 20 * np.log10(np.abs(wrong).max()) < -70, "shifted in time, or distorted"


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_the_telephone_band_is_flat(rate: int) -> None:
    assert abs(converted(3350, rate).level_db(3350, 0.1, 0.5) + 14.0) < 0.2


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
@pytest.mark.parametrize("hz", [4300, 5000, 7000])
def test_what_lies_above_does_not_fold_back(hz: int, rate: int) -> None:
    heard = converted(hz, rate).between(0.1, 0.5)
    assert 20 * np.log10(np.abs(heard.samples).max() + 1e-9) < -14 - 70


def test_blocks_leave_no_seam() -> None:
    heard = converted(1000, 44100, seconds=2.0)
    wrong = heard.samples[800:-800] - tone(1000, 2.0, 8000)[800:-800]
    assert np.abs(wrong).max() < 1e-4


def test_8_khz_stays_as_it_is_and_nothing_stays_nothing() -> None:
    samples = tone(440, 0.1, 8000).astype(np.float32)
    assert resampled(samples, 8000) is samples
    assert len(resampled(np.zeros(0, np.float32), 44100)) == 0
    assert len(resampled(np.ones(1, np.float32), 44100)) == 1


@pytest.mark.parametrize("rate", [0, LOWEST_HZ - 1, HIGHEST_HZ + 1])
def test_no_sampling_rate(rate: int) -> None:
    with pytest.raises(ValueError, match="sampling rate"):
        resampled(np.ones(10, np.float32), rate)
