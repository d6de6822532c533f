"""Delay through the server: from a burst sent to the burst heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from confserver.bench.plan import BURST_AMPLITUDE
from confserver.engine.codecs.g711 import PCMU
from confserver.engine.frame import FRAME, RATE_HZ, Bytes

LOUD = BURST_AMPLITUDE / 4
QUIET_S = 0.1
"""A burst begins where it was silent for so long."""
MOST_S = 0.4
"""Later than this it would be the next burst's turn."""
MEANING = (
    "from sending the packet that begins with a burst to the arrival of the packet in which it is heard, plus its "
    "place in that packet; the sender's own 20 ms of collecting are not in it"
)


def onsets(arrived: NDArray[np.float64], payloads: Bytes) -> list[float]:
    """When bursts were heard. arrived: float64 (n,), in order; payloads: uint8 (n, FRAME)."""
    samples = np.empty(payloads.shape, np.float32)
    PCMU.decode(payloads, samples)
    loud = np.abs(samples) > LOUD
    found: list[float] = []
    last = -np.inf
    for row in np.flatnonzero(loud.any(axis=1)).tolist():
        at = float(arrived[row]) + int(loud[row].argmax()) / RATE_HZ
        if at - last > QUIET_S:
            found.append(at)
        last = float(arrived[row]) + FRAME / RATE_HZ
    return found


def delays(sent: Sequence[float], heard: Sequence[float]) -> tuple[list[float], int]:
    """The delay of each burst, and how many were never heard. Both in order of time, seconds."""
    found: list[float] = []
    missing = 0
    place = 0
    for at in sent:
        while place < len(heard) and heard[place] <= at:
            place += 1
        if place < len(heard) and heard[place] - at < MOST_S:
            found.append(heard[place] - at)
            place += 1
        else:
            missing += 1
    return found, missing
