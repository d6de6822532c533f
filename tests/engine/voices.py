"""Speech of many voices, made by espeak-ng once for a test session: what a guard or a detector must leave in peace."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pydoc_data import topics

import numpy as np
import soxr

RATE = 8000
VOICES = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4")
SPEEDS = (130, 175, 220)
PITCHES = (30, 50, 70)
PEAK = 0.5
PIECE = 1200
"""Letters of what one voice says at a stretch: somewhat more than a minute."""

available = shutil.which("espeak-ng") is not None


@functools.cache
def sentences() -> str:
    """Plain English of some 100,000 words, from the manual that comes with Python."""
    text = " ".join(topics.topics[name] for name in sorted(topics.topics))
    plain = re.findall(r"(?<=[.:\n] )[A-Z][a-z',; -]{40,}\.", re.sub(r"\s+", " ", text))
    return " ".join(dict.fromkeys(plain))


@functools.cache
def spoken(voice: str, speed: int, pitch: int, text: str) -> np.ndarray:
    """float32 at RATE, peak PEAK."""
    command = ["espeak-ng", "-v", f"en+{voice}", "-s", str(speed), "-p", str(pitch), "--stdout", text]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    samples = np.frombuffer(data[44 : 44 + (len(data) - 44) // 2 * 2], "<i2").astype(np.float32) / 32768
    sound = soxr.resample(samples, 22050, RATE)
    return np.asarray(sound / np.abs(sound).max() * PEAK, np.float32)


@functools.cache
def voice(number: int) -> np.ndarray:
    """A minute or so of the voice of that number; all differ in voice, speed, pitch or words."""
    text = sentences()
    start = number * PIECE % (len(text) - PIECE)
    return spoken(
        VOICES[number % len(VOICES)],
        SPEEDS[number // len(VOICES) % len(SPEEDS)],
        PITCHES[(number // 2) % len(PITCHES)],
        text[start : start + PIECE],
    )


def speech(seconds: float, first: int = 0) -> np.ndarray:
    """Voice after voice, from that of number ``first`` on, just so long."""
    parts: list[np.ndarray] = []
    number = first
    while sum(map(len, parts)) < seconds * RATE:
        parts.append(voice(number))
        number += 1
    return np.concatenate(parts)[: int(seconds * RATE)]


def noise(seconds: float, level_db: float, seed: int = 1, rate: int = RATE) -> np.ndarray:
    """White noise; level of a full-scale square wave is 0."""
    return np.random.default_rng(seed).normal(0, 10 ** (level_db / 20), int(seconds * rate)).astype(np.float32)
