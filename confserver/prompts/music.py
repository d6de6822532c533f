"""Music for those who wait: a piece of our own, free for everybody, made note by note.

Broken chords of soft bells over a pad, mostly within what a telephone carries. It begins and ends in silence, so
that it can be played over and over at any rate without a click.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from confserver.prompts.making import RATE_HZ, Samples

MUSIC_DBOV = -24.0
"""RMS of the whole; 0 is that of the loudest square wave."""
MUSIC_BITS = 13
"""What a telephone's codec has at its best (G.711)."""
_BEAT_S = 0.72
_BEATS_A_BAR = 4
_LULL_S = 2.0
"""Left to the last notes to die away."""

_A4 = 69
"""MIDI's number of 440 Hz; all notes below are such numbers."""
_PIECE: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...] = (
    # bass, the chord, the melody in half beats (0: the last note goes on)
    (48, (60, 64, 67, 71), (76, 0, 0, 79, 0, 0, 74, 0)),  # C major 7
    (45, (60, 64, 67, 69), (72, 0, 0, 76, 0, 0, 0, 0)),  # A minor 7
    (41, (60, 65, 69, 72), (77, 0, 0, 76, 0, 0, 72, 0)),  # F
    (43, (59, 62, 67, 69), (74, 0, 0, 71, 0, 0, 0, 0)),  # G
    (48, (60, 64, 67, 71), (79, 0, 0, 76, 0, 0, 74, 0)),
    (45, (60, 64, 67, 69), (72, 0, 0, 69, 0, 0, 0, 0)),
    (50, (60, 65, 69, 72), (74, 0, 0, 77, 0, 0, 76, 0)),  # D minor 7
    (43, (59, 62, 65, 67), (74, 0, 0, 67, 0, 0, 71, 0)),  # G 7
    (45, (60, 64, 67, 72), (76, 0, 0, 72, 0, 0, 79, 0)),
    (41, (60, 65, 69, 76), (81, 0, 0, 79, 0, 0, 77, 0)),
    (43, (59, 62, 67, 71), (74, 0, 0, 79, 0, 0, 77, 0)),
    (48, (60, 64, 67, 72), (76, 0, 0, 0, 0, 0, 0, 0)),  # C
)


def made() -> Samples:
    """The piece at RATE_HZ, full scale 1.0."""
    bar_s = _BEAT_S * _BEATS_A_BAR
    sound = np.zeros(round((len(_PIECE) * bar_s + _LULL_S) * RATE_HZ))
    for bar, (bass, chord, melody) in enumerate(_PIECE):
        at = bar * bar_s
        for note in (bass, *chord):
            _add(sound, at, _pad(note, bar_s), 0.10 if note != bass else 0.16)
        for step in range(8):
            broken = chord[(0, 1, 2, 3, 2, 1, 2, 1)[step]]
            _add(sound, at + step * _BEAT_S / 2, _bell(broken, 1.2), 0.10)
        for step, note in enumerate(melody):
            if note:
                _add(sound, at + step * _BEAT_S / 2, _bell(note, 2.4), 0.26)
    edge = np.clip(np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / (0.3 * RATE_HZ), 0, 1)
    sound *= edge
    return np.asarray(sound * (10 ** (MUSIC_DBOV / 20) / np.sqrt((sound**2).mean())), np.float32)


def _add(sound: NDArray[np.float64], at_s: float, note: NDArray[np.float64], loudness: float) -> None:
    start = round(at_s * RATE_HZ)
    part = sound[start : start + len(note)]
    part += note[: len(part)] * loudness


def _times(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * RATE_HZ)) / RATE_HZ


def _hz(note: int) -> float:
    return float(440 * 2 ** ((note - _A4) / 12))


def _bell(note: int, seconds: float) -> NDArray[np.float64]:
    """A struck sound: the higher a partial the sooner it dies away."""
    t, hz = _times(seconds), _hz(note)
    struck = sum(
        share * np.sin(2 * np.pi * hz * partial * t) * np.exp(-t * decay)
        for partial, share, decay in ((1, 1.0, 2.2), (2, 0.35, 3.5), (3, 0.12, 6.0), (4.1, 0.05, 9.0))
    )
    shape = np.minimum(t / 0.008, 1) * np.minimum((seconds - t) / 0.05, 1)
    return np.asarray(struck * shape)


def _pad(note: int, seconds: float) -> NDArray[np.float64]:
    """Three strings a little out of tune, swelling and fading over the next bar's beginning."""
    t, hz = _times(seconds + 0.8), _hz(note)
    strings = sum(np.sin(2 * np.pi * hz * (1 + cents / 1731) * t + cents) for cents in (-4.0, 0.0, 5.0))
    octave = 0.25 * np.sin(4 * np.pi * hz * t)
    shape = np.minimum(t / 0.8, 1) * np.minimum((seconds + 0.8 - t) / 0.8, 1)
    return np.asarray((strings / 3 + octave) * shape)
