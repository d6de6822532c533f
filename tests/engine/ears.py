"""Ears for the engine's listeners: what a phone with any codec makes of the packets it gets."""

from __future__ import annotations

import numpy as np

from confserver.contract import OpusTerms
from confserver.engine.codecs import codec_of, is_stateful, meaning_of, stateful, stateless
from tests.engine.hall import Phone

OUTGOING = {"PCMU": 0, "PCMA": 8, "G722": 9, "L16-8": 115, "L16-16": 116, "L16-48": 117, "opus": 111}


def hears(name: str, ptime_ms: int = 20, **terms: object) -> dict[str, object]:
    """What a plan has where the leg is sent this format."""
    return {
        "outgoing_format": name,
        "outgoing_payload_type": OUTGOING[name],
        "ptime_ms": ptime_ms,
        "opus": OpusTerms(**terms),
    }


def decoded(payloads: list[bytes], name: str, rate_hz: int) -> np.ndarray:
    """One packet after another by one decoder that never saw anything else."""
    codec = codec_of(meaning_of(name))
    if not is_stateful(codec):
        return np.concatenate([_plain(payload, name) for payload in payloads])
    decoders = stateful(meaning_of(name)).decoders(1)
    decoders.open(0, rate_hz)
    row, parts = np.zeros(1, np.intp), []
    for payload in payloads:
        out = np.zeros((1, rate_hz // 1000 * 120), np.float32)
        data = np.frombuffer(payload, np.uint8)[None].copy()
        count = decoders.decode(row, data, np.array([len(payload)], np.int32), out)
        parts.append(out[0, : int(count[0])].copy())
    return np.concatenate(parts)


def _plain(payload: bytes, name: str) -> np.ndarray:
    codec = stateless(meaning_of(name))
    out = np.zeros((1, len(payload) // codec.unit_bytes), np.float32)
    codec.decode(np.frombuffer(payload, np.uint8)[None], out)
    return out[0]


def listened(phone: Phone, name: str, rate_hz: int) -> np.ndarray:
    return decoded(phone.heard, name, rate_hz)


def timestamps(phone: Phone) -> np.ndarray:
    return np.array([int.from_bytes(header[4:8], "big") for header in phone.headers], np.int64)


def sequences(phone: Phone) -> np.ndarray:
    return np.array([int.from_bytes(header[2:4], "big") for header in phone.headers], np.int64)


class Listener:
    """Reads, tick by tick, what the engine means a leg to hear, before any codec."""

    def __init__(self, hall, phone: Phone) -> None:
        self._hall = hall
        self._row = np.array([hall.engine.legs.by_id[phone.leg].row])
        self.frames: list[np.ndarray] = []
        self.voices: list[int] = []

    def listen(self) -> None:
        engine = self._hall.engine
        voice, place = engine.outgoing.voices.of(self._row)
        band = int(engine.seats.band[self._row[0]])
        self.frames.append(engine.outgoing.voices.heard[band][place[0]].copy())
        self.voices.append(int(voice[0]))

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate(self.frames)


def segmental_snr(clean: np.ndarray, heard: np.ndarray, frame: int) -> np.ndarray:
    """dB by frame, -10 to 35 each, as is usual; frames of silence are NaN."""
    count = len(clean) // frame
    clean, heard = clean[: count * frame].reshape(count, frame), heard[: count * frame].reshape(count, frame)
    power = (clean.astype(np.float64) ** 2).sum(axis=1)
    noise = ((clean - heard).astype(np.float64) ** 2).sum(axis=1)
    ratio = 10 * np.log10(np.maximum(power, 1e-12) / np.maximum(noise, 1e-12))
    return np.where(power / frame > 1e-6, np.clip(ratio, -10, 35), np.nan)


def aligned(clean: np.ndarray, heard: np.ndarray, most: int) -> int:
    """By how many samples what is heard comes later."""
    size = min(len(clean), len(heard)) - most
    scores = [np.dot(clean[:size], heard[lag : lag + size]) for lag in range(most)]
    return int(np.argmax(scores))
