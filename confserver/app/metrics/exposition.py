"""Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4"
Labels = Mapping[str, str]
Value = tuple[Labels, float]


@dataclass(slots=True)
class Histogram:
    """How many values were at most so large."""

    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list)
    """Of each bound, not added up; the last one: above all bounds."""
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its samples. ``kind``: counter, gauge or histogram."""

    name: str
    kind: str
    help: str
    values: Sequence[Value] = ()
    histograms: Sequence[tuple[Labels, Histogram]] = ()


def page(families: Iterable[Family]) -> str:
    return "".join(line + "\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.values:
        yield f"{family.name}{_labels(labels)} {number(value)}"
    for labels, histogram in family.histograms:
        so_far = 0
        for bound, count in zip([*histogram.bounds, math.inf], histogram.counts, strict=True):
            so_far += count
            yield f"{family.name}_bucket{_labels({**labels, 'le': number(bound)})} {so_far}"
        yield f"{family.name}_sum{_labels(labels)} {number(histogram.total)}"
        yield f"{family.name}_count{_labels(labels)} {so_far}"


def _labels(labels: Labels) -> str:
    told = ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
