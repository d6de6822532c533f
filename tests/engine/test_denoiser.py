"""The denoiser's adapter, with a model that can be reckoned; and the real one where it is installed."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from confserver.engine import denoiser
from confserver.engine.denoiser import DELAY_S, STEP, Denoiser, DenoiserMissing, RNNoise
from confserver.engine.frame import FRAMES, FULL

SPEECH = Path(__file__).parent.parent / "data" / "speech" / "speech.wav"
RATE = 48000
installed = pytest.mark.skipif(importlib.util.find_spec("pyrnnoise") is None, reason="the extra denoise is missing")


class Counting:
    """A model that divides the n-th step of each voice by n; speech is as likely as its first sample is loud."""

    state_bytes = 12

    def begin(self, state: int) -> None:
        assert state % 64 == 0
        ctypes.c_int32.from_address(state).value = 1

    def clean(self, state: int, samples: int) -> float:
        step = ctypes.c_int32.from_address(state)
        sound = np.ctypeslib.as_array((ctypes.c_float * STEP).from_address(samples))
        loud = abs(float(sound[0])) / 32768
        sound /= step.value
        step.value += 1
        return loud


def _sound(rows: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (rows, FRAMES[FULL])).astype(np.float32)


# ---------------------------------------------------------------------- the adapter
def test_each_row_goes_on_with_its_own_voice():
    cleaner, frames = Denoiser(Counting()), _sound(2)
    first, _ = cleaner.run(np.array([3, 8]), frames)
    assert first[:, :STEP] == pytest.approx(frames[:, :STEP])
    assert first[:, STEP:] == pytest.approx(frames[:, STEP:] / 2)
    later, _ = cleaner.run(np.array([8, 5]), frames)
    assert later[0, :STEP] == pytest.approx(frames[0, :STEP] / 3)
    assert later[1, :STEP] == pytest.approx(frames[1, :STEP])


def test_the_sound_that_came_is_left_alone_or_cleaned_where_it_lies():
    cleaner, frames = Denoiser(Counting()), _sound(3)
    before = frames.copy()
    fresh, _ = cleaner.run(np.array([1, 2, 3]), frames)
    assert np.array_equal(frames, before) and fresh is not frames
    same, _ = Denoiser(Counting()).run(np.array([1, 2, 3]), frames, frames)
    assert same is frames and np.array_equal(frames, fresh)


def test_rows_of_a_wider_store_are_cleaned_and_nothing_beside_them():
    store = np.full((4, FRAMES[FULL] + 5), 0.5, np.float32)
    out = store[1:3, : FRAMES[FULL]]
    frames = _sound(2)
    Denoiser(Counting()).run(np.array([1, 2]), frames, out)
    assert np.array_equal(out, Denoiser(Counting()).run(np.array([1, 2]), frames)[0])
    out[...] = 0.5
    assert (store == 0.5).all()


def test_it_tells_how_likely_each_voice_is_speech():
    frames = np.zeros((2, FRAMES[FULL]), np.float32)
    frames[0, STEP], frames[1, 0] = 0.75, 0.25
    _, speech = Denoiser(Counting()).run(np.array([7, 9]), frames)
    assert speech.tolist() == [0.75, 0.25] and speech.dtype == np.float32


def test_a_row_that_begins_anew_knows_nothing():
    cleaner, frames, rows = Denoiser(Counting()), _sound(1), np.array([4])
    first, _ = cleaner.run(rows, frames)
    cleaner.begin(4)
    cleaner.begin(17)
    again, _ = cleaner.run(rows, frames)
    assert np.array_equal(again, first)
    assert not np.array_equal(cleaner.run(rows, frames)[0], first)


def test_memory_is_held_for_rows_in_use_only():
    cleaner = Denoiser(Counting())
    cleaner.run(np.array([4, 6]), _sound(2))
    assert cleaner.describe() == {"voices": 2, "bytes": 24}
    cleaner.begin(4)
    assert cleaner.describe() == {"voices": 1, "bytes": 12}


@pytest.mark.parametrize(
    "out",
    [np.zeros((1, FRAMES[FULL]), np.float64), np.zeros((1, 480), np.float32), np.zeros((1, 1920), np.float32)[:, ::2]],
    ids=["float64", "short", "spread"],
)
def test_where_samples_do_not_lie_side_by_side_nothing_is_written(out):
    with pytest.raises(ValueError, match="no way"):
        Denoiser(Counting()).run(np.array([1]), _sound(1), out)
    assert not out.any()


def test_only_whole_steps_are_cleaned():
    with pytest.raises(ValueError, match="no way"):
        Denoiser(Counting()).run(np.array([1]), np.zeros((1, 500), np.float32))


# ---------------------------------------------------------------------- without RNNoise
def test_where_it_is_missing_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(denoiser, "_PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(DenoiserMissing, match=r"confserver\[denoise\]"):
        Denoiser()


def _pretend_package(monkeypatch, folder: Path, content: bytes | None) -> None:
    package = folder / "pretended"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('it is not to be imported')")
    if content is not None:
        (package / "librnnoise.so").write_bytes(content)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(denoiser, "_PACKAGE", "pretended")


def test_a_package_without_the_library_counts_as_missing(monkeypatch, tmp_path):
    _pretend_package(monkeypatch, tmp_path, None)
    with pytest.raises(DenoiserMissing, match=r"confserver\[denoise\]"):
        Denoiser()


def test_a_broken_library_is_told(monkeypatch, tmp_path):
    _pretend_package(monkeypatch, tmp_path, b"not a library")
    with pytest.raises(DenoiserMissing, match="cannot be loaded"):
        Denoiser()


# ---------------------------------------------------------------------- with RNNoise
def _cleaned(sound: np.ndarray, row: int = 1) -> np.ndarray:
    cleaner = Denoiser()
    frames = sound[: len(sound) // FRAMES[FULL] * FRAMES[FULL]].reshape(-1, 1, FRAMES[FULL])
    return np.concatenate([cleaner.run(np.array([row]), frame)[0][0] for frame in frames])


@installed
def test_noise_falls_by_20_db_and_the_package_is_not_imported():
    noise = np.random.default_rng(1).normal(0, 0.01, RATE * 3).astype(np.float32)
    left = _cleaned(noise)[RATE:]
    assert 10 * np.log10((left**2).mean() / (noise**2).mean()) < -20
    assert "pyrnnoise" not in sys.modules and "av" not in sys.modules


@installed
def test_speech_stays_and_comes_20_ms_later():
    speech = soxr.resample(soundfile.read(SPEECH, dtype="float32")[0], 8000, RATE)[: RATE * 5]
    left = _cleaned(speech)
    later = round(DELAY_S * RATE)
    said, heard = speech[: len(left) - later], left[later:]
    assert np.dot(said, heard) / np.linalg.norm(said) / np.linalg.norm(heard) > 0.9
    assert abs(10 * np.log10((heard**2).mean() / (said**2).mean())) < 2


@installed
def test_voices_are_cleaned_each_by_itself():
    sound = (_sound(2) * np.float32(0.1)).astype(np.float32)
    together, alone = Denoiser(), Denoiser(RNNoise())
    for _ in range(5):
        both, _ = together.run(np.array([1, 2]), sound)
        one, speech = alone.run(np.array([9]), sound[1:])
    assert np.array_equal(both[1:], one) and 0 <= speech[0] <= 1
