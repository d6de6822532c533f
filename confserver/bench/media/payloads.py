"""Speech and silence in each codec, made once: what phones send, 20 ms a frame.

Speech is that of the prompts in the package, one after the other. A phone that is silent sends a faint noise, as
after its noise suppression: with Opus, whose bitrate varies, in small packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import soxr

import confserver.prompts
from confserver.bench.plan import Part, burst_frames, silent_frames
from confserver.engine.codecs import CODECS, is_stateful, stateful, stateless
from confserver.engine.codecs.codec import Settings
from confserver.engine.frame import TICK_S, Bytes, Lengths, Samples

SPEECH_FRAMES, SILENT_FRAMES = 1500, 250
SPEECH_DB, SILENCE_DB = -20.0, -80.0
"""Mean power of full scale."""
MOST_BYTES = 512
_PROMPTS = Path(confserver.prompts.__file__).parent / "en"
FEC_LOSS = 10
"""Percent that a phone with FEC expects to be lost."""


@cache
def speech(rate_hz: int, frames: int = SPEECH_FRAMES) -> Samples:
    """float32 (frames of 20 ms, samples)."""
    wanted = round(frames * TICK_S * rate_hz)
    parts: list[Samples] = []
    have = 0
    for path in sorted(_PROMPTS.glob("*.flac")):
        samples, hz = soundfile.read(path, dtype="float32")
        parts.append(np.asarray(soxr.resample(samples, hz, rate_hz), np.float32))
        have += len(parts[-1])
        if have >= wanted:
            break
    whole = np.resize(np.concatenate(parts), wanted)
    whole *= np.float32(10 ** (SPEECH_DB / 20) / np.sqrt(np.mean(np.square(whole))))
    return whole.clip(-0.99, 0.99).reshape(frames, -1)


def faint_noise(rate_hz: int, frames: int = SILENT_FRAMES) -> Samples:
    """float32 (frames, samples)."""
    noise = np.random.default_rng(1).standard_normal((frames, round(TICK_S * rate_hz))).astype(np.float32)
    return np.asarray(noise * np.float32(10 ** (SILENCE_DB / 20)), np.float32)


def encoded(name: str, samples: Samples, rate_hz: int, fec: bool = False) -> tuple[Bytes, Lengths]:
    """Frame by frame: uint8 (frames, MOST_BYTES) and how many of them count."""
    meaning = 1 + [codec.name for codec in CODECS].index(name)
    frames = len(samples)
    out, length = np.zeros((frames, MOST_BYTES), np.uint8), np.zeros(frames, np.int32)
    if not is_stateful(CODECS[meaning - 1]):
        stateless(meaning).encode(samples, out[:, : samples.shape[1]])
        length[:] = samples.shape[1]
        return out, length
    encoders = stateful(meaning).encoders()
    slot = np.array([encoders.open(Settings(rate_hz, fec=fec, loss_percent=FEC_LOSS if fec else 0))])
    for place in range(frames):
        one = slice(place, place + 1)
        encoders.encode(slot, samples[one], out[one], length[one])
    return out, length


@dataclass(frozen=True, slots=True)
class Reel:
    """All tracks, one behind the other. data: uint8 (frames, bytes), of which length, int32 (frames), count.

    tracks: by format and part, first frame and how many; each goes round.
    """

    data: Bytes
    length: Lengths
    tracks: dict[tuple[str, Part], tuple[int, int]]


def reel(formats: tuple[str, ...], opus_hz: int = 16000, fec: bool = False, frames: int = SPEECH_FRAMES) -> Reel:
    """The bursts of the probes are always on it."""
    parts: list[tuple[Bytes, Lengths]] = []
    tracks: dict[tuple[str, Part], tuple[int, int]] = {}

    def put(name: str, part: Part, data: Bytes, length: Lengths) -> None:
        tracks[name, part] = sum(len(each) for each, _ in parts), len(data)
        parts.append((data, length))

    for name in dict.fromkeys(formats):
        rate = opus_hz if name == "opus" else 16000 if name == "G722" else 8000
        put(name, Part.TALKER, *encoded(name, speech(rate, frames), rate, fec))
        put(name, Part.LISTENER, *encoded(name, faint_noise(rate), rate, fec))
    bursts = burst_frames()
    for part, sound in ((Part.CLAPPER, bursts), (Part.TIMER, silent_frames(1))):
        put("PCMU", part, np.pad(sound, ((0, 0), (0, MOST_BYTES - sound.shape[1]))),
            np.full(len(sound), sound.shape[1], np.int32))  # fmt: skip
    length = np.concatenate([each for _, each in parts])
    data = np.concatenate([each for each, _ in parts])[:, : int(length.max())]
    return Reel(np.ascontiguousarray(data), length, tracks)
