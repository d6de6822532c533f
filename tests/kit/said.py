"""Which prompts a recording holds, and when: by likeness to their own sound, whatever codec and gain came between.

    said = Said(phone.heard()); said.at("muted", after=1.2)

A prompt is looked for by its normalized correlation, a stretch at a time, so that packets that came late or were lost
within it do not hide it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import soundfile
import soxr

from confserver.prompts.catalogue import HERE, SUFFIX
from tests.kit.listen import Recording, Samples

RATE = 8000
STRETCH_S = 0.3
LIKE = 0.6
"""Of a stretch: G.711 gives 0.95 and more; another prompt of the same voice 0.4 at most."""
SHARE = 0.7
"""So many of a prompt's stretches must be found, about where they belong."""
SHIFT_S = 0.15


@lru_cache
def sound_of(prompt: str, language: str = "en") -> Samples:
    samples, rate = soundfile.read(HERE / language / f"{prompt}{SUFFIX}")
    return np.asarray(soxr.resample(samples, rate, RATE))


def likeness(field: Samples, part: Samples) -> Samples:
    """At each place of the field, -1 to 1."""
    if len(field) < len(part):
        return np.zeros(1)
    size = 1 << (len(field) + len(part)).bit_length()
    product = np.fft.irfft(np.fft.rfft(field, size) * np.conj(np.fft.rfft(part, size)), size)[
        : len(field) - len(part) + 1
    ]
    sums = np.concatenate(([0.0], np.cumsum(field**2)))
    energy = sums[len(part) :] - sums[: -len(part)]
    return np.asarray(product / np.sqrt(np.maximum(energy, 1e-4) * np.dot(part, part)))


class Said:
    """What was said in a recording, in one of the languages of the package."""

    def __init__(self, heard: Recording, language: str = "en") -> None:
        self._language = language
        self._field = np.asarray(soxr.resample(heard.samples, heard.rate, RATE))

    def times(self, prompt: str) -> list[float]:
        """Each time that the prompt begins."""
        parts = self._stretches(prompt)
        like = [likeness(self._field, part) for _, part in parts]
        begins = sorted({round(place / RATE - offset, 2) for (offset, _), each in zip(parts, like, strict=True)
                         for place in _peaks(each)})  # fmt: skip
        found: list[float] = []
        for begin in begins:
            if found and begin - found[-1] < len(sound_of(prompt, self._language)) / RATE / 2:
                continue
            if (
                np.mean([_is_near(each, begin + offset) for (offset, _), each in zip(parts, like, strict=True)])
                >= SHARE
            ):
                found.append(begin)
        return found

    def at(self, prompt: str, after: float = -1.0) -> float:
        """When it begins first, after a time. Raises AssertionError."""
        times = [time for time in self.times(prompt) if time > after]
        assert times, f"{prompt} is not said after {after:.1f} s of {len(self._field) / RATE:.1f}; {self.told()}"
        return times[0]

    def in_order(self, prompts: Sequence[str]) -> None:
        """Raises AssertionError unless they are said one after another."""
        time = -1.0
        for prompt in prompts:
            time = self.at(prompt, time)

    def told(self, prompts: Sequence[str] = ("muted", "unmuted", "wrong-pin", "enter-pin", "room-locked")) -> str:
        return ", ".join(f"{prompt}: {self.times(prompt)}" for prompt in prompts)

    def _stretches(self, prompt: str) -> list[tuple[float, Samples]]:
        """Those that are loud enough to be known again."""
        whole, size = sound_of(prompt, self._language), int(STRETCH_S * RATE)
        parts = [(at, whole[at : at + size]) for at in range(0, max(len(whole) - size, 1), size)]
        loudest = max(float(np.dot(part, part)) for _, part in parts)
        return [(at / RATE, part) for at, part in parts if np.dot(part, part) > 0.1 * loudest]


def _peaks(like: Samples) -> list[int]:
    """The highest place of each stretch that is like it."""
    places = np.flatnonzero(like > LIKE)
    groups = np.split(places, np.flatnonzero(np.diff(places) > RATE // 10) + 1) if len(places) else []
    return [int(group[np.argmax(like[group])]) for group in groups]


def _is_near(like: Samples, time: float) -> bool:
    begin = int((time - SHIFT_S) * RATE)
    field = like[max(begin, 0) : max(begin + int(2 * SHIFT_S * RATE), 0)]
    return bool(len(field)) and bool(field.max() > LIKE)
