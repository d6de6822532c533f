"""A recording that has ended, in the format that it is kept in: an original goes when its successor is whole.

Also what an earlier run has left: its files are brought to one length, and kept like all others.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from confserver.scribe.timeline import write_json
from confserver.scribe.wav import lengthen

_BLOCK = 1 << 15
"""Frames converted at a time; libsndfile's Ogg encoders keep what they are given on the stack."""
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Kind:
    """A format that recordings can be kept in."""

    suffix: str
    format: str
    subtype: str
    is_exact: bool


KINDS = {
    "wav": None,
    "flac": Kind(".flac", "FLAC", "PCM_16", True),
    "opus": Kind(".opus", "OGG", "OPUS", False),
}


class NotKept(Exception):
    """A recording that could not be brought into its format; its WAV files stay. The text says why."""


class Shelf:
    """The directory of recordings. It may not be there before the first of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: int | None = None

    def hold(self) -> bool:
        """Whether this is ours alone, and stays so while we live: no other scribe works on what lies there."""
        if self._lock is None and self.directory.is_dir():
            lock = os.open(self.directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                return False
            self._lock = lock
        return self._lock is not None

    def names(self) -> list[str]:
        """Of all recordings."""
        return sorted(place.stem for place in self.directory.glob("*.json"))

    def is_left(self, name: str) -> bool:
        """Whether a recording is not kept yet; what is none of ours is not."""
        try:
            timeline = json.loads((self.directory / f"{name}.json").read_text("utf-8"))
            return timeline["state"] in ("recording", "closed")
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def keep(self, name: str) -> list[str]:
        """Bring a closed recording into its format. Gives its files' names. Raises NotKept."""
        place = self.directory / f"{name}.json"
        try:
            timeline = json.loads(place.read_text("utf-8"))
            kind = KINDS.get(timeline["format"])
            if kind:
                for holder, key in sounds_of(timeline):
                    holder[key] = self._converted(holder[key], kind)
            timeline["state"] = "kept"
            write_json(place, timeline)
        except (OSError, soundfile.SoundFileError, ValueError, KeyError, TypeError) as error:
            raise NotKept(in_words(error)) from error
        return [holder[key] for holder, key in sounds_of(timeline)]

    def _converted(self, name: str, kind: Kind) -> str:
        """Give the name of the successor, which is whole."""
        original = self.directory / name
        successor = original.with_suffix(kind.suffix)
        if successor.exists() and not original.exists():
            return successor.name  # an earlier run has come so far
        half = original.with_suffix(kind.suffix + ".part")
        try:
            _convert(original, half, kind)
            os.replace(half, successor)
        except BaseException:
            with suppress(OSError):
                half.unlink()
            raise
        original.unlink()
        return successor.name

    def repair(self, name: str) -> None:
        """Bring the files of a recording that broke off to one length. Raises NotKept."""
        place = self.directory / f"{name}.json"
        try:
            timeline = json.loads(place.read_text("utf-8"))
            if timeline["state"] != "recording":
                return
            found = [self.directory / holder[key] for holder, key in sounds_of(timeline)]
            lengths = {path: soundfile.info(str(path)).frames for path in found}
            longest, rate_hz = max(lengths.values(), default=0), timeline["rate_hz"]
            for path, frames in lengths.items():
                if frames < longest:
                    lengthen(path, rate_hz, frames, longest)
            timeline |= {"state": "closed", "cause": timeline["cause"] or "broken off"}
            timeline["seconds"] = round(longest / max(rate_hz, 1), 3)
            write_json(place, timeline)
        except (OSError, soundfile.SoundFileError, ValueError, KeyError, TypeError) as error:
            raise NotKept(in_words(error)) from error


def in_words(error: Exception) -> str:
    """For an administrator."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def sounds_of(timeline: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Where the timeline names files with sound; that of the mix first."""
    tracks = [(person, "track") for person in timeline["participants"] if person["track"]]
    return ([(timeline, "mix")] if timeline["mix"] else []) + tracks


def _convert(original: Path, half: Path, kind: Kind) -> None:
    """Raises OSError, or soundfile.SoundFileError, also where the result is not as long as the original."""
    with soundfile.SoundFile(str(original)) as source:
        with soundfile.SoundFile(
            str(half), "w", source.samplerate, 1, subtype=kind.subtype, format=kind.format
        ) as target:  # fmt: skip
            for block in source.blocks(_BLOCK, dtype="int16"):
                target.write(block)
        frames, rate_hz = source.frames, source.samplerate
    descriptor = os.open(half, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    made = soundfile.info(str(half)).frames
    if made < frames or (kind.is_exact and made != frames) or made > frames + rate_hz:
        raise OSError(f"{made} of {frames} samples are in {half.name}")
