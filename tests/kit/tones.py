"""Sound to send: tones, as arrays, as WAV files, as G.711.

Full scale is 1.0. Frequencies that are multiples of 50 Hz are orthogonal over a 20 ms frame, so that several of
them can be told apart in every single frame; use others where a missing frame must show in the phase.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

LEVEL_DB = -14.0
"""Of a test tone's peak; a few of them together stay below full scale."""
HIGH_DB = -24.0
"""Of one above the telephone band, where voices are softer too."""

_BIAS = 0x84
_CLIP = 32635


def tone(hz: float, seconds: float, rate: int, level_db: float = LEVEL_DB) -> Samples:
    at = np.arange(round(seconds * rate)) / rate
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * at)


def write_wav(path: Path, samples: Samples, rate: int) -> Path:
    """Mono, 16 bits."""
    whole = np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.tobytes())
    return path


def tone_file(
    path: Path, hz: float, seconds: float, rate: int = 8000, level_db: float = LEVEL_DB, high_hz: float | None = None
) -> Path:
    """``high_hz``: another tone beside it, HIGH_DB loud: what only wideband phones can send."""
    sound = tone(hz, seconds, rate, level_db)
    if high_hz:
        sound += tone(high_hz, seconds, rate, HIGH_DB)
    return write_wav(path, sound, rate)


def pcmu_encoded(samples: Samples) -> bytes:
    """G.711 μ-law, by the reference's way of segments (ITU-T G.711 table 2a), for the tests' own packets."""
    whole = np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int32)
    sign = np.where(whole < 0, 0x80, 0)
    size = np.minimum(np.abs(whole), _CLIP) + _BIAS
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()


def pcmu_decoded(data: bytes) -> Samples:
    code = ~np.frombuffer(data, np.uint8).astype(np.int32) & 0xFF
    size = (((code & 0x0F) << 3) + _BIAS << ((code >> 4) & 0x07)) - _BIAS
    return np.where(code & 0x80, -size, size) / 32768.0
