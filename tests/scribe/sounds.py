"""Sound files of all kinds, and what they become."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from confserver.contract import Sound

KINDS = (("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
         ("MP3", "MPEG_LAYER_III"), ("WAV", "ULAW"))  # fmt: skip


def tone(hz: float, seconds: float, rate: int, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def written(place: Path, samples: np.ndarray, rate: int, kind: tuple[str, str] = ("WAV", "PCM_16")) -> str:
    soundfile.write(place, samples, rate, format=kind[0], subtype=kind[1])
    return str(place)


def read(sound: Sound) -> np.ndarray:
    """float64 (frames, channels), full scale 1.0; as a worker maps it."""
    samples = np.memmap(sound.path, np.int16, "r", shape=(sound.frames, sound.channels))
    return samples.astype(np.float64) / 32768


def level_db(samples: np.ndarray, hz: float, rate: int) -> float:
    """Level of one tone in dB of a full-scale sine, over whole tenths of a second."""
    count = len(samples) // (rate // 10) * (rate // 10)
    turn = np.exp(-2j * np.pi * hz * np.arange(count) / rate)
    return 20 * np.log10(max(2 * abs(np.dot(samples[:count], turn)) / count, 1e-9))
