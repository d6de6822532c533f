"""The search for the highest rate that holds: upwards by a factor, then between the last two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from confserver.bench.figures import Spread

MOST_FAILED = 0.001
MOST_P99_MS = 50.0
GROW = 1.5
NEAR = 0.05
"""The search ends where two rates lie within this share."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one rate was like. cpu_ms: of the signalling process, a task; late_ms: the bench's own worst."""

    rate: float
    begun: int
    failed: int
    wait_ms: Spread
    cores: float
    cpu_ms: float
    late_ms: float = 0.0
    why: str = ""
    """The commonest failure."""
    most_p99_ms: float = MOST_P99_MS

    @property
    def has_held(self) -> bool:
        p99 = self.wait_ms.p99
        return self.failed <= MOST_FAILED * self.begun and p99 is not None and p99 <= self.most_p99_ms

    def words(self) -> str:
        waits = (
            "no answers" if self.wait_ms.p50 is None else f"p50 {self.wait_ms.p50:.1f} p99 {self.wait_ms.p99:.1f} ms"
        )
        held = "held" if self.has_held else f"not held{f' ({self.why})' if self.why else ''}"
        return (
            f"{self.rate:7.1f} a second: {self.begun - self.failed} of {self.begun}, {waits}, {self.cores:.2f} cores, "
            f"{self.cpu_ms:.2f} CPU-ms each: {held}"
        )


def highest(measure: Callable[[float], Step], first: float, most: float) -> tuple[Step | None, list[Step]]:
    """The highest that held, None where not even the first did; and all steps in order."""
    steps: list[Step] = []
    best: Step | None = None
    low, high, rate = 0.0, 0.0, first
    while rate <= most:
        step = measure(rate)
        steps.append(step)
        if not step.has_held:
            high = rate
            break
        best, low, rate = step, rate, rate * GROW
    while best is not None and high and high > low * (1 + NEAR):
        step = measure((low + high) / 2)
        steps.append(step)
        if step.has_held:
            best, low = step, step.rate
        else:
            high = step.rate
    return best, steps
