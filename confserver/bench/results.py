"""The figures of a run, whether the server has held, and medians over runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace

from confserver.bench.figures import Figure, Spread, middle

GAP_BAR_S = 0.060
BROKEN_BAR = 0.05
"""Share of segments in which a voice may break off: one hiccup of the whole machine in 10 s makes 0.04."""
OTHERS_BAR = 0.15
"""Cores that others may use before a run counts as disturbed."""
LATE_BAR = 0.001
BUSY_BAR = 0.85
"""Beyond one of these the generator itself was the limit: steps over 10 ms late, share of a core used."""


UNKNOWN = Spread()


@dataclass(frozen=True, slots=True)
class Result:
    """Units stand in the names; None is not measured. Everything of media is of the window alone."""

    callers: int
    rooms: int
    talkers: int
    legs: int
    seconds: float
    # calls
    answered: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    ended_by_server: int = 0
    setup_ms: Spread = UNKNOWN
    left_behind: dict[str, int] | None = None
    # packets to the callers
    expected: int = 0
    received: int = 0
    lost: int = 0
    legs_short: int = 0
    doubled: int = 0
    reordered: int = 0
    broken_timestamps: int = 0
    strange: int = 0
    gap_ms: Spread = UNKNOWN
    jitter_ms: Spread = UNKNOWN
    # packets to the server
    unsent: int = 0
    dropped: int = 0
    # sound
    checked: int = 0
    wrong: int = 0
    worst_deviation_db: Figure = None
    worst_own_db: Figure = None
    worst_other_room_db: Figure = None
    broken_segments: int = 0
    segments: int = 0
    delay_ms: Spread = UNKNOWN
    bursts: int = 0
    bursts_unheard: int = 0
    # cost
    server_cpu_ms: Figure = None
    server_cores: Figure = None
    generator_cpu_ms: Figure = None
    generator_cores: Figure = None
    rss_before_kib: Figure = None
    rss_after_kib: Figure = None
    rss_kib_a_leg: Figure = None
    # the run itself
    late: Figure = None
    very_late: Figure = None
    latest_ms: Figure = None
    realtime: bool = False
    others_cores: Figure = None

    @property
    def is_disturbed(self) -> bool:
        return self.others_cores is not None and self.others_cores > OTHERS_BAR

    @property
    def is_generator_the_limit(self) -> bool:
        return (self.very_late or 0) > LATE_BAR or (self.generator_cores or 0) > BUSY_BAR

    def faults(self) -> list[str]:
        """Why the server has not held, in words; nothing where it has."""
        judged = [
            (self.answered < self.legs, f"{self.legs - self.answered} of {self.legs} calls failed"),
            (self.ended_by_server > 0, f"{self.ended_by_server} calls ended by the server"),
            (self.lost > 0, f"{self.lost} packets lost on the way to the callers"),
            (self.legs_short > 0, f"{self.legs_short} legs got fewer packets than the clock asks for"),
            (self.dropped > 0, f"{self.dropped} packets dropped at the server's sockets"),
            ((self.gap_ms.p99 or 0) >= GAP_BAR_S * 1000, f"gaps of {self.gap_ms.p99 or 0:.0f} ms (p99)"),
            (self.wrong > 0, f"the sound of {self.wrong} of {self.checked} legs is wrong"),
            (
                self.broken_segments > BROKEN_BAR * self.segments,
                f"voices break in {self.broken_segments} of {self.segments} segments",
            ),
            (self.bursts_unheard > 0, f"{self.bursts_unheard} of {self.bursts} bursts were not heard"),
            (bool(self.left_behind), f"left behind: {_listed(self.left_behind or {})}"),
        ]
        return [words for is_so, words in judged if is_so]

    @property
    def has_held(self) -> bool:
        return not self.faults()

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        told = {name: value._asdict() if isinstance(value, Spread) else value for name, value in _items(self)}
        return told | {"held": self.has_held, "faults": self.faults(), "disturbed": self.is_disturbed}


def _items(result: Result) -> list[tuple[str, object]]:
    whole = asdict(result)
    return [
        (one.name, getattr(result, one.name) if one.name in _SPREADS else whole[one.name]) for one in fields(Result)
    ]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


_SPREADS = frozenset(one.name for one in fields(Result) if one.name.endswith("_ms") and one.type == "Spread")
_MEDIANS = tuple(one.name for one in fields(Result) if one.type == "Figure")
_SUMS = (
    "ended_by_server", "expected", "received", "lost", "legs_short", "doubled", "reordered", "broken_timestamps",
    "strange", "unsent", "dropped", "checked", "wrong", "broken_segments", "segments", "bursts", "bursts_unheard",
)  # fmt: skip
"""Counts of faults are added up over runs: none of them may hide behind a median."""


def medians(results: Sequence[Result]) -> Result:
    """Medians of the figures, sums of the faults, the worst of the calls. Raises ValueError for no runs."""
    if not results:
        raise ValueError("medians of nothing")
    worst = min(results, key=lambda one: one.answered)
    left = [one.left_behind for one in results if one.left_behind is not None]
    spreads = {
        name: Spread(*map(middle, zip(*(getattr(one, name) for one in results), strict=True))) for name in _SPREADS
    }
    figures = {name: middle(getattr(one, name) for one in results) for name in _MEDIANS}
    sums = {name: sum(getattr(one, name) for one in results) for name in _SUMS}
    left_behind = max(left, key=len) if left else None
    return replace(worst, left_behind=left_behind, **spreads, **figures, **sums)  # type: ignore[arg-type]
