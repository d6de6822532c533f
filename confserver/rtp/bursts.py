"""Bursts of loss and the gaps between them (RFC 3611 section 4.7.2), from which packets came and which did not.

A burst begins and ends with a loss and holds no GMIN packets in a row that came; a loss with so many before and after
it lies in a gap. Both are counted as they are defined; the state model of Appendix A.2 only estimates them.
"""

from __future__ import annotations

from dataclasses import dataclass

GMIN = 16
"""So many packets in a row must come for a burst to be over (section 4.7.2 recommends it)."""


@dataclass(frozen=True, slots=True)
class BurstsAndGaps:
    """Densities: shares of lost packets in bursts and in gaps, 0 to 1. Lengths: the mean ones, in packets."""

    burst_density: float = 0.0
    gap_density: float = 0.0
    burst_length: float = 0.0
    gap_length: float = 0.0


@dataclass(slots=True)
class Bursts:
    """Counts since the beginning of a stream. A *cluster*: losses with less than GMIN packets between them."""

    expected: int = 0
    """Packets of the stream so far; to be kept true by whoever has counted them."""
    lost: int = 0
    runs: int = 0
    """Of losses without a packet between them."""
    _last: int = -GMIN - 1
    """Place of the last loss in the stream; ``_start``: of the first one of the last cluster."""
    _start: int = 0
    _cluster: int = 0
    """Losses in it."""
    _first_burst: int = -1
    """Where it begins."""
    _bursts: int = 0
    """That are over; so many packets are in them, and so many of these lost."""
    _inside: int = 0
    _lost_inside: int = 0

    def lose(self, place: int) -> None:
        """The packet at this place of the stream, the first being 0, is lost. Places come in their order."""
        since, self._last = place - self._last - 1, place
        self.lost += 1
        self.runs += since > 0
        if self._cluster and since < GMIN:
            self._cluster += 1
            self._first_burst = self._start if self._first_burst < 0 else self._first_burst
            return
        if self._cluster > 1:
            before = place - since - 1
            self._bursts += 1
            self._inside += before - self._start + 1
            self._lost_inside += self._cluster
        self._start, self._cluster = place, 1

    def measured(self) -> BurstsAndGaps:
        """What they come to by now, as if the last burst were over. What is before the first counts as a gap."""
        is_open = self._cluster > 1
        bursts = self._bursts + is_open
        inside = self._inside + (self._last - self._start + 1) * is_open
        lost = self._lost_inside + self._cluster * is_open
        outside = self.expected - inside
        gaps = bursts - 1 + (self._first_burst > 0) + (not is_open or self._last < self.expected - 1)
        return BurstsAndGaps(
            burst_density=lost / inside if inside else 0.0,
            gap_density=(self.lost - lost) / outside if outside else 0.0,
            burst_length=inside / bursts if bursts else 0.0,
            gap_length=outside / max(gaps, 1),
        )

    @property
    def loss(self) -> float:
        return self.lost / self.expected if self.expected else 0.0

    @property
    def mean_run(self) -> float:
        """Of losses behind each other."""
        return self.lost / self.runs if self.runs else 0.0
