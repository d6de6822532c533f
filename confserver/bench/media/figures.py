"""What a window was like, and the arithmetic of capacity, memory and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from confserver.bench.figures import Figure, Spread
from confserver.bench.results import BUSY_BAR, LATE_BAR, OTHERS_BAR

FULL = 0.70
"""Share of the tick's time beyond which a worker says that it is overloaded; capacity is what makes so much."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A window of a worker (of the floor: what is in the first block). cpu_s: user and system time of its process."""

    legs: int
    seconds: float
    cpu_s: float
    # ticks
    ticks: int = 0
    missed: int = 0
    longest_ms: Figure = None
    """Of all ticks since the worker began."""
    load: Figure = None
    faults: int = 0
    rss_kib: int = 0
    # what the phones got
    received: int = 0
    lost: int = 0
    legs_short: int = 0
    gap_ms: Spread = field(default_factory=Spread)
    octets: int = 0
    control: int = 0
    strange: int = 0
    unsent: int = 0
    # the run itself
    very_late: Figure = None
    generator_cores: Figure = None
    others_cores: Figure = None
    realtime: bool = False

    @property
    def cpu_ms(self) -> float:
        """For each participant and second."""
        return self.cpu_s * 1000 / (max(self.legs, 1) * self.seconds)

    @property
    def share(self) -> float:
        """Of a core."""
        return self.cpu_s / self.seconds

    @property
    def in_time(self) -> float:
        """Share of the ticks that came when they should."""
        return 1 - self.missed / max(self.ticks, 1)

    @property
    def packet_bytes(self) -> float:
        """Mean, with the RTP header."""
        return self.octets / max(self.received, 1)

    @property
    def is_whole(self) -> bool:
        """Nothing lost, every leg served, no fault."""
        return not (self.lost or self.legs_short or self.faults)

    def remarks(self) -> list[str]:
        """What should be known before the figures are believed."""
        told = [
            ((self.very_late or 0) > LATE_BAR or (self.generator_cores or 0) > BUSY_BAR,
             "the generator could not keep its own clock"),
            ((self.others_cores or 0) > OTHERS_BAR, f"other programs used {self.others_cores or 0:.2f} cores"),
            (self.faults > 0, f"{self.faults} faults in the worker"),
            (self.unsent > 0, f"{self.unsent} packets of the generator were not sent"),
        ]  # fmt: skip
        return [words for is_so, words in told if is_so]


def ratio(stretch: Stretch, floor: Stretch) -> float:
    """How many times the kernel's own cost. Raises ValueError for a floor of nothing."""
    if floor.cpu_ms <= 0:
        raise ValueError("the floor has taken no time")
    return stretch.cpu_ms / floor.cpu_ms


def capacity(points: Sequence[tuple[int, float]], full: float = FULL) -> int:
    """Legs at which a core is so full: the line of least squares through (legs, share). Raises ValueError.

    Two sizes at least; a load that does not grow says nothing.
    """
    sizes = {legs for legs, _ in points}
    if len(sizes) < 2:
        raise ValueError("capacity from fewer than two sizes")
    mean_x = sum(legs for legs, _ in points) / len(points)
    mean_y = sum(share for _, share in points) / len(points)
    slope = sum((legs - mean_x) * (share - mean_y) for legs, share in points)
    slope /= sum((legs - mean_x) ** 2 for legs, _ in points)
    if slope <= 0:
        raise ValueError("the load does not grow with the legs")
    return int(max(mean_x + (full - mean_y) / slope, 0.0))


def memory_a_leg(before: Stretch, after: Stretch) -> float:
    """kB (1000 bytes) by which the worker has grown for each leg. Raises ValueError where no leg has come."""
    more = after.legs - before.legs
    if more <= 0:
        raise ValueError("no more legs than before")
    return (after.rss_kib - before.rss_kib) * 1.024 / more


def cost_of_srtp_us(protected: Stretch, plain: Stretch) -> float:
    """Microseconds a packet each way: a leg has 50 packets a second of each."""
    return (protected.cpu_ms - plain.cpu_ms) * 1000 / 100
