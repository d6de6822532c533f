"""Stretches of time, few numbers for many: who spoke when, who was muted when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MOST_SPANS = 600
"""Kept of one kind for one person. Where there are more, those nearest to each other become one."""
LEAST_GAP_S = 0.3


@dataclass(slots=True)
class Spans:
    """From beginnings and ends as they come; times are epoch seconds."""

    done: list[tuple[float, float]] = field(default_factory=list)
    since: float | None = None
    """When the one that lasts has begun."""
    count: int = 0
    """How often it has begun, also where spans have grown together."""
    _total_s: float = 0.0
    _least_gap_s: float = LEAST_GAP_S

    def begin(self, at: float) -> None:
        if self.since is None:
            self.since = at
            self.count += 1

    def end(self, at: float) -> None:
        if self.since is None:
            return
        begun, self.since = self.since, None
        at = max(at, begun)
        self._total_s += at - begun
        self._add(begun, at)
        if len(self.done) > MOST_SPANS:
            self._coarsen()

    def total_s(self, now: float) -> float:
        return self._total_s + (max(now - self.since, 0.0) if self.since is not None else 0.0)

    def _add(self, begun: float, ended: float) -> None:
        if self.done and begun - self.done[-1][1] < self._least_gap_s:
            self.done[-1] = self.done[-1][0], ended
        else:
            self.done.append((begun, ended))

    def _coarsen(self) -> None:
        """Let the shortest gaps go until half as many are left; those to come grow together by the same measure."""
        gaps = sorted(later[0] - earlier[1] for earlier, later in zip(self.done, self.done[1:], strict=False))
        self._least_gap_s = max(gaps[len(gaps) // 2], self._least_gap_s)
        old, self.done = self.done, []
        for begun, ended in old:
            self._add(begun, ended)
        if len(self.done) > MOST_SPANS:  # all gaps alike
            self.done = [(a[0], b[1]) for a, b in zip(self.done[::2], [*self.done[1::2], self.done[-1]], strict=False)]

    def packed(self, start: float, now: float) -> list[int]:
        """Tenths of a second, by turns without and with, from ``start`` on: [12, 30]: 1.2 s later, for 3 s."""
        last, told = 0, []
        for begun, ended in [*self.done, *([(self.since, now)] if self.since is not None else [])]:
            first, past = max(round((begun - start) * 10), last), round((ended - start) * 10)
            if past > first:
                told += [first - last, past - first]
                last = past
        return told


def unpacked(told: Any, start: float) -> list[tuple[float, float]]:
    """The other way round; what makes no sense is left out."""
    spans: list[tuple[float, float]] = []
    at = 0
    if not isinstance(told, list) or not all(isinstance(each, int) and each >= 0 for each in told):
        return spans
    for gap, length in zip(told[::2], told[1::2], strict=False):
        spans.append((start + (at + gap) / 10, start + (at + gap + length) / 10))
        at += gap + length
    return spans
