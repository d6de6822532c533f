"""Keys as tones, as phones make them and as lines spoil them, and a detector that hears them."""

from __future__ import annotations

import numpy as np

from confserver.engine.dtmf import HIGH_HZ, KEYS, LOW_HZ, Detector, Heard
from confserver.engine.frame import FRAMES, NARROW
from confserver.engine.hush import Hush
from confserver.engine.seats import Seats


def key(
    digit: str,
    ms: float,
    level_db: float = -20.0,
    twist_db: float = 0.0,
    shifts: tuple[float, float] = (0.0, 0.0),
    rate: int = 8000,
) -> np.ndarray:
    """level: of both tones, a full-scale square wave is 0. twist: the high tone to the low one. shifts: of their
    frequencies, low and high."""
    place = KEYS.index(digit)
    low_power = 10 ** (level_db / 10) / (1 + 10 ** (twist_db / 10))
    high_power = low_power * 10 ** (twist_db / 10)
    at = 2 * np.pi * np.arange(int(ms * rate / 1000)) / rate
    low = np.sqrt(2 * low_power) * np.sin(at * LOW_HZ[place // 4] * (1 + shifts[0]))
    high = np.sqrt(2 * high_power) * np.sin(at * HIGH_HZ[place % 4] * (1 + shifts[1]) + 1)
    return (low + high).astype(np.float32)


def dialled(
    seed: int, on_ms: float, off_ms: float, snr_db: float | None, rate: int = 8000, **how
) -> tuple[str, np.ndarray]:
    """All sixteen keys in some order, beginning anywhere in a frame, in white noise so far below them."""
    chance = np.random.default_rng(seed)
    keys = "".join(KEYS[place] for place in chance.permutation(16))
    parts = [np.zeros(int(rate * chance.uniform(0.1, 0.12)), np.float32)]
    for each in keys:
        parts += [key(each, on_ms, rate=rate, **how), np.zeros(int(off_ms * rate / 1000), np.float32)]
    sound = np.concatenate([*parts, np.zeros(rate // 5, np.float32)])
    if snr_db is not None:
        power_db = how.get("level_db", -20.0) - snr_db
        sound += chance.normal(0, 10 ** (power_db / 20), len(sound))
    return keys, np.clip(sound, -1, 1)


def listen(sounds: list[np.ndarray], band: int = NARROW) -> tuple[list[Heard], np.ndarray]:
    """One leg for each sound: the presses that were found (their rows are places), and what is left of the sounds."""
    size = FRAMES[band]
    frames = max(map(len, sounds)) // size
    said = np.zeros((len(sounds), frames * size), np.float32)
    for place, sound in enumerate(sounds):
        said[place, : len(sound)] = sound[: frames * size]
    seats = Seats(len(sounds) + 2)
    detector, hush = Detector(seats), Hush(seats)
    rows = np.array([seats.take() for _ in sounds])
    seats.in_band[rows] = band
    for row in rows.tolist():
        detector.watch(row, True)
    heard, left = [], np.empty_like(said)
    for start in range(0, frames * size, size):
        seats.signals[band][rows] = said[:, start : start + size]
        heard += [Heard(each.row - int(rows[0]), each.digit, each.duration_ms) for each in detector.listen()]
        hush.apply(detector.hush)
        left[:, start : start + size] = seats.signals[band][rows]
    return heard, left


def digits_of(heard: list[Heard], place: int) -> str:
    return "".join(each.digit for each in heard if each.row == place)
