"""What a store is asked to write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """One statement and its named values, ``at`` among them."""

    sql: str
    values: dict[str, Any]
