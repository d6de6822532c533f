"""What is poured into rooms by mistake: hold music of several styles, fans, hum, and the tones of the network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from confserver.engine import tones

RATE = 8000
_CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14), (2, 5, 9), (4, 7, 11))
"""In semitones: those of a major key."""

Sound = np.ndarray


def _times(seconds: float) -> Sound:
    return np.arange(int(seconds * RATE)) / RATE


def _hz(semitone: float, base: float = 220.0) -> float:
    return float(base * 2 ** (semitone / 12))


def _note(hz: float, seconds: float, decay: float, parts: int = 6, vibrato: float = 0.0) -> Sound:
    """Overtones that fall off; decay per second; vibrato: 5.5 Hz, by so many percent."""
    at = _times(seconds)
    phase = 2 * np.pi * hz * at + vibrato / 100 * hz / 5.5 * np.sin(2 * np.pi * 5.5 * at)
    sound = sum(np.sin(phase * n) / n for n in range(1, parts + 1) if hz * n < 3600)
    edges = np.minimum(1, np.minimum(at, seconds - at) / 0.008)
    return np.asarray(sound * np.exp(-decay * at) * edges)


def _drum(chance: np.random.Generator, kind: str) -> Sound:
    at = _times(0.15)
    if kind == "kick":
        return np.asarray(1.5 * np.sin(2 * np.pi * (120 - 400 * at) * at) * np.exp(-25 * at))
    return np.asarray(chance.normal(0, 0.6, len(at)) * np.exp(-(30 if kind == "snare" else 70) * at))


def _laid(seconds: float, parts: list[tuple[float, Sound]]) -> Sound:
    """Sounds at their times, on one tape."""
    tape = np.zeros(int(seconds * RATE) + 4 * RATE)
    for start, sound in parts:
        begin = int(start * RATE)
        if begin < int(seconds * RATE):
            tape[begin : begin + len(sound)] += sound[: len(tape) - begin]
    return tape[: int(seconds * RATE)]


def _beats(chance: np.random.Generator, seconds: float) -> tuple[float, int]:
    beat = 60 / chance.uniform(84, 132)
    return beat, int(seconds / beat) + 1


def pop(chance: np.random.Generator, seconds: float) -> Sound:
    """Chords on every beat, bass, drums, a melody."""
    beat, count = _beats(chance, seconds)
    parts = []
    for n in range(count):
        chord = _CHORDS[n // 4 % 4]
        parts += [(n * beat, 0.5 * _note(_hz(each), beat * 1.2, 3)) for each in chord]
        parts += [(n * beat, 0.8 * _note(_hz(chord[0] - 12), beat * 0.9, 2))]
        parts += [(n * beat, _drum(chance, "kick" if n % 2 == 0 else "snare"))]
        parts += [((n + 0.5) * beat, 0.5 * _drum(chance, "hat"))]
        if chance.random() < 0.7:
            parts += [(n * beat, 0.8 * _note(_hz(chance.choice(chord) + 12), beat, 2, 4, 0.5))]
    return _laid(seconds, parts)


def strings(chance: np.random.Generator, seconds: float) -> Sound:
    """Long chords of many players with vibrato."""
    parts = []
    for n in range(int(seconds / 2) + 1):
        chord = _CHORDS[int(chance.integers(len(_CHORDS)))]
        for each in chord:
            for _ in range(3):
                parts += [(n * 2, _note(_hz(each + chance.normal(0, 0.05)), 2.1, 0.1, 8, chance.uniform(0.2, 0.7)))]
    return _laid(seconds, parts)


def piano(chance: np.random.Generator, seconds: float) -> Sound:
    """Broken chords, each note dying away."""
    beat, count = _beats(chance, seconds)
    parts = []
    for n in range(count * 2):
        chord = _CHORDS[n // 8 % len(_CHORDS)]
        parts += [(n * beat / 2, _note(_hz(chord[(0, 2, 1, 2)[n % 4]]), 1.2, 4, 5))]
        if n % 8 == 0:
            parts += [(n * beat / 2, _note(_hz(chord[0] - 12), 2.5, 1.5, 5))]
    return _laid(seconds, parts)


def beeps(chance: np.random.Generator, seconds: float) -> Sound:
    """A melody of one voice, as old telephone systems play it."""
    parts, at, place = [], 0.0, 12
    while at < seconds:
        length = float(chance.choice((0.2, 0.2, 0.4)))
        place = int(np.clip(place + chance.choice((-5, -3, -1, 2, 4, 5)), 5, 26))
        parts += [(at, _note(_hz(place), length * 0.92, 0.5, 3))]
        at += length
    return _laid(seconds, parts)


def band(chance: np.random.Generator, seconds: float) -> Sound:
    """Heavy drums over long guitar chords, driven into distortion."""
    beat, count = _beats(chance, seconds)
    parts = []
    for n in range(count):
        parts += [(n * beat, _drum(chance, "kick" if n % 2 == 0 else "snare"))]
        parts += [((n + part / 2) * beat, 0.4 * _drum(chance, "hat")) for part in (0, 1)]
        if n % 4 == 0:
            chord = _CHORDS[int(chance.integers(len(_CHORDS)))]
            parts += [(n * beat, 0.8 * _note(_hz(each - 12), 4 * beat, 0.3, 8)) for each in (chord[0], chord[2])]
    return np.tanh(_laid(seconds, parts))


def singer(chance: np.random.Generator, seconds: float) -> Sound:
    """A voice with vibrato over soft chords."""
    beat, count = _beats(chance, seconds)
    parts = []
    for n in range(0, count, 2):
        chord = _CHORDS[n // 4 % 4]
        parts += [(n * beat, 0.4 * _note(_hz(each), 2.2 * beat, 1, 5)) for each in chord]
        parts += [(n * beat, 1.0 * _note(_hz(chance.choice(chord) + 5), 1.9 * beat, 0.2, 10, 1.5))]
    return _laid(seconds, parts)


MUSIC: dict[str, Callable[[np.random.Generator, float], Sound]] = {
    each.__name__: each for each in (pop, strings, piano, beeps, band, singer)
}


def music(style: str, seconds: float, seed: int = 1, level_db: float = -20.0) -> Sound:
    return _levelled(MUSIC[style](np.random.default_rng(seed), seconds), level_db)


def fan(chance: np.random.Generator, seconds: float) -> Sound:
    """Noise with more below than above, which swells a little, and the blades."""
    size = int(seconds * RATE)
    spectrum = np.fft.rfft(chance.normal(0, 1, size))
    hz = np.fft.rfftfreq(size, 1 / RATE)
    sound = np.fft.irfft(spectrum / np.sqrt(np.maximum(hz, 80)), size)
    at = np.arange(size) / RATE
    return np.asarray(
        sound / sound.std() * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * at)) + 0.3 * np.sin(2 * np.pi * 140 * at)
    )


def white(chance: np.random.Generator, seconds: float) -> Sound:
    return chance.normal(0, 1, int(seconds * RATE))


def traffic(chance: np.random.Generator, seconds: float) -> Sound:
    """Fans that come and go slowly."""
    at = _times(seconds)
    return np.asarray(fan(chance, seconds) * (1 + 0.4 * np.sin(2 * np.pi * 0.2 * at + chance.uniform(0, 6))))


def hum(chance: np.random.Generator, seconds: float) -> Sound:
    """Of the mains, with a little hiss."""
    at = _times(seconds)
    waves = sum(np.sin(2 * np.pi * hz * at) / n for n, hz in enumerate((100, 150, 200, 250, 350, 450), 1))
    return np.asarray(waves + chance.normal(0, 0.05, len(at)))


NOISES: dict[str, Callable[[np.random.Generator, float], Sound]] = {
    each.__name__: each for each in (fan, white, traffic, hum)
}


def noisy(kind: str, seconds: float, seed: int = 1, level_db: float = -30.0) -> Sound:
    return _levelled(NOISES[kind](np.random.default_rng(seed), seconds), level_db)


def signal(name: str, seconds: float) -> Sound:
    """A tone of the network by its name in ``engine.tones``."""
    out = np.zeros(int(seconds * RATE), np.float32)
    tones.parse(name).render(0, RATE, out)
    return out


def _levelled(sound: Sound, level_db: float) -> Sound:
    """Mean level; a full-scale square wave is 0."""
    sound = sound / np.sqrt(np.mean(sound**2)) * 10 ** (level_db / 20)
    return np.clip(sound, -1, 1).astype(np.float32)
