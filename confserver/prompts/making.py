"""Makes prompts from a list of texts: spoken by espeak-ng, trimmed, brought to one level, kept as FLAC."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from confserver.prompts.catalogue import LIST, SUFFIX, Texts

Samples = NDArray[np.float32]

RATE_HZ = 16000
SPEECH_DBOV = -20.0
"""RMS of the speech itself; 0 is that of the loudest square wave (ITU-T G.100.1)."""
MOST_PEAK = 0.9
_FRAME = RATE_HZ // 100
_BEFORE, _AFTER = RATE_HZ // 50, RATE_HZ // 16
"""What is left of the silence around the words."""
_SILENT_DB = -40.0
"""Below the loudest 10 ms by so much nothing is said."""
_ACTIVE_DB = -20.0
"""Frames no softer than this count for the level: about what the method of ITU-T P.56 takes for active."""
SPEECH_BITS = 11
"""What is left out lies 50 dB below the speech, where a telephone's codec leaves out 38 (G.711)."""
_MOST_SECONDS = 60.0


class MakingError(Exception):
    """What could not be made; one line for the administrator."""


def make_all(texts: Texts, directory: Path, tell: Callable[[str], None]) -> None:
    """Speak all texts into a directory, and write the list beside them. Raises MakingError."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise MakingError("espeak-ng is not installed")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in texts.texts.items():
            samples = polished(spoken(program, texts, text))
            write(directory / f"{name}{SUFFIX}", samples)
            tell(f"{name}: {len(samples) / RATE_HZ:.1f} s")
        if not (directory / LIST).exists():
            (directory / LIST).write_text(as_toml(texts), encoding="utf-8")
    except OSError as error:
        raise MakingError(f"{error.filename or directory}: {error.strerror or error}") from error


def spoken(program: str, texts: Texts, text: str) -> Samples:
    """What espeak-ng makes of a text, at RATE_HZ. Raises MakingError."""
    words = [program, "-v", texts.voice, "-s", str(texts.words_a_minute), "--stdout", "--stdin"]
    try:
        done = subprocess.run(words, input=text.encode(errors="replace"), capture_output=True, check=True, timeout=30)
        samples, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    except subprocess.CalledProcessError as error:
        raise MakingError(f"espeak-ng: {error.stderr.decode(errors='replace').strip()[:200]}") from error
    except (subprocess.TimeoutExpired, soundfile.LibsndfileError) as error:
        raise MakingError(f"espeak-ng does not say {text[:40]!r}: {error}") from error
    return np.asarray(soxr.resample(samples[: int(_MOST_SECONDS * rate)], rate, RATE_HZ, "VHQ"), np.float32)


def polished(samples: Samples) -> Samples:
    """Without the silence around it, at SPEECH_DBOV. Raises MakingError where nothing is to be heard."""
    power = _power(samples)
    if not len(power) or power.max() < 1e-8:
        raise MakingError("nothing is to be heard")
    said = np.flatnonzero(power > power.max() * 10 ** (_SILENT_DB / 10))
    start = max(int(said[0]) * _FRAME - _BEFORE, 0)
    samples = samples[start : (int(said[-1]) + 1) * _FRAME + _AFTER]
    gain = 10 ** ((SPEECH_DBOV - speech_dbov(samples)) / 20)
    gain = min(gain, MOST_PEAK / float(np.abs(samples).max()))
    edge = np.minimum(np.arange(1, len(samples) + 1), _FRAME) / _FRAME
    return np.asarray(samples * (gain * edge * edge[::-1]), np.float32)


def speech_dbov(samples: Samples) -> float:
    """Level of the speech alone, without its pauses."""
    power = _power(samples)
    active = power[power > power.max() * 10 ** (_ACTIVE_DB / 10)]
    return float(10 * np.log10(active.mean()))


def _power(samples: Samples) -> NDArray[np.float64]:
    """Mean square of every 10 ms."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    return np.asarray((frames**2).mean(axis=1))


def write(path: Path, samples: Samples, bits: int = SPEECH_BITS) -> None:
    """FLAC leaves out the low bits that are zero everywhere."""
    steps = 1 << (bits - 1)
    coarse = np.round(samples * steps) / steps
    soundfile.write(path, coarse, RATE_HZ, format="FLAC", subtype="PCM_16", compression_level=1.0)


def as_toml(texts: Texts) -> str:
    """A text list as it is read."""
    lines = [f"language = {_quoted(texts.language)}", f"voice = {_quoted(texts.voice)}"]
    lines += [f"words_a_minute = {texts.words_a_minute}", ""]
    if texts.forms:
        lines += ["[forms]", *(f"{name} = {_quoted(form)}" for name, form in texts.forms.items()), ""]
    lines += ["[texts]"]
    lines += [f"{name} = {_quoted(text)}" for name, text in texts.texts.items()]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A basic string of TOML 1.0."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
