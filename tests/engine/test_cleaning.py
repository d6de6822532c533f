"""Noise taken out of the voices of a room, and what becomes of a room where that cannot be done."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.contract import RoomSound, SetRoom
from confserver.engine import denoiser
from confserver.engine.denoiser import DenoiserMissing
from tests.engine.hall import RATE, Hall, silence
from tests.engine.test_denoiser import installed
from tests.kit.speech import lags, speech

QUIET = RoomSound(denoise=True, comfort_noise=False)


def noisy(rate: int = RATE) -> np.ndarray:
    """Speech, and behind it the noise of a fan, 25 dB softer."""
    said = speech(rate)
    return said + np.random.default_rng(1).standard_normal(len(said)).astype(np.float32) * 0.006


def heard(sound: RoomSound, codec: str = "PCMU", rate: int = RATE) -> tuple[Hall, np.ndarray]:
    hall = Hall()
    hall.engine.set_room(SetRoom(room=1, sound=sound))
    hall.add(noisy(rate), codec)
    listener = hall.add(silence(1))
    hall.run(11)
    return hall, listener.sound()


def pauses(sound: np.ndarray) -> float:
    """Level in dB of what is heard between words: of the softest tenth of what is not digital silence."""
    parts = sound[RATE : len(sound) // 160 * 160].reshape(-1, 160)
    levels = np.sqrt(np.mean(parts**2, axis=1))
    return 20 * float(np.log10(np.percentile(levels[levels > 1e-4], 10)))


@pytest.mark.slow
@installed
@pytest.mark.parametrize(("codec", "rate", "softer_db"), [("PCMU", 8000, 8.0), ("G722", 16000, 3.5)])
def test_the_noise_between_words_is_gone_and_the_words_are_there(codec, rate, softer_db):
    said = speech()
    hall, cleaned = heard(QUIET, codec, rate)
    _, plain = heard(RoomSound(comfort_noise=False), codec, rate)
    assert pauses(cleaned) < pauses(plain) - softer_db
    later = np.median(lags(said, cleaned)[:, 1]) - np.median(lags(said, plain)[:, 1])
    assert 0.018 < later < 0.028, "what the model and the ways to its rate take"
    assert hall.engine.outgoing.cleaning.describe()["voices"] == 1
    for leg in list(hall.phones):
        hall.remove(leg)
    hall.run(0.2)
    assert hall.engine.outgoing.cleaning.describe()["voices"] == 0


def test_where_it_is_not_installed_the_sound_stays_as_it_is(monkeypatch):
    def missing() -> None:
        raise DenoiserMissing("no denoiser is installed")

    monkeypatch.setattr(denoiser, "_library", missing)
    hall, sound = heard(QUIET)
    _, plain = heard(RoomSound(comfort_noise=False))
    assert hall.engine.outgoing.cleaning.missing == "no denoiser is installed"
    assert np.array_equal(sound, plain)
