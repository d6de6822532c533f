"""A few words of statistics."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

Figure = float | None
"""None: not measured."""


class Spread(NamedTuple):
    """Quantiles of a set of values."""

    p50: Figure = None
    p95: Figure = None
    p99: Figure = None
    max: Figure = None


def quantile(values: list[float], share: float) -> float:
    """The least value that at least ``share`` of the values do not exceed. Raises ValueError for no values."""
    if not values:
        raise ValueError("a quantile of nothing")
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def spread(values: Iterable[float], scale: float = 1.0) -> Spread:
    """All None where there are no values."""
    scaled = [float(value) * scale for value in values]
    if not scaled:
        return Spread()
    return Spread(*(quantile(scaled, share) for share in (0.50, 0.95, 0.99, 1.0)))


def middle(values: Iterable[Figure]) -> Figure:
    """The median of those that were measured."""
    known = [value for value in values if value is not None]
    return median(known) if known else None
