"""Speech to send, and how well it is understood where it comes out (P.862, narrow-band MOS-LQO)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.kit.listen import Recording, read_wav
from tests.kit.tones import Samples

SPEECH = Path(__file__).parent.parent / "data" / "speech" / "speech.wav"
RATE = 8000


def speech(rate: int = RATE) -> Samples:
    """11 s of it."""
    said = read_wav(SPEECH).samples
    if rate == RATE:
        return said
    import soxr

    return np.asarray(soxr.resample(said, RATE, rate))


def mos(said: Samples, heard: Recording) -> float:
    """1 to 4.5. Both at 8 kHz; where in time the speech lies in what was heard is found out."""
    pesq = pytest.importorskip("pesq", reason="the package pesq is not installed (it needs a C compiler)")
    assert heard.rate == RATE
    return float(pesq.pesq(RATE, said.astype(np.float32), heard.samples.astype(np.float32), "nb"))
