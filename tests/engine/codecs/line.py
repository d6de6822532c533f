"""A line for tests: speech into an encoder, packets, and out of a decoder; and how near it is to what was said."""

from __future__ import annotations

import functools
import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr

from confserver.engine.codecs.codec import Encoders, Settings, Stateful

SPEECH = Path(__file__).parents[2] / "data" / "speech" / "speech.wav"
MOST_BYTES = 1400
ROOM_NOISE = 1e-3


@functools.cache
def speech(rate_hz: int) -> np.ndarray:
    """Eleven seconds, float32, with the noise of a room over the whole band."""
    with wave.open(str(SPEECH)) as file:
        said = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        said = soxr.resample(said, file.getframerate(), rate_hz)
    noise = np.random.default_rng(1).standard_normal(len(said)) * ROOM_NOISE
    return (said + noise).astype(np.float32)


def frames(settings: Settings, sound: np.ndarray | None = None) -> np.ndarray:
    """The sound in packets' worth: float32 (packets, samples)."""
    size = settings.rate_hz * settings.frame_ms // 1000 * settings.channels
    sound = speech(settings.rate_hz) if sound is None else sound
    return np.ascontiguousarray(sound[: len(sound) // size * size].reshape(-1, size), np.float32)


def encode(encoders: Encoders, slot: int, said: np.ndarray) -> list[bytes]:
    """A packet for each row; b"" where there is nothing to send."""
    out, length, packets = np.zeros((1, MOST_BYTES), np.uint8), np.zeros(1, np.int32), []
    for frame in said:
        encoders.encode(np.array([slot]), frame[None], out, length)
        packets.append(out[0, : length[0]].tobytes())
    return packets


def matrix(packets: list[bytes], width: int = MOST_BYTES) -> tuple[np.ndarray, np.ndarray]:
    """Payloads and lengths, as decoders take them."""
    payload = np.zeros((len(packets), width), np.uint8)
    for row, packet in zip(payload, packets, strict=True):
        row[: len(packet)] = np.frombuffer(packet, np.uint8)
    return payload, np.array([len(packet) for packet in packets], np.int32)


@dataclass
class Receiver:
    """One row of decoders; keeps what it heard."""

    codec: Stateful
    settings: Settings
    heard: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.size = self.settings.rate_hz * self.settings.frame_ms // 1000
        self.decoders = self.codec.decoders(1)
        self.decoders.open(0, self.settings.rate_hz)
        self._row = np.zeros(1, np.intp)

    def _out(self) -> np.ndarray:
        self.heard.append(np.zeros(self.size, np.float32))
        return self.heard[-1][None]

    def take(self, packet: bytes) -> int:
        return int(self.decoders.decode(self._row, *matrix([packet]), self._out())[0])

    def recover(self, packet: bytes) -> int:
        return int(self.decoders.recover(self._row, *matrix([packet]), self._out())[0])

    def conceal(self) -> None:
        self.decoders.conceal(self._row, self._out())

    def sound(self) -> np.ndarray:
        return np.concatenate(self.heard)


def decode(codec: Stateful, settings: Settings, packets: list[bytes]) -> np.ndarray:
    receiver = Receiver(codec, settings)
    for packet in packets:
        assert receiver.take(packet) == receiver.size
    return receiver.sound()


def delay(said: np.ndarray, heard: np.ndarray) -> int:
    """By how many samples, up to 30 ms at 48 kHz, heard is behind."""
    size = 1 << (len(heard) * 2 - 1).bit_length()
    alike = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(said[: len(heard)], size).conj(), size)
    return int(np.argmax(alike[:1440]))


def snr_db(said: np.ndarray, heard: np.ndarray) -> float:
    wrong = float(((said - heard).astype(np.float64) ** 2).sum())
    return 10 * float(np.log10(float((said.astype(np.float64) ** 2).sum()) / (wrong + 1e-12)))


def segmental_snr_db(said: np.ndarray, heard: np.ndarray, size: int, places: list[int]) -> float:
    """Mean over the frames at those places, each between -10 and 40 dB. heard is in step with said."""
    each = [snr_db(said[at * size : (at + 1) * size], heard[at * size : (at + 1) * size]) for at in places]
    return float(np.mean(np.clip(each, -10, 40)))


def loud(said: np.ndarray) -> np.ndarray:
    """Which frames hold a voice."""
    return np.sqrt((said**2).mean(axis=1)) > 0.01
