"""Who takes what a recorder hands over, and lays it side by side."""

from __future__ import annotations

import numpy as np

from confserver.contract.recording import Closing, HandoverReader, Heard, Opening
from confserver.engine.tick import Engine


class Desk:
    """One recording, read as the scribe reads it."""

    def __init__(self) -> None:
        self._reader = HandoverReader()
        self.opened: list[int] = []
        self.closed = 0
        self.heard: list[Heard] = []
        self.bytes = 0

    def take(self, engine: Engine) -> None:
        for _, data, is_last in engine.recorder.take():
            self.bytes += len(data)
            for message in self._reader.feed(data):
                match message:
                    case Opening(record=record):
                        self.opened.append(record)
                    case Heard():
                        self.heard.append(message)
                    case Closing():
                        assert is_last
                        self.closed += 1

    @property
    def ticks(self) -> int:
        return self.heard[-1].number + 1 if self.heard else 0

    def legs(self) -> set[int]:
        return {leg for heard in self.heard for leg in heard.tracks}

    def track(self, leg: int | None, rate: int = 8000) -> np.ndarray:
        """float64, full scale 1.0, of the ticks at this rate; None: the mix."""
        frame = rate // 50
        out = np.zeros(self.ticks * frame)
        for heard in self.heard:
            samples = heard.mix if leg is None else heard.tracks.get(leg, b"")
            if samples and heard.rate_hz == rate:
                place = heard.number * frame
                out[place : place + frame] = np.frombuffer(samples, np.int16) / 32768
        return out


def shift_of(heard: np.ndarray, said: np.ndarray) -> int:
    """By how many samples what is heard comes later than it was said: where their correlation is greatest."""
    size = 1 << (len(heard) + len(said)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size))
    return int(np.argmax(np.fft.irfft(product, size)[: len(heard)]))


def same(track: np.ndarray, said: np.ndarray) -> bool:
    """Sample for sample; frames of 20 ms at 8 kHz that say no more than A-law's smallest step are silent."""
    frames = len(said) // 160
    said = said[: frames * 160].reshape(frames, 160)
    wanted = np.where((np.abs(said) > 8 / 32768).any(axis=1)[:, None], said, 0)
    return np.array_equal(track[: frames * 160].reshape(frames, 160), wanted)
