"""Names as their owners have said them: trimmed, brought to the level of prompts, kept until they are dropped.

They lie in a directory of their own beside the state, for nobody else's eyes: they are no recordings, and no listing of
those shows them. What an earlier run has left there goes when the server starts (``app``).
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
import soxr

from confserver.prompts.making import RATE_HZ, MakingError, Samples, polished, write

SUFFIX = ".flac"
LEAST_S = 0.15
"""What is shorter is a click."""
MOST_BYTES = 2 * 48000 * 12
_MOST_GAIN = 10 ** (30 / 20)
"""What is softer yet is no voice but a line's noise."""
_LEAST_SWING = 10 ** (6 / 10)
"""Between the loud and the soft of it: noise has 3 dB, a voice 15 and more."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}\Z")


class NotKept(Exception):
    """Nothing is kept; the text says why."""


class OwnNames:
    """One file a name. Any thread may ask."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._guard = threading.Lock()

    def keep(self, name: str, rate_hz: int, samples: bytes) -> Path:
        """Write it, in place of an earlier one. Raises NotKept."""
        place = self._place(name)
        said = _said(rate_hz, samples)
        draft = place.with_suffix(".draft")
        with self._guard:
            try:
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
                write(draft, said)
                draft.replace(place)
            except (OSError, soundfile.SoundFileError, RuntimeError) as error:
                with suppress(OSError):
                    draft.unlink()
                raise NotKept(f"it cannot be written: {getattr(error, 'strerror', None) or error}") from error
        return place

    def drop(self, name: str) -> Path:
        """Whether it is there or not. Raises NotKept."""
        place = self._place(name)
        try:
            with self._guard:
                place.unlink(missing_ok=True)
        except OSError as error:
            raise NotKept(f"{place.name} cannot be deleted: {error.strerror or error}") from error
        return place

    def _place(self, name: str) -> Path:
        if not _NAME.match(name):
            raise NotKept("no file can be called so")
        return self.directory / f"{name}{SUFFIX}"


def _is_steady(raw: Samples, frame: int) -> bool:
    """A noisy line sounds all the time, though nobody says anything."""
    frames = raw[: len(raw) // frame * frame].reshape(-1, frame)
    soft, loud = np.percentile(np.vecdot(frames, frames), (5, 95))
    return bool(loud < soft * _LEAST_SWING)


def _said(rate_hz: int, samples: bytes) -> Samples:
    """Raises NotKept where there is nothing to be heard."""
    if len(samples) % 2 or len(samples) > MOST_BYTES or not 4000 <= rate_hz <= 192_000:
        raise NotKept("it is no sound")
    raw = np.frombuffer(samples, np.int16).astype(np.float32) / np.float32(32768)
    if len(raw) < LEAST_S * rate_hz:
        raise NotKept("nothing is to be heard")
    if _is_steady(raw, rate_hz // 50):
        raise NotKept("it is noise, or one steady tone")
    at_rate = raw if rate_hz == RATE_HZ else np.asarray(soxr.resample(raw, rate_hz, RATE_HZ, "VHQ"), np.float32)
    try:
        said = polished(at_rate)
    except MakingError as error:
        raise NotKept(str(error)) from error
    loudest = float(np.abs(said).max()) / max(float(np.abs(at_rate).max()), 1e-9)
    return said if loudest <= _MOST_GAIN else np.asarray(said * np.float32(_MOST_GAIN / loudest), np.float32)
