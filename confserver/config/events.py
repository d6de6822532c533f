"""How what happens is told to programs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from confserver.config.sip import Section


class Events(Section, frozen=True):
    """What happens, told live to programs."""

    memory_mb: Annotated[
        int,
        Meta(
            ge=1,
            le=1024,
            description="Megabytes of the last events that are kept in memory, so that a reader who was cut off can "
            "go on where he was.",
        ),
    ] = 8
    readers: Annotated[int, Meta(ge=0, le=10000, description="Most readers of event streams at once; 503 to more.")] = (
        100
    )
