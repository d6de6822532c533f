"""Sounds that the scribe has laid ready a moment ago: who is alone, or waits, need not wait for it to say so again."""

from __future__ import annotations

from collections.abc import Sequence

from confserver.contract import Sound

FRESH_S = 5.0
"""So long a file is taken to be as it was, and the scribe to keep what it has made of it."""
MOST_SOUNDS = 100


class Remembered:
    """By file and the rates that were asked for; the oldest make room."""

    def __init__(self) -> None:
        self._sounds: dict[tuple[str, tuple[int, ...]], tuple[float, list[Sound]]] = {}

    def keep(self, path: str, rates: Sequence[int], sounds: list[Sound], now: float) -> None:
        key = path, tuple(rates)
        self._sounds.pop(key, None)
        self._sounds[key] = now + FRESH_S, sounds
        if len(self._sounds) > MOST_SOUNDS:
            del self._sounds[next(iter(self._sounds))]

    def find(self, path: str, rates: Sequence[int], now: float) -> list[Sound] | None:
        """None where it has to be asked for."""
        until, sounds = self._sounds.get((path, tuple(rates)), (now, None))
        return sounds if now < until else None

    def clear(self) -> None:
        """The scribe is lost, and what it had made."""
        self._sounds.clear()
