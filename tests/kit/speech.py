"""Speech to send, and how it comes out: how well it is understood (P.862, narrow-band MOS-LQO), and how late."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.kit.listen import read_wav
from tests.kit.tones import Samples

SPEECH = Path(__file__).parent.parent / "data" / "speech" / "speech.wav"
RATE = 8000


def speech(rate: int = RATE) -> np.ndarray:
    """11 s of it: float32, full scale 1.0."""
    said = read_wav(SPEECH).samples.astype(np.float32)
    if rate == RATE:
        return said
    import soxr

    return np.asarray(soxr.resample(said, RATE, rate))


def mos(said: Samples, heard: Samples) -> float:
    """1 to 4.5. Both at 8 kHz; where in time the speech lies in what was heard is found out."""
    pesq = pytest.importorskip("pesq", reason="the package pesq is not installed (it needs a C compiler)")
    return float(pesq.pesq(RATE, said.astype(np.float32), heard.astype(np.float32), "nb"))


def lags(said: Samples, heard: Samples, span_s: float = 0.24, most_s: float = 0.4) -> np.ndarray:
    """(n, 2): when a stretch was said, and after how many seconds it was heard; of all that can be found again.

    That is, of all that is loud enough. Both at 8 kHz, from the same moment on.
    """
    span, most = int(span_s * RATE), int(most_s * RATE)
    found = []
    for begin in range(0, min(len(said), len(heard) - most) - span, span // 3):
        part = said[begin : begin + span]
        field = heard[begin : begin + span + most]
        if np.abs(part).max() < 0.05:
            continue
        energy = np.convolve(field**2, np.ones(span), "valid")
        alike = np.correlate(field, part, "valid") / np.sqrt(np.maximum(energy * np.dot(part, part), 1e-9))
        if alike.max() > 0.7:
            found.append((begin / RATE, alike.argmax() / RATE))
    return np.array(found).reshape(-1, 2)
