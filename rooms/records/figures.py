"""What a call's media have come to, in numbers; the focus makes them of the media workers' reports."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one participant, since he came in. *In*: from him; *out*: to him. None: unknown."""

    codec: str = ""
    received: int = 0
    sent: int = 0
    lost: int = 0
    """Packets of his that never came; ``late``: that came too late to be played."""
    late: int = 0
    lost_out: int | None = None
    """Packets of ours that he has missed, by his reports."""
    jitter_ms: float | None = None
    """The mean of all reports; ``jitter_out_ms``: of his."""
    jitter_out_ms: float | None = None
    rtt_ms: float | None = None
    mos_in: float | None = None
    """The mean; ``least_mos_in``: of the worst report."""
    mos_out: float | None = None
    least_mos_in: float | None = None
    least_mos_out: float | None = None
    level_db: float | None = None

    def values(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in COLUMNS}
        return {name: round(value, 2) if isinstance(value, float) else value for name, value in values.items()}


COLUMNS = tuple(each.name for each in fields(Figures))
