"""Who calls which room, and what each says.

Every talker has a tone of his own, a multiple of 10 Hz and not of 50 Hz: it comes round every 100 ms but not every
20 ms, so a packet doubled or left out anywhere on the way breaks it. Rooms share tones only when the band is full.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from confserver.bench.options import Options
from confserver.engine.codecs.g711 import PCMU
from confserver.engine.frame import FRAME, RATE_HZ, Bytes, Samples

PHASES = 10
"""Callers send at so many different moments of the 20 ms."""
LOWEST_HZ, HIGHEST_HZ, STEP_HZ = 310, 3390, 10
SOUND_FRAMES = 5
"""A tone comes round after so many frames: 100 ms."""
BURST_HZ = 1000
BURST_FRAMES, PAUSE_FRAMES = 3, 22
BURST_AMPLITUDE = 0.5
LOUDEST = 0.2
TOGETHER = 0.6
"""Amplitude of all talkers of a room together, at most: below what the limiter takes care of."""


class Part(Enum):
    """What a caller does."""

    TALKER = "speaks a tone"
    LISTENER = "is silent"
    CLAPPER = "sends bursts"
    TIMER = "hears the bursts"


@dataclass(frozen=True, slots=True)
class Caller:
    number: int
    room: str
    part: Part
    phase: int
    hz: int = 0
    is_checked: bool = False
    """What he hears is kept and checked."""


def tones() -> list[int]:
    """All tones, in Hz."""
    return [hz for hz in range(LOWEST_HZ, HIGHEST_HZ + 1, STEP_HZ) if hz % 50]


def tone_of(room: int, talker: int, talkers: int) -> int:
    """Tones of a room lie apart; those of neighbouring rooms differ."""
    band = tones()
    share = len(band) // talkers
    return band[talker * share + room % share]


def amplitude(talkers: int) -> float:
    return min(LOUDEST, TOGETHER / max(talkers, 1))


def callers(options: Options, prefix: str = "bench") -> list[Caller]:
    """The pairs that measure the delay come first, so that they are also the first to send in their phase."""
    found = []
    for pair in range(options.probes):
        room, phase = f"{prefix}-delay-{pair + 1}", pair % PHASES
        found.append(Caller(2 * pair, room, Part.CLAPPER, phase))
        found.append(Caller(2 * pair + 1, room, Part.TIMER, phase))
    for place in range(options.callers):
        room_number, seat = divmod(place, options.rooms_of)
        talks = seat < options.talkers
        is_last = seat == options.rooms_of - 1 or place == options.callers - 1
        found.append(
            Caller(
                number=2 * options.probes + place,
                room=f"{prefix}-{room_number + 1}",
                part=Part.TALKER if talks else Part.LISTENER,
                phase=place % PHASES,
                hz=tone_of(room_number, seat, options.talkers) if talks else 0,
                is_checked=seat == 0 or is_last,
            )
        )
    return found


def _coded(samples: Samples) -> Bytes:
    """float32 (n,) -> uint8 (n / FRAME, FRAME) in PCMU."""
    out = np.empty((1, len(samples)), np.uint8)
    PCMU.encode(samples[None], out)
    return out.reshape(-1, FRAME)


def tone_frames(hz: int, level: float) -> Bytes:
    """One round of a tone: uint8 (SOUND_FRAMES, FRAME)."""
    when = np.arange(SOUND_FRAMES * FRAME) / RATE_HZ
    return _coded((level * np.sin(2 * np.pi * hz * when)).astype(np.float32))


def silent_frames(count: int) -> Bytes:
    return np.full((count, FRAME), PCMU.silence, np.uint8)


def burst_frames() -> Bytes:
    """One round of bursts: it begins, at full loudness, with the first sample."""
    when = np.arange(BURST_FRAMES * FRAME) / RATE_HZ
    loud = _coded((BURST_AMPLITUDE * np.cos(2 * np.pi * BURST_HZ * when)).astype(np.float32))
    return np.concatenate([loud, silent_frames(PAUSE_FRAMES)])
