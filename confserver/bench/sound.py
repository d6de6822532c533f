"""Who is heard: the tones in what a caller has received."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from confserver.bench.plan import Caller, Part
from confserver.engine.codecs.g711 import PCMU
from confserver.engine.frame import FRAME, RATE_HZ, Bytes, Samples

SEGMENT_FRAMES = 10
SEGMENT_SAMPLES = SEGMENT_FRAMES * FRAME
BIN_HZ = RATE_HZ / SEGMENT_SAMPLES
"""All tones of the plan are multiples of it: each falls into one bin, and none into another's."""
HEARD_DB = 3.0
OWN_DB = -40.0
OTHER_ROOM_DB = -30.0
BROKEN = 0.05
"""A tone comes round in a segment, so each is like the one before, in loudness and phase, within this share. A frame of
silence in ten changes it by 0.1, a frame left out or doubled by up to 1.2, G.711 by less than 0.01."""
SILENCE_DB = -120.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one caller hears, in dB against what was sent; None where there is nothing to compare.

    deviation_db: of the other talker of his room who deviates most. own_db: his own voice. other_db: the loudest
    tone of other rooms. broken: segments of 200 ms in which a voice does not go on as in the one before.
    """

    number: int
    deviation_db: float | None
    own_db: float | None
    other_db: float | None
    broken: int
    segments: int

    @property
    def is_right(self) -> bool:
        """Whether the levels are; ``broken`` is judged over all legs."""
        return (
            self.segments > 0
            and (self.deviation_db is None or abs(self.deviation_db) <= HEARD_DB)
            and (self.own_db is None or self.own_db < OWN_DB)
            and (self.other_db is None or self.other_db < OTHER_ROOM_DB)
        )


def samples_of(sequence: NDArray[np.uint16], payloads: Bytes) -> Samples:
    """Lay packets out in their order, silence where one is missing. float32 (n,)."""
    if not len(sequence):
        return np.zeros(0, np.float32)
    number = (sequence - sequence[0]).view(np.int16).astype(np.int64)
    number -= number.min()
    frames = np.full((int(number.max()) + 1, FRAME), PCMU.silence, np.uint8)
    frames[number] = payloads
    out = np.empty(frames.shape, np.float32)
    PCMU.decode(frames, out)
    return out.reshape(-1)


def sums(samples: Samples, hertz: list[int], amplitude: float) -> NDArray[np.complex128]:
    """Goertzel's sums of tones, all at once: complex (segments, tones), 1.0 for a sine of this amplitude."""
    count = len(samples) // SEGMENT_SAMPLES
    segments = samples[: count * SEGMENT_SAMPLES].reshape(count, SEGMENT_SAMPLES).astype(np.float64)
    found = np.fft.rfft(segments, axis=1)[:, [round(hz / BIN_HZ) for hz in hertz]]
    return np.asarray(found * (2 / SEGMENT_SAMPLES / amplitude), np.complex128)


def decibels(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.asarray(20 * np.log10(np.maximum(np.abs(values), 10 ** (SILENCE_DB / 20))), np.float64)


def judge(caller: Caller, everybody: list[Caller], samples: Samples, amplitude: float) -> Heard:
    """Compare what a caller hears with what he should hear. The median over segments counts."""
    talkers = [one for one in everybody if one.part is Part.TALKER]
    inside = {one.hz for one in talkers if one.room == caller.room}
    voices = sorted(inside - {caller.hz})
    others = sorted({one.hz for one in talkers} - inside)
    asked = [*voices, *([caller.hz] if caller.hz else []), *others]
    if len(samples) < SEGMENT_SAMPLES or not asked:
        return Heard(caller.number, None, None, None, 0, len(samples) // SEGMENT_SAMPLES)
    found = sums(samples, asked, amplitude)
    usual = np.median(decibels(found), axis=0)
    voice_levels = usual[: len(voices)]
    rest = usual[len(voices) :]
    broken = np.abs(np.diff(found[:, : len(voices)], axis=0)).max(axis=1, initial=0.0) > BROKEN
    return Heard(
        number=caller.number,
        deviation_db=float(voice_levels[np.abs(voice_levels).argmax()]) if voices else None,
        own_db=float(rest[0]) if caller.hz else None,
        other_db=float(rest[1 if caller.hz else 0 :].max()) if others else None,
        broken=int(broken.sum()),
        segments=len(found),
    )
