"""Makes speech.wav from speech.txt: `python make.py`, with espeak-ng on the path. Run by hand, not by the tests.

8 kHz mono, 16 bits. Each line is "voice: text"; the voices are the variants of espeak-ng's "en".
"""

from __future__ import annotations

import io
import subprocess
import wave
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RATE = 8000
PEAK = 0.6
NOISE_DB = -60
"""Of full scale, as of a quiet office: without any, P.862 hears nothing but the noise of G.711 between the words."""
TAPS = 601


def spoken(voice: str, text: str) -> np.ndarray:
    """One line, at RATE: low-passed at 3.7 kHz, then read between the samples."""
    command = ["espeak-ng", "-v", f"en+{voice}", "-s", "175", "--stdout", text]
    with wave.open(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout)) as file:
        rate = file.getframerate()
        file.setpos(0)
        data = file.readframes(10_000_000)
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32768
    taps = np.arange(TAPS) - TAPS // 2
    low = np.sinc(2 * 3700 / rate * taps) * np.hamming(TAPS)
    smooth = np.convolve(samples, low / low.sum(), "same")
    fine = np.fft.irfft(np.pad(np.fft.rfft(smooth), (0, len(smooth) * 3 // 2)), len(smooth) * 4) * 4
    at = np.arange(0, len(smooth) / rate, 1 / RATE)
    return np.interp(at, np.arange(len(fine)) / (rate * 4), fine)


def main() -> None:
    pause = np.zeros(RATE // 2)
    lines = [line.split(": ", 1) for line in (HERE / "speech.txt").read_text().splitlines()]
    sound = np.concatenate([part for voice, text in lines for part in (pause, spoken(voice, text))] + [pause])
    noise = np.random.default_rng(1).normal(0, 10 ** (NOISE_DB / 20), len(sound))
    whole = np.round((sound / np.abs(sound).max() * PEAK + noise) * 32767).astype("<i2")
    with wave.open(str(HERE / "speech.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(whole.tobytes())


if __name__ == "__main__":
    main()
