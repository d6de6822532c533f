"""Sounds that lie ready in memory, each converted once for each rate, as long as its file stays as it is."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from confserver.contract import Sound
from confserver.scribe.conversion import Source, Target, Unplayable, convert, open_source
from confserver.scribe.memory import Memory

MOST_BYTES = 1 << 30
"""All sounds together; those longest unused go first."""
RATES_HZ = range(1000, 192_001)

Key = tuple[str, int, int, int, int, int]
"""Path, device, inode, time of change, size, rate; and whether two channels are kept, as its sign."""


@dataclass(frozen=True, slots=True)
class _Kept:
    sound: Sound
    size: int


class Sounds:
    """Any thread may ask; a file is converted by one of them at a time."""

    def __init__(self, memory: Memory, most_bytes: int | None = None) -> None:
        self._memory = memory
        self._most_bytes = min(MOST_BYTES, memory.free_bytes // 2) if most_bytes is None else most_bytes
        self._kept: dict[Key, _Kept] = {}
        """By last use, the oldest first."""
        self._used_bytes = 0
        self._numbers = itertools.count(1)
        self._guard = threading.Lock()
        self._at_work: dict[str, threading.Lock] = {}

    def lay_ready(self, path: str, rates: Sequence[int], stereo: bool) -> list[Sound]:
        """Give a sound for each rate. Raises Unplayable."""
        for rate in rates:
            if rate not in RATES_HZ:
                raise Unplayable(f"it cannot be played at {rate} Hz")
        with self._alone(path):
            source = open_source(path, stereo)
            try:
                return self._of(source, path, rates)
            except OSError as error:
                raise Unplayable(f"there is no memory for it: {error.strerror or error}") from error
            finally:
                source.close()

    def _alone(self, path: str) -> threading.Lock:
        with self._guard:
            if len(self._at_work) > 1000:
                self._at_work = {name: lock for name, lock in self._at_work.items() if lock.locked()}
            return self._at_work.setdefault(path, threading.Lock())

    def _of(self, source: Source, path: str, rates: Sequence[int]) -> list[Sound]:
        keys = {rate: _key(path, source, rate) for rate in rates}
        with self._guard:
            found = {rate: sound for rate, key in keys.items() if (sound := self._used(key))}
        missing = {rate: key for rate, key in keys.items() if rate not in found}
        if missing:
            found |= self._make(source, missing, frozenset(keys.values()))
        return [found[rate] for rate in rates]

    def _used(self, key: Key) -> Sound | None:
        """What lies ready, None where nothing does; from now on it is the one used last."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return None
        if not Path(kept.sound.path).exists():
            self._used_bytes -= kept.size
            return None
        self._kept[key] = kept
        return kept.sound

    def _make(self, source: Source, keys: dict[int, Key], wanted: frozenset[Key]) -> dict[int, Sound]:
        taken: Counter[Path] = Counter()
        targets: list[Target] = []
        try:
            for rate in keys:
                place = self._memory.path / f"{next(self._numbers)}.raw"
                targets.append(Target(place, source, rate, partial(self._take, taken, place, wanted)))
            convert(source, targets)
        except BaseException:
            for target in targets:
                target.close()
                with suppress(OSError):
                    target.path.unlink()
            with self._guard:
                self._used_bytes -= taken.total()
            raise
        made: dict[int, Sound] = {}
        with self._guard:
            for target in targets:
                target.close()
                made[target.rate_hz] = target.sound()
                self._kept[keys[target.rate_hz]] = _Kept(made[target.rate_hz], taken[target.path])
        return made

    def _take(self, taken: Counter[Path], place: Path, wanted: frozenset[Key], size: int) -> None:
        """Take so much of the memory; what has not been used for longest makes room. Raises Unplayable."""
        with self._guard:
            while self._used_bytes + size > self._most_bytes:
                oldest = next((key for key in self._kept if key not in wanted), None)
                if oldest is None:
                    raise Unplayable(f"it is too long: all sounds have {self._most_bytes >> 20} MB of memory")
                gone = self._kept.pop(oldest)
                self._used_bytes -= gone.size
                with suppress(OSError):
                    Path(gone.sound.path).unlink()
            self._used_bytes += size
            taken[place] += size

    def forget(self, path: str) -> None:
        """Its file is deleted: what lies ready of it goes as well. Who plays it just now has it to the end."""
        with self._guard:
            for key in [key for key in self._kept if key[0] == path]:
                gone = self._kept.pop(key)
                self._used_bytes -= gone.size
                with suppress(OSError):
                    Path(gone.sound.path).unlink()

    def describe(self) -> dict[str, float]:
        with self._guard:
            return {"sounds": len(self._kept), "sound_bytes": self._used_bytes}


def _key(path: str, source: Source, rate_hz: int) -> Key:
    told = source.told()
    return path, told.st_dev, told.st_ino, told.st_mtime_ns, told.st_size, rate_hz * (-1 if source.channels > 1 else 1)
