"""The ears that know prompts again: through G.711, softer, later, with holes; and never one for another."""

from __future__ import annotations

import numpy as np
import pytest

from confserver.prompts.catalogue import ENGLISH, read_catalogue
from tests.kit.listen import Recording
from tests.kit.said import RATE, Said, sound_of

PROMPTS = ("enter-pin", "wrong-pin", "muted", "unmuted", "room-locked", "room-unlocked", "hand-up", "hand-down")


def squeezed(samples: np.ndarray) -> np.ndarray:
    """Through mu-law of 8 bits."""
    mu = 255.0
    coded = np.round(np.sign(samples) * np.log1p(mu * np.abs(samples)) / np.log1p(mu) * 127) / 127
    return np.asarray(np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(mu)) / mu)


def recording(*prompts: str, gain: float = 1.0, hole: bool = False) -> Recording:
    parts = [np.zeros(RATE)]
    for prompt in prompts:
        parts += [sound_of(prompt) * gain, np.zeros(RATE // 2)]
    whole = squeezed(np.concatenate(parts) + np.random.default_rng(1).normal(0, 0.0005, sum(map(len, parts))))
    if hole:
        whole[RATE + 4000 : RATE + 4320] = 0
    return Recording(whole, RATE)


@pytest.mark.parametrize(("gain", "hole"), [(1.0, False), (0.25, False), (1.0, True)])
def test_a_prompt_is_known_again_where_it_is(gain: float, hole: bool) -> None:
    said = Said(recording("enter-pin", gain=gain, hole=hole))
    assert said.times("enter-pin") == [pytest.approx(1.0, abs=0.05)]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_none_is_taken_for_another(prompt: str) -> None:
    said = Said(recording(prompt))
    assert [other for other in PROMPTS if said.times(other)] == [prompt]


def test_one_after_another_and_twice() -> None:
    said = Said(recording("muted", "unmuted", "muted"))
    said.in_order(["muted", "unmuted", "muted"])
    assert len(said.times("muted")) == 2
    with pytest.raises(AssertionError, match="muted is not said"):
        said.in_order(["muted", "unmuted", "muted", "muted"])
    with pytest.raises(AssertionError):
        said.at("wrong-pin")


def test_noise_and_silence_say_nothing() -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 5 * RATE)
    for samples in (np.zeros(5 * RATE), noise, np.sin(np.arange(5 * RATE) * 0.3)):
        assert not any(Said(Recording(samples, RATE)).times(prompt) for prompt in PROMPTS)
    assert {*PROMPTS} <= read_catalogue(ENGLISH).files.keys()
